"""What each command answers, as Python objects and as the documents that `--json` prints (docs/schemas/)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from offload.errors import BUG, OffloadError, most_severe

ErrorDocument = dict[str, str]


@dataclass(frozen=True)
class TableResult:
    """
    What a run did to one table.

    `status` is `published`, `nothing_new` or `failed`; `window` and `watermark` are ISO 8601 UTC; `rows`, `files` and
    `bytes` are what this run published (a failed run may have published whole batches before it failed); `seconds` and
    `steps` are wall time.
    """

    table: str
    status: str
    window: dict[str, str | None] | None = None
    rows: int = 0
    duplicates_dropped: int = 0
    late_rows: int = 0
    rows_without_timestamp: int = 0
    possibly_expired_rows: int = 0
    files: int = 0
    bytes: int = 0
    batches: int = 0
    watermark: dict[str, str | int | None] | None = None
    snapshot_id: int | None = None
    seconds: float = 0.0
    steps: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    error: ErrorDocument | None = None
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """As `--json` prints it."""
        shown = {name: value for name, value in asdict(self).items() if name != "exit_code"}
        return shown | {"warnings": list(self.warnings)}


@dataclass(frozen=True)
class RunResult:
    """What one run did, table by table."""

    run_id: str
    tables: tuple[TableResult, ...]

    @property
    def exit_code(self) -> int:
        """The gravest of the tables'."""
        return most_severe([table.exit_code for table in self.tables])

    def document(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {"run_id": self.run_id, "tables": [table.document() for table in self.tables]}


@dataclass(frozen=True)
class TablePlan:
    """What a run would move now: the window in ISO 8601 UTC, its raw rows (duplicates included), batches and files."""

    table: str
    window: dict[str, str | None] | None = None
    rows: int = 0
    batches: int = 0
    files: int = 0
    rows_without_timestamp: int = 0
    possibly_expired_rows: int = 0
    error: ErrorDocument | None = None
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {name: value for name, value in asdict(self).items() if name != "exit_code"}


@dataclass(frozen=True)
class TableAudit:
    """
    Hot against cold of one table, in rows, over the window (ISO 8601 UTC).

    `missing` hot rows cold lacks, `extra` cold rows hot lacks, `different` rows that differ in content.
    """

    table: str
    equal: bool = False
    hot_rows: int = 0
    cold_rows: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    window: dict[str, str | None] | None = None
    error: ErrorDocument | None = None
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {name: value for name, value in asdict(self).items() if name != "exit_code"}


def error_document(error: Exception) -> ErrorDocument:
    """An error as `--json` prints it; what is no `OffloadError` is a bug."""
    if isinstance(error, OffloadError):
        return {"kind": error.kind, "expected": error.expected, "found": error.found, "next": error.next_step}
    return {
        "kind": type(error).__name__,
        "expected": "no bug",
        "found": str(error)[:500],
        "next": "report it with the traceback on stderr",
    }


def exit_code_of(error: Exception) -> int:
    """The exit code that an error stands for."""
    return error.exit_code if isinstance(error, OffloadError) else BUG


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A database row with its times as ISO 8601 UTC."""
    return {
        name: value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if hasattr(value, "strftime") else value
        for name, value in row.items()
    }
