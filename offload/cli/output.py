"""The output of commands: tables and progress bars for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from offload.cli.progress import _Bars, _quiet
from offload.cli.tabular import ago, print_table, shown
from offload.model.steps import StepEvent

if TYPE_CHECKING:
    from offload.model.table import TableSpec
    from offload.results import HealthReport, RunResult, TableResult

UNKNOWN = "?"
_REPORT_COLUMNS = {
    "plan": {"table": "table", "from": "from", "to": "to", "rows": "rows", "batches": "batches", "files": "files"},
    "audit": {
        "table": "table",
        "equal": "equal",
        "hot rows": "hot_rows",
        "cold rows": "cold_rows",
        "missing": "missing",
        "extra": "extra",
        "different": "different",
        "doubled": "doubled",
    },
}
_RUN_COLUMNS = {
    "table": "table_name",
    "started": "started_at",
    "status": "status",
    "rows": "rows",
    "late": "late_rows",
    "duplicates": "duplicates_dropped",
    "error": "error",
}


def _known(value: Any, error: dict[str, str] | None) -> Any:
    """A value of a report; `?` where it is only the default, because the command failed before it was measured."""
    return UNKNOWN if error and not value else value


def _print_results(tables: Sequence[TableResult]) -> None:
    rows = [
        (
            f"{table.table}\n{table.status}",
            f"{table.rows:,}",
            _known(table.late_rows, table.error),
            _known(table.duplicates_dropped, table.error),
            _known((table.watermark or {}).get("timestamp"), table.error),
            table.seconds,
        )
        for table in tables
    ]
    print_table(("table", "rows", "late", "dupl.", "watermark", "s"), rows)


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
            _print_results(result.tables)
        self._say_notes(result.tables)
        if result.error:
            self._say_error("the record of this run: ", result.error)

    def table(self, result: TableResult) -> None:
        """Show the result of a command that moves rows of one table."""
        if self.as_json:
            self._print_json(result.document())
        else:
            _print_results([result])
        self._say_notes([result])

    def reports(self, command: str, documents: Sequence[dict[str, Any]]) -> None:
        """Show the report of plan or audit, a line per table."""
        if self.as_json:
            self._print_json({"tables": list(documents)})
        else:
            columns = _REPORT_COLUMNS[command]
            rows = [
                [
                    _known((document | (document["window"] or {})).get(name), document["error"])
                    for name in columns.values()
                ]
                for document in documents
            ]
            print_table(tuple(columns), rows)
        for document in documents:
            self._say_changes(document["table"], "to change", document.get("schema_changes", ()))
            if document["error"]:
                self._say_error(f"{document['table']}: ", document["error"])

    def expired(self, document: dict[str, Any]) -> None:
        """Show the partitions that expire-hot has dropped, or would drop."""
        if self.as_json:
            self._print_json(document)
            return
        names = ("partition", "from", "to", "parts", "rows", "bytes")
        print_table(names, [[one[name] for name in names] for one in document["partitions"]])
        words = "would be dropped" if document["dry_run"] else "dropped"
        sys.stdout.write(
            f"{document['table']}: {len(document['partitions'])} partitions, {document['parts']} parts, "
            f"{document['rows']} rows, {document['bytes']} bytes {words}; "
            f"verified through {shown(document['verified_through'])}\n"
        )

    def health(self, report: HealthReport) -> None:
        """Show the report of doctor, a line per check; what to do stands below it."""
        if self.as_json:
            self._print_json(report.document())
        else:
            print_table(("check", "verdict", "found"), [(one.name, one.verdict, one.found) for one in report.checks])
        for one in report.checks:
            if one.verdict == "warning":
                sys.stderr.write(f"warning: {one.name}: {one.found}; next: {one.next}\n")
            elif one.verdict == "failed":
                self._say_error(f"{one.name}: ", one.document())

    def written(self, document: dict[str, Any]) -> None:
        """Show a declaration that was written, and what to type next."""
        if self.as_json:
            self._print_json(document)
            return
        sys.stdout.write(f"{document['toml']}\n")
        folder, _, _ = document["file"].rpartition("/")
        sys.stderr.write(
            f"written to {document['file']}; next: OFFLOAD_TABLES={folder} offload plan {document['table']}\n"
        )

    def document(self, title: str, document: dict[str, Any]) -> None:
        """Show one object."""
        if self.as_json:
            self._print_json(document)
        else:
            print_table((title, ""), list(document.items()))

    def view(self, document: dict[str, Any]) -> None:
        """Show the statement of a view, ready to be typed; or what became of the view."""
        if self.as_json or document["change"]:
            self.document("view", document)
        else:
            sys.stdout.write(f"{document['statement']};\n")

    def status(self, document: dict[str, Any]) -> None:
        """Show the watermark store."""
        if self.as_json:
            self._print_json(document)
            return
        print_table(
            ("table", "watermark", "last success", "failures"),
            [
                (
                    f"{row['table_name']}\n{row['status']}",
                    f"{shown(row['last_offload_timestamp'])}\n{ago(row['lag_seconds'])}",
                    row["last_successful_run"],
                    row["failure_count"],
                )
                for row in document["tables"]
            ],
        )
        if "cycles" in document:
            names = ("recorded_at", "bound", "exit_code", "snapshots")
            rows = [[each[name] for name in names] for each in document["cycles"]]
            print_table(("cycle recorded", "bound", "exit code", "snapshots"), rows)
        if "runs" in document:
            rows = [[row.get(name) for name in _RUN_COLUMNS.values()] for row in document["runs"]]
            print_table(tuple(_RUN_COLUMNS), rows)

    def tables(self, specs: Sequence[TableSpec]) -> int:
        """Show the declared tables."""
        heads = ("name", "layer", "source", "target", "timestamp", "key")
        rows = [(s.name, s.layer, s.source, s.target, s.timestamp, list(s.key)) for s in specs]
        if self.as_json:
            self._print_json({"tables": [dict(zip(heads, row, strict=True)) for row in rows]})
        else:
            print_table(heads, [(*row, ", ".join(key)) for *row, key in rows])
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

    def _say_changes(self, table: str, when: str, changes: Sequence[str]) -> None:
        if changes:
            sys.stderr.write(f"{table}: columns of the cold table {when}: {'; '.join(changes)}\n")

    def _say_notes(self, tables: Sequence[TableResult]) -> None:
        """The warnings and errors of tables."""
        for table in tables:
            self._say_changes(table.table, "changed", table.schema_changes)
            for warning in table.warnings:
                sys.stderr.write(f"warning: {table.table}: {warning}\n")
            if table.error:
                self._say_error(f"{table.table}: ", table.error)

    def _say_error(self, prefix: str, error: Mapping[str, Any]) -> None:
        sys.stderr.write(
            f"{prefix}{error['kind']}\n"
            f"  expected  {error['expected']}\n  found     {error['found']}\n  next      {error['next']}\n"
        )
