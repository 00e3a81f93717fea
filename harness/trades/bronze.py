"""The bronze tables of trades: key, delivery columns, timestamp."""

from __future__ import annotations

KEY = ("exchange", "symbol", "trade_id")
DELIVERY = ("kafka_partition", "kafka_offset", "ingestion_timestamp", "arrived_at")
TIME = "exchange_timestamp"
TOKEN = "tidemark.token"  # noqa: S105 - the property in which a writer says which batch it published
