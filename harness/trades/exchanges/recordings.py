"""Where recorded trades lie: the folder in `TIDEMARK_TRADES`, else `shared/data/trades` beside the repository."""

from __future__ import annotations

import os
from pathlib import Path

BESIDE = Path(__file__).parents[4] / "shared" / "data" / "trades"


def recordings() -> Path | None:
    """
    Find the folder; None where there is none, or where `TIDEMARK_TRADES` is empty.

    Raises:
        NotADirectoryError: `TIDEMARK_TRADES` names something else than a folder.
    """
    named = os.environ.get("TIDEMARK_TRADES")
    if named is None:
        return BESIDE if BESIDE.is_dir() else None
    if named and not Path(named).is_dir():
        raise NotADirectoryError(
            f"expected a folder of recordings in TIDEMARK_TRADES; found none at {named}; "
            f"next: unset TIDEMARK_TRADES, and trades are made up"
        )
    return Path(named) if named else None
