"""The output of commands: tables and progress bars for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from offload.cli.progress import _Bars, _quiet
from offload.model.steps import StepEvent

if TYPE_CHECKING:
    from offload.model.table import TableSpec
    from offload.results import RunResult

_WIDTH = 200  # columns, where the output is no terminal
_REPORT_COLUMNS = {
    "plan": ("table", "from", "to", "rows", "batches", "files"),
    "audit": ("table", "equal", "hot_rows", "cold_rows", "missing", "extra", "different", "doubled"),
}
_STATUS_COLUMNS = (
    "table_name",
    "status",
    "last_offload_timestamp",
    "lag_seconds",
    "last_successful_run",
    "failure_count",
)
_RUN_COLUMNS = ("started_at", "table_name", "status", "rows", "late_rows", "duplicates_dropped", "error")


class Output:
    """
    Results on stdout; progress and errors on stderr.

    Args:
        as_json: Results are JSON; nothing else is printed on stdout.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def failed(self, error: dict[str, str], code: int) -> int:
        """Show an error that ended the command; returns the exit code."""
        if self.as_json:
            self._print_json({"error": error})
        self._say_error("", error)
        return code

    def run(self, result: RunResult) -> None:
        """Show the result of a run."""
        if self.as_json:
            self._print_json(result.document())
        else:
            rows = [
                (
                    table.table,
                    table.status,
                    f"{table.rows:,}",
                    table.duplicates_dropped,
                    table.late_rows,
                    table.files,
                    (table.watermark or {}).get("timestamp"),
                    f"{table.seconds:.1f}",
                )
                for table in result.tables
            ]
            heads = ("table", "status", "rows", "duplicates dropped", "late", "files", "watermark", "seconds")
            self._print_table(heads, rows)
        for table in result.tables:
            for warning in table.warnings:
                sys.stderr.write(f"warning: {table.table}: {warning}\n")
            if table.error:
                self._say_error(f"{table.table}: ", table.error)
        if result.error:
            self._say_error("the record of this run: ", result.error)

    def reports(self, command: str, documents: Sequence[dict[str, Any]]) -> None:
        """Show the report of plan or audit, a line per table."""
        if self.as_json:
            self._print_json({"tables": list(documents)})
        else:
            heads = _REPORT_COLUMNS[command]
            rows = [[(document | (document["window"] or {})).get(head) for head in heads] for document in documents]
            self._print_table(heads, rows)
        for document in documents:
            if document["error"]:
                self._say_error(f"{document['table']}: ", document["error"])

    def document(self, title: str, document: dict[str, Any]) -> None:
        """Show one object."""
        if self.as_json:
            self._print_json(document)
        else:
            self._print_table((title, ""), [(name, _flat(value)) for name, value in document.items()])

    def status(self, document: dict[str, Any]) -> None:
        """Show the watermark store."""
        if self.as_json:
            self._print_json(document)
            return
        self._print_table(_STATUS_COLUMNS, [[row.get(name) for name in _STATUS_COLUMNS] for row in document["tables"]])
        if "cycles" in document:
            rows = [
                (each["recorded_at"], each["bound"], each["exit_code"], _flat(each["snapshots"]))
                for each in document["cycles"]
            ]
            self._print_table(("cycle recorded at", "bound", "exit code", "snapshots"), rows)
        if "runs" in document:
            self._print_table(_RUN_COLUMNS, [[row.get(name) for name in _RUN_COLUMNS] for row in document["runs"]])

    def tables(self, specs: Sequence[TableSpec]) -> int:
        """Show the declared tables."""
        heads = ("name", "layer", "source", "target", "timestamp", "key")
        rows = [(s.name, s.layer, s.source, s.target, s.timestamp, list(s.key)) for s in specs]
        if self.as_json:
            self._print_json({"tables": [dict(zip(heads, row, strict=True)) for row in rows]})
        else:
            self._print_table(heads, [(*row, ", ".join(key)) for *row, key in rows])
        return 0

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """A spinner on a terminal while something runs."""
        if not sys.stderr.isatty() or self.as_json:
            yield
            return
        from rich.console import Console

        with Console(stderr=True).status(what):
            yield

    @contextmanager
    def progress(self) -> Iterator[Callable[[StepEvent], None]]:
        """A listener that draws a bar per table on a terminal."""
        if not sys.stderr.isatty() or self.as_json:
            yield _quiet
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            yield _Bars(bar).update

    def _print_json(self, document: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")

    def _print_table(self, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        from rich.console import Console
        from rich.table import Table

        table = Table(*heads)
        for row in rows:
            table.add_row(*("-" if value is None else str(value) for value in row))
        Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)

    def _say_error(self, prefix: str, error: dict[str, str]) -> None:
        sys.stderr.write(
            f"{prefix}{error['kind']}\n"
            f"  expected  {error['expected']}\n  found     {error['found']}\n  next      {error['next']}\n"
        )


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{name}: {inner}" for name, inner in value.items())
    return str(value)
