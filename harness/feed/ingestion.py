"""The way of one exchange's trades into the hot tier: topic, Kafka engine, materialized views, dead letters."""

from __future__ import annotations

from base64 import b64decode
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.feed.topics import topic
from harness.readers.clickhouse import opened
from harness.trades.tagged import TTL_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.environments.servers import ServerEnvironment

DDL = Path(__file__).parents[2] / "fixtures" / "clickhouse"
# A view that feeds nothing yet would swallow what it is given, so the one that begins to read comes last.
STEPS = ("dead_letters", "parsed", "bronze", "dead_letter_view", "queue", "parse")
FLUSH_MS = 500


class DeadLetter(NamedTuple):
    """What bronze could not hold: `position` of the trade in its message, from 1."""

    offset: int
    position: int
    reason: str
    raw: bytes


@dataclass(frozen=True)
class Ingestion:
    """
    One exchange's way into the hot tier of one place.

    Attributes:
        environment: Whose ClickHouse database.
        exchange: binance, kraken or coinbase.
        group: The consumer group of the Kafka engine.
        ttl_days: Trades older than that are dead letters.
    """

    environment: ServerEnvironment
    exchange: str
    group: str
    ttl_days: int = TTL_DAYS

    @property
    def topic(self) -> str:
        """The topic, which belongs to this place alone."""
        return f"{self.environment.database}.market.crypto.trades.{self.exchange}.raw"

    @property
    def bootstrap(self) -> str:
        """The broker, as this host sees it."""
        return self.environment.stack.broker.outside

    def statements(self) -> list[str]:
        """The DDL, in its order."""
        inside = self.environment.stack.broker.inside
        values = {"broker": inside, "topic": self.topic, "group": self.group, "flush_ms": str(FLUSH_MS)}
        return statements(self.exchange, self.ttl_days, **values)

    def dead_letters(self) -> list[DeadLetter]:
        """The dead letters of this exchange, in the order of the log; a redelivered one counts once."""
        query = (
            "SELECT offset, position, reason, base64Encode(raw) FROM dead_letters FINAL"
            f" WHERE exchange = '{self.exchange}' ORDER BY offset, position"
        )
        with opened(self.environment.dsn) as client:
            return [
                DeadLetter(offset, position, reason, b64decode(raw))
                for offset, position, reason, raw in client.query(query).result_rows
            ]

    def delivered_again(self) -> Ingestion:
        """Make the Kafka engine read the whole topic once more, in a consumer group of another name."""
        again = replace(self, group=f"{self.group}-again")
        with opened(self.environment.dsn) as client:
            _drop(client, self.exchange)
            _create(client, again)
        return again


def statements(exchange: str, ttl_days: int, **values: str) -> list[str]:
    """
    Give the DDL from the bronze table on, ready to run.

    Args:
        exchange: binance, kraken or coinbase.
        ttl_days: Days that the hot tier keeps a trade.
        values: `broker`, `topic`, `group` and `flush_ms` of the queue.
    """
    tables = dict.fromkeys(("bronze_trades_binance", f"bronze_trades_{exchange}"))  # the others are made like Binance's
    texts = [(DDL / f"{table}.sql").read_text() for table in tables]
    texts += [(DDL / "kafka" / f"{step}.sql").read_text() for step in STEPS]
    message = (DDL / "kafka" / f"message_{exchange}.sql").read_text()
    return [_filled(text, message=message, exchange=exchange, ttl_days=str(ttl_days), **values) for text in texts]


def _filled(text: str, **values: str) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


@contextmanager
def open_ingestion(environment: ServerEnvironment, exchange: str, *, ttl_days: int = TTL_DAYS) -> Iterator[Ingestion]:
    """
    Lead an exchange's trades into the hot table of a place; topic and views are removed at the end.

    The broker and ClickHouse must be there again by then.
    """
    ingestion = Ingestion(environment, exchange, f"{environment.database}.{exchange}", ttl_days)
    with topic(ingestion.bootstrap, ingestion.topic):
        with opened(environment.dsn) as client:
            _create(client, ingestion)
        try:
            yield ingestion
        finally:
            with opened(environment.dsn) as client:
                _drop(client, exchange)


def _create(client: Any, ingestion: Ingestion) -> None:
    for statement in ingestion.statements():
        client.command(statement)


def _drop(client: Any, exchange: str) -> None:
    """Let go of the topic; the tables that hold something stay."""
    for name in (f"parse_{exchange}", f"queue_{exchange}"):
        client.command(f"DROP TABLE IF EXISTS {name} SYNC")
