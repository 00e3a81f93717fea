from __future__ import annotations

import pytest

from harness.checkers.trade_set import check_trade_set, compare
from harness.model import Ledger
from harness.verdict import Finding, Verdict

ACKED = tuple(("BTCUSDT", number) for number in range(100))
LEDGER = Ledger(acked=ACKED, refused=(("BTCUSDT", 900),), unknown=(("BTCUSDT", 950), ("BTCUSDT", 951)))


def verdicts(findings: tuple[Finding, ...]) -> list[tuple[str, int]]:
    """Verdict and count of loss, duplicates and the unexpected."""
    return [(finding.verdict.value, finding.count) for finding in findings]


def test_a_table_that_holds_every_acked_trade_once_passes() -> None:
    """A trade whose outcome is unknown may be there or not."""
    assert verdicts(check_trade_set(LEDGER, ACKED)) == [("PASS", 0)] * 3
    assert verdicts(check_trade_set(LEDGER, [*ACKED, ("BTCUSDT", 950)])) == [("PASS", 0)] * 3


@pytest.mark.parametrize("gone", [0, 50, 99], ids=["at the beginning", "in the middle", "at the very end"])
def test_one_lost_row_is_found_wherever_it_stood(gone: int) -> None:
    """An acked trade that is missing is a loss, at the very end as well."""
    findings = check_trade_set(LEDGER, [key for key in ACKED if key[1] != gone])

    assert verdicts(findings) == [("FAIL", 1), ("PASS", 0), ("PASS", 0)]
    assert findings[0].first == findings[0].worst == findings[0].last == f"('BTCUSDT', {gone})"


def test_the_worst_loss_is_the_longest_gap() -> None:
    """First, longest gap and last of the losses are shown, in the order of production."""
    lost = {3, 40, 41, 42, 70, 71, 99}
    loss = check_trade_set(LEDGER, [key for key in ACKED if key[1] not in lost])[0]

    assert loss.count == 7
    assert loss.first == "('BTCUSDT', 3)"
    assert loss.worst == "('BTCUSDT', 40) and the 2 acked after it"
    assert loss.last == "('BTCUSDT', 99)"


def test_one_doubled_row_is_found() -> None:
    """A key found twice is one duplicate; more copies are worse."""
    once = check_trade_set(LEDGER, [*ACKED, ACKED[7]])
    often = check_trade_set(LEDGER, [*ACKED, ACKED[7], ACKED[8], ACKED[8]])[1]

    assert verdicts(once) == [("PASS", 0), ("FAIL", 1), ("PASS", 0)]
    assert (often.count, often.worst) == (2, "('BTCUSDT', 8) found 3 times")


def test_a_doubled_row_of_unknown_outcome_is_found() -> None:
    """Not to know whether it arrived excuses no second copy."""
    assert verdicts(check_trade_set(LEDGER, [*ACKED, *LEDGER.unknown, LEDGER.unknown[0]]))[1] == ("FAIL", 1)


@pytest.mark.parametrize("stranger", [("BTCUSDT", 900), ("BTCUSDT", 5555)], ids=["refused", "never produced"])
def test_one_unexpected_row_is_found(stranger: tuple[str, int]) -> None:
    """What was refused or never produced must not be there."""
    assert verdicts(check_trade_set(LEDGER, [*ACKED, stranger])) == [("PASS", 0), ("PASS", 0), ("FAIL", 1)]


def test_a_doubling_does_not_hide_a_loss() -> None:
    """As many rows as acked prove nothing."""
    assert verdicts(check_trade_set(LEDGER, [*ACKED[1:], ACKED[1]])) == [("FAIL", 1), ("FAIL", 1), ("PASS", 0)]


def test_trades_of_unknown_outcome_that_are_there_are_told_as_recovered() -> None:
    """A retried trade that was acked in the end is acked, and one that was refused first is unknown."""
    ledger = Ledger(acked=ACKED, refused=(("BTCUSDT", 950),), unknown=(ACKED[0], ("BTCUSDT", 950)))
    trades = compare(ledger, [*ACKED, ("BTCUSDT", 950)])

    assert trades.recovered == (("BTCUSDT", 950),)
    assert trades.lost == trades.duplicated == trades.unexpected == ()


@pytest.mark.parametrize(("ledger", "found"), [(Ledger(), ACKED), (LEDGER, None), (Ledger(), ())])
def test_an_empty_ledger_and_an_unread_table_prove_nothing(ledger: Ledger, found: tuple[object, ...] | None) -> None:
    """No evidence, no verdict."""
    findings = check_trade_set(ledger, found)  # type: ignore[arg-type]

    assert {finding.verdict for finding in findings} == {Verdict.UNKNOWN}


def test_an_empty_table_is_a_loss_and_proves_nothing_else() -> None:
    """Where nothing is, nothing can be doubled: only the loss is certain."""
    assert verdicts(check_trade_set(LEDGER, [])) == [("FAIL", 100), ("UNKNOWN", 0), ("UNKNOWN", 0)]


def test_without_an_acked_trade_no_loss_can_be_judged() -> None:
    """Trades of unknown outcome alone cannot be lost."""
    assert verdicts(check_trade_set(Ledger(unknown=ACKED), ACKED)) == [("UNKNOWN", 0), ("PASS", 0), ("PASS", 0)]
