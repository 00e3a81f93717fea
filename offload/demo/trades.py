"""The sources of the demo's trades: generated or recorded. Each has first trades, and newer ones for the killed run."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from offload.demo import generate, hot
from offload.demo.messages import DemoTrade, RejectedMessage, parse
from offload.errors import ConfigurationError, DataError

PATTERNS = {
    "binance": "binance-spot-*.jsonl.gz",
    "kraken": "kraken-rest-trades*.jsonl.gz",
    "coinbase": "coinbase-matches*.jsonl.gz",
}
_NEWER_SHARE = 0.1
_REDELIVERED_ROWS = 1_000


class TradeSource(Protocol):
    """
    The trades of one demo.

    No trade of `later` is at or before the newest trade of `first` in its table: a trade below the watermark is a
    late row, and this demo has no late rows.
    """

    @property
    def name(self) -> str:
        """The kind of trades: generated or recorded."""

    @property
    def ttl_days(self) -> int:
        """Days that ClickHouse must keep the trades."""

    def first(self, client: Any) -> int:
        """Fill the empty tables; return the number of trades."""

    def later(self, client: Any) -> int:
        """Add newer trades; return their number."""

    def remark(self) -> str:
        """A sentence on the trades, without its full stop; call it after `first`."""


@dataclass(frozen=True)
class GeneratedTrades:
    """
    `rows` trades of the last sixty hours, then an eighth as many newer ones.

    All are older than the usual buffer of 5 minutes.
    """

    rows: int
    name: str = "generated"
    ttl_days: int = 7

    def first(self, client: Any) -> int:
        """Generate the trades in ClickHouse, up to 20 minutes ago."""
        now = datetime.now(UTC)
        return generate.generate(client, self.rows, now - timedelta(hours=60), now - timedelta(minutes=20))

    def later(self, client: Any) -> int:
        """Generate newer trades, up to 6 minutes ago, and deliver some of them twice, as a broker may."""
        added = generate.generate(client, self.rows // 8, hot.newest(client), datetime.now(UTC) - timedelta(minutes=6))
        for table in hot.TABLES:
            hot.redeliver(client, table, _REDELIVERED_ROWS)
        return added

    def remark(self) -> str:
        """A property of real trades that the generated ones have too."""
        return "Four of five trades share their millisecond with another trade"


@dataclass(frozen=True)
class RecordedTrades:
    """
    The trades in a folder of recorded raw messages; the newest tenth of each exchange is inserted later.

    Attributes:
        folder: Has files with names that match `PATTERNS`.
        rejects: The messages that a bronze table cannot hold; `first` fills this list.
    """

    folder: Path
    rejects: list[RejectedMessage] = field(default_factory=list)
    name: str = "recorded"
    ttl_days: int = hot.KEEP_RECORDINGS_DAYS

    def first(self, client: Any) -> int:
        """
        Load every message, then copy the oldest nine tenths of each exchange into its bronze table.

        Raises:
            DataError: A file cannot be read to its end.
        """
        for exchange in PATTERNS:
            loaded = f"recorded_trades_{exchange}"
            client.command(f"CREATE TABLE {loaded} AS bronze_trades_{exchange}")
            hot.insert(client, loaded, self._parsed(exchange))
        return self._copy(client, "<=")

    def check(self) -> None:
        """
        Check that there is a recording, before anything is created.

        Raises:
            ConfigurationError: The folder has none.
        """
        if not any(self._files(exchange) for exchange in PATTERNS):
            raise ConfigurationError(
                f"recordings in {self.folder}, named {' or '.join(PATTERNS.values())}",
                "no file with such a name",
                "offload demo --trades ANOTHER_FOLDER",
            )

    def later(self, client: Any) -> int:
        """Copy the newest tenth."""
        rows = self._copy(client, ">")
        for exchange in PATTERNS:
            client.command(f"DROP TABLE recorded_trades_{exchange}")
        return rows

    def remark(self) -> str:
        """The number of rejected messages, and the reason of the first."""
        first = f"; the first: {self.rejects[0].reason}" if self.rejects else ""
        return f"Rejected messages: {len(self.rejects)}{first}"

    def _files(self, exchange: str) -> list[Path]:
        return sorted(self.folder.glob(PATTERNS[exchange]))

    def _parsed(self, exchange: str) -> Iterator[DemoTrade]:
        for parsed in parse(exchange, self._lines(exchange)):
            if isinstance(parsed, RejectedMessage):
                self.rejects.append(parsed)
            else:
                yield parsed

    def _lines(self, exchange: str) -> Iterator[str]:
        for path in self._files(exchange):
            try:
                with gzip.open(path, "rt", encoding="utf-8", errors="replace") as lines:
                    yield from lines
            except (EOFError, OSError, zlib.error) as error:
                raise DataError(f"a complete gzip file at {path}", str(error), f"gzip --test {path}") from error

    @staticmethod
    def _copy(client: Any, comparison: str) -> int:
        """Copy the trades on one side of the cut; trades with equal times are on the same side."""
        before = sum(hot.count(client).values())
        for exchange in PATTERNS:
            loaded = f"recorded_trades_{exchange}"
            cut = f"(SELECT quantileExact({1 - _NEWER_SHARE})(exchange_timestamp) FROM {loaded})"
            client.command(
                f"INSERT INTO bronze_trades_{exchange} SELECT * EXCEPT arrived_at, now64(3) AS arrived_at"
                f" FROM {loaded} WHERE exchange_timestamp {comparison} {cut}"
            )
        return sum(hot.count(client).values()) - before
