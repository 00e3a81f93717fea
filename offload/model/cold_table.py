"""The nouns of the protocol: frozen, without behaviour that reaches outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from offload.model.fingerprint import SourceFingerprint
from offload.model.splits import Split
from offload.model.token import CommitToken


@dataclass(frozen=True)
class WrittenFile:
    """A data file as its writer closed it; `source` is the look at hot that came with its rows."""

    split: Split
    path: str
    rows: int
    bytes: int
    source: SourceFingerprint


@dataclass(frozen=True)
class TableState:
    """The Iceberg table as it was loaded: what a run starts from and what its publication is fenced on."""

    uuid: str
    snapshot_id: int | None
    records: int
    token: CommitToken | None
    location: str
    schema: Any = field(compare=False)  # pyarrow.Schema with field ids; Any, because nouns import no library
    handle: Any = field(compare=False, default=None, repr=False)  # the lake's own object
