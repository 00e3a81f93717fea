"""
The usual dlt pipeline: Arrow batches out of ClickHouse, appended to an Iceberg table by dlt's filesystem destination.

It is measured beside the offload. dlt keeps the cursor in its own state; tables are as bench/tables.py
makes them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import clickhouse_connect
import dlt
from dlt.destinations import filesystem
from dlt.destinations.adapters import iceberg_adapter, iceberg_partition

COLUMNS = """
    exchange_timestamp, toInt64(sequence_number) AS sequence_number, toString(symbol) AS symbol, price, quantity,
    quote_volume, event_time, kafka_offset, kafka_partition, ingestion_timestamp
"""
START = datetime(1970, 1, 1, tzinfo=UTC)


@dlt.resource(name="bench", write_disposition="append", table_format="iceberg")
def bench(
    newer: Any = dlt.sources.incremental("exchange_timestamp", initial_value=START, range_start="open"),  # noqa: B008
) -> Iterator[Any]:
    """The new rows of the hot table as Arrow record batches."""
    client = clickhouse_connect.get_client(
        host=os.environ["CLICKHOUSE_HOST"],
        port=int(os.environ["CLICKHOUSE_PORT"]),
        username=os.environ["CLICKHOUSE_USER"],
        password=os.environ["CLICKHOUSE_PASSWORD"],
        database=os.environ["CLICKHOUSE_DATABASE"],
    )
    query = f"""
        SELECT {COLUMNS} FROM bench
        WHERE exchange_timestamp > toDateTime64('{newer.last_value:%Y-%m-%d %H:%M:%S.%f}', 6, 'UTC')
            AND exchange_timestamp <= now() - INTERVAL 5 MINUTE
    """
    with client.query_arrow_stream(query) as batches:
        yield from batches
    client.close()


def main() -> None:
    """Move what is new."""
    destination = filesystem(
        bucket_url=os.environ["WAREHOUSE"],
        credentials={
            "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
            "endpoint_url": os.environ["S3_ENDPOINT"],
            "region_name": os.environ["AWS_REGION"],
        },
    )
    pipeline = dlt.pipeline("offload", destination=destination, dataset_name="cold", pipelines_dir=os.environ["STATE"])
    pipeline.run(iceberg_adapter(bench, partition=iceberg_partition.day("exchange_timestamp")))


if __name__ == "__main__":
    main()
