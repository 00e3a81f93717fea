"""Wrong arguments: exit 64, and no change."""

from __future__ import annotations

from importlib import metadata

import pytest

from offload.cli.app import main
from tests.support.command_line import Offload, flags
from tests.support.embedded import Embedded

INJECTIONS = [
    "trades; DROP TABLE trades",
    "trades'--",
    "a.b.c",
    "`trades`",
    "trades WHERE 1",
    "",
    "../trades",
    "ta\x00ble",
]


@pytest.mark.parametrize("command", ["run", "plan", "audit", "adopt", "doctor"])
def test_an_unknown_table_is_named_with_those_that_are_known(stage: Embedded, offload: Offload, command: str) -> None:
    """Exit 64, and the message lists what could have been typed."""
    answer = offload(command, "tradse")

    assert (answer.code, answer.error["kind"]) == (64, "UsageError")
    assert "trades" in answer.error["expected"]
    assert "tradse" in answer.error["found"]
    assert stage.published(stage.declared("trades")) == 0


@pytest.mark.parametrize("name", INJECTIONS)
@pytest.mark.parametrize("flag", ["--source-table", "--target-table"])
def test_a_name_that_is_an_injection_is_refused(stage: Embedded, offload: Offload, flag: str, name: str) -> None:
    """Only plain names reach SQL or the catalog."""
    spec = stage.trades(10)

    answer = offload("run", *flags(spec, **{flag: name}))

    assert answer.code == 64
    assert stage.rows("SELECT count() FROM trades") == [(10,)]
    assert stage.published(spec) == 0


@pytest.mark.parametrize("name", INJECTIONS[:-1])
@pytest.mark.parametrize("flag", ["--timestamp-col", "--sequence-col", "--key-cols"])
def test_a_column_that_is_an_injection_is_no_column(stage: Embedded, offload: Offload, flag: str, name: str) -> None:
    """Columns are looked up by name, never put into SQL as text."""
    stage.trades(10)
    spec = stage.declared("trades", target="cold.other")
    (offload.tables / "trades.toml").unlink()

    answer = offload("run", *flags(spec, **{flag: name}))

    assert answer.code in ({64, 65} if name else {0, 64}), answer
    assert stage.rows("SELECT count() FROM trades") == [(10,)]


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--layer", "tin"],
        ["run", "bronze_trades_binance", "--layer", "gold"],
        ["doctor", "--layer", "tin"],
        ["run", "--late", "maybe"],
        ["run", "--engine", "steam"],
        ["run", "--until", "yesterday"],
        ["plan", "--until", "yesterday"],
        ["audit", "--from", "yesterday"],
        ["audit", "--to", "2024-13-01"],
        ["run", "--source-table", "trades"],
        ["run", "trades", "--source-table", "trades"],
        ["run", "--speed", "high"],
        ["fly"],
        ["adopt"],
        ["view", "trades", "--create", "--drop"],
        ["expire-hot"],
        ["expire-hot", "trades", "--older-than", "old"],
        ["watermark", "show", "tradse"],
        ["watermark", "repair", "tradse"],
    ],
    ids=" ".join,
)
def test_wrong_arguments_are_64(stage: Embedded, offload: Offload, words: list[str]) -> None:
    """One JSON document with the error, also where the command itself is unknown."""
    stage.trades(10)

    answer = offload(*words)

    assert (answer.code, answer.error["kind"]) == (64, "UsageError"), answer
    assert stage.published(stage.declared("trades")) == 0


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--target-table", "cold.elsewhere"),
        ("--timestamp-col", "arrived_at"),
        ("--sequence-col", "kafka_offset"),
        ("--layer", "silver"),
        ("--key-cols", "trade_id"),
    ],
)
def test_flags_that_contradict_the_declaration_are_refused(
    stage: Embedded, offload: Offload, flag: str, value: str
) -> None:
    """A declared table has one declaration: both values are shown, and nothing runs."""
    spec = stage.trades(10)

    answer = offload("run", *flags(spec, **{flag: value}))

    assert answer.code == 64
    assert value.split(",", maxsplit=1)[0] in answer.error["found"]
    assert stage.published(spec) == 0


def test_flags_that_repeat_the_declaration_run_it(stage: Embedded, offload: Offload) -> None:
    """Flags on a declared table run its declaration."""
    spec = stage.trades(10)

    answer = offload("run", *flags(spec, **{"--key-cols": "symbol, trade_id"}))

    assert (answer.code, answer.document["tables"][0]["rows"]) == (0, 10)
    assert offload("audit", "trades").document["tables"][0]["equal"]


def test_a_wrong_option_names_the_help_of_its_own_command(offload: Offload) -> None:
    """And what may have been meant."""
    answer = offload("run", "--layr", "gold")

    assert answer.error["next"] == "offload run --help"
    assert "--layer" in answer.error["found"]


def test_a_misspelt_table_is_answered_with_the_one_that_may_be_meant(offload: Offload) -> None:
    """As commands are."""
    assert "did you mean trades?" in offload("run", "tradse").error["found"]


def test_a_missing_table_is_named_as_in_the_help(offload: Offload) -> None:
    """Not by the name of a parameter in the code."""
    assert "TABLE" in offload("adopt").error["found"]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ([], "Usage: offload"),
        (["--help"], "--install-completion"),
        (["--version"], metadata.version("tidemark")),
        (["run", "--help"], "Usage: offload run [OPTIONS] [TABLE]..."),
    ],
)
def test_help_and_version_are_no_errors(words: list[str], shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    """On stdout, exit 0; without any argument the help."""
    code = main(words)
    printed = capsys.readouterr()

    assert (code, printed.err) == (0, "")
    assert shown in printed.out
