"""Which of the declared tables a command is for, and its times."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from offload.errors import UsageError
from offload.model import windows
from offload.model.table import LAYERS, TableSpec
from offload.model.windows import MICROSECOND_DIGITS


def select(known: dict[str, TableSpec], names: Iterable[str], layer: str | None) -> list[TableSpec]:
    """
    The tables that a command names; none named: all.

    Raises:
        UsageError: A name or the layer is unknown.
    """
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            close = get_close_matches(name, known, 1)
            found = f"{name[:80]!r}; did you mean {close[0]}?" if close else repr(name[:80])
            raise UsageError(f"one of the declared tables {', '.join(known)}", found, "offload tables")
    if layer is not None:
        check_layer(layer)
    chosen = [known[name] for name in wanted] or list(known.values())
    if other := [spec.name for spec in chosen if layer is not None and wanted and spec.layer != layer]:
        raise UsageError(f"tables of the layer {layer}", ", ".join(other), "leave --layer out, or name other tables")
    return [spec for spec in chosen if layer is None or spec.layer == layer]


def check_layer(layer: str) -> None:
    """
    Check that there is such a layer.

    Raises:
        UsageError: There is not.
    """
    if layer not in LAYERS:
        raise UsageError(f"one of the layers {', '.join(LAYERS)}", repr(layer), "offload tables")


def check_order(start: str | None, end: str | None) -> None:
    """
    Check that a time is not after another one; None: it was not given.

    Raises:
        UsageError: It is: nothing lies between them, and nothing would be compared.
    """
    check_times(start, end)
    if start and end and windows.ticks_of(start, MICROSECOND_DIGITS) > windows.ticks_of(end, MICROSECOND_DIGITS):
        raise UsageError(f"a time until {end} after --from", repr(start), "exchange --from and --to")


def check_times(*texts: str | None) -> None:
    """
    Check that each text is ISO 8601; None: it was not given.

    Raises:
        UsageError: One is not.
    """
    for text in texts:
        if text is None:
            continue
        try:
            windows.ticks_of(text, 0)
        except ValueError as error:
            raise UsageError("a time such as 2026-01-31T12:00:00Z", repr(text[:80]), "write it as ISO 8601") from error
