"""The view checker: doubled and missing trades of single reads, and evidence that is missing."""

from __future__ import annotations

from harness.checkers.view import ViewRead, check_view
from harness.verdict import Verdict


def read(at: float, required: str, found: str) -> ViewRead:
    """A read of trades that are letters."""
    return ViewRead(at, frozenset(required), tuple(found))


def test_reads_that_have_each_required_trade_once_pass() -> None:
    """A trade that was not required yet may be there."""
    findings = check_view([read(1, "", ""), read(2, "ab", "bac"), read(3, "abc", "abc")])

    assert [one.verdict for one in findings] == [Verdict.PASS] * 2
    assert "3 reads of the view, of 3 trades at most" in str(findings[0])


def test_a_trade_that_one_read_has_twice_is_found() -> None:
    """With the time of the read, and what is twice."""
    once, whole = check_view([read(1, "ab", "ab"), read(3.5, "ab", "abb")])

    assert (once.verdict, whole.verdict) == (Verdict.FAIL, Verdict.PASS)
    assert once.first == "1 trades twice, such as b, 2.500 s after the first read"


def test_a_trade_that_one_read_lacks_is_found() -> None:
    """Though later reads have it again."""
    once, whole = check_view([read(1, "ab", "ab"), read(2, "ab", "a"), read(3, "ab", "ab")])

    assert (once.verdict, whole.verdict) == (Verdict.PASS, Verdict.FAIL)
    assert (whole.count, whole.worst) == (1, "1 trades missing, such as b, 1.000 s after the first read")


def test_no_reads_or_reads_that_had_to_find_nothing_are_unknown() -> None:
    """They prove nothing."""
    for reads in ([], [read(1, "", "a")]):
        assert [one.verdict for one in check_view(reads)] == [Verdict.UNKNOWN] * 2
