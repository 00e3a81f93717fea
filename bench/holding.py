"""What a hot table and a target hold: the target is read from its bucket alone, whatever catalog its writer used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import fs
from pyiceberg.table import StaticTable

from harness.environments.servers import REGION, ServerEnvironment

METADATA = ".metadata.json"


@dataclass(frozen=True)
class Holding:
    """Rows, distinct sequence numbers, and the sum of the timestamps in microseconds modulo 2^64."""

    rows: int
    numbers: int
    times: int


def hot_holding(client: Any, table: str) -> Holding:
    """What ClickHouse holds."""
    times = "sum(toUnixTimestamp64Micro(exchange_timestamp))"
    answer = client.query(f"SELECT count(), uniqExact(sequence_number), {times} FROM {table}")
    return Holding(*answer.result_rows[0])


def cold_holding(environment: ServerEnvironment, table: str) -> Holding:
    """
    The rows of the newest state of the Iceberg table in the environment's bucket.

    Raises:
        RuntimeError: The bucket has no such table.
    """
    properties = {
        "s3.endpoint": environment.stack.minio.outside,
        "s3.access-key-id": environment.stack.minio.access_key,
        "s3.secret-access-key": environment.stack.minio.secret_key,
        "s3.region": REGION,
    }
    newest = StaticTable.from_metadata(f"s3://{_newest(environment, table)}", properties)
    held = newest.scan(selected_fields=("sequence_number", "exchange_timestamp")).to_arrow()
    times = held.column("exchange_timestamp").cast(pa.int64())
    total = sum(pc.sum(chunk).as_py() for chunk in times.chunks if len(chunk))
    return Holding(len(held), pc.count_distinct(held.column("sequence_number")).as_py(), wrapped(total))


def wrapped(number: int) -> int:
    """As ClickHouse's Int64 sum wraps round."""
    return (number + 2**63) % 2**64 - 2**63


def _newest(environment: ServerEnvironment, table: str) -> str:
    """Path of the metadata file with the highest number, without the scheme: `00002-<uuid>.metadata.json`."""
    minio = environment.stack.minio
    bucket = fs.S3FileSystem(
        access_key=minio.access_key, secret_key=minio.secret_key, endpoint_override=minio.outside, region=REGION
    )
    listed = bucket.get_file_info(fs.FileSelector(environment.bucket, recursive=True))
    files = [entry for entry in listed if f"/{table}/metadata/" in entry.path and entry.path.endswith(METADATA)]
    if not files:
        raise RuntimeError(
            f"expected an Iceberg table {table} in {environment.bucket}; found {len(listed)} other objects"
        )
    return str(max(files, key=lambda entry: entry.base_name).path)
