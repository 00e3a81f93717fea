"""One TOML file declares a table, and has no other fields."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from offload.errors import ConfigurationError, UsageError
from offload.model.table import PartitionField, TableSpec
from offload.tables import declarations

FIELDS = {
    "name": '"trades"',
    "source": '"market.trades"',
    "target": '"cold.trades"',
    "layer": '"bronze"',
    "timestamp": '"ts"',
    "sequence": '"n"',
}
FLAGS: dict[str, Any] = {
    "source": "market.trades",
    "target": "cold.trades",
    "timestamp": "ts",
    "sequence": "n",
    "layer": "bronze",
    "key": (),
    "late": None,
}
INJECTIONS = ["t; DROP TABLE t", "t--", "`t`", "a.b.c", "t ", "1t", "", "t'", "ü", "t\n"]


def toml(**changes: str) -> str:
    """A declaration with other, or further, fields."""
    return "\n".join(f"{name} = {value}" for name, value in (FIELDS | changes).items())


def test_the_declared_fields_are_the_tables() -> None:
    """The values of the file, and defaults for the rest."""
    spec = declarations.parse(
        "trades.toml", toml(key='["a"]', late='"skip"', partition='[{column = "ts", transform = "month"}]')
    )

    assert spec == TableSpec(
        "trades", "market.trades", "cold.trades", "bronze", "ts", "n",
        key=("a",), late="skip", partition=(PartitionField("ts", "month"),),
    )  # fmt: skip


@pytest.mark.parametrize("missing", FIELDS)
def test_a_missing_field_is_named_with_the_file(missing: str) -> None:
    """Exit 78."""
    content = "\n".join(f"{name} = {value}" for name, value in FIELDS.items() if name != missing)

    with pytest.raises(ConfigurationError, match=missing) as caught:
        declarations.parse("trades.toml", content)

    assert "trades.toml" in caught.value.expected


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"speed": "1"}, "speed"),
        ({"declared": "true"}, "declared"),
        ({"layer": '"tin"'}, "tin"),
        ({"late": '"never"'}, "never"),
        ({"name": "1"}, "name"),
        ({"key": '"a"'}, "key"),
        ({"key": "[1]"}, "key"),
        ({"interval": "60"}, "interval"),
        ({"interval": '"1w"'}, "interval"),
        ({"interval": '"0m"'}, "interval"),
        ({"interval": '"1.5h"'}, "interval"),
        ({"interval": '"1m\\n"'}, "interval"),
        ({"timestamp_follows_key": '"true"'}, "timestamp_follows_key"),
        ({"target": '"trades"'}, "target"),
        ({"partition": '["ts"]'}, "partition"),
        ({"partition": '[{column = "ts"}]'}, "partition"),
        ({"partition": '[{column = "ts", transform = "bucket"}]'}, "bucket"),
        ({"partition": '[{column = "ts", transform = "day", width = 1}]'}, "width"),
    ],
)
def test_a_field_that_is_unknown_or_wrong_is_named(changes: dict[str, str], part: str) -> None:
    """Exit 78, with the file."""
    with pytest.raises(ConfigurationError, match=part) as caught:
        declarations.parse("trades.toml", toml(**changes))

    assert "trades.toml" in caught.value.expected


@pytest.mark.parametrize("field", ["source", "target"])
@pytest.mark.parametrize("name", INJECTIONS)
def test_a_declared_name_that_is_an_injection_is_refused(field: str, name: str) -> None:
    """Only plain names, with at most one dot."""
    value = '"' + name.replace("\n", "\\n") + '"'

    with pytest.raises(ConfigurationError):
        declarations.parse("trades.toml", toml(**{field: value}))


def test_a_file_that_is_not_toml_is_named_with_the_line() -> None:
    """The message has the file and the parser's error."""
    with pytest.raises(ConfigurationError, match="line 2") as caught:
        declarations.parse("trades.toml", 'name = "t"\nsource = market.trades')

    assert "trades.toml" in caught.value.expected


def test_a_folder_is_read_instead_of_what_is_shipped(tmp_path: Path) -> None:
    """By name; other files are ignored."""
    (tmp_path / "trades.toml").write_text(toml())
    (tmp_path / "README.md").write_text("not a declaration")

    assert list(declarations.load(tmp_path)) == ["trades"]
    assert "bronze_trades_binance" in declarations.load(None)


@pytest.mark.parametrize("field", ["name", "source", "target"])
def test_two_files_that_share_a_table_are_refused(tmp_path: Path, field: str) -> None:
    """They would share a lease, a watermark and a token: both files are named."""
    other = {"name": '"b"', "source": '"b"', "target": '"cold.b"'}
    (tmp_path / "one.toml").write_text(toml())
    (tmp_path / "two.toml").write_text(toml(**{key: value for key, value in other.items() if key != field}))

    with pytest.raises(ConfigurationError, match=r"(?s)two\.toml.*one\.toml"):
        declarations.load(tmp_path)


