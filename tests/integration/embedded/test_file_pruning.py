"""Filters on a day or a symbol read only some of the files."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from tests.support.embedded import START, Embedded


@pytest.mark.parametrize("wanted", ["exchange_timestamp < '2024-08-02T00:00:00+00:00'", "symbol = 'BTC'"])
def test_a_filter_plans_at_most_half_of_the_files(stage: Embedded, wanted: str) -> None:
    """Four symbols and two days: partition values and bounds in the manifests let a reader skip the rest."""
    spec = stage.trades(4000)
    stage.insert_trades("numbers(4000, 4000)", start=f"{START} + INTERVAL 1 DAY")
    stage.run(spec)
    table = stage.iceberg(spec)

    everything = list(table.scan().plan_files())
    planned = list(table.scan(row_filter=wanted).plan_files())

    assert 0 < len(planned) <= len(everything) / 2, (len(planned), len(everything))
    assert table.scan(row_filter=wanted).to_arrow().num_rows == (4000 if "symbol" not in wanted else 2000)


def test_rows_of_a_file_are_sorted_and_of_one_day(stage: Embedded) -> None:
    """Files are written in the declared order, so that their bounds are narrow."""
    spec = stage.trades(4000, step="43200000")
    stage.run(spec)
    table = stage.iceberg(spec)

    for task in table.scan().plan_files():
        with table.io.new_input(task.file.file_path).open() as source:
            rows = pq.read_table(source).to_pylist()
        keys = [(row["symbol"], row["exchange_timestamp"], row["sequence_number"]) for row in rows]

        assert keys == sorted(keys)
        assert len({row["exchange_timestamp"].date() for row in rows}) == 1
