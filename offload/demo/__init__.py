"""The demo: a million trades from ClickHouse to Iceberg, across a kill -9, without a server."""
