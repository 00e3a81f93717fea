"""Settings that lead a run astray among real servers: of each place, what must be set to have it so."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import make_url

from harness.environments.servers import Place
from tests.support.http_servers import closed_port

HUSH = "hush-s3cr3t"
Wrong = Callable[[Place], Mapping[str, str]]
HOT, CATALOG, STORE = "OFFLOAD_CLICKHOUSE_DSN", "OFFLOAD_CATALOG_URI", "OFFLOAD_WATERMARKS_URL"
BUCKET, BUCKET_FOR_CLICKHOUSE = "OFFLOAD_S3_ENDPOINT", "OFFLOAD_S3_ENDPOINT_FOR_CLICKHOUSE"

REFUSED: dict[str, Wrong] = {
    HOT: lambda place: {HOT: changed(place.dsn, password=HUSH)},
    CATALOG: lambda place: {CATALOG: changed(place.catalog_uri, password=HUSH)},
    STORE: lambda place: {STORE: changed(place.catalog_uri, password=HUSH)},
    "key": lambda _: {"OFFLOAD_S3_SECRET_KEY": HUSH},
}
MISSING: dict[str, Wrong] = {
    HOT: lambda place: {HOT: changed(place.dsn, database="absent")},
    CATALOG: lambda place: {CATALOG: changed(place.catalog_uri, database="absent")},
    STORE: lambda place: {STORE: changed(place.catalog_uri, database="absent")},
    "OFFLOAD_WAREHOUSE": lambda _: {"OFFLOAD_WAREHOUSE": "s3://absent-bucket/warehouse"},
}
TLS: dict[str, Wrong] = {
    HOT: lambda place: {HOT: place.dsn.replace("clickhouse://", "clickhouses://")},
    CATALOG: lambda place: {CATALOG: f"{place.catalog_uri}?sslmode=require"},
    STORE: lambda place: {STORE: f"{place.catalog_uri}?sslmode=require"},
    BUCKET: lambda place: {BUCKET: place.stack.minio.outside.replace("http://", "https://")},
}
UNREACHABLE: dict[str, Wrong] = {
    HOT: lambda place: {HOT: changed(place.dsn, port=closed_port())},
    CATALOG: lambda place: {CATALOG: changed(place.catalog_uri, port=closed_port())},
    STORE: lambda place: {STORE: changed(place.catalog_uri, port=closed_port())},
    BUCKET: lambda _: {BUCKET: f"http://127.0.0.1:{closed_port()}"},
    # The usual slip: the bucket as this host sees it, which the server in its container cannot.
    BUCKET_FOR_CLICKHOUSE: lambda place: {BUCKET_FOR_CLICKHOUSE: place.stack.minio.outside},
}


def changed(address: str, **parts: str | int) -> str:
    """The address with another password, port or database."""
    return make_url(address).set(**parts).render_as_string(hide_password=False)  # type: ignore[arg-type]
