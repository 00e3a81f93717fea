"""`offload plan` says what a run would say: it makes the checks of RECOVER, and changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from pyiceberg.transforms import IdentityTransform

from offload import api
from offload.model.table import TableSpec
from offload.results import TablePlan
from tests.support.embedded import Embedded


def planned(stage: Embedded, spec: TableSpec) -> TablePlan:
    """The plan of one declared table."""
    fields = {
        "name": spec.name,
        "source": spec.source,
        "target": spec.target,
        "layer": spec.layer,
        "timestamp": spec.timestamp,
        "sequence": spec.sequence,
    }
    lists = {"key": spec.key, "delivery": spec.delivery, "sort": spec.sort, "unsigned_as_long": spec.unsigned_as_long}
    text = "".join(f'{name} = "{value}"\n' for name, value in fields.items())
    text += "".join(f"{name} = {list(value)}\n" for name, value in lists.items())
    (stage.folder / "tables" / f"{spec.name}.toml").write_text(f"{text}timestamp_follows_key = true\n")
    (found,) = api.plan([spec.name], settings=stage.settings(tables=stage.folder / "tables"))
    return found


def another_job_appends(stage: Embedded, spec: TableSpec) -> None:
    """A row that no token explains."""
    table = stage.iceberg(spec)
    table.append(table.scan(limit=1).to_arrow())


def another_partition(stage: Embedded, spec: TableSpec) -> None:
    """One field more."""
    with stage.iceberg(spec).update_spec() as update:
        update.add_field("symbol", IdentityTransform())


def cold_is_dropped(stage: Embedded, spec: TableSpec) -> None:
    """The store still has its watermark."""
    with stage.catalog() as catalog:
        catalog.drop_table(spec.target)


def hot_is_recreated(stage: Embedded, _spec: TableSpec) -> None:
    """Under the same name."""
    stage.sql("CREATE TABLE copy AS trades")
    stage.sql("INSERT INTO copy SELECT * FROM trades")
    stage.sql("DROP TABLE trades")
    stage.sql("RENAME TABLE copy TO trades")


def catalog_is_restored(stage: Embedded, spec: TableSpec) -> None:
    """To before a commit whose rows hot has no longer."""
    shutil.copy(stage.folder / "catalog.db", stage.folder / "backup.db")
    stage.insert_trades("numbers(1000, 50)", start="toDateTime64('2024-08-03 00:00:00', 6, 'UTC')")
    assert stage.run(spec).exit_code == 0
    stage.sql("ALTER TABLE trades DROP PARTITION '2024-08-03'")
    shutil.copy(stage.folder / "backup.db", stage.folder / "catalog.db")


@pytest.mark.parametrize(
    "change", [another_job_appends, another_partition, cold_is_dropped, hot_is_recreated, catalog_is_restored]
)
def test_what_a_run_refuses_a_plan_refuses_too(stage: Embedded, change: Callable[[Embedded, TableSpec], None]) -> None:
    """With the same words."""
    spec = stage.trades(100)
    assert stage.run(spec).exit_code == 0
    change(stage, spec)
    stage.insert_trades("numbers(2000, 10)", start="toDateTime64('2024-08-05 00:00:00', 6, 'UTC')")
    before = stage.published(spec)

    plan, run = planned(stage, spec), stage.run(spec)

    assert (plan.exit_code, plan.error) == (run.exit_code, run.error)
    assert run.exit_code == 65
    assert stage.published(spec) == before


def test_a_plan_counts_what_the_run_moves(stage: Embedded) -> None:
    """Before the first run, and after it."""
    spec = stage.trades(100)
    for _ in range(2):
        plan, run = planned(stage, spec), stage.run(spec)
        assert (plan.error, plan.rows) == (None, run.rows)
        stage.insert_trades("numbers(2000, 10)", start="toDateTime64('2024-08-05 00:00:00', 6, 'UTC')")
