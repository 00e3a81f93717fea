"""Verdicts of checkers: a finding passes, fails, or is unknown because evidence is missing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Verdict(StrEnum):
    """What a checker says; only PASS passes."""

    PASS = "PASS"  # noqa: S105 - no password
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Violation:
    """One thing that is not as promised; the largest `weight` is the worst."""

    what: str
    weight: float = 1


@dataclass(frozen=True)
class Finding:
    """
    What one checker found.

    Attributes:
        checker: The checker's name.
        verdict: PASS, FAIL or UNKNOWN.
        message: What was promised and what was examined; for UNKNOWN, which evidence is missing.
        count: Number of offences; 0 unless FAIL.
        first: The first offence, in the order of the evidence.
        worst: The gravest offence.
        last: The last offence.
    """

    checker: str
    verdict: Verdict
    message: str
    count: int = 0
    first: str | None = None
    worst: str | None = None
    last: str | None = None

    def __str__(self) -> str:
        head = f"{self.verdict} {self.checker}: {self.message}"
        if self.verdict is not Verdict.FAIL:
            return head
        return f"{head}\n  count: {self.count}\n  first: {self.first}\n  worst: {self.worst}\n  last:  {self.last}"


def finding(checker: str, message: str, offences: Sequence[Violation]) -> Finding:
    """PASS where there is no offence, else FAIL with count, first, worst and last."""
    if not offences:
        return Finding(checker, Verdict.PASS, message)
    worst = max(offences, key=lambda offence: offence.weight)
    return Finding(checker, Verdict.FAIL, message, len(offences), offences[0].what, worst.what, offences[-1].what)


def unknown(checker: str, missing: str) -> Finding:
    """UNKNOWN, and which evidence is missing."""
    return Finding(checker, Verdict.UNKNOWN, missing)


def assert_all(*findings: Finding | Iterable[Finding]) -> None:
    """
    Pass only if every finding passes.

    Args:
        findings: Findings, or what a checker with several of them returned.

    Raises:
        AssertionError: Something is FAIL or UNKNOWN, or there is no finding at all.
    """
    flat = [one for given in findings for one in ([given] if isinstance(given, Finding) else given)]
    if not flat:
        raise AssertionError("expected findings; found none: nothing was checked")
    if any(finding.verdict is not Verdict.PASS for finding in flat):
        raise AssertionError("expected PASS of every checker; found\n" + "\n".join(map(str, flat)))
