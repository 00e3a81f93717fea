"""The state of a cold table when it was loaded, and the data files that a run wrote for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from offload.model.columns import TableSchema
from offload.model.coverage import Counts, Coverage
from offload.model.fingerprint import SourceFingerprint
from offload.model.splits import Split
from offload.model.token import CommitToken


@dataclass(frozen=True)
class WrittenFile:
    """
    A data file that was written and closed.

    Attributes:
        split: The split that the file has.
        path: Address of the file.
        rows: Number of rows in the file.
        bytes: Size of the file.
        source: The source's own fingerprint of the rows that were read for it.
        deduplicated: Whether the source had keys more than once, so that one row per key was read.
        hours: The rows as they are stored, by the first second of their hour; empty before VERIFY.
        rewrites: The published file whose rows these are, in its order; None: they were read from the source.
    """

    split: Split
    path: str
    rows: int
    bytes: int
    source: SourceFingerprint
    deduplicated: bool = False
    hours: Counts = field(default_factory=dict)
    rewrites: str | None = None


@dataclass(frozen=True)
class TableState:
    """
    The state of an Iceberg table when it was loaded. A run starts from it, and its commit is valid for this state only.

    Attributes:
        uuid: UUID of the Iceberg table.
        snapshot_id: Current snapshot; None: the table has none.
        records: Rows of the current snapshot.
        token: Token of the last data commit; None: no commit has one.
        location: Folder of the table.
        coverage: The hot rows that it has, by time.
        commits: Token, as text, and snapshot of every commit of ours that is still listed.
        schema: `pyarrow.Schema` with field ids, in which files are written.
        handle: The lake's own object.
    """

    uuid: str
    snapshot_id: int | None
    records: int
    token: CommitToken | None
    location: str
    coverage: Coverage = field(compare=False)
    commits: tuple[tuple[str, int], ...] = field(compare=False)
    schema: Any = field(compare=False)  # Any: the model imports no library
    handle: Any = field(compare=False, default=None, repr=False)


@dataclass(frozen=True)
class Publication:
    """
    What one commit does to a cold table.

    Attributes:
        token: Its token.
        files: The files that it adds.
        coverage: The coverage of the table after it.
        removed: Paths of the files that it removes; their rows are in `files`, except those that were replaced.
        schema: The hot columns that the cold table's follow in the same commit; None: they stay as they are.
    """

    token: CommitToken
    files: tuple[WrittenFile, ...]
    coverage: Coverage
    removed: tuple[str, ...] = ()
    schema: TableSchema | None = None


@dataclass(frozen=True)
class Mark:
    """How far a table was published: its watermark (ticks) and its rows after a commit that landed."""

    watermark: int
    records: int
