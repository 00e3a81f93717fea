"""Silver and gold: the tables, and the views that make trades of one form and candles from the bronze tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.feed.ingestion import DDL, filled
from harness.trades.exchanges import EXCHANGES
from harness.trades.tagged import TTL_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

INTERVALS = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "1d": 86_400}
SELDOM = "1 YEAR"  # tests refresh the candles themselves


def statements(
    exchanges: Iterable[str] = tuple(EXCHANGES), *, ttl_days: int = TTL_DAYS, refresh: str = SELDOM
) -> Iterator[str]:
    """
    Return the DDL statements, in the order in which they must run; the bronze tables of the exchanges must exist.

    Args:
        exchanges: Those whose trades become silver.
        ttl_days: Silver keeps a trade for this many days.
        refresh: The time between two refreshes of the candles, such as `1 MINUTE`.
    """
    yield filled((DDL / "silver_trades.sql").read_text(), ttl_days=str(ttl_days))
    view = (DDL / "views" / "silver.sql").read_text()
    yield from (filled(view, exchange=exchange) for exchange in exchanges)
    for interval, seconds in INTERVALS.items():
        yield (DDL / f"ohlcv_{interval}.sql").read_text()
        values = {"interval": interval, "seconds": str(seconds), "refresh": refresh, "ttl_days": str(ttl_days)}
        yield filled((DDL / "views" / "candles.sql").read_text(), **values)


def refresh_candles(client: Any) -> None:
    """
    Compute the candles of all intervals again, and wait for them.

    Raises:
        DatabaseError: A refresh failed.
    """
    # A refresh that runs already may have read the trades too early.
    for verb in ("WAIT", "REFRESH", "WAIT"):
        for interval in INTERVALS:
            client.command(f"SYSTEM {verb} VIEW candles_{interval}")
