"""
Raw messages of the exchanges to bronze rows, without a float on the way.

    Binance   `trade`    https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams#trade-streams
    Kraken    `trade`    https://docs.kraken.com/api/docs/websocket-v2/trade: several trades a message, JSON numbers
    Kraken    one record of REST `Trades`, as recorders write it
    Coinbase  `match`    https://docs.cdp.coinbase.com/exchange/websocket-feed/channels#matches-channel

A trade whose numbers do not fit or do not round-trip is a `Reject`; it never stops the others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from offload.demo.exact import decimal18_8, iso_time, kraken_pair, product, seconds, split_pair, whole_number

Record = dict[str, Any]

# What a message can make the code below raise: a missing field, a wrong type, text or a number out of range.
_BAD = (KeyError, TypeError, ValueError, ArithmeticError)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_2100 = 4_102_444_800_000_000  # microseconds; with a TTL of a few years on top still a valid DateTime


@dataclass(frozen=True, slots=True)
class Trade:
    """
    One bronze row but for its delivery columns.

    `side` is the taker's; `exchange_timestamp` is in microseconds since 1970 UTC, truncated, and
    `metadata["exchange_time"]` is what the exchange printed.
    """

    exchange: str
    symbol: str
    canonical_symbol: str
    trade_id: str
    sequence_number: int
    side: str
    is_buyer_maker: bool
    price: Decimal
    quantity: Decimal
    quote_volume: Decimal
    exchange_timestamp: int
    metadata: dict[str, str]

    def as_json(self) -> Record:
        """The row as ClickHouse's JSONEachRow reads it exactly: decimals and the time are text."""
        moment = _EPOCH + timedelta(microseconds=self.exchange_timestamp)
        numbers = {name: f"{getattr(self, name):f}" for name in ("price", "quantity", "quote_volume")}
        return asdict(self) | numbers | {"exchange_timestamp": f"{moment:%Y-%m-%d %H:%M:%S.%f}"}


@dataclass(frozen=True, slots=True)
class Reject:
    """A trade, or a whole message, that bronze cannot hold: why, and the text it came in."""

    reason: str
    message: str


def parse(exchange: str, lines: Iterable[str]) -> Iterator[Trade | Reject]:
    """
    Parse raw messages, one per line.

    Args:
        exchange: `binance`, `kraken` or `coinbase`.
        lines: JSON texts; a blank line is passed over.

    Raises:
        KeyError: The exchange is none of the three; no message raises anything.
    """
    trades, read = _READERS[exchange]
    for line in lines:
        if line.strip():
            yield from _parse_message(line, trades, read)


def _parse_message(
    line: str, trades: Callable[[Any], list[Record]], read: Callable[[Record], Trade]
) -> Iterator[Trade | Reject]:
    try:
        records = trades(_load(line))
    except (*_BAD, RecursionError) as error:
        yield Reject(_reason(error), line)
        return
    for record in records:
        try:
            yield read(record)
        except _BAD as error:
            yield Reject(_reason(error), line)


