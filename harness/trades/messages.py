"""Where a feed handler's messages come from; every one has a number, and can be told by its text."""

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
SIZES = (1, 3, 1, 2)  # trades in the messages of an exchange that sends several, again and again
BLOCK = 64  # no tie is longer
FIRST_ID = 3_735_683_259


class Message(NamedTuple):
    """
    One message.

    Attributes:
        text: As it is sent.
        keys: (exchange, symbol, trade id) of its trades.
        due: When its trades happened, in seconds since 1970 UTC: it is not sent before. 0: long ago.
    """

    text: str
    keys: tuple[Key, ...]
    due: float = 0.0


class MessageSource(Protocol):
    """Messages 0, 1, 2, …: the same number is always the same message, whoever asks, before and after a crash."""

    def message(self, number: int) -> Message | None:
        """Give a message; None: the source has ended before it."""

    def position(self, text: str) -> int | None:
        """Tell the number of a message; None: it is none of this source."""


@dataclass(frozen=True)
class RecordedMessages:
    """The recorded messages of one exchange."""

    exchange: str
    folder: Path

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        return tuple(EXCHANGES[self.exchange].recorded(self.folder))

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {text: number for number, text in enumerate(self._texts)}

    def message(self, number: int) -> Message | None:
        """Give a recorded message."""
        if number >= len(self._texts):
            return None
        text = self._texts[number]
        return Message(text, keys(self.exchange, EXCHANGES[self.exchange].trades(text)))

    def position(self, text: str) -> int | None:
        """Look the text up."""
        return self._positions.get(text)


@dataclass(frozen=True)
class GeneratedMessages:
    """
    Messages without end, made up from a seed; most trades share their time with others.

    Attributes:
        exchange: Whose.
        seed: The same seed gives the same trades.
        start: Time of the first, in microseconds since 1970 UTC.
        per_second: Messages in a second of the exchange's time.
    """

    exchange: str
    seed: int
    start: int
    per_second: int = 100

    def message(self, number: int) -> Message:
        """Make a message up."""
        leader = number
        while not self._leads(leader):
            leader -= 1
        time = self.start + leader * 1_000_000 // self.per_second
        trades = [self._trade(nth, time) for nth in self._trades(number)]
        return Message(EXCHANGES[self.exchange].message(trades), keys(self.exchange, trades), time / 1_000_000)

    def position(self, text: str) -> int | None:
        """Work the number out from the first trade id, and make sure of it."""
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

    def _leads(self, number: int) -> bool:
        """Whether a message does not share the time of the one before it; three in eight do not."""
        return number % BLOCK == 0 or self._dice("leads", number).randrange(8) < 3  # noqa: PLR2004 - the share

    def _trade(self, nth: int, time: int) -> Trade:
        dice = self._dice("trade", nth)
        usual = dice.randrange(16) > 0  # else with as many digits as bronze can hold
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

    def _dice(self, what: str, number: int) -> random.Random:
        return random.Random(f"{self.seed} {self.exchange} {what} {number}")  # noqa: S311 - no secret hangs on it


def keys(exchange: str, trades: list[Trade]) -> tuple[Key, ...]:
    """Give the keys of trades, as the bronze tables declare them."""
    return tuple((exchange, trade.symbol, trade.id) for trade in trades)
