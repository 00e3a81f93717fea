"""The table functions by which ClickHouse reads Parquet files."""

from __future__ import annotations

from offload.clickhouse.files import table_function
from offload.io.warehouse import Warehouse

SECRET = "s3cr3t"  # noqa: S105  # no real one


def bucket(**changes: str) -> Warehouse:
    """A bucket with keys."""
    return Warehouse("s3://bucket/prefix/", 10, **{"access_key": "reader", "secret_key": SECRET} | changes)


def test_several_files_are_one_glob() -> None:
    """The common folder is outside the braces."""
    local, remote = Warehouse("/w", 10), bucket(endpoint="http://minio:9000/")

    assert table_function(local, ["file:///w/a.parquet"]) == "file('/w/a.parquet', 'Parquet', 'auto')"
    assert table_function(local, ["file:///w/x/a", "file:///w/y/b"]) == "file('/w/{x/a,y/b}', 'Parquet', 'auto')"
    assert table_function(remote, ["s3://bucket/p/x/a", "s3://bucket/p/xy/b"]) == (
        f"s3('http://minio:9000/bucket/p/{{x/a,xy/b}}', 'reader', '{SECRET}', 'Parquet', 'auto')"
    )


def test_clickhouse_may_see_the_bucket_elsewhere() -> None:
    """Its own endpoint first, then ours, then Amazon's."""
    path = ["s3://bucket/a"]

    assert "'http://inside/bucket/a'" in table_function(
        bucket(endpoint="http://x", endpoint_for_clickhouse="http://inside"), path
    )
    assert "'http://x/bucket/a'" in table_function(bucket(endpoint="http://x"), path)
    assert "'https://s3.eu-central-1.amazonaws.com/bucket/a'" in table_function(bucket(region="eu-central-1"), path)


def test_a_quote_in_a_path_or_key_stays_inside_its_literal() -> None:
    """Keys and paths are quoted like all text."""
    made = table_function(bucket(secret_key="it's"), ["s3://bucket/o'clock"])  # noqa: S106  # no real one

    assert "bucket/o%27clock'" in made
    assert "it\\'s" in made
