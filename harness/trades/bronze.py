"""The bronze tables of trades: key columns, delivery columns, time column, and the property of the commit token."""

from __future__ import annotations

KEY = ("exchange", "symbol", "trade_id")
DELIVERY = ("kafka_partition", "kafka_offset", "ingestion_timestamp", "arrived_at")
TIME = "exchange_timestamp"
TOKEN = "tidemark.token"  # noqa: S105 - the snapshot property that has the commit token
