"""The folder of recorded trades: `TIDEMARK_TRADES`, or else `shared/data/trades` beside the repository."""

from __future__ import annotations

import os
from pathlib import Path

BESIDE = Path(__file__).parents[4] / "shared" / "data" / "trades"


def recordings() -> Path | None:
    """
    Return the folder of recorded trades; None: there is no such folder, or `TIDEMARK_TRADES` is set to an empty text.

    Raises:
        NotADirectoryError: `TIDEMARK_TRADES` is not the path of a folder.
    """
    named = os.environ.get("TIDEMARK_TRADES")
    if named is None:
        return BESIDE if BESIDE.is_dir() else None
    if named and not Path(named).is_dir():
        raise NotADirectoryError(
            f"expected TIDEMARK_TRADES to be a folder of recordings; found no folder at {named}; "
            f"next: unset TIDEMARK_TRADES, then the tests generate trades"
        )
    return Path(named) if named else None
