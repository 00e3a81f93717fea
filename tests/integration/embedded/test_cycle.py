"""A run over several tables: layer by layer, side by side, up to one bound, with a record of what belongs together."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest

from offload import api
from offload.model.steps import StepEvent
from offload.model.table import LAYERS, TableSpec
from offload.results import RunResult
from offload.watermarks.store import WatermarkStore
from tests.support.embedded import PLAIN, TRADES, Embedded

TABLES = {"gold_a": "gold", "bronze_a": "bronze", "silver_a": "silver", "bronze_b": "bronze", "bronze_c": "bronze"}
PATIENCE = 60.0  # seconds


def declare(stage: Embedded, tables: dict[str, str] = TABLES, rows: int = 20) -> None:
    """Create and declare these tables."""
    for name, layer in tables.items():
        stage.sql(f"CREATE TABLE {name} ({TRADES}) ENGINE = {PLAIN}")
        fill(stage, name, 0, rows)
        lines = (
            f'name = "{name}"\nsource = "{name}"\ntarget = "cold.{name}"\nlayer = "{layer}"\n'
            'timestamp = "exchange_timestamp"\nsequence = "sequence_number"\nkey = ["symbol", "trade_id"]\n'
            'unsigned_as_long = ["sequence_number"]\ntimestamp_follows_key = true\n'
        )
        (stage.folder / "tables" / f"{name}.toml").write_text(lines)


def fill(stage: Embedded, name: str, first: int, rows: int) -> None:
    """Insert rows with the time of now."""
    stage.sql(
        f"INSERT INTO {name} (symbol, trade_id, sequence_number, price, exchange_timestamp) "
        f"SELECT 'BTC', toString(number), number, 1, now64(6, 'UTC') FROM numbers({first}, {rows})"
    )


def run(stage: Embedded, names: Sequence[str] = (), **given: Any) -> RunResult:
    """Run declared tables."""
    return api.run(names, settings=stage.settings(tables=stage.folder / "tables"), **given)


def test_layers_follow_each_other_and_the_result_keeps_the_order_of_the_names(stage: Embedded) -> None:
    """A layer begins when the one before it has ended, whatever the order of the names."""
    declare(stage)
    events: list[str] = []
    lock = threading.Lock()

    def listen(event: StepEvent) -> None:
        with lock:
            events.append(f"{event}:{TABLES[event.table]}")

    result = run(stage, list(TABLES), jobs=3, listeners=[listen])

    assert result.exit_code == 0, result
    assert [table.table for table in result.tables] == list(TABLES)
    ends = [max(n for n, event in enumerate(events) if event == f"after:record:{layer}") for layer in LAYERS]
    begins = [min(n for n, event in enumerate(events) if event == f"before:claim:{layer}") for layer in LAYERS]
    assert ends[0] < begins[1] < ends[1] < begins[2], events


@pytest.mark.parametrize(("jobs", "together"), [(1, 1), (2, 2), (3, 3)])
def test_tables_of_a_layer_run_side_by_side_as_many_as_there_are_jobs(
    stage: Embedded, jobs: int, together: int
) -> None:
    """Each waits in its WRITE until as many as may run at once are there."""
    declare(stage)
    busy, most, lock = set[str](), [0], threading.Lock()
    all_there = threading.Event()

    def wait(event: StepEvent) -> None:
        if event.table not in {"bronze_a", "bronze_b", "bronze_c"}:
            return
        if str(event) == "before:write":
            with lock:
                busy.add(event.table)
                most[0] = max(most[0], len(busy))
                if len(busy) == together:
                    all_there.set()
            assert all_there.wait(PATIENCE), "expected so many tables at once"
        elif str(event) == "after:write":
            with lock:
                busy.discard(event.table)

    result = run(stage, jobs=jobs, listeners=[wait])

    assert (result.exit_code, most[0]) == (0, together), result
    assert [table.rows for table in result.tables] == [20] * 5


def test_a_table_that_fails_stops_no_other(stage: Embedded) -> None:
    """The exit code is the gravest, and the report says what happened to each."""
    declare(stage)
    stage.sql("DROP TABLE bronze_b")

    result = run(stage)

    assert {table.table: (table.exit_code, table.rows) for table in result.tables} == {
        "bronze_a": (0, 20),
        "bronze_b": (65, 0),
        "bronze_c": (0, 20),
        "gold_a": (0, 20),
        "silver_a": (0, 20),
    }
    assert result.exit_code == 65


def test_no_window_ends_after_the_bound(stage: Embedded) -> None:
    """Rows that arrive while the cycle runs wait for the next one, in every table."""
    declare(stage)
    arrived = threading.Event()

    def arrive(event: StepEvent) -> None:
        if str(event) == "after:plan" and not arrived.is_set():
            arrived.set()
            for name in TABLES:
                fill(stage, name, 100, 7)

    result = run(stage, listeners=[arrive])
    following = run(stage)

    assert [table.rows for table in result.tables] == [20] * 5, result
    assert {table.window["to"] for table in result.tables if table.window} == {result.bound}
    assert [table.rows for table in following.tables] == [7] * 5
    assert following.bound is not None
    assert result.bound is not None
    assert result.bound < following.bound


def test_until_lowers_the_bound(stage: Embedded) -> None:
    """To the microsecond."""
    declare(stage, {"bronze_a": "bronze"})

    result = run(stage, until="2024-08-01T00:00:00.000001")

    assert (result.bound, result.tables[0].rows) == ("2024-08-01T00:00:00.000001Z", 0)


def test_a_cycle_leaves_one_record_of_the_snapshots_that_belong_together(stage: Embedded) -> None:
    """Newest first; a table that failed before it was loaded has none."""
    declare(stage)
    settings = stage.settings(tables=stage.folder / "tables")
    first = run(stage)
    stage.sql("DROP TABLE bronze_b")
    second = run(stage, ["bronze_a", "bronze_b"])

    latest, before = api.status(cycles=5, settings=settings)["cycles"]

    assert (before["run_id"], before["bound"], before["exit_code"]) == (first.run_id, first.bound, 0)
    assert before["snapshots"] == {table.table: table.snapshot_id for table in first.tables}
    assert None not in before["snapshots"].values()
    assert (latest["run_id"], latest["exit_code"]) == (second.run_id, 65)
    assert set(latest["snapshots"]) == {"bronze_a", "bronze_b"}
    assert latest["snapshots"]["bronze_a"] == before["snapshots"]["bronze_a"]
    assert datetime.fromisoformat(latest["recorded_at"]) >= datetime.fromisoformat(before["recorded_at"])


def test_a_record_that_cannot_be_written_is_an_error_of_the_run(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tables say is true all the same."""
    declare(stage, {"bronze_a": "bronze", "bronze_b": "bronze"})

    def fail(store: WatermarkStore, _cycle: object) -> None:
        from offload.errors import Unavailable

        raise Unavailable("an answer", f"none from {type(store).__name__}", "offload status")

    with monkeypatch.context() as patch:
        patch.setattr(WatermarkStore, "record_cycle", fail)
        result = run(stage)
        stage.sql("DROP TABLE bronze_b")
        beside_another = run(stage)

    assert (result.exit_code, result.tables[0].exit_code, result.tables[0].rows) == (69, 0, 20)
    assert result.error is not None
    assert (beside_another.exit_code, beside_another.error) == (65, result.error), "a table's own error says more"
    assert result.document()["error"]["kind"] == "Unavailable"


