"""
The set checker: is every acknowledged trade in the cold table, once, and nothing else?

After the set checker of Jepsen (`jepsen.checker/set-full`), with an answer for operations whose outcome is unknown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.verdict import Finding, Violation, finding, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.model import Key, Ledger


@dataclass(frozen=True)
class TradeSet:
    """
    The comparison of a ledger with the keys found; each part is in the order of its evidence.

    Attributes:
        acked: Acknowledged keys, each once.
        lost: Acknowledged and not found.
        duplicated: Found more than once, and how often.
        unexpected: Found though refused or never produced, and how often.
        recovered: Found though the outcome was unknown.
    """

    acked: tuple[Key, ...]
    lost: tuple[Key, ...]
    duplicated: tuple[tuple[Key, int], ...]
    unexpected: tuple[tuple[Key, int], ...]
    recovered: tuple[Key, ...]


def compare(ledger: Ledger, found: Iterable[Key]) -> TradeSet:
    """Compare the ledger with the keys found, one entry per row found."""
    counts = Counter(found)
    acked = dict.fromkeys(ledger.acked)
    undecided = {key: None for key in ledger.unknown if key not in acked}
    return TradeSet(
        acked=tuple(acked),
        lost=tuple(key for key in acked if key not in counts),
        duplicated=tuple((key, times) for key, times in counts.items() if times > 1),
        unexpected=tuple((key, times) for key, times in counts.items() if key not in acked and key not in undecided),
        recovered=tuple(key for key in undecided if key in counts),
    )


def check_trade_set(ledger: Ledger, found: Iterable[Key] | None) -> tuple[Finding, Finding, Finding]:
    """
    Check `zero_loss`, `zero_duplicates` and `nothing_unexpected`.

    Args:
        ledger: The produced keys.
        found: The key of every row of the cold table; None: it could not be read.

    Returns:
        The three findings, in that order. Counts are keys. UNKNOWN where the ledger is empty or nothing could be read,
        `zero_loss` also where nothing was acked; the other two also where nothing was found.
    """
    keys = None if found is None else list(found)
    if keys is None:
        return _all_unknown("the cold table could not be read")
    if not (ledger.acked or ledger.unknown or ledger.refused):
        return _all_unknown("the ledger is empty: nothing is known to have been produced")
    trades = compare(ledger, keys)
    return _zero_loss(trades, ledger), _zero_duplicates(trades, len(keys)), _nothing_unexpected(trades, len(keys))


def _all_unknown(missing: str) -> tuple[Finding, Finding, Finding]:
    return unknown("zero_loss", missing), unknown("zero_duplicates", missing), unknown("nothing_unexpected", missing)


def _zero_loss(trades: TradeSet, ledger: Ledger) -> Finding:
    if not trades.acked:
        return unknown("zero_loss", "no trade was acked: none could be lost")
    message = (
        f"every acked trade is found; {len(trades.acked)} acked, {len(trades.lost)} lost, "
        f"{len(trades.recovered)} of {len(set(ledger.unknown))} with an unknown outcome recovered"
    )
    return finding("zero_loss", message, _gaps(trades))


def _gaps(trades: TradeSet) -> list[Violation]:
    """One violation per lost trade; the worst is at the start of the longest gap."""
    lost = set(trades.lost)
    weights: dict[Key, int] = {}
    start: Key | None = None
    for key in trades.acked:
        if key not in lost:
            start = None
            continue
        start = key if start is None else start
        weights[key] = 1
        weights[start] += key is not start
    return [Violation(_gap_text(key, weight), weight) for key, weight in weights.items()]


def _gap_text(key: Key, length: int) -> str:
    return f"{key}" if length == 1 else f"{key} and the {length - 1} acked after it"


def _zero_duplicates(trades: TradeSet, rows: int) -> Finding:
    if rows == 0:
        return unknown("zero_duplicates", "no row was found: none could be doubled")
    surplus = sum(times - 1 for _, times in trades.duplicated)
    message = f"every key is found once at most; {rows} rows examined, {surplus} of them surplus"
    return finding("zero_duplicates", message, _repeats(trades.duplicated))


def _nothing_unexpected(trades: TradeSet, rows: int) -> Finding:
    if rows == 0:
        return unknown("nothing_unexpected", "no row was found: none could be unexpected")
    message = f"nothing is found that was refused or never produced; {rows} rows examined"
    return finding("nothing_unexpected", message, _repeats(trades.unexpected))


def _repeats(found: Sequence[tuple[Key, int]]) -> list[Violation]:
    return [Violation(f"{key} found {times} times" if times > 1 else f"{key}", times) for key, times in found]
