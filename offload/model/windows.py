"""Windows and their ticks: pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

DAY, HOUR, MINUTE, SECOND = 86_400, 3_600, 60, 1
MICROSECOND_DIGITS = 6
_FINEST = 9  # digits after the second of the finest column
_EARLIEST = -2_208_988_800 * 10**_FINEST  # 1900, before which ClickHouse has no time
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """Ticks `(low, high]`; `low` None: from the beginning."""

    low: int | None
    high: int


class Bound:
    """
    The time after which no window of one cycle ends; the first table that asks decides for all.

    Args:
        until: ISO 8601, UTC without a zone; the bound is not later than that.

    Attributes:
        until: The same in microseconds since 1970 UTC; None: none was given.
        end: Microseconds since 1970 UTC; None: no table has asked yet.
    """

    def __init__(self, until: str | None = None) -> None:
        self.until = None if until is None else ticks_of(until, MICROSECOND_DIGITS)
        self._lock = Lock()
        self.end: int | None = None

    def fixed(self, server_now: int, own_now: int, buffer: float) -> int:
        """The bound, by these clocks (microseconds UTC) less the buffer (seconds) where it is not fixed yet."""
        with self._lock:
            if self.end is None:
                self.end = window_end(server_now, own_now, buffer, MICROSECOND_DIGITS, self.until)
            return self.end


def window_end(server_now: int, own_now: int, buffer: float, precision: int, until: int | None) -> int:
    """
    The end of the window in ticks.

    The earlier of two clocks (microseconds UTC) less the buffer (seconds), floored to the column's resolution;
    `until` (ticks) can only lower it.
    """
    latest = min(server_now, own_now) - round(buffer * 1_000_000)
    floored = _rescale(latest, MICROSECOND_DIGITS, precision)
    return floored if until is None else min(floored, until)


def _rescale(value: int, digits: int, to: int) -> int:
    factor: int = 10 ** abs(to - digits)
    return value * factor if to >= digits else value // factor


def clip(window: Window, start: int, size: int) -> Window:
    """The part of the window within `[start, start + size)`."""
    low = start - 1 if window.low is None else max(window.low, start - 1)
    return Window(low, min(window.high, start + size - 1))


def microseconds(ticks: int, precision: int) -> int:
    """Ticks as microseconds since 1970; finer ones are cut."""
    return _rescale(ticks, precision, MICROSECOND_DIGITS)


def ticks(microseconds: int, precision: int) -> int:
    """Microseconds since 1970 as ticks; a coarser column's are cut."""
    return _rescale(microseconds, MICROSECOND_DIGITS, precision)


def to_datetime(ticks: int, precision: int) -> datetime:
    """Ticks as a time in UTC; finer than microseconds is cut."""
    return EPOCH + timedelta(microseconds=microseconds(ticks, precision))


def iso(ticks: int | None, precision: int) -> str | None:
    """Ticks as ISO 8601 in UTC with six digits after the second."""
    if ticks is None:
        return None
    return to_datetime(ticks, precision).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def ticks_of(text: str, precision: int) -> int:
    """
    ISO 8601 as ticks; without a zone it is UTC.

    Raises:
        ValueError: The text is no time, or one outside of the years 1 to 9999 UTC.
    """
    parsed = datetime.fromisoformat(text)
    try:
        aware = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(text) from error
    return _rescale((aware - EPOCH) // timedelta(microseconds=1), MICROSECOND_DIGITS, precision)


def first_tick(precision: int) -> int:
    """The first tick that ClickHouse can have, that of 1900."""
    return _rescale(_EARLIEST, _FINEST, precision)


def last_tick(text: str, precision: int) -> int:
    """
    The last tick of a microsecond that ISO 8601 names: times are shown in microseconds, and a column may be finer.

    Raises:
        ValueError: The text is no time.
    """
    return _rescale(ticks_of(text, MICROSECOND_DIGITS) * 1000 + 999, _FINEST, precision)


def inclusive(start: str, end: str, precision: int) -> Window:
    """
    The ticks from one time to another, ISO 8601, both inclusive.

    Raises:
        ValueError: A text is no time.
    """
    first = max(ticks_of(start, MICROSECOND_DIGITS) * 1000, _EARLIEST)
    return Window(_rescale(first - 1, _FINEST, precision), last_tick(end, precision))


def to_document(window: Window, precision: int) -> dict[str, str | None]:
    """A window as `--json` prints it."""
    return {"from": iso(window.low, precision), "to": iso(window.high, precision)}
