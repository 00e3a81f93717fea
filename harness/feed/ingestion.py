"""The ingestion of one exchange's trades into ClickHouse: topic, Kafka engine, materialized views, dead letters."""

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
# A view without a target would lose the messages that it reads, so the view that starts the reading comes last.
STEPS = ("dead_letters", "parsed", "bronze", "dead_letter_view", "queue", "parse")
FLUSH_MS = 500


class DeadLetter(NamedTuple):
    """A trade or message that bronze cannot store; `position` counts the trades of the message, from 1."""

    offset: int
    position: int
    reason: str
    raw: bytes


@dataclass(frozen=True)
class Ingestion:
    """
    The ingestion of one exchange into the hot tier of one environment.

    Attributes:
        environment: Owns the ClickHouse database.
        exchange: binance, kraken or coinbase.
        group: The consumer group of the Kafka engine.
        ttl_days: A trade that is older than this many days becomes a dead letter.
    """

    environment: ServerEnvironment
    exchange: str
    group: str
    ttl_days: int = TTL_DAYS

    @property
    def topic(self) -> str:
        """Name of the topic; no other environment uses it."""
        return f"{self.environment.database}.market.crypto.trades.{self.exchange}.raw"

    @property
    def bootstrap(self) -> str:
        """Address of the broker for clients on this host, host:port."""
        return self.environment.stack.broker.outside

    def statements(self) -> list[str]:
        """Return the DDL statements, in the order in which they must run."""
        inside = self.environment.stack.broker.inside
        values = {"broker": inside, "topic": self.topic, "group": self.group, "flush_ms": str(FLUSH_MS)}
        return statements(self.exchange, self.ttl_days, **values)

    def dead_letters(self) -> list[DeadLetter]:
        """Read the dead letters of this exchange, in the order of the log, each once even if delivered twice."""
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
        """Make the Kafka engine read the whole topic again, with a new consumer group."""
        again = replace(self, group=f"{self.group}-again")
        with opened(self.environment.dsn) as client:
            _drop(client, self.exchange)
            _create(client, again)
        return again


def statements(exchange: str, ttl_days: int, **values: str) -> list[str]:
    """
    Return the DDL statements from the bronze table on, with all values filled in.

    Args:
        exchange: binance, kraken or coinbase.
        ttl_days: The hot table keeps a trade for this many days.
        values: `broker`, `topic`, `group` and `flush_ms` of the queue.
    """
    tables = dict.fromkeys(
        ("bronze_trades_binance", f"bronze_trades_{exchange}")
    )  # CREATE TABLE … AS bronze_trades_binance
    texts = [(DDL / f"{table}.sql").read_text() for table in tables]
    texts += [(DDL / "kafka" / f"{step}.sql").read_text() for step in STEPS]
    message = (DDL / "kafka" / f"message_{exchange}.sql").read_text()
    return [filled(text, message=message, exchange=exchange, ttl_days=str(ttl_days), **values) for text in texts]


def filled(text: str, **values: str) -> str:
    """Return a text of DDL with its placeholders, such as `{exchange}`, filled in."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


@contextmanager
def open_ingestion(environment: ServerEnvironment, exchange: str, *, ttl_days: int = TTL_DAYS) -> Iterator[Ingestion]:
    """
    Ingest an exchange's trades into the hot table of an environment; at the end, remove the topic and the views.

    The broker and ClickHouse must answer at the end of the block.
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
    """Stop reading the topic; the tables that store rows are not dropped."""
    for name in (f"parse_{exchange}", f"queue_{exchange}"):
        client.command(f"DROP TABLE IF EXISTS {name} SYNC")