def test_a_source_that_does_not_answer_is_an_error_of_each_table(stage: Embedded) -> None:
    """And no bound is recorded."""
    declare(stage, {"bronze_a": "bronze", "bronze_b": "bronze"})
    settings = stage.settings(
        tables=stage.folder / "tables", clickhouse_dsn="clickhouse://127.0.0.1:1/none", warehouse="s3://bucket/x"
    )

    result = api.run(settings=settings)

    assert [table.exit_code for table in result.tables] == [69, 69], result
    assert result.bound is None


def test_undeclared_tables_make_a_cycle_too(stage: Embedded) -> None:
    """Of one table."""
    stage.trades(10)
    spec = TableSpec("trades", "trades", "cold.trades", "gold", "exchange_timestamp", "sequence_number", declared=False)

    result = api.run(spec=spec, settings=stage.settings())

    (cycle,) = api.status(cycles=5, settings=stage.settings())["cycles"]
    assert (result.exit_code, cycle["snapshots"]) == (0, {"trades": result.tables[0].snapshot_id})


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, also where the shell above started the tests with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_tables_of_a_layer_and_begins_no_other(stage: Embedded) -> None:
    """The leases are free at once, and the next cycle publishes every row once."""
    declare(stage)
    begun: list[str] = []

    def interrupt(event: StepEvent) -> None:
        begun.append(event.table)
        if str(event) == "before:write" and event.table == "bronze_a":
            _thread.interrupt_main()

    def run_and_wait() -> None:
        run(stage, jobs=3, listeners=[interrupt])
        threading.Event().wait(PATIENCE)  # the signal may arrive after the last wait of the main thread

    with pytest.raises(KeyboardInterrupt):
        run_and_wait()
    again = run(stage)

    assert not {"silver_a", "gold_a"} & set(begun)
    assert again.exit_code == 0, again
    for name in TABLES:
        spec = stage.declared(name)
        assert (stage.cold_ids(spec), stage.audit(spec).equal) == (list(range(20)), True)
