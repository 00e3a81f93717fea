"""How a ClickHouse server stores a table, from `system.tables` and `system.columns`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TTL = re.compile(r"\bTTL (?P<ttl>.+?)(?: SETTINGS .*)?$", re.DOTALL)


@dataclass(frozen=True)
class Layout:
    """How the server stores the table. Bytes per row are compressed, 0 where unknown."""

    engine: str
    sorting_key: tuple[str, ...]
    ttl: str | None
    partition_in_sorting_key: bool
    stored_bytes_per_row: float

    @property
    def replacing(self) -> bool:
        """Whether the engine keeps one row per sorting key, at some later time."""
        return "ReplacingMergeTree" in self.engine

    @property
    def merges_rows(self) -> bool:
        """Whether a merge may leave fewer rows."""
        return self.replacing


def plain_key(sorting_key: str, names: set[str]) -> tuple[str, ...]:
    """The columns of a sorting key; empty where it holds expressions."""
    parts = tuple(part.strip().strip("`") for part in sorting_key.split(",") if part.strip())
    return parts if set(parts) <= names else ()


def ttl(engine_full: str) -> str | None:
    """The TTL expression in `engine_full`, after which rows may be deleted; None: no TTL, or one for some rows only."""
    found = _TTL.search(engine_full)
    if not found or any(word in found["ttl"] for word in (" WHERE ", " TO ", " GROUP BY ", " RECOMPRESS")):
        return None
    return found["ttl"].removesuffix(" DELETE")
