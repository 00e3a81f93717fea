"""The counts of one run of one table: the trace, the history of runs and the result derive their fields from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Counters:
    """
    The counts of one run of one table.

    A new count is one more field: it is then a field of the result, a column of `offload_runs` and a field of `--json`.

    Attributes:
        rows: Rows that this run published.
        duplicates_dropped: Rows of the window that were further deliveries of a key, counted when the rows were read.
        vanished_rows: Rows of the window that were gone between PLAN and the read; rows that a merge removed are not.
        late_rows: Keys in hot at or below the watermark that cold lacks.
        swept_rows: Of `rows`, the late ones; those of `late_rows` that cold has now.
        changed_rows: Published rows whose content hot replaced later, as the run found them.
        replaced_rows: Those of `changed_rows` that cold has with hot's content now.
        deleted_rows: Published rows that hot no longer has although their TTL has not passed, noticed since the last
            commit; cold keeps them.
        rows_without_timestamp: Rows with the timestamp 1970-01-01, ClickHouse's default.
        possibly_expired_rows: Rows of the window past their TTL; more may have expired before.
        files: Data files that this run published.
        bytes: Their size.
        batches: Commits that published rows.
    """

    rows: int = 0
    duplicates_dropped: int = 0
    vanished_rows: int = 0
    late_rows: int = 0
    swept_rows: int = 0
    changed_rows: int = 0
    replaced_rows: int = 0
    deleted_rows: int = 0
    rows_without_timestamp: int = 0
    possibly_expired_rows: int = 0
    files: int = 0
    bytes: int = 0
    batches: int = 0

    def plus(self, **increments: int) -> Self:
        """These counts, with some of them increased."""
        return replace(self, **{name: getattr(self, name) + more for name, more in increments.items()})
