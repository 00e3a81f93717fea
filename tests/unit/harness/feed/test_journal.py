from __future__ import annotations

from pathlib import Path

import pytest

from harness.feed.journal import Journal, attempts, read_ledger
from harness.model import Ledger

A, B, C, D = (("binance", "BTCUSDT", str(number)) for number in range(4))


def test_the_ledger_tells_acked_refused_and_unknown_apart(tmp_path: Path) -> None:
    """All trades of one message have its answer; no answer is an answer of its own."""
    with Journal(tmp_path / "journal") as journal:
        journal.sent(0, (A, B))
        journal.sent(1, (C,))
        journal.sent(2, (D,))
        journal.acked(0, 17)
        journal.refused(1, "too large")
        journal.noted(unanswered=2, why="broker away")

    assert read_ledger(tmp_path / "journal") == Ledger(acked=(A, B), refused=(C,), unknown=(D,))


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_torn_last_line_is_forgotten_and_the_next_process_goes_on(tmp_path: Path, cut: int) -> None:
    """Kill -9 may tear it anywhere: the answer is lost, the trade is unknown, what follows is whole."""
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.sent(0, (A,))
        journal.acked(0, 17)
    path.write_bytes(path.read_bytes()[:-cut])
    torn = read_ledger(path)
    with Journal(path) as journal:
        journal.sent(0, (A,))
        journal.acked(0, 18)

    assert torn == Ledger(unknown=(A,))
    assert read_ledger(path) == Ledger(acked=(A,), unknown=(A,))


def test_a_message_that_was_tried_again_has_an_attempt_for_each_answer(tmp_path: Path) -> None:
    """The answer belongs to the last attempt; both keep their times."""
    with Journal(tmp_path / "journal") as journal:
        journal.sent(0, (A,))
        journal.sent(0, (A,))
        journal.acked(0, 17)
    first, second = attempts(tmp_path / "journal")

    assert (first.answer, second.answer) == (None, "acked")
    assert first.at <= second.at <= (second.answered_at or 0)


def test_no_journal_is_an_empty_ledger(tmp_path: Path) -> None:
    """A handler that was killed before its first message."""
    assert read_ledger(tmp_path / "journal") == Ledger()


def test_damage_elsewhere_is_not_passed_over(tmp_path: Path) -> None:
    """Only the last line can be torn by a kill; anything else would make the ledger lie."""
    (tmp_path / "journal").write_text('{"sent": 0, "ke\n{"at": 1.0, "acked": 0, "offset": 1}\n')

    with pytest.raises(ValueError, match="Unterminated"):
        read_ledger(tmp_path / "journal")
