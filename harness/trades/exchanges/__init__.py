"""Raw messages as three exchanges send them, written and read without a float; one module per exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from harness.trades.exchanges import binance, coinbase, kraken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.trades.exchanges.trade import Trade


class Exchange(Protocol):
    """What each module of an exchange offers; nothing in it may round, and nothing in it is shared with the offload."""

    MOST: int
    """So many trades can stand in one message."""

    def message(self, trades: Sequence[Trade]) -> str:
        """Write trades as the exchange sends them; at most `MOST`."""

    def trades(self, message: str) -> list[Trade]:
        """Read the trades of a message. KeyError, TypeError, ValueError: it is not one of this exchange's."""

    def recorded(self, folder: Path) -> Iterator[str]:
        """Give the messages of the recordings in a folder, in the order of their times."""


EXCHANGES: dict[str, Exchange] = {"binance": binance, "kraken": kraken, "coinbase": coinbase}