def _load(line: str) -> Any:
    """JSON with every number as the text that stood there."""
    return json.loads(line, parse_float=str, parse_int=str, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _reason(error: Exception) -> str:
    match error:
        case KeyError():
            return f"field {error} is missing"
        case RecursionError():
            return "nested too deeply"
        case _:
            return str(error)


def _binance_trades(message: Any) -> list[Record]:
    return [_of_kind(message, "e", "trade")]


def _coinbase_trades(message: Any) -> list[Record]:
    return [_of_kind(message, "type", "match")]


def _kraken_trades(message: Any) -> list[Record]:
    """A REST record is a trade by itself; a v2 message carries a list of them, in other names."""
    if isinstance(message, dict) and "pair" in message:
        return [message]
    data = _of_kind(message, "channel", "trade")["data"]
    if not isinstance(data, list):
        raise TypeError(f"data is no list: {data!r}")
    return data


def _of_kind(message: Any, field: str, kind: str) -> Record:
    if not isinstance(message, dict) or message.get(field) != kind:
        raise ValueError(f"not a {kind} message")
    return message


def _binance(record: Record) -> Trade:
    symbol, taker_sells = _text(record, "s"), record["m"]
    if not isinstance(taker_sells, bool):
        raise TypeError(f"m is {taker_sells!r}, not true or false")
    return _trade(
        exchange="binance",
        symbol=symbol,
        canonical_symbol=split_pair(symbol),
        trade_id=_text(record, "t"),
        side="sell" if taker_sells else "buy",
        numbers=(_text(record, "p"), _text(record, "q")),
        exchange_timestamp=whole_number(_text(record, "T"), "T") * 1000,
        metadata={"exchange_time": _text(record, "T")} | _optional(record, event_time="E"),
    )


def _kraken(record: Record) -> Trade:
    if not isinstance(record, dict):
        raise TypeError(f"a trade is no object: {record!r}")
    rest = "pair" in record
    symbol, time = (
        (_text(record, "pair"), _text(record, "time"))
        if rest
        else (
            _text(record, "symbol"),
            _text(record, "timestamp"),
        )
    )
    return _trade(
        exchange="kraken",
        symbol=symbol,
        canonical_symbol=kraken_pair(symbol),
        trade_id=_text(record, "trade_id"),
        side=_one_of(record, "side", {"b": "buy", "s": "sell", "buy": "buy", "sell": "sell"}),
        numbers=(_text(record, "price"), _text(record, "volume" if rest else "qty")),
        exchange_timestamp=seconds(time) if rest else iso_time(time),
        metadata={"exchange_time": time} | _optional(record, order_type="type" if rest else "ord_type", misc="misc"),
    )


def _coinbase(record: Record) -> Trade:
    symbol = _text(record, "product_id")
    return _trade(
        exchange="coinbase",
        symbol=symbol,
        canonical_symbol=symbol.replace("-", "/"),
        trade_id=_text(record, "trade_id"),
        side=_one_of(record, "side", {"buy": "sell", "sell": "buy"}),  # printed is the maker's
        numbers=(_text(record, "price"), _text(record, "size")),
        exchange_timestamp=iso_time(_text(record, "time")),
        metadata={"exchange_time": _text(record, "time")}
        | _optional(record, sequence="sequence", maker_order_id="maker_order_id", taker_order_id="taker_order_id"),
    )


def _trade(*, numbers: tuple[str, str], trade_id: str, exchange_timestamp: int, **fields: Any) -> Trade:
    """
    What the exchanges have in common.

    Raises:
        ValueError: A number that the columns cannot hold exactly, or text that is not UTF-8.
    """
    price, quantity = decimal18_8(numbers[0], "price"), decimal18_8(numbers[1], "quantity")
    if not 0 <= exchange_timestamp < _YEAR_2100:
        raise ValueError(f"time {exchange_timestamp} microseconds is not between 1970 and 2100")
    "".join((fields["symbol"], *fields["metadata"].values())).encode()  # a lone surrogate has no UTF-8
    return Trade(
        trade_id=trade_id,
        sequence_number=whole_number(trade_id, "trade_id"),
        is_buyer_maker=fields["side"] == "sell",
        price=price,
        quantity=quantity,
        quote_volume=product(price, quantity),
        exchange_timestamp=exchange_timestamp,
        **fields,
    )


def _text(record: Record, field: str) -> str:
    """A field that is text or a number, as it stood in the message; empty text is as good as none."""
    value = record[field]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{field} is {value!r}")
    return value


def _optional(record: Record, **names: str) -> dict[str, str]:
    return {
        name: str(record[field]).lower() if isinstance(record[field], bool) else str(record[field])
        for name, field in names.items()
        if record.get(field) not in (None, "")
    }


def _one_of(record: Record, field: str, meanings: dict[str, str]) -> str:
    value = _text(record, field)
    if value not in meanings:
        raise ValueError(f"{field} is {value!r}, not one of {', '.join(meanings)}")
    return meanings[value]


_READERS: dict[str, tuple[Callable[[Any], list[Record]], Callable[[Record], Trade]]] = {
    "binance": (_binance_trades, _binance),
    "kraken": (_kraken_trades, _kraken),
    "coinbase": (_coinbase_trades, _coinbase),
}
