"""One view of hot and cold: each row once, at every event of runs that publish, sweep, correct and fail."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from harness.subjects.listeners import CallOnce
from offload import api
from offload.clickhouse.server.view import ClickHouseView
from offload.errors import AccessRefused, DataError, UsageError
from offload.model.steps import StepEvent
from tests.support.command_line import TRADES
from tests.support.embedded import PLAIN, REPLACING, START, Embedded

DECLARATION = TRADES.replace("timestamp_follows_key = true\n", "")
FOLLOWS = 'timestamp_follows_key = true\nchanged = "replace"\n'


def declare(stage: Embedded, further: str = FOLLOWS, **settings: Any) -> Any:
    """Write the declaration; return the settings that read it."""
    (stage.folder / "tables" / "trades.toml").write_text(DECLARATION + further)
    return stage.settings(tables=stage.folder / "tables", **settings)


def published(stage: Embedded, *, engine: str = REPLACING, further: str = FOLLOWS) -> Any:
    """A table of 1,000 rows, published, with a view; further rows are not published yet."""
    stage.trades(1000, engine=engine, step="60000000")
    settings = declare(stage, further)
    assert api.run(settings=settings).exit_code == 0
    assert api.view("trades", create=True, settings=settings)["change"] == "created"
    return settings


def seen(stage: Embedded, view: str = "trades_all") -> dict[int, int]:
    """How often the view has each trade."""
    return dict(Counter(int(one) for (one,) in stage.rows(f"SELECT trade_id FROM {view}")))


def once(ids: list[int]) -> dict[int, int]:
    """Each trade once."""
    return dict.fromkeys(ids, 1)


def watched(
    stage: Embedded, always: list[int], sometimes: list[int], found: list[set[int]]
) -> Callable[[StepEvent], None]:
    """A listener that queries the view at each event: each trade once, some of them not before they were swept."""

    def look(event: StepEvent) -> None:
        now = seen(stage)
        assert set(now.values()) == {1}, f"a trade twice at {event}"
        assert set(always) <= set(now) <= {*always, *sometimes}, f"a trade missing at {event}"
        found.append(set(now))

    return look


@pytest.mark.parametrize(("engine", "further"), [(REPLACING, FOLLOWS), (PLAIN, FOLLOWS), (PLAIN, "")])
def test_the_view_has_each_row_once_at_every_event_of_a_run(stage: Embedded, engine: str, further: str) -> None:
    """New rows from the moment they are in hot, redelivered ones once, late ones from the commit that sweeps them."""
    settings = published(stage, engine=engine, further=further)
    stage.insert_trades("numbers(1000, 500)", step="60000000")
    stage.insert_trades("numbers(1100, 50)", step="60000000")
    if further != FOLLOWS:  # a redelivery under another time
        stage.insert_trades("numbers(100, 20)", start=f"{START} + INTERVAL 3 DAY")
    stage.insert_trades("numbers(5000, 20)", start=f"{START} + INTERVAL 1 HOUR")
    found: list[set[int]] = []
    look = watched(stage, [*range(1500)], [*range(5000, 5020)], found)

    assert seen(stage) == once([*range(1500)])
    result = api.run(settings=settings.model_copy(update={"batch_rows": 200}), listeners=[look])

    (table,) = result.tables
    assert (result.exit_code, table.rows, table.swept_rows) == (0, 520, 20), result
    assert len(found) > 20
    assert seen(stage) == once([*range(1500), *range(5000, 5020)])


def test_the_view_has_the_old_content_or_the_new_one_of_a_corrected_row(stage: Embedded) -> None:
    """Never both, never none."""
    settings = published(stage)
    stage.insert_trades("numbers(100, 20)", step="60000000", price="7000")
    found: list[set[int]] = []

    result = api.run(settings=settings, listeners=[watched(stage, [*range(1000)], [], found)])

    assert result.tables[0].replaced_rows == 20
    assert found
    assert stage.rows("SELECT count() FROM trades_all WHERE price = 7000") == [(20,)]


@pytest.mark.parametrize("event", ["at:metadata_written", "after:publish", "before:record"])
def test_a_run_that_fails_leaves_an_exact_view_and_the_next_one_mends_it(stage: Embedded, event: str) -> None:
    """Also where the rows are published and the view does not show them as cold yet."""
    settings = published(stage)
    stage.insert_trades("numbers(1000, 500)", step="60000000")

    def fail() -> None:
        raise ZeroDivisionError

    failed = api.run(settings=settings, listeners=[CallOnce(event, fail)])

    assert failed.exit_code in {70, 75}, failed
    assert seen(stage) == once([*range(1500)])
    assert api.run(settings=settings).exit_code == 0
    stage.sql("ALTER TABLE trades DELETE WHERE 1 SETTINGS mutations_sync = 2")
    assert seen(stage) == once([*range(1500)]), "the view shows the published rows as cold ones"


def test_a_view_that_cannot_be_replaced_stays_exact_and_is_warned_about(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are published all the same."""
    settings = published(stage)
    stage.insert_trades("numbers(1000, 500)", step="60000000")

    def refused(*_: Any) -> None:
        raise AccessRefused("the right to create views", "none", "GRANT CREATE VIEW")

    with monkeypatch.context() as patch:
        patch.setattr(ClickHouseView, "create", refused)
        result = api.run(settings=settings)

    assert (result.exit_code, result.tables[0].rows) == (0, 500), result
    assert any("the view trades_all still shows snapshot" in one for one in result.tables[0].warnings)
    assert seen(stage) == once([*range(1500)])
    assert api.run(settings=settings).tables[0].warnings == ()


