"""A watermark store that an older version created goes on: its columns are added, its rows stay."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import create_engine, text

from harness.environments.embedded import EmbeddedEnvironment
from offload.io.database import with_connect_timeout
from offload.results import RunResult
from offload.watermarks.store import WatermarkStore
from offload.watermarks.tables import METADATA, RUNS

NEW_COLUMNS = ("files", "bytes", "batches")


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_store_without_the_new_columns_is_extended(
    new_environment: Callable[..., EmbeddedEnvironment], offload: Callable[..., RunResult], store: str
) -> None:
    """A run records into the old table; the record of the older version has NULL in the new columns."""
    environment = new_environment("one", store=store)
    url = environment.store_url
    watermarks = WatermarkStore(url, lease=60, timeout=30, owner="test")
    engine = create_engine(with_connect_timeout(url, 30))
    METADATA.create_all(engine)
    with engine.begin() as connection:
        for column in NEW_COLUMNS:
            connection.execute(text(f"ALTER TABLE offload_runs DROP COLUMN {column}"))
        connection.execute(RUNS.insert().values(run_id="older", table_name=environment.table, status="success"))
    engine.dispose()

    assert offload(environment).exit_code == 0
    records = {record["run_id"]: [record[column] for column in NEW_COLUMNS] for record in watermarks.history(None, 10)}
    assert records.pop("older") == [None, None, None]
    ((files, size, batches),) = records.values()
    assert (files, batches) == (1, 1)
    assert size > 0
