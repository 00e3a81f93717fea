"""The counts of published rows that the cold table keeps: compared once, made anew where they are gone, and small."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from offload.clickhouse.cold_reader import ClickHouseColdReader
from offload.model.coverage import Coverage
from offload.model.windows import Window
from tests.support.embedded import START, Embedded


def test_a_bucket_that_was_compared_is_not_compared_again(stage: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """One late row left behind makes no later run dearer: its keys are compared once, and counted in every run."""
    spec = stage.trades(100, step="60000000")
    stage.run(spec)
    stage.insert_trades("numbers(1000, 1)", start=START, step="1")
    compared: list[Window] = []
    original = ClickHouseColdReader.late

    def late(reader: ClickHouseColdReader, window: Window, *given: Any) -> int:
        compared.append(window)
        return original(reader, window, *given)

    monkeypatch.setattr(ClickHouseColdReader, "late", late)
    found = []
    for day in (1, 2, 3):
        stage.insert_trades(f"numbers({day * 10000}, 10)", step="60000000")
        found.append(stage.run(spec).late_rows)

    assert found == [1, 1, 1]
    assert len(compared) == 1, compared


def test_a_coverage_that_a_person_removed_is_made_anew(stage: Embedded) -> None:
    """Without it every row is compared once; nothing is missed, and nothing is refused."""
    spec = stage.trades(100, step="60000000")
    stage.run(spec)
    stage.insert_trades("numbers(1000, 3)", start=START, step="1")
    with stage.iceberg(spec).transaction() as transaction:
        transaction.set_properties({"tidemark.coverage": "rubbish"})

    assert stage.run(spec).late_rows == 3


def test_the_coverage_stays_small(stage: Embedded) -> None:
    """Hours of three days, days before; none for days that hot does not have any more."""
    spec = stage.trades(40 * 24, step="3600000000")
    stage.run(spec, until="2024-08-20T00:00:00Z")
    stage.run(spec)
    many = Coverage.loads(stage.iceberg(spec).properties["tidemark.coverage"])
    stage.sql("ALTER TABLE trades DELETE WHERE exchange_timestamp < '2024-09-05' SETTINGS mutations_sync = 2")
    stage.insert_trades("numbers(10000, 1)", step="3600000000")
    stage.run(spec)
    few = Coverage.loads(stage.iceberg(spec).properties["tidemark.coverage"])

    assert len(many.buckets) <= 40 + 4 * 24, len(many.buckets)
    assert len(few.buckets) <= 6 + 4 * 24, len(few.buckets)
    assert sum(bucket.published.rows for bucket in many.buckets.values()) == 960


def test_the_sql_of_the_token_page_finds_the_watermark(stage: Embedded) -> None:
    """The statement for ClickHouse of docs/token.md, with the metadata file of this table."""
    spec = stage.trades(100)
    stage.run(spec)
    page = (Path(__file__).parents[3] / "docs" / "token.md").read_text("utf-8")
    (statement,) = [block.split("```")[0] for block in page.split("```sql")[1:] if "FROM s3(" in block]
    file = urlsplit(stage.iceberg(spec).metadata_location).path
    asked = re.sub(r"s3\('[^']+'", f"file('{file}'", statement)

    assert stage.rows(asked) == [(1_722_470_400_099_000,)]