def test_the_view_has_each_row_once_while_expire_hot_drops_parts(stage: Embedded) -> None:
    """Also where the view still showed an older snapshot; and no run reports the dropped rows as deleted."""
    settings = published(stage, engine=PLAIN)
    stage.insert_trades("numbers(1000, 4000)", step="60000000")

    def fail() -> None:
        raise ZeroDivisionError

    api.run(settings=settings, listeners=[CallOnce("before:record", fail)])
    found: list[set[int]] = []
    look = watched(stage, [*range(5000)], [], found)

    dropped = api.expire_hot("trades", older_than="1d", settings=settings, listeners=[look])
    after = api.run(settings=settings)

    assert dropped["rows"] > 3000, dropped
    assert found
    assert seen(stage) == once([*range(5000)])
    assert [(table.exit_code, table.deleted_rows, table.warnings) for table in after.tables] == [(0, 0, ())], after


def test_a_view_that_cannot_be_replaced_stops_expire_hot_before_it_drops_anything(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The view would lose the rows that it reads from hot."""
    settings = published(stage, engine=PLAIN)

    def refused(*_: Any) -> None:
        raise AccessRefused("the right to create views", "none", "GRANT CREATE VIEW")

    monkeypatch.setattr(ClickHouseView, "create", refused)
    with pytest.raises(AccessRefused):
        api.expire_hot("trades", older_than="1d", settings=settings)

    assert stage.rows("SELECT count() FROM trades") == [(1000,)]


def test_the_view_has_cold_rows_that_hot_has_no_more(stage: Embedded) -> None:
    """In the columns and types that cold has, under a name of one's own."""
    settings = published(stage)
    api.view("trades", view_name="everything", create=True, settings=settings)
    stage.sql("ALTER TABLE trades DELETE WHERE toUInt32(trade_id) < 900 SETTINGS mutations_sync = 2")

    assert seen(stage, "everything") == once([*range(1000)])
    assert stage.rows("SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name") == [
        ("everything",),
        ("trades",),
    ], "the view of the other name is dropped"
    types = dict(stage.rows("SELECT name, type FROM system.columns WHERE table = 'everything'"))
    assert types["sequence_number"] == "Int64"


def test_the_printed_statement_creates_the_same_view_and_changes_nothing(stage: Embedded) -> None:
    """It can be typed as it is."""
    settings = published(stage)
    api.view("trades", drop=True, settings=settings)
    before = stage.published(stage.declared("trades"))

    printed = api.view("trades", view_name="mine", settings=settings)

    assert (printed["change"], printed["view"]) == (None, "mine")
    stage.sql(printed["statement"])
    assert seen(stage, "mine") == once([*range(1000)])
    assert stage.published(stage.declared("trades")) == before


def test_a_dropped_view_is_not_created_again(stage: Embedded) -> None:
    """Runs no longer keep it up to date; to drop it twice is refused."""
    settings = published(stage)

    assert api.view("trades", drop=True, settings=settings)["change"] == "dropped"
    stage.insert_trades("numbers(1000, 5)", step="60000000")
    assert api.run(settings=settings).exit_code == 0

    assert stage.rows("EXISTS VIEW trades_all") == [(0,)]
    with pytest.raises(DataError, match="none that a run keeps up to date"):
        api.view("trades", drop=True, settings=settings)


def test_a_table_of_that_name_is_not_replaced(stage: Embedded) -> None:
    """The message names it, and nothing is recorded."""
    settings = published(stage)
    stage.sql("CREATE TABLE precious (n Int64) ENGINE = MergeTree ORDER BY n")

    with pytest.raises(DataError, match="a table of the engine MergeTree"):
        api.view("trades", view_name="precious", create=True, settings=settings)

    assert stage.rows("SELECT engine FROM system.tables WHERE name = 'precious'") == [("MergeTree",)]
    with sqlite3.connect(stage.folder / "watermarks.db") as store:
        assert store.execute("SELECT view_name FROM offload_watermarks").fetchall() == [("trades_all",)]


def test_a_table_that_was_never_published_has_no_view(stage: Embedded) -> None:
    """The message names the command that publishes it; nothing is created."""
    stage.trades(10)
    settings = declare(stage)

    for create in (False, True):
        with pytest.raises(DataError, match="offload run trades"):
            api.view("trades", create=create, settings=settings)

    assert stage.published(stage.declared("trades")) == 0


def test_a_view_that_was_never_created_is_not_dropped_and_nothing_is_left(stage: Embedded) -> None:
    """Neither a cold table nor a row of the store, of a table that was never published; nor both flags at once."""
    stage.trades(10)
    settings = declare(stage)

    with pytest.raises(DataError, match="none that a run keeps up to date"):
        api.view("trades", drop=True, settings=settings)
    with pytest.raises(UsageError, match="either --create or --drop"):
        api.view("trades", create=True, drop=True, settings=settings)

    assert stage.published(stage.declared("trades")) == 0
    assert not list((stage.folder / "warehouse").rglob("*.json"))
    assert api.status(settings=settings)["tables"] == []


def test_a_view_is_dropped_also_when_its_cold_table_is_gone(stage: Embedded) -> None:
    """Nothing of the table is checked or changed."""
    settings = published(stage)
    with stage.catalog() as catalog:
        catalog.drop_table("cold.trades")

    assert api.view("trades", drop=True, settings=settings)["change"] == "dropped"

    assert stage.rows("EXISTS VIEW trades_all") == [(0,)]
    (row,) = api.status(settings=settings)["tables"]
    assert (row["view_name"], row["status"], row["watermark_ticks"] is None) == (None, "success", False)


def test_a_name_that_is_an_injection_is_refused(stage: Embedded) -> None:
    """Before anything is opened."""
    settings = declare(stage)

    with pytest.raises(UsageError, match="--name"):
        api.view("trades", view_name="a; DROP TABLE trades", settings=settings)
