"""Raw messages of three exchanges, written and read without floats; one module per exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from harness.trades.exchanges import binance, coinbase, kraken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.trades.exchanges.trade import Trade


class Exchange(Protocol):
    """The functions of an exchange's module; it must never round a number, and must share no code with the offload."""

    MOST: int
    """One message has at most this many trades."""

    def message(self, trades: Sequence[Trade]) -> str:
        """Write at most `MOST` trades as one message, in the exchange's format."""

    def trades(self, message: str) -> list[Trade]:
        """
        Read the trades of a message.

        Raises:
            KeyError, TypeError, ValueError: The message is not in this exchange's format.
        """

    def recorded(self, folder: Path) -> Iterator[str]:
        """Read the recorded messages in a folder, in the order of their times."""


EXCHANGES: dict[str, Exchange] = {"binance": binance, "kraken": kraken, "coinbase": coinbase}
