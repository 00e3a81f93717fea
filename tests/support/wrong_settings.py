"""Wrong settings for real servers, by kind of error and by variable."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import make_url

from harness.environments.servers import ServerEnvironment
from tests.support.http_servers import closed_port

HUSH = "hush-s3cr3t"
Wrong = Callable[[ServerEnvironment], Mapping[str, str]]
HOT, CATALOG, STORE = "OFFLOAD_CLICKHOUSE_DSN", "OFFLOAD_CATALOG_URI", "OFFLOAD_WATERMARKS_URL"
BUCKET, BUCKET_FOR_CLICKHOUSE = "OFFLOAD_S3_ENDPOINT", "OFFLOAD_S3_ENDPOINT_FOR_CLICKHOUSE"

REFUSED: dict[str, Wrong] = {
    HOT: lambda environment: {HOT: changed(environment.dsn, password=HUSH)},
    CATALOG: lambda environment: {CATALOG: changed(environment.catalog_uri, password=HUSH)},
    STORE: lambda environment: {STORE: changed(environment.catalog_uri, password=HUSH)},
    "key": lambda _: {"OFFLOAD_S3_SECRET_KEY": HUSH},
}
MISSING: dict[str, Wrong] = {
    HOT: lambda environment: {HOT: changed(environment.dsn, database="absent")},
    CATALOG: lambda environment: {CATALOG: changed(environment.catalog_uri, database="absent")},
    STORE: lambda environment: {STORE: changed(environment.catalog_uri, database="absent")},
    "OFFLOAD_WAREHOUSE": lambda _: {"OFFLOAD_WAREHOUSE": "s3://absent-bucket/warehouse"},
}
TLS: dict[str, Wrong] = {
    HOT: lambda environment: {HOT: environment.dsn.replace("clickhouse://", "clickhouses://")},
    CATALOG: lambda environment: {CATALOG: f"{environment.catalog_uri}?sslmode=require"},
    STORE: lambda environment: {STORE: f"{environment.catalog_uri}?sslmode=require"},
    BUCKET: lambda environment: {BUCKET: environment.stack.minio.outside.replace("http://", "https://")},
}
UNREACHABLE: dict[str, Wrong] = {
    HOT: lambda environment: {HOT: changed(environment.dsn, port=closed_port())},
    CATALOG: lambda environment: {CATALOG: changed(environment.catalog_uri, port=closed_port())},
    STORE: lambda environment: {STORE: changed(environment.catalog_uri, port=closed_port())},
    BUCKET: lambda _: {BUCKET: f"http://127.0.0.1:{closed_port()}"},
    # The usual slip: the bucket as this host sees it, which the server in its container cannot.
    BUCKET_FOR_CLICKHOUSE: lambda environment: {BUCKET_FOR_CLICKHOUSE: environment.stack.minio.outside},
}


def changed(address: str, **adapters: str | int) -> str:
    """The address with another password, port or database."""
    return make_url(address).set(**adapters).render_as_string(hide_password=False)  # type: ignore[arg-type]
