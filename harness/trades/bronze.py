"""The bronze tables of trades: key columns, delivery columns and time column."""

from __future__ import annotations

KEY = ("exchange", "symbol", "trade_id")
DELIVERY = ("kafka_partition", "kafka_offset", "ingestion_timestamp", "arrived_at")
TIME = "exchange_timestamp"
