"""Findings of checkers; each has a verdict: PASS, FAIL, or UNKNOWN where evidence is missing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Verdict(StrEnum):
    """The verdict of one check; UNKNOWN does not pass a test."""

    PASS = "PASS"  # noqa: S105 - no password
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Violation:
    """One broken rule, described in `what`; the violation with the largest `weight` is the worst."""

    what: str
    weight: float = 1


@dataclass(frozen=True)
class Finding:
    """
    The result of one check.

    Attributes:
        checker: Name of the check.
        verdict: PASS, FAIL or UNKNOWN.
        message: The rule and how much was checked; for UNKNOWN, the evidence that is missing.
        count: Number of violations; 0 unless FAIL.
        first: The first violation, in the order of the evidence; None unless FAIL.
        worst: The violation with the largest weight; None unless FAIL.
        last: The last violation; None unless FAIL.
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


def finding(checker: str, message: str, violations: Sequence[Violation]) -> Finding:
    """Return PASS if there is no violation, else FAIL with count, first, worst and last violation."""
    if not violations:
        return Finding(checker, Verdict.PASS, message)
    worst = max(violations, key=lambda violation: violation.weight)
    return Finding(checker, Verdict.FAIL, message, len(violations), violations[0].what, worst.what, violations[-1].what)


def unknown(checker: str, missing: str) -> Finding:
    """Return UNKNOWN; `missing` says which evidence is missing."""
    return Finding(checker, Verdict.UNKNOWN, missing)


def assert_all(*findings: Finding | Iterable[Finding]) -> None:
    """
    Pass only if the verdict of every finding is PASS.

    Args:
        findings: Single findings, or the findings that one checker returned together.

    Raises:
        AssertionError: A verdict is FAIL or UNKNOWN, or there is no finding at all.
    """
    flat = [one for given in findings for one in ([given] if isinstance(given, Finding) else given)]
    if not flat:
        raise AssertionError("expected findings; found none: nothing was checked; next: call a checker in the test")
    if any(finding.verdict is not Verdict.PASS for finding in flat):
        raise AssertionError("expected PASS of every checker; found\n" + "\n".join(map(str, flat)))
