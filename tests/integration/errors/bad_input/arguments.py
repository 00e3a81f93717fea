"""Names, flags and times that are wrong: exit 64, and nothing was opened."""

from __future__ import annotations

from tests.integration.errors.bad_input.case import RECORDED, Case, words
from tests.integration.errors.bad_input.world import World

LONG = "t" * 300
BY_FLAGS = "--timestamp-col exchange_timestamp --sequence-col sequence_number --layer bronze"
DECLARED, NAME = "one of the declared tables trades", "a name like market.trades in"
ISO = ("a time such as 2026-01-31T12:00:00Z", "write it as ISO 8601")


def other_table(world: World) -> None:
    """A table that is not declared."""
    world.sql("CREATE TABLE other AS trades", "INSERT INTO other SELECT * FROM trades")


NAMES = [
    Case("a table in three parts", words("run market.trades.x"), 64, DECLARED, "'market.trades.x'", "offload tables"),
    Case("a blank in a name", words("plan", "tra des"), 64, DECLARED, "did you mean trades?", "offload tables"),
    Case("a quote in a name", words("audit", "trades'"), 64, DECLARED, '"trades\'"', "offload tables"),
    Case("letters beyond ASCII", words("adopt", "trädes"), 64, DECLARED, "'trädes'; did you mean", "offload tables"),
    Case("300 letters", words(f"watermark show {LONG}"), 64, DECLARED, repr("t" * 80), "offload tables"),
    Case("an empty name", words("run", ""), 64, DECLARED, "''", "offload tables"),
    Case("capitals", words("watermark repair Trades"), 64, DECLARED, "did you mean trades?", "offload tables"),
    Case("unknown to the store", words("forget tradse"), 64, "that offload status lists", "'tradse'", "offload status"),
    Case(
        "an injection into the store",
        words("forget", "trades'; DROP TABLE offload_watermarks; --"),
        64,
        "a table that offload status lists",
        "DROP TABLE",
        "offload status",
    ),
    Case("init: a blank in a name", words("init", "tra des"), 64, f"{NAME} TABLE", "'tra des'", "offload tables"),
    Case("init: an empty target", words("init trades --target", ""), 64, f"{NAME} --target", "''", "offload tables"),
    Case(
        "init: no namespace",
        words("init trades --target trades"),
        64,
        "such as cold.trades, in --target",
        "'trades'",
        "correct --target",
    ),
    Case("init: another database", words("init other.trades"), 65, "other.trades in ClickHouse", "no table", "tables"),
    Case(
        "a line break in a source",
        words(f"run --target-table cold.x {BY_FLAGS} --source-table", "trades\n"),
        64,
        f"{NAME} --source-table",
        r"'trades\n'",
        "offload tables",
    ),
    Case(
        "the target of another table",
        words(f"run --source-table other --target-table cold.trades {BY_FLAGS}"),
        64,
        "a target of its own for other",
        "cold.trades, that of trades",
        "correct --target-table",
        given=other_table,
    ),
    Case(
        "a target of 300 letters",
        words(f"run --source-table other --target-table cold.{LONG} {BY_FLAGS}"),
        78,
        "names that folder {folder}/warehouse can store",
        "ttt",
        "a shorter name",
        given=other_table,
        records=RECORDED,
    ),
    Case(
        "a column beyond ASCII",
        words(f"run --source-table other --target-table cold.x {BY_FLAGS} --key-cols", "sëq"),
        65,
        "a column sëq (key) in other",
        "columns symbol, trade_id",
        "name another column",
        given=other_table,
        records=RECORDED,
    ),
]


def usage(name: str, command: tuple[str, ...], found: str, helped: str) -> Case:
    """A command line that the help of the command contradicts."""
    return Case(name, command, 64, f"a command as {helped} --help shows it", found, f"{helped} --help")


def empty(command: str, flag: str, value: str = "") -> Case:
    """A flag with the value of a variable that is not set."""
    name = f"{command.partition(' ')[0]}: {value!r} after {flag}"
    return Case(name, words(f"{command} {flag}", value), 64, f"a value after {flag}", repr(value), f"leave {flag} out")


FLAGS = [
    usage("tables takes no table", words("tables trades"), "(trades)", "offload tables"),
    usage("tables has no layer", words("tables --layer bronze"), "--layer", "offload tables"),
    usage("status takes no table", words("status trades"), "(trades)", "offload status"),
    usage("a misspelt flag", words("status --histroy"), "Possible options: --history", "offload status"),
    usage("a flag takes no value", words("status --history 10"), "(10)", "offload status"),
    usage("init without a table", words("init"), "'TABLE'", "offload init"),
    usage("forget without a table", words("forget"), "'TABLE'", "offload forget"),
    usage("two tables to adopt", words("adopt trades trades"), "(trades)", "offload adopt"),
    usage("a negative number", words("adopt trades --accept-missing -1"), "--accept-missing", "offload adopt"),
    usage("a number in words", words("adopt trades --accept-extra many"), "a valid integer", "offload adopt"),
    usage("no jobs", words("run trades --jobs 0"), "--jobs", "offload run"),
    usage("a misspelt subcommand", words("watermark shwo trades"), "mean 'show'", "offload watermark"),
    usage("show without a table", words("watermark show"), "'TABLE'", "offload watermark show"),
    usage("repair has no force", words("watermark repair trades --force"), "--force", "offload watermark repair"),
    usage("demo: too few rows", words("demo --rows 999"), "1000", "offload demo"),
    usage("demo: rows in words", words("demo --rows ten"), "a valid integer", "offload demo"),
    usage("demo: a table", words("demo trades"), "(trades)", "offload demo"),
    Case("plan: a layer in capitals", words("plan --layer Bronze"), 64, "bronze, silver, gold", "'Bronze'", "tables"),
    Case("init: an unknown layer", words("init trades --layer tin"), 64, "bronze, silver, gold", "'tin'", "tables"),
    Case("an engine that is none", words("run trades --engine Spark"), 64, "the engine local", "'Spark'", "=local"),
    empty("run trades", "--late"),
    empty("run trades", "--engine"),
    empty("run", "--source-table"),
    empty(f"run --source-table trades --target-table cold.trades {BY_FLAGS}", "--key-cols", ",,"),
    empty("demo", "--folder"),
]


def no_time(name: str, command: str, value: str) -> Case:
    """A text after the flag that is no time."""
    return Case(name, words(command, value), 64, ISO[0], repr(value), ISO[1])


TIMES = [
    no_time("an empty time", "run trades --until", ""),
    no_time("garbage for a time", "audit trades --from", "last tuesday"),
    no_time("seconds since 1970", "plan trades --until", "1722470400"),
    no_time("a day that is not in the calendar", "plan trades --until", "2024-02-30"),
    no_time("an hour that is not on the clock", "audit trades --to", "2024-08-01T25:00:00Z"),
    no_time("after the year 9999", "run trades --until", "10000-01-01"),
    no_time("before the year 1 in UTC", "plan trades --until", "0001-01-01T00:00:00+14:00"),
    no_time("after the year 9999 in UTC", "audit trades --to", "9999-12-31T23:00:00-02:00"),
    no_time("digits beyond ASCII", "run trades --until", "\uff12\uff10\uff12\uff14-08-01"),
    Case(
        "an end before the start",
        words("audit trades --from 2024-08-02 --to 2024-08-01"),
        64,
        "a time until 2024-08-01 after --from",
        "'2024-08-02'",
        "exchange --from and --to",
    ),
]

CASES = [*NAMES, *FLAGS, *TIMES]
