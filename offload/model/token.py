"""The commit token: it identifies a commit, its rows and its source."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import lru_cache


@dataclass(frozen=True)
class Watermark:
    """The largest published timestamp, in ticks of the source column since 1970 UTC, and the largest sequence at it."""

    ticks: int
    sequence: int | None


@dataclass(frozen=True)
class SourceIdentity:
    """
    Identifies a hot table.

    Attributes:
        uuid: The server's UUID of it; of a replicated table, the path that its replicas share.
        also: What tokens of older releases may have instead.
        cluster: The configured cluster name.
    """

    uuid: str
    also: tuple[str, ...]
    cluster: str


@dataclass(frozen=True)
class CommitToken:
    """
    The description of one commit, stored in the snapshot summary and, for the last commit, in the table properties.

    `run_from` (the watermark that the run started from), the window and the watermark are ticks of the source column.
    `swept_at` (microseconds UTC on the source's clock) is the time of the last check for late rows that found none.
    `table_uuid` is the cold table's own. `timestamp` to `arrival` are of the declaration and say what the watermark
    counts; None: the token is of an older release. `late_from` and `late_to` (ticks) are the window of late rows, whose
    commit leaves the watermark as it is; None: no late rows. `verified_through` (ticks) is the time up to which every
    hot row was held against cold; `expired_through` (ticks) the largest timestamp of partitions that `expire-hot`
    dropped; None: none yet. `changed_by` (user@host) and `reason` are of a commit without rows by which an operator set
    the watermark; None: a run wrote it.
    """

    run_id: str
    epoch: int
    batch: int
    run_from: int | None
    window_from: int | None
    window_to: int
    rows: int
    digest: int
    watermark_ticks: int | None
    watermark_sequence: int | None
    precision: int
    source_uuid: str
    source_cluster: str
    table_uuid: str
    swept_at: int | None = None
    timestamp: str | None = None
    key: tuple[str, ...] | None = None
    timestamp_follows_key: bool | None = None
    arrival: str | None = None
    late_from: int | None = None
    late_to: int | None = None
    replaced_rows: int = 0
    verified_through: int | None = None
    expired_through: int | None = None
    changed_by: str | None = None
    reason: str | None = None

    def dumps(self) -> str:
        """The token as one line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)

    @classmethod
    @lru_cache(maxsize=8192)  # RECOVER reads the tokens of all snapshots that are kept, in each run of a process
    def loads(cls, text: str) -> CommitToken:
        """
        Read back what `dumps` wrote.

        Raises:
            ValueError: The text is no token.
        """
        try:
            found = cls(**json.loads(text))
            return found if found.key is None else replace(found, key=tuple(found.key))
        except TypeError as error:
            raise ValueError(f"not a token: {text[:200]}") from error

    @property
    def watermark(self) -> Watermark | None:
        """The table's watermark after this commit."""
        return None if self.watermark_ticks is None else Watermark(self.watermark_ticks, self.watermark_sequence)
