"""The first five minutes: a million trades from ClickHouse to Iceberg and a kill -9, without a server."""
