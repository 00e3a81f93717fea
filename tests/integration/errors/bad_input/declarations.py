"""Declarations that are wrong: exit 78 for a file, 65 where only the hot table shows it."""

from __future__ import annotations

from collections.abc import Callable

from tests.integration.errors.bad_input.case import CORRECT_IT, RECORDED, Case, words
from tests.integration.errors.bad_input.world import World
from tests.support.command_line import TRADES

BAD = TRADES.replace('"trades"', '"bad"').replace("cold.trades", "cold.bad")
KEY, PARTITION = 'key = ["symbol", "trade_id"]', 'partition = [{ column = "exchange_timestamp", transform = "day" }]'


def file(content: str | bytes) -> Callable[[World], object]:
    """A second declaration beside that of `trades`, and its hot table."""

    def given(world: World) -> None:
        world.file("tables/bad.toml", content)
        world.sql("CREATE TABLE bad AS trades", "INSERT INTO bad SELECT * FROM trades")

    return given


def changed(old: str, new: str) -> Callable[[World], object]:
    """The same, with a wrong field."""
    assert old in BAD, old
    return file(BAD.replace(old, new))


def wrong(name: str, command: str, given: Callable[[World], object], expected: str, found: str) -> Case:
    """A file that every command refuses which reads declarations."""
    return Case(name, words(command), 78, expected, found, CORRECT_IT, given=given)


def unfit(name: str, command: str, given: Callable[[World], object], *parts: str) -> Case:
    """A file that the hot table contradicts."""
    records = RECORDED if command.startswith(("run", "adopt")) else frozenset[str]()
    return Case(name, words(command), 65, *parts, given=given, records=records)


def folder(world: World) -> None:
    """A folder of the name of a declaration."""
    (world.folder / "tables/bad.toml").mkdir()


def dangling(world: World) -> None:
    """A link to a declaration that was removed."""
    (world.folder / "tables/bad.toml").symlink_to("nowhere")


FILES = [
    wrong("no TOML", "tables", file("name = ["), "TOML in bad.toml", "Invalid value"),
    wrong("an empty file", "run trades", file(""), "fields layer, name, sequence", "no layer, name, sequence"),
    wrong("a file that is not UTF-8", "plan", file(b'name = "\xff"'), "text in UTF-8 in bad.toml", "0xff"),
    wrong("a byte order mark", "audit trades", file(b"\xef\xbb\xbf" + BAD.encode()), "TOML in bad.toml", "line 1"),
    wrong("a folder for a file", "tables", folder, "text in UTF-8 in bad.toml", "Is a directory"),
    wrong("a link to nothing", "adopt trades", dangling, "text in UTF-8 in bad.toml", "No such file"),
    wrong("a field twice", "adopt trades", file(f'{BAD}name = "x"\n'), "TOML in bad.toml", "Cannot overwrite"),
    wrong("an unknown field", "audit", changed("\nkey =", "\nkeys ="), "arrival, timestamp_follows_key", "field keys"),
    wrong("a number for a name", "watermark show trades", changed('name = "bad"', "name = 5"), "name as str", "5"),
    wrong("an empty name of a table", "tables", changed('name = "bad"', 'name = ""'), "name of the form", "''"),
    wrong("a slash in the name of a table", "plan", changed('name = "bad"', 'name = "a b/c"'), "name of", "'a b/c'"),
    wrong(
        "one target twice", "watermark repair trades", changed("cold.bad", "cold.trades"), "a target of its", "bad.toml"
    ),
    wrong(
        "one source twice", "plan trades", changed('source = "bad"', 'source = "trades"'), "a source of its", "bad.toml"
    ),
    wrong("one name twice", "tables", changed('name = "bad"', 'name = "trades"'), "a name of its own", "bad.toml"),
    wrong("a key column twice", "run bad", changed(KEY, 'key = ["symbol", "symbol"]'), "key without rep", "'symbol'"),
    wrong(
        "a sort column twice", "plan bad", changed('sort = ["', 'sort = ["symbol", "'), "sort without", "'symbol', 'sym"
    ),
    wrong(
        "a key that is delivery",
        "run bad",
        changed('delivery = ["', 'delivery = ["trade_id", "'),
        "delivery of",
        "trade_id",
    ),
    wrong("a list of numbers", "run bad", changed(KEY, "key = [1, 2]"), "key as a list of str", "[1, 2]"),
    wrong(
        "partition: no such transform",
        "run bad",
        file(BAD + PARTITION.replace("day", "hour")),
        "('day', 'month'",
        "'hour'",
    ),
    wrong(
        "partition: a list", "run bad", file(BAD + 'partition = [["exchange_timestamp", "day"]]'), "list of dict", "[['"
    ),
    wrong(
        "partition: a number", "plan", file(BAD + PARTITION.replace('"exchange_timestamp"', "5")), "{column, tr", "5"
    ),
    wrong(
        "partition: one field twice",
        "run bad",
        file(f"{BAD}{PARTITION[:-1]}, {PARTITION.removeprefix('partition = [')}"),
        "partition without repetitions",
        "exchange_timestamp",
    ),
]
ROLES = [
    unfit(
        "no such key",
        "plan bad",
        changed(KEY, 'key = ["nowhere"]'),
        "nowhere (key)",
        "columns symbol",
        "another column",
    ),
    unfit(
        "an empty column",
        "run bad",
        changed('timestamp = "exchange_timestamp"', 'timestamp = ""'),
        "(timestamp)",
        "columns",
        "another column",
    ),
    unfit(
        "a timestamp that is no time",
        "run bad",
        changed('timestamp = "exchange_timestamp"', 'timestamp = "price"'),
        "a DateTime or DateTime64 column price",
        "type Decimal(18, 8)",
        "--timestamp-col or in the declaration",
    ),
    unfit(
        "a sequence that is no integer",
        "plan bad",
        changed('sequence = "sequence_number"', 'sequence = "symbol"'),
        "an integer sequence column symbol",
        "type LowCardinality(String)",
        "--sequence-col or in the declaration",
    ),
    unfit(
        "partition: the day of a text",
        "run bad",
        file(BAD + PARTITION.replace("exchange_timestamp", "symbol")),
        "a date or a time in bad to partition by day",
        "column symbol of type LowCardinality(String)",
        "correct partition in the declaration",
    ),
    unfit(
        "partition: no such column",
        "plan bad",
        file(BAD + PARTITION.replace("exchange_timestamp", "nowhere")),
        "nowhere (partition) in bad",
        "columns symbol",
        "name another column",
    ),
]

CASES = [*FILES, *ROLES]
