"""
Exact parsing of the numbers, times and pairs that exchanges print, without floats.

Every function raises ValueError if its result would lose a part of the text.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Context, Decimal

# 60 digits hold every product of two Decimal(18,8).
_EXACT = Context(prec=60, rounding=ROUND_DOWN)
_PLACES = Decimal("1e-8")
_WHOLE_DIGITS = 10
_LARGEST_ID = 2**63 - 1  # the largest Iceberg long
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_ISO_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_KRAKEN_OLD_PAIR = re.compile(r"[XZ]([A-Z]{3})[XZ]([A-Z]{3})")
_KRAKEN_NAMES = {"XBT": "BTC", "XDG": "DOGE"}
# Longest first: FDUSD ends in USD.
_QUOTES = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD", "EUR", "GBP", "TRY", "BRL", "JPY", "BTC", "XBT", "ETH")


def decimal18_8(text: str, name: str) -> Decimal:
    """Parse a number as a Decimal(18,8) that equals the printed number."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{name} {text!r} is not a number")
    value = Decimal(text)
    if value and value.adjusted() >= _WHOLE_DIGITS:
        raise ValueError(f"{name} {text} does not fit Decimal(18,8)")
    rounded = (value or Decimal(0)).quantize(_PLACES, context=_EXACT)
    if rounded != value:
        raise ValueError(f"{name} {text} has more than eight decimals")
    return rounded


def whole_number(text: str, name: str) -> int:
    """Parse a count or an id, at most 2^63-1; leading zeros are refused, so that equal numbers have equal texts."""
    if not _WHOLE_NUMBER.fullmatch(text) or int(text) > _LARGEST_ID:
        raise ValueError(f"{name} {text!r} is not a whole number below 2^63")
    return int(text)


def seconds(text: str) -> int:
    """Parse seconds since 1970 UTC with any number of decimals; return microseconds, truncated."""
    if not _NUMBER.fullmatch(text) or Decimal(text).adjusted() > _WHOLE_DIGITS:
        raise ValueError(f"time {text!r} is not a number of seconds")
    return int(_EXACT.multiply(Decimal(text), Decimal(1_000_000)))


def iso_time(text: str) -> int:
    """Parse an ISO 8601 time with any number of decimals; return microseconds since 1970 UTC, truncated."""
    match = _ISO_TIME.fullmatch(text)
    if not match:
        raise ValueError(f"time {text!r} is not ISO 8601 with a time zone")
    whole, fraction, zone = match.groups()
    since = datetime.fromisoformat(whole + zone.replace("Z", "+00:00")) - _EPOCH
    return since // timedelta(microseconds=1) + int((fraction or "")[:6].ljust(6, "0"))


def split_pair(symbol: str) -> str:
    """Convert BTCUSDT to BTC/USDT; a symbol with an unknown quote currency does not change."""
    quote = next((quote for quote in _QUOTES if symbol.endswith(quote) and symbol != quote), None)
    return f"{symbol.removesuffix(quote)}/{quote}" if quote else symbol


def kraken_pair(symbol: str) -> str:
    """Convert XBTUSDT, XXBTZUSD and XBT/USD to BTC/USDT or BTC/USD."""
    old = _KRAKEN_OLD_PAIR.fullmatch(symbol)
    pair = "/".join(old.groups()) if old else symbol if "/" in symbol else split_pair(symbol)
    return "/".join(_KRAKEN_NAMES.get(part, part) for part in pair.split("/"))


def product(price: Decimal, quantity: Decimal) -> Decimal:
    """The exact product of two Decimal(18,8): a Decimal(38,16)."""
    return _EXACT.multiply(price, quantity)
