"""The messages that a feed handler sends, recorded or generated; each has a number, which its text determines."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

from harness.trades.exchanges import EXCHANGES
from harness.trades.exchanges.trade import Trade, iso

if TYPE_CHECKING:
    from pathlib import Path

    from harness.model import Key

SYMBOLS = {
    "binance": ("BTCUSDT", "ETHUSDT", "SOLUSDT"),
    "kraken": ("BTC/USD", "ETH/USD"),
    "coinbase": ("BTC-USD", "ETH-USD"),
}
SIZES = (1, 3, 1, 2)  # trades per message, in turn, where an exchange sends several in one message
BLOCK = 64  # a tie has at most this many messages
FIRST_ID = 3_735_683_259


class Message(NamedTuple):
    """
    One message.

    Attributes:
        text: The message as it is sent.
        keys: (exchange, symbol, trade id) of its trades.
        due: Time of its trades, in seconds since 1970 UTC; the message is not sent earlier. 0: send it at once.
    """

    text: str
    keys: tuple[Key, ...]
    due: float = 0.0


class MessageSource(Protocol):
    """Messages 0, 1, 2, …: a number must give the same message in every process, before and after a crash."""

    def message(self, number: int) -> Message | None:
        """Return the message with this number; None: the source has fewer messages."""

    def position(self, text: str) -> int | None:
        """Return the number of the message with this text; None: the source has no such message."""


@dataclass(frozen=True)
class RecordedMessages:
    """The recorded messages of one exchange, from the files in `folder`."""

    exchange: str
    folder: Path

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        return tuple(EXCHANGES[self.exchange].recorded(self.folder))

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {text: number for number, text in enumerate(self._texts)}

    def message(self, number: int) -> Message | None:
        """Return the recorded message with this number; None: the recordings have fewer messages."""
        if number >= len(self._texts):
            return None
        text = self._texts[number]
        return Message(text, keys(self.exchange, EXCHANGES[self.exchange].trades(text)))

    def position(self, text: str) -> int | None:
        """Return the number of the recorded message with this text; None: no recorded message has it."""
        return self._positions.get(text)


@dataclass(frozen=True)
class GeneratedMessages:
    """
    Generated messages without end; most trades share their time with other trades.

    Attributes:
        exchange: binance, kraken or coinbase.
        seed: The same seed gives the same trades.
        start: Time of the first trade, in microseconds since 1970 UTC.
        per_second: Messages per second of trade time.
    """

    exchange: str
    seed: int
    start: int
    per_second: int = 100

    def message(self, number: int) -> Message:
        """Generate the message with this number."""
        first_of_tie = number
        while not self._starts_tie(first_of_tie):
            first_of_tie -= 1
        time = self.start + first_of_tie * 1_000_000 // self.per_second
        trades = [self._trade(nth, time) for nth in self._trades(number)]
        return Message(EXCHANGES[self.exchange].message(trades), keys(self.exchange, trades), time / 1_000_000)

    def position(self, text: str) -> int | None:
        """Compute the number from the first trade id, and check it: the generated text must be equal."""
        try:
            first = int(EXCHANGES[self.exchange].trades(text)[0].id) - FIRST_ID
        except (KeyError, TypeError, ValueError, IndexError):
            return None
        rounds, rest = divmod(first, sum(self._sizes))
        number = rounds * len(self._sizes) + next(
            n for n in range(len(self._sizes)) if sum(self._sizes[: n + 1]) > rest
        )
        return number if number >= 0 and self.message(number).text == text else None

    @property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(min(size, EXCHANGES[self.exchange].MOST) for size in SIZES)

    def _trades(self, number: int) -> range:
        rounds, rest = divmod(number, len(self._sizes))
        first = rounds * sum(self._sizes) + sum(self._sizes[:rest])
        return range(first, first + self._sizes[rest])

    def _starts_tie(self, number: int) -> bool:
        """Return True if a message has a later time than the message before it; three of eight messages have."""
        return number % BLOCK == 0 or self._dice("leads", number).randrange(8) < 3  # noqa: PLR2004 - the share

    def _trade(self, nth: int, time: int) -> Trade:
        dice = self._dice("trade", nth)
        usual = dice.randrange(16) > 0  # one trade in 16 has as many digits as bronze can store
        if self.exchange == "binance":
            time -= time % 1000
        return Trade(
            symbol=dice.choice(SYMBOLS[self.exchange]),
            id=str(FIRST_ID + nth),
            price=Decimal(dice.randrange(1, 10**7)).scaleb(-2) if usual else Decimal(dice.randrange(10**18)).scaleb(-8),
            quantity=Decimal(dice.randrange(1, 10**11 if usual else 10**18)).scaleb(-8),
            side=dice.choice(("buy", "sell")),
            time=time,
            printed=str(time // 1000) if self.exchange == "binance" else iso(time),
        )

    def _dice(self, purpose: str, number: int) -> random.Random:
        return random.Random(f"{self.seed} {self.exchange} {purpose} {number}")  # noqa: S311 - not used for a secret


def keys(exchange: str, trades: list[Trade]) -> tuple[Key, ...]:
    """Return the keys of trades, with the key columns of the bronze tables."""
    return tuple((exchange, trade.symbol, trade.id) for trade in trades)
