"""
Parsing of the exchanges' raw messages into bronze rows, without floats.

    Binance   `trade`    https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams#trade-streams
    Kraken    `trade`    https://docs.kraken.com/api/docs/websocket-v2/trade: several trades per message, JSON numbers
    Kraken    one record of REST `Trades`, in the form of the recordings
    Coinbase  `match`    https://docs.cdp.coinbase.com/exchange/websocket-feed/channels#matches-channel

A trade with a number that its column cannot hold exactly becomes a `RejectedMessage`; parsing continues after it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from offload.demo.exact_values import decimal18_8, iso_time, kraken_pair, product, seconds, split_pair, whole_number

Record = dict[str, Any]

# The errors of the parsers below: a missing field, a wrong type, invalid text, a number out of range.
_PARSE_ERRORS = (KeyError, TypeError, ValueError, ArithmeticError)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_2100 = 4_102_444_800_000_000  # microseconds; plus a TTL of a few years it is still a valid DateTime


@dataclass(frozen=True, slots=True)
class DemoTrade:
    """
    One bronze row without its delivery columns.

    Attributes:
        side: The taker's side.
        exchange_timestamp: Microseconds since 1970 UTC, truncated.
        metadata: Has the exchange's own text of the time as `exchange_time`.
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
        """The row for ClickHouse's JSONEachRow; decimals and the time are text, which it reads exactly."""
        time = _EPOCH + timedelta(microseconds=self.exchange_timestamp)
        numbers = {name: f"{getattr(self, name):f}" for name in ("price", "quantity", "quote_volume")}
        return asdict(self) | numbers | {"exchange_timestamp": f"{time:%Y-%m-%d %H:%M:%S.%f}"}


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    """A trade, or a whole message, that a bronze table cannot hold: the reason, and the text of the message."""

    reason: str
    message: str


def parse(exchange: str, lines: Iterable[str]) -> Iterator[DemoTrade | RejectedMessage]:
    """
    Parse raw messages, one per line.

    Args:
        exchange: `binance`, `kraken` or `coinbase`.
        lines: JSON texts; blank lines are skipped.

    Raises:
        KeyError: The exchange is not one of the three. No message raises an error.
    """
    records_of, read = _READERS[exchange]
    for line in lines:
        if line.strip():
            yield from _parse_message(line, records_of, read)


def _parse_message(
    line: str, records_of: Callable[[Any], list[Record]], read: Callable[[Record], DemoTrade]
) -> Iterator[DemoTrade | RejectedMessage]:
    try:
        records = records_of(_load(line))
    except (*_PARSE_ERRORS, RecursionError) as error:
        yield RejectedMessage(_reason(error), line)
        return
    for record in records:
        try:
            yield read(record)
        except _PARSE_ERRORS as error:
            yield RejectedMessage(_reason(error), line)


def _load(line: str) -> Any:
    """Parse JSON; keep every number as its text."""
    return json.loads(line, parse_float=str, parse_int=str, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


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
    """A REST record is one trade; a v2 message has a list of trades, with other field names."""
    if isinstance(message, dict) and "pair" in message:
        return [message]
    data = _of_kind(message, "channel", "trade")["data"]
    if not isinstance(data, list):
        raise TypeError(f"data is not a list: {data!r}")
    return data


def _of_kind(message: Any, field: str, kind: str) -> Record:
    if not isinstance(message, dict) or message.get(field) != kind:
        raise ValueError(f"not a {kind} message")
    return message


def _binance(record: Record) -> DemoTrade:
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


def _kraken(record: Record) -> DemoTrade:
    if not isinstance(record, dict):
        raise TypeError(f"a trade is not an object: {record!r}")
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


def _coinbase(record: Record) -> DemoTrade:
    symbol = _text(record, "product_id")
    return _trade(
        exchange="coinbase",
        symbol=symbol,
        canonical_symbol=symbol.replace("-", "/"),
        trade_id=_text(record, "trade_id"),
        side=_one_of(record, "side", {"buy": "sell", "sell": "buy"}),  # the message has the maker's side
        numbers=(_text(record, "price"), _text(record, "size")),
        exchange_timestamp=iso_time(_text(record, "time")),
        metadata={"exchange_time": _text(record, "time")}
        | _optional(record, sequence="sequence", maker_order_id="maker_order_id", taker_order_id="taker_order_id"),
    )


def _trade(*, numbers: tuple[str, str], trade_id: str, exchange_timestamp: int, **fields: Any) -> DemoTrade:
    """
    Build a row from the fields that all exchanges have.

    Raises:
        ValueError: A column cannot hold a number exactly, or text is not UTF-8.
    """
    price, quantity = decimal18_8(numbers[0], "price"), decimal18_8(numbers[1], "quantity")
    if not 0 <= exchange_timestamp < _YEAR_2100:
        raise ValueError(f"time {exchange_timestamp} microseconds is not between 1970 and 2100")
    "".join(
        (fields["symbol"], *fields["metadata"].values())
    ).encode()  # raises on half a surrogate pair, which has no UTF-8 form
    return DemoTrade(
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
    """A text or number field, as text; empty text is refused like a missing field."""
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


_READERS: dict[str, tuple[Callable[[Any], list[Record]], Callable[[Record], DemoTrade]]] = {
    "binance": (_binance_trades, _binance),
    "kraken": (_kraken_trades, _kraken),
    "coinbase": (_coinbase_trades, _coinbase),
}
