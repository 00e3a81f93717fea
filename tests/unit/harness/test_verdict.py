from __future__ import annotations

import pytest

from harness.verdict import Finding, Verdict, Violation, assert_all, finding, unknown

CLEAN = Finding("zero_loss", Verdict.PASS, "all there")


def test_findings_that_all_pass_raise_nothing() -> None:
    """Findings may be given one by one or as a checker returned them."""
    assert_all(CLEAN, (CLEAN, CLEAN))


def test_unknown_never_passes() -> None:
    """Missing evidence is as good as a failure, and the reader learns what is missing."""
    with pytest.raises(AssertionError, match="UNKNOWN watermark: 0 observations"):
        assert_all(CLEAN, unknown("watermark", "0 observations"))


def test_no_finding_at_all_never_passes() -> None:
    """A test that checked nothing has proved nothing."""
    with pytest.raises(AssertionError, match="nothing was checked"):
        assert_all()
    with pytest.raises(AssertionError, match="nothing was checked"):
        assert_all(())


def test_a_failure_shows_count_first_worst_and_last() -> None:
    """Four lines let a person start looking."""
    failed = finding("zero_loss", "all there", [Violation("a"), Violation("b", 7), Violation("c")])

    with pytest.raises(AssertionError) as caught:
        assert_all(CLEAN, failed)

    assert "count: 3\n  first: a\n  worst: b\n  last:  c" in str(caught.value)
    assert "PASS zero_loss" in str(caught.value), "what passed is evidence too"


def test_no_offence_is_a_pass() -> None:
    """A finding without violations has the count 0."""
    assert finding("zero_loss", "all there", []) == CLEAN
