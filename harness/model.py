"""The values that the harness works with: the ledger of produced trades, batches, and snapshots of the cold table."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

Key = tuple[Hashable, ...]
"""The values of the key columns of one row, as `harness.readers.values.rows` returns them."""


@dataclass(frozen=True)
class Ledger:
    """
    The keys of all produced rows, grouped by the broker's answer; each group in the order of production.

    A key that is in several groups was sent several times: acked outweighs unknown, unknown outweighs refused.

    Attributes:
        acked: The broker confirmed these keys: each must be found once.
        refused: The broker refused these keys: none may be found.
        unknown: The broker did not answer: each may be found, at most once.
    """

    acked: tuple[Key, ...] = ()
    refused: tuple[Key, ...] = ()
    unknown: tuple[Key, ...] = ()


@dataclass(frozen=True)
class ExpectedBatch:
    """Rows that must become visible together, given by their `keys`; for rows without a key, by their number alone."""

    name: str
    rows: int
    keys: frozenset[Key] = frozenset()

    @classmethod
    def of(cls, name: str, keys: frozenset[Key]) -> ExpectedBatch:
        """Make a batch from the keys of its rows."""
        return cls(name, len(keys), keys)


@dataclass(frozen=True)
class PublishedBatch:
    """
    A batch that a subject says it has published.

    Attributes:
        name: For messages.
        snapshot_id: The snapshot that published it.
        after: The rows of the batch are later than this time; None: there was no batch before.
        upto: The rows of the batch are not later than this time, the new watermark.
        late: Whether its rows were late: they are those that its snapshot shows first, wherever in time they are.

    Times are microseconds since 1970 UTC.
    """

    name: str
    snapshot_id: int
    after: int | None
    upto: int
    late: bool = False


@dataclass(frozen=True)
class ObjectStore:
    """
    The object store of a warehouse.

    Attributes:
        endpoint: Its URL as this host sees it.
        endpoint_for_clickhouse: Its URL as the ClickHouse server sees it.
        region: S3 region.
        access_key: Never shown.
        secret_key: Never shown.
    """

    endpoint: str
    endpoint_for_clickhouse: str
    region: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


@dataclass(frozen=True)
class Addresses:
    """
    The servers and folders between which a subject moves one table.

    Attributes:
        table: Name of the hot table; the cold one is `cold.<table>`.
        hot: The ClickHouse database, as clickhouse-connect takes it; may have a password and is never shown.
        catalog: Address of the Iceberg catalog; never shown.
        catalog_name: Name under which the SQL catalog keeps its tables.
        store: SQLAlchemy address of the subject's own state, where it keeps any; never shown.
        warehouse: Root folder or bucket of the cold tables.
        object_store: None: the warehouse is a folder.
        settings: Settings of the subject, by its own names.
    """

    table: str
    hot: str = field(repr=False)
    catalog: str = field(repr=False)
    catalog_name: str
    store: str = field(repr=False)
    warehouse: str
    object_store: ObjectStore | None = None
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class SnapshotRecord:
    """
    One snapshot of an Iceberg table's history.

    Attributes:
        snapshot_id: Id of the snapshot.
        parent_id: Id of the parent snapshot; None: this is the first snapshot.
        operation: append, replace, overwrite or delete.
        added_rows: `added-records` of the summary.
        deleted_rows: `deleted-records` of the summary.
        total_rows: `total-records` of the summary; None: the summary has no such entry.
        token: The commit token that the writer put in the summary; None: the summary has no token.
        visible: The keys that a reader of this snapshot sees, and how often each; None: the keys were not read.
    """

    snapshot_id: int
    parent_id: int | None
    operation: str
    added_rows: int
    deleted_rows: int = 0
    total_rows: int | None = None
    token: str | None = None
    visible: Mapping[Key, int] | None = None
