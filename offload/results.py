"""The results of commands, as Python objects and as the documents that `--json` prints (docs/schemas/)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from offload.errors import BUG, OffloadError, most_severe
from offload.model import windows
from offload.model.counters import Counters
from offload.model.token import Watermark

ErrorDocument = dict[str, str]


@dataclass(frozen=True)
class TableResult(Counters):
    """
    The result of a run for one table; its counts are those of `Counters`.

    A failed run may have published whole batches before it failed: `rows`, `files`, `bytes` and `batches` count them.

    Attributes:
        table: Its declared name, or the source of an undeclared table.
        status: `published`, `nothing_new` or `failed`; of a backfill that only counts, `planned`.
        window: The window of the run, ISO 8601 UTC; None: the run failed before it chose one.
        watermark: `timestamp` (ISO 8601 UTC) and `sequence` of the Iceberg table; None: nothing was published yet.
        snapshot_id: Its current snapshot; None: it has none.
        seconds: Wall time.
        steps: Wall time per step, in seconds; also of the step that failed.
        schema_changes: What the run changed in the cold table's columns, such as `add venue string`.
        warnings: Sentences for people.
        error: `kind`, `expected`, `found`, `next`; None: the run succeeded.
        exit_code: 0, or that of the error.
    """

    table: str
    status: str
    window: dict[str, str | None] | None = None
    watermark: dict[str, str | int | None] | None = None
    snapshot_id: int | None = None
    seconds: float = 0.0
    steps: dict[str, float] = field(default_factory=dict)
    schema_changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    error: ErrorDocument | None = None
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """As `--json` prints it: the window and the watermark first, then the counts, then the rest."""
        first = {"table": self.table, "status": self.status, "window": self.window}
        rest = {name: value for name, value in asdict(self).items() if name not in {*first, "exit_code"}}
        return {**first, **rest, "schema_changes": list(self.schema_changes), "warnings": list(self.warnings)}


@dataclass(frozen=True)
class RunResult:
    """
    The result of one run, table by table.

    Attributes:
        run_id: Its id.
        tables: In the order in which they were named.
        bound: No window of the run ends after it, ISO 8601 UTC; None: no table came as far as PLAN.
        error: Why the run could not be recorded as a whole; None: it was. What the tables say is true all the same.
        error_code: The exit code of that error.
    """

    run_id: str
    tables: tuple[TableResult, ...]
    bound: str | None = None
    error: ErrorDocument | None = None
    error_code: int = 0

    @property
    def exit_code(self) -> int:
        """The most severe exit code of the tables; where all succeeded, that of the record."""
        return most_severe([table.exit_code for table in self.tables]) or self.error_code

    def document(self) -> dict[str, Any]:
        """As `--json` prints it."""
        tables = [table.document() for table in self.tables]
        return {"run_id": self.run_id, "bound": self.bound, "tables": tables, "error": self.error}


@dataclass(frozen=True)
class TablePlan:
    """
    The plan of the next run: the window in ISO 8601 UTC, its raw rows (with duplicates), batches and files.

    `schema_changes` are those that it would make to the cold table's columns, such as `add venue string`.
    """

    table: str
    window: dict[str, str | None] | None = None
    rows: int = 0
    batches: int = 0
    files: int = 0
    rows_without_timestamp: int = 0
    possibly_expired_rows: int = 0
    schema_changes: tuple[str, ...] = ()
    error: ErrorDocument | None = None
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """As `--json` prints it."""
        found = {name: value for name, value in asdict(self).items() if name != "exit_code"}
        return {**found, "schema_changes": list(self.schema_changes)}


@dataclass(frozen=True)
class TableAudit:
    """
    Hot compared with cold for one table, in rows, over the window (ISO 8601 UTC).

    Attributes:
        missing: Hot rows that cold lacks.
        extra: Cold rows that hot lacks.
        different: Rows whose content differs.
        doubled: Cold rows beyond one per key, of a table that has a key.
        token: Whether the cold table has a commit token; False: another job filled it, and the window ends at its
            newest row, or at the time that was given. None: the comparison failed.
    """

    table: str
    equal: bool = False
    hot_rows: int = 0
    cold_rows: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    doubled: int = 0
    token: bool | None = None
    window: dict[str, str | None] | None = None
    error: ErrorDocument | None = None
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {name: value for name, value in asdict(self).items() if name != "exit_code"}


@dataclass(frozen=True)
class HealthCheck:
    """
    One check of `doctor`.

    Attributes:
        name: What was checked.
        verdict: `ok`, `warning`, `failed`, or `skipped` because a check that it needs did not succeed.
        expected: The condition that should hold.
        found: The state.
        next: What to do or to type; None: nothing.
        kind: The class of the error; None: the check did not fail.
        exit_code: 0, or that of the error.
    """

    name: str
    verdict: str
    expected: str
    found: str
    next: str | None = None
    kind: str | None = None
    exit_code: int = 0

    @property
    def passed(self) -> bool:
        """Whether checks that need this one can be made."""
        return self.verdict in {"ok", "warning"}

    def document(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {name: value for name, value in asdict(self).items() if name != "exit_code"}


@dataclass(frozen=True)
class HealthReport:
    """The checks of `doctor`, in the order in which they were made."""

    checks: tuple[HealthCheck, ...]

    @property
    def exit_code(self) -> int:
        """0, or that of the gravest check that failed."""
        return most_severe([check.exit_code for check in self.checks])

    def document(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {"checks": [check.document() for check in self.checks]}


def error_document(error: Exception) -> ErrorDocument:
    """An error as `--json` prints it; any error but `OffloadError` is a bug."""
    if isinstance(error, OffloadError):
        return {"kind": error.kind, "expected": error.expected, "found": error.found, "next": error.next_step}
    return {
        "kind": type(error).__name__,
        "expected": "no bug",
        "found": str(error)[:500],
        "next": "report it with the traceback on stderr",
    }


def exit_code_of(error: Exception) -> int:
    """The exit code of an error."""
    return error.exit_code if isinstance(error, OffloadError) else BUG


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A database row with its times as ISO 8601 UTC."""
    return {
        name: value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if hasattr(value, "strftime") else value
        for name, value in row.items()
    }


def watermark_document(mark: Watermark, precision: int) -> dict[str, str | int | None]:
    """A watermark as `--json` prints it."""
    return {"timestamp": windows.iso(mark.ticks, precision), "sequence": mark.sequence}
