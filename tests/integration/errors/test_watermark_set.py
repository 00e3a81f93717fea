"""`offload watermark set` asks before it changes anything, and logs who did it."""

from __future__ import annotations

import getpass
import socket
import sys
from io import StringIO

import pytest

from offload import cli
from tests.support.command_line import Offload
from tests.support.embedded import Embedded

SET = ["watermark", "set", "trades", "--to", "2024-08-02", "--reason", "an outage"]


class Terminal(StringIO):
    """Input that a person types."""

    def isatty(self) -> bool:
        """So it seems."""
        return True


def published(stage: Embedded, offload: Offload) -> int:
    """A published table; the number of its snapshots."""
    stage.trades(10)
    assert offload("run", "trades").code == 0
    return stage.published(stage.declared("trades"))


def test_without_a_terminal_and_without_yes_it_is_64(
    stage: Embedded, offload: Offload, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is changed, and nothing is logged."""
    snapshots = published(stage, offload)
    monkeypatch.setattr(sys, "stdin", StringIO("y\n"))

    refused = offload(*SET)

    assert (refused.code, refused.error["kind"]) == (64, "UsageError"), refused
    assert "no terminal" in refused.error["found"]
    assert stage.published(stage.declared("trades")) == snapshots
    assert offload("watermark", "show", "trades").document["changes"] == []


@pytest.mark.parametrize(("typed", "code", "changes"), [("y\n", 0, 1), ("n\n", 64, 0), ("\n", 64, 0)])
def test_on_a_terminal_it_asks(
    stage: Embedded,
    offload: Offload,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    code: int,
    changes: int,
) -> None:
    """With the watermark of now and the one to come; no answer is no."""
    published(stage, offload)
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    capsys.readouterr()

    assert cli.main(SET) == code
    assert "from 2024-08-01T00:00:00.009000Z to 2024-08-02?" in capsys.readouterr().err
    assert len(offload("watermark", "show", "trades").document["changes"]) == changes


def test_the_log_says_who_and_why(stage: Embedded, offload: Offload) -> None:
    """In the store, and in the token of the snapshot that is named."""
    published(stage, offload)

    (change,) = offload(*SET, "--sequence", str(2**64 - 1), "--yes").document["changes"]

    who = f"{getpass.getuser()}@{socket.gethostname()}"
    assert (change["changed_by"], change["reason"], change["forced"]) == (who, "an outage", False), change
    assert change["old_watermark_at"] == "2024-08-01T00:00:00.009000Z"
    assert (change["new_watermark_at"], change["new_max_sequence"]) == ("2024-08-02T00:00:00.000000Z", 2**64 - 1)
    table = stage.iceberg(stage.declared("trades"))
    assert change["snapshot_id"] == table.metadata.current_snapshot_id
    assert f'"changed_by":"{who}"' in table.current_snapshot().summary["tidemark.token"]
    assert "an outage" in offload.screen("watermark", "show", "trades")


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"--reason": "  "}, "--reason"),
        ({"--sequence": "-1"}, "--sequence from 0"),
        ({"--sequence": str(2**64)}, "--sequence from 0"),
        ({"--to": "soon"}, "a time such as"),
    ],
)
def test_wrong_arguments_are_64(stage: Embedded, offload: Offload, changed: dict[str, str], part: str) -> None:
    """Before anything is opened."""
    snapshots = published(stage, offload)
    given = {"--to": "2024-08-02", "--reason": "an outage"} | changed

    refused = offload("watermark", "set", "trades", *[word for pair in given.items() for word in pair], "--yes")

    assert refused.code == 64, refused
    assert part in refused.error["expected"]
    assert stage.published(stage.declared("trades")) == snapshots
