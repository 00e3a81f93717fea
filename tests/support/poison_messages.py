"""Messages that bronze cannot hold, each with the reason that its dead letter must give."""

from __future__ import annotations

from collections.abc import Iterator

GOOD = {
    "binance": (
        '{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63","q":"0.02","T":1723161255342,'
        '"m":true,"M":true}'
    ),
    "kraken": (
        '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":0.5117,"qty":40.0,'
        '"ord_type":"market","trade_id":4665906,"timestamp":"2023-09-25T07:49:37.708706Z"}]}'
    ),
    "coinbase": (
        '{"type":"match","trade_id":280232,"maker_order_id":"2a0d","taker_order_id":"3c82","side":"sell","size":"985",'
        '"price":"0.00001305","product_id":"SKL-BTC","sequence":177100030,"time":"2021-04-17T16:43:37.089723Z"}'
    ),
}
# The path of each field in the correct message.
FIELDS = {
    "binance": {
        "price": ('"p":', '"61837.63"'),
        "quantity": ('"q":', '"0.02"'),
        "trade id": ('"t":', "3735683259"),
        "time": ('"T":', "1723161255342"),
        "side": ('"m":', "true"),
        "symbol": ('"s":', '"BTCUSDT"'),
        "kind": ('"e":', '"trade"'),
    },
    "kraken": {
        "price": ('"price":', "0.5117"),
        "quantity": ('"qty":', "40.0"),
        "trade id": ('"trade_id":', "4665906"),
        "time": ('"timestamp":', '"2023-09-25T07:49:37.708706Z"'),
        "side": ('"side":', '"sell"'),
        "symbol": ('"symbol":', '"BTC/USD"'),
        "kind": ('"channel":', '"trade"'),
    },
    "coinbase": {
        "price": ('"price":', '"0.00001305"'),
        "quantity": ('"size":', '"985"'),
        "trade id": ('"trade_id":', "280232"),
        "time": ('"time":', '"2021-04-17T16:43:37.089723Z"'),
        "side": ('"side":', '"sell"'),
        "symbol": ('"product_id":', '"SKL-BTC"'),
        "kind": ('"type":', '"match"'),
    },
}
_BROKEN = (b"nonsense", b"\xff\xfe\x00", b"[" * 100_000, b'{"p":NaN}', b"{'e':1}", b'{"e":"\\ud800"}')
_OTHER_KINDS = (b"null", b"3", b"[]", b"{}", b'"x"', b'{"e":"aggTrade","type":"last_match","channel":"ticker"}')
_TOO_LARGE = ("10000000000", "-10000000000", "1e20", "1e28", '"1e400"')
_TOO_FINE = ("0.123456789", "1e-9", "9999999999.999999999", "1e-400")
_NO_NUMBERS = ('"NaN"', '"Infinity"', '" 1"', '"1_0"', '"0x1"', '"1,5"', '""', "null", "[]", '{"x":1}', "true")
_IDS = ("-1", "9223372036854775808", '"99999999999999999999999"', "1.5", '"007"', "null", "1e3", '"x"')
_TIMES = ('"2021-02-30T16:43:37Z"', '"2021-04-17 16:43:37"', '"1004-04-17T16:43:37Z"', '"soon"', "null", "[1]", "-1")
_SIDES = ('"BUY"', "null", "1", '""', '"hold"')


def with_settings(exchange: str, text: str, **values: str) -> str:
    """Return a message with other JSON in some fields; `trade_id` is the field of the trade id."""
    for field, value in values.items():
        name, old = FIELDS[exchange][field.replace("_", " ")]
        assert name + old in text
        text = text.replace(name + old, name + value)
    return text


def poisons(exchange: str) -> list[tuple[bytes, str]]:
    """Give messages of which each is one dead letter, with its reason."""
    good = GOOD[exchange]
    torn = good[: len(good) // 2].encode(), f"{good}}}".encode()
    kind = f"not a {'match' if exchange == 'coinbase' else 'trade'} message"
    return [
        *((text, "not JSON in UTF-8") for text in (*_BROKEN, *torn)),
        *((text, kind) for text in _OTHER_KINDS),
        *((with_settings(exchange, good, **field).encode(), reason) for field, reason in _fields(exchange)),
    ]


def _fields(exchange: str) -> Iterator[tuple[dict[str, str], str]]:
    far = "9999999999999" if exchange == "binance" else '"2099-04-17T16:43:37Z"'
    for number in ("price", "quantity"):
        yield from (({number: text}, f"{number} does not fit Decimal(18, 8)") for text in _TOO_LARGE + _TOO_FINE)
        yield from (({number: text}, f"{number} is no number") for text in _NO_NUMBERS)
    yield from (({"trade_id": text}, "trade id is no whole number below 2^63") for text in _IDS)
    yield from (({"time": text}, "time cannot be read") for text in _TIMES)
    yield from (({"side": text}, "side is unknown") for text in _SIDES)
    yield {"symbol": '""'}, "symbol is missing"
    yield {"time": far}, "time is more than a day ahead"
