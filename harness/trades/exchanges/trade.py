"""What a trade is, whichever exchange tells of it."""

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
    What must not change on the way to the cold tier.

    Attributes:
        symbol: The exchange's own.
        id: The exchange's trade id, unique in its symbol.
        price: Exactly as printed.
        quantity: Likewise.
        side: The taker's, buy or sell.
        time: Microseconds since 1970 UTC, cut where the exchange prints finer ones.
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
    """JSON whose fractions become decimals."""
    return json.loads(text, parse_float=Decimal)


def plain(number: Decimal) -> str:
    """Every digit of a number, without an exponent."""
    return f"{number:f}"


def lines(folder: Path, pattern: str) -> Iterator[str]:
    """Give the lines of the compressed files that match, file after file by name."""
    for path in sorted(folder.glob(pattern)):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from (line.rstrip("\n") for line in file)


def iso(microseconds: int) -> str:
    """`2021-04-17T16:43:37.089723Z`."""
    return f"{EPOCH + timedelta(microseconds=microseconds):%Y-%m-%dT%H:%M:%S.%f}Z"


def iso_microseconds(text: str) -> int:
    """
    Read a time as printed, in whole numbers; what is finer than microseconds is cut.

    Raises:
        ValueError: It is no time of that form.
    """
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z", text)
    if not found:
        raise ValueError(f"expected a time such as 2021-04-17T16:43:37.089723Z; found {text!r}")
    whole = datetime.fromisoformat(found[1]).replace(tzinfo=UTC) - EPOCH
    return whole // timedelta(microseconds=1) + int((found[2] or "").ljust(6, "0")[:6])
