"""Raw messages become bronze rows without losing a digit, and a bad one stops nothing."""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from typing import Any

import pytest

from offload.demo.messages import DemoTrade, RejectedMessage, parse

BINANCE = {
    "e": "trade", "E": 1723161255343, "s": "BTCUSDT", "t": 3735683259, "p": "61837.63000000", "q": "0.02000000",
    "T": 1723161255342, "m": True, "M": True,
}  # fmt: skip
KRAKEN_REST = (
    '{"pair":"XBTUSDT","price":"105433.60000","volume":"0.00027625","time":1762795433.9717445,"side":"b","type":"l",'
    '"trade_id":10218208}'
)
KRAKEN_V2 = (
    '{"channel":"trade","type":"update","data":['
    '{"symbol":"BTC/USD","side":"sell","price":0.5117,"qty":1e-05,"ord_type":"market","trade_id":4665906,'
    '"timestamp":"2023-09-25T07:49:37.708706Z"},'
    '{"symbol":"BTC/USD","side":"buy","price":5.117E+3,"qty":40.0,"ord_type":"limit","trade_id":4665907,'
    '"timestamp":"2023-09-25T07:49:37.708706Z"}]}'
)
COINBASE = {
    "type": "match", "trade_id": 280232, "maker_order_id": "2a0d", "taker_order_id": "3c82", "side": "sell",
    "size": "985", "price": "0.00001305", "product_id": "SKL-BTC", "sequence": 177100030,
    "time": "2021-04-17T16:43:37.089723Z",
}  # fmt: skip


def parsed(exchange: str, *messages: str | dict[str, Any]) -> list[DemoTrade | RejectedMessage]:
    """Parse messages given as text, or as what becomes JSON."""
    return list(parse(exchange, (text if isinstance(text, str) else json.dumps(text) for text in messages)))


def trade(exchange: str, message: str | dict[str, Any]) -> DemoTrade:
    """The only trade of a message."""
    (only,) = parsed(exchange, message)
    assert isinstance(only, DemoTrade), only
    return only


def test_every_column_of_a_binance_trade_is_what_the_exchange_said() -> None:
    """The whole row, compared column by column."""
    assert trade("binance", BINANCE) == DemoTrade(
        exchange="binance",
        symbol="BTCUSDT",
        canonical_symbol="BTC/USDT",
        trade_id="3735683259",
        sequence_number=3735683259,
        side="sell",
        is_buyer_maker=True,
        price=Decimal("61837.63"),
        quantity=Decimal("0.02"),
        quote_volume=Decimal("1236.7526"),
        exchange_timestamp=1723161255342000,
        metadata={"exchange_time": "1723161255342", "event_time": "1723161255343"},
    )


@pytest.mark.parametrize(
    ("exchange", "message", "side"),
    [
        ("binance", BINANCE | {"m": True}, "sell"),
        ("binance", BINANCE | {"m": False}, "buy"),
        ("coinbase", COINBASE | {"side": "sell"}, "buy"),
        ("coinbase", COINBASE | {"side": "buy"}, "sell"),
        ("kraken", KRAKEN_REST, "buy"),
        ("kraken", KRAKEN_REST.replace('"b"', '"s"'), "sell"),
    ],
)
def test_the_side_is_the_takers(exchange: str, message: str | dict[str, Any], side: str) -> None:
    """Binance has a flag for a buyer who is the maker, Coinbase the maker's side, Kraken the taker's."""
    row = trade(exchange, message)

    assert row.side == side
    assert row.is_buyer_maker == (side == "sell")


def test_a_time_finer_than_microseconds_is_cut_and_stays_in_the_metadata_as_printed() -> None:
    """Never rounded: 9 999 999.9 microseconds are 9 999 999, and JSON numbers keep their text."""
    row = trade("kraken", KRAKEN_REST)
    edge = trade("kraken", KRAKEN_REST.replace("433.9717445", "433.9999999999"))
    nanoseconds = trade("coinbase", COINBASE | {"time": "2021-04-17T18:43:37.999999999+02:00"})

    assert row.exchange_timestamp == 1762795433971744
    assert row.metadata["exchange_time"] == "1762795433.9717445"
    assert edge.exchange_timestamp == 1762795433999999
    assert nanoseconds.exchange_timestamp == 1618677817999999
    assert nanoseconds.as_json()["exchange_timestamp"] == "2021-04-17 16:43:37.999999"


