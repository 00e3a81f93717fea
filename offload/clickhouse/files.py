"""The table functions by which ClickHouse reads Parquet files: `file()` in this process, `s3()` from a server."""

from __future__ import annotations

import os
from collections.abc import Sequence

from offload.clickhouse import sql
from offload.io.warehouse import Warehouse, plain


def table_function(warehouse: Warehouse, uris: Sequence[str]) -> str:
    """The ClickHouse table function that reads these Parquet files."""
    paths = [plain(uri) for uri in uris]
    if not warehouse.remote:
        return f"file({sql.text(_braced(paths))}, 'Parquet')"
    endpoint = warehouse.endpoint_for_clickhouse or warehouse.endpoint or f"https://s3.{warehouse.region}.amazonaws.com"
    at = sql.text(f"{endpoint.rstrip('/')}/{_braced(paths)}")
    keys = f", {sql.text(warehouse.access_key)}, {sql.text(warehouse.secret_key or '')}" if warehouse.access_key else ""
    return f"s3({at}{keys}, 'Parquet')"


def _braced(paths: Sequence[str]) -> str:
    """One glob for all; what they share stands outside the braces, since a path must begin with its root."""
    if len(paths) == 1:
        return paths[0]
    shared = os.path.commonpath([path.rpartition("/")[0] for path in paths])
    rests = ",".join(path.removeprefix(f"{shared}/") for path in paths)
    return f"{shared}/{{{rests}}}"
