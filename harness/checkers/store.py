"""The store checker: the subject's own state agrees with its cold table."""

from __future__ import annotations

from harness.checkers.abilities import KeepsStore
from harness.verdict import Finding, Violation, finding, unknown

NAME = "watermark_store"


def check_store(subject: object, table: str, url: str, watermark: int | None) -> Finding:
    """
    Check that the subject's store has the cold table's watermark, and that no run has the table.

    Args:
        subject: The job under test.
        table: Name of the hot table.
        url: SQLAlchemy address of the store.
        watermark: That of the cold table, in microseconds since 1970 UTC; None: it has none.

    Returns:
        The count is of values that differ. UNKNOWN for a subject without the ability `KeepsStore`.
    """
    if not isinstance(subject, KeepsStore):
        return unknown(NAME, f"{type(subject).__name__} has no ability KeepsStore: its store cannot be read")
    found = subject.stored(table, url)
    violations = [
        Violation(f"{name}: expected {expected}, found {found.get(name)}")
        for name, expected in subject.stored_at_rest(watermark).items()
        if found.get(name) != expected
    ]
    return finding(NAME, f"the store has the cold table's watermark, {watermark}", violations)
