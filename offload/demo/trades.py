"""Where the demo's trades come from: made up, or recorded. Each gives a first lot, and a later one for the kill."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from offload.demo import generate, hot
from offload.demo.messages import Reject, Trade, parse
from offload.errors import ConfigurationError, DataError

PATTERNS = {
    "binance": "binance-spot-*.jsonl.gz",
    "kraken": "kraken-rest-trades*.jsonl.gz",
    "coinbase": "coinbase-matches*.jsonl.gz",
}
_HELD_BACK = 0.1
_DELIVERED_AGAIN = 1_000


class Trades(Protocol):
    """
    The trades of one demo.

    What `later` adds is later, in every table, than all that `first` put there: only late rows lie before a watermark,
    and this demo has none.
    """

    @property
    def name(self) -> str:
        """What kind of trades."""

    @property
    def ttl_days(self) -> int:
        """How long ClickHouse must keep them."""

    def first(self, client: Any) -> int:
        """Fill the empty tables; returns the number of trades."""

    def later(self, client: Any) -> int:
        """Add newer trades; returns their number."""

    def remark(self) -> str:
        """What is to be said of the trades, once `first` is done."""


@dataclass(frozen=True)
class Generated:
    """`rows` trades of the last sixty hours, and later an eighth of that; all older than the usual buffer of 5 min."""

    rows: int
    name: str = "generated"
    ttl_days: int = 7

    def first(self, client: Any) -> int:
        """Make the trades up, in ClickHouse."""
        now = datetime.now(UTC)
        return generate.generate(client, self.rows, now - timedelta(hours=60), now - timedelta(minutes=20))

    def later(self, client: Any) -> int:
        """Make newer ones up, and deliver some twice, as a broker may."""
        added = generate.generate(client, self.rows // 8, hot.newest(client), datetime.now(UTC) - timedelta(minutes=6))
        for table in hot.TABLES:
            hot.redeliver(client, table, _DELIVERED_AGAIN)
        return added

    def remark(self) -> str:
        """How they resemble real ones."""
        return "four in five share their millisecond with another"


@dataclass(frozen=True)
class Recorded:
    """
    Trades of a folder of raw messages; the last tenth, by time, is held back for later.

    Attributes:
        folder: Holds files named like `PATTERNS`.
        rejects: Messages that bronze cannot hold, filled by `first`.
    """

    folder: Path
    rejects: list[Reject] = field(default_factory=list)
    name: str = "recorded"
    ttl_days: int = hot.KEEP_RECORDINGS_DAYS

    def first(self, client: Any) -> int:
        """
        Load every message, then move the first nine tenths of each exchange into its bronze table.

        Raises:
            ConfigurationError: The folder holds no recording.
            DataError: A file cannot be read to its end.
        """
        if not any(self._files(exchange) for exchange in PATTERNS):
            raise ConfigurationError(
                f"files such as {', '.join(PATTERNS.values())} in {self.folder}", "none", "name a folder in --trades"
            )
        for exchange in PATTERNS:
            waiting = f"recorded_trades_{exchange}"
            client.command(f"CREATE TABLE {waiting} AS bronze_trades_{exchange}")
            hot.insert(client, waiting, self._good(exchange))
        return self._move(client, "<=")

    def later(self, client: Any) -> int:
        """Move the rest."""
        rows = self._move(client, ">")
        for exchange in PATTERNS:
            client.command(f"DROP TABLE recorded_trades_{exchange}")
        return rows

    def remark(self) -> str:
        """How many messages were rejected, and why the first was."""
        first = f", the first: {self.rejects[0].reason}" if self.rejects else ""
        return f"{len(self.rejects)} messages rejected{first}"

    def _files(self, exchange: str) -> list[Path]:
        return sorted(self.folder.glob(PATTERNS[exchange]))

    def _good(self, exchange: str) -> Iterator[Trade]:
        for parsed in parse(exchange, self._lines(exchange)):
            if isinstance(parsed, Reject):
                self.rejects.append(parsed)
            else:
                yield parsed

    def _lines(self, exchange: str) -> Iterator[str]:
        for path in self._files(exchange):
            try:
                with gzip.open(path, "rt", encoding="utf-8", errors="replace") as lines:
                    yield from lines
            except (EOFError, OSError, zlib.error) as error:
                raise DataError(f"gzip in {path}", str(error), f"gzip --test {path}") from error

    @staticmethod
    def _move(client: Any, side: str) -> int:
        """Copy what is on one side of the cut; a tie is never cut."""
        before = sum(hot.count(client).values())
        for exchange in PATTERNS:
            waiting = f"recorded_trades_{exchange}"
            cut = f"(SELECT quantileExact({1 - _HELD_BACK})(exchange_timestamp) FROM {waiting})"
            client.command(
                f"INSERT INTO bronze_trades_{exchange} SELECT * EXCEPT arrived_at, now64(3) AS arrived_at"
                f" FROM {waiting} WHERE exchange_timestamp {side} {cut}"
            )
        return sum(hot.count(client).values()) - before
