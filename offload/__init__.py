"""Moves trades from ClickHouse to Apache Iceberg exactly once."""
