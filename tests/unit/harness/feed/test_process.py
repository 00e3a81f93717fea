from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.feed.handler import Handler
from harness.feed.journal import Journal
from harness.feed.process import Feed, generated
from harness.model import Ledger
from harness.trades.messages import GeneratedMessages
from harness.waiting import wait_until

NOWHERE = "127.0.0.1:1"


def test_without_a_broker_a_handler_waits_says_so_and_ends_when_told_to(tmp_path: Path) -> None:
    """It has sent nothing: the ledger is empty."""
    journal = tmp_path / "journal"
    with Feed("binance", NOWHERE, "topic", journal, generated(7, 0)) as feed:
        wait_until(lambda: journal.exists() and journal.read_text(), lambda: "a line in the journal", 60)
        finished = feed.stop()
    first = json.loads(journal.read_text().splitlines()[0])

    assert "away" in first
    assert (finished.returncode, feed.ledger()) == (0, Ledger())


def test_a_handler_can_be_told_to_end_as_soon_as_it_is_started(tmp_path: Path) -> None:
    """Not only when it had the time to get ready."""
    with Feed("binance", NOWHERE, "topic", tmp_path / "journal", generated(7, 0)) as feed:
        assert feed.stop().returncode == 0


def test_a_handler_that_ends_with_an_error_says_why(tmp_path: Path) -> None:
    """Its stderr is in the message."""
    with (
        Feed("binance", NOWHERE, "topic", tmp_path / "journal", ("--seed", "seven")) as feed,
        pytest.raises(RuntimeError, match=r"(?s)exit code 2; stderr: .*invalid int value: 'seven'.* next: "),
    ):
        feed.wait()


def test_an_orphan_ends(tmp_path: Path) -> None:
    """No process is left to stop it; it sends nothing to the broker."""
    with Journal(tmp_path / "journal") as journal:
        Handler(GeneratedMessages("binance", 7, 0), journal, NOWHERE, "topic", _parent=-1).run()

    assert (tmp_path / "journal").read_text() == ""
