"""A trade in the same form for every exchange, and the helpers that read and write its values exactly."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Trade(NamedTuple):
    """
    The values of a trade that must not change on the way to the cold tier.

    Attributes:
        symbol: The symbol in the exchange's spelling.
        id: The exchange's trade id, unique per symbol.
        price: The exact price.
        quantity: The exact quantity.
        side: Side of the taker, buy or sell.
        time: Microseconds since 1970 UTC; more decimals are cut off.
        printed: The time as the exchange prints it.
    """

    symbol: str
    id: str
    price: Decimal
    quantity: Decimal
    side: str
    time: int
    printed: str


def loaded(text: str) -> Any:
    """Parse JSON, with decimals instead of floats."""
    return json.loads(text, parse_float=Decimal)


def plain(number: Decimal) -> str:
    """Format a number with all its digits, without an exponent."""
    return f"{number:f}"


def lines(folder: Path, pattern: str) -> Iterator[str]:
    """Read the lines of all compressed files whose names match, file by file in the order of the names."""
    for path in sorted(folder.glob(pattern)):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from (line.rstrip("\n") for line in file)


def iso(microseconds: int) -> str:
    """Format a time in microseconds since 1970 UTC, like `2021-04-17T16:43:37.089723Z`."""
    return f"{EPOCH + timedelta(microseconds=microseconds):%Y-%m-%dT%H:%M:%S.%f}Z"


def iso_microseconds(text: str) -> int:
    """
    Parse a time like `2021-04-17T16:43:37.089723Z` with integer arithmetic; decimals after the sixth are cut off.

    Returns:
        Microseconds since 1970 UTC.

    Raises:
        ValueError: The text is not a time in this format.
    """
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z", text)
    if not found:
        raise ValueError(f"expected a time like 2021-04-17T16:43:37.089723Z; found {text!r}")
    whole = datetime.fromisoformat(found[1]).replace(tzinfo=UTC) - EPOCH
    return whole // timedelta(microseconds=1) + int((found[2] or "").ljust(6, "0")[:6])