def test_a_kraken_message_carries_several_trades_and_its_json_numbers_never_become_floats() -> None:
    """Exponents included."""
    first, second = parsed("kraken", KRAKEN_V2)

    assert isinstance(first, DemoTrade)
    assert isinstance(second, DemoTrade)
    assert (first.price, first.quantity, first.side) == (Decimal("0.5117"), Decimal("0.00001"), "sell")
    assert (second.price, second.quantity, second.side) == (Decimal(5117), Decimal(40), "buy")
    assert first.as_json()["quantity"] == "0.00001000"
    assert {row.exchange_timestamp for row in (first, second)} == {1695628177708706}


def test_the_largest_numbers_that_fit_are_multiplied_exactly() -> None:
    """Thirty-six digits, in a caller's context that would round to six."""
    with localcontext(prec=6):
        row = trade("binance", BINANCE | {"p": "9999999999.99999999", "q": "9999999999.99999999"})

    assert row.quote_volume == Decimal("99999999999999999800.0000000000000001")
    assert row.as_json()["quote_volume"] == "99999999999999999800.0000000000000001"


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("p", "10000000000", "does not fit"),
        ("p", "1e400", "does not fit"),
        ("p", "0.123456789", "more than eight decimals"),
        ("q", "1e-9", "more than eight decimals"),
        ("q", "NaN", "is not a number"),
        ("q", " 1", "is not a number"),
        ("q", "1_0", "is not a number"),
        ("q", "", "q is"),
        ("q", None, "q is"),
        ("t", 2**63, "below 2^63"),
        ("t", -1, "below 2^63"),
        ("t", "007", "below 2^63"),
        ("T", 99999999999999, "not between 1970 and 2100"),
        ("m", "true", "not true or false"),
        ("e", "aggTrade", "not a trade message"),
    ],
)
def test_what_bronze_cannot_hold_is_rejected_with_its_reason(field: str, value: object, reason: str) -> None:
    """The reject names the cause and keeps the message, and the next message is parsed."""
    bad, good = parsed("binance", BINANCE | {field: value}, BINANCE)

    assert isinstance(bad, RejectedMessage)
    assert reason in bad.reason
    assert json.loads(bad.message)["M"] is True
    assert isinstance(good, DemoTrade)


def test_text_that_is_no_unicode_is_rejected() -> None:
    """Half a surrogate pair is valid JSON and no text. (As a parameter it would break reports that name those)."""
    (bad,) = parsed("binance", BINANCE | {"s": "BTC\ud800"})

    assert isinstance(bad, RejectedMessage)
    assert "surrogates not allowed" in bad.reason


@pytest.mark.parametrize("exchange", ["binance", "kraken", "coinbase"])
@pytest.mark.parametrize(
    "text",
    ["nonsense", "[]", "3", "null", "{}", '{"e":"trade"}', '{"type":"match"}', '{"channel":"trade","data":7}',
     '{"channel":"trade","data":[7]}', '{"pair":[]}', '{"e":"trade","p":NaN}', "[" * 100_000],
)  # fmt: skip
def test_no_message_whatever_raises(exchange: str, text: str) -> None:
    """A poison message is one reject, never the end of the stream."""
    (reject,) = parsed(exchange, text)

    assert isinstance(reject, RejectedMessage)


def test_one_bad_trade_of_a_message_leaves_its_neighbours() -> None:
    """Kraken sends several trades in one message; each is parsed by itself."""
    bad, good = parsed("kraken", KRAKEN_V2.replace("1e-05", "1e-09"))

    assert isinstance(bad, RejectedMessage)
    assert isinstance(good, DemoTrade)
    assert good.trade_id == "4665907"


@pytest.mark.parametrize(
    ("exchange", "symbol", "canonical"),
    [
        ("kraken", "XBTUSDT", "BTC/USDT"),
        ("kraken", "XXBTZUSD", "BTC/USD"),
        ("kraken", "XDGEUR", "DOGE/EUR"),
        ("binance", "ETHBTC", "ETH/BTC"),
        ("binance", "BTCFDUSD", "BTC/FDUSD"),
        ("binance", "UNKNOWN", "UNKNOWN"),
        ("coinbase", "NMR-EUR", "NMR/EUR"),
    ],
)
def test_markets_of_all_exchanges_share_their_canonical_names(exchange: str, symbol: str, canonical: str) -> None:
    """The exchange's own symbol stays beside it."""
    messages: dict[str, str | dict[str, Any]] = {
        "binance": BINANCE | {"s": symbol},
        "kraken": KRAKEN_REST.replace("XBTUSDT", symbol),
        "coinbase": COINBASE | {"product_id": symbol},
    }
    row = trade(exchange, messages[exchange])

    assert (row.symbol, row.canonical_symbol) == (symbol, canonical)
