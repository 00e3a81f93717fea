"""Tables for people: they fit the width of the terminal, and show times and numbers as people read them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import Any

_WIDE = 200  # columns, where the output is no terminal and COLUMNS does not say otherwise
_FOLDED = 12  # columns that the first column needs at least
_MARGIN = 3  # columns between two texts
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d{6}Z")


def print_table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table; where there is too little room for its times and numbers, a block of lines for each row."""
    from rich import box
    from rich.console import Console
    from rich.table import Column, Table

    console = Console(width=_width())
    cells = [[shown(value) for value in row] for row in rows]
    words = [max(map(_longest_word, (head, *(row[at] for row in cells)))) for at, head in enumerate(heads)]
    least = [min(words[0], _FOLDED), *words[1:]]
    if sum(least) + _MARGIN * len(heads) <= console.width:
        columns = [Column(head, overflow="fold", min_width=width) for head, width in zip(heads, least, strict=True)]
        table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
        for row in cells:
            table.add_row(*row)
        console.print(table)
        return
    for row in cells:
        block = Table(Column(no_wrap=True), Column(overflow="fold"), box=None, show_header=False)
        for head, cell in zip(heads, row, strict=True):
            block.add_row(head, cell)
        console.print(block, "")


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


def shown(value: Any) -> str:
    """One value: `-` for none, times to the second, fractions with one digit after the point."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, list):
        return "\n".join(map(shown, value)) or "-"
    if isinstance(value, dict):
        return "\n".join(f"{name}: {shown(inner)}" for name, inner in value.items())
    return _TIME.sub(r"\1Z", str(value))


def ago(seconds: float | None) -> str:
    """A lag: `-` for none, otherwise in the unit in which it has two digits at least."""
    if seconds is None:
        return "-"
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if abs(seconds) >= 2 * size:
            return f"{seconds / size:,.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _width() -> int | None:
    if sys.stdout.isatty():
        return None  # the terminal's own
    asked = os.environ.get("COLUMNS", "")
    return int(asked) if asked.isdigit() and int(asked) else _WIDE