@pytest.mark.parametrize(("interval", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3_600), ("7d", 604_800)])
def test_an_interval_is_a_number_of_seconds_minutes_hours_or_days(interval: str, seconds: int) -> None:
    """A table without one has rows that cover no time."""
    assert declarations.parse("trades.toml", toml(interval=f'"{interval}"')).interval_seconds == seconds
    assert declarations.parse("trades.toml", toml()).interval_seconds == 0


def test_a_missing_folder_of_declarations_is_an_error(tmp_path: Path) -> None:
    """Exit 78."""
    with pytest.raises(ConfigurationError, match="nowhere"):
        declarations.load(tmp_path / "nowhere")


def declared() -> dict[str, TableSpec]:
    """One declared table."""
    return {"trades": declarations.parse("trades.toml", toml(key='["a", "b"]'))}


def test_flags_that_agree_with_the_declaration_are_it() -> None:
    """With its other fields; `--late` alone may differ."""
    known = declared()

    assert declarations.from_flags(known, **FLAGS) == known["trades"]
    assert declarations.from_flags(known, **(FLAGS | {"late": "skip"})) == replace(known["trades"], late="skip")


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("target", "cold.other"),
        ("timestamp", "other"),
        ("sequence", "other"),
        ("layer", "gold"),
        ("key", ("b", "a")),
        ("late", "never"),
    ],
)
def test_a_flag_that_contradicts_is_refused(flag: str, value: Any) -> None:
    """Exit 64: a table has one declaration."""
    with pytest.raises(UsageError):
        declarations.from_flags(declared(), **(FLAGS | {flag: value}))


@pytest.mark.parametrize("flag", ["source", "target"])
@pytest.mark.parametrize("name", INJECTIONS)
def test_a_flag_that_is_an_injection_is_refused(flag: str, name: str) -> None:
    """Exit 64."""
    with pytest.raises(UsageError):
        declarations.from_flags({}, **(FLAGS | {flag: name}))


def test_a_target_flag_without_a_namespace_is_refused() -> None:
    """Iceberg tables are in a namespace; the message names the flag."""
    with pytest.raises(UsageError, match=r"target of the form .*; found 'trades'; next: correct --target-table"):
        declarations.from_flags({}, **(FLAGS | {"target": "trades"}))


def test_flags_make_up_a_table() -> None:
    """Named like its source, and marked as undeclared."""
    spec = declarations.from_flags({}, **FLAGS)

    assert (spec.name, spec.declared, spec.late) == ("market.trades", False, "sweep")


@pytest.mark.parametrize(
    ("replacing", "key", "expected"),
    [(True, (), ("s", "ts")), (False, (), ()), (True, ("a",), ("a",)), (False, ("a",), ("a",))],
)
def test_an_undeclared_tables_key_is_its_sorting_key_only_where_it_replaces(
    replacing: bool,  # noqa: FBT001
    key: tuple[str, ...],
    expected: tuple[str, ...],
) -> None:
    """Else the whole row: nothing may be dropped."""
    spec = replace(declarations.from_flags({}, **FLAGS), key=key)

    full = declarations.complete(spec, ("s", "ts"), replacing=replacing, plain={"s", "ts"})

    assert full.key == expected
    assert full.timestamp_follows_key == ("ts" in expected)
    assert full.partition == (PartitionField("ts", "day"),)


def test_a_declared_table_without_a_key_has_none() -> None:
    """Also with a Replacing engine: the declaration decides."""
    spec = declarations.parse("trades.toml", toml())

    assert declarations.complete(spec, ("s",), replacing=True, plain={"s"}).key == ()


@pytest.mark.parametrize("others", ["", 'key = ["a"]\n', "timestamp_follows_key = true\n"])
def test_replacing_needs_a_key_whose_timestamp_follows(others: str) -> None:
    """A changed row is found by its key, in the hour of its timestamp."""
    with pytest.raises(ConfigurationError, match="timestamp_follows_key = true"):
        declarations.parse("trades.toml", toml(changed='"replace"') + "\n" + others)
    both = 'key = ["a"]\ntimestamp_follows_key = true\n'
    assert declarations.parse("trades.toml", toml(changed='"replace"') + "\n" + both).changed == "replace"


def test_the_tables_of_the_working_folder_come_before_those_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a user has declared a table there, as `offload init` does, the shipped ones are out of the way."""
    monkeypatch.chdir(tmp_path)
    shipped = set(declarations.load(None))
    (tmp_path / "tables").mkdir()
    assert set(declarations.load(None)) == shipped

    declarations.write(declarations.OWN, "mine", toml(name='"mine"'))

    assert set(declarations.load(None)) == {"mine"}
    assert "ohlcv_1d" in shipped
