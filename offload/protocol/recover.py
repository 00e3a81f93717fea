"""RECOVER: load the cold table, check it against its source and the watermark store, and repair the store from it."""

from __future__ import annotations

from offload.errors import DataError
from offload.model import windows
from offload.model.cold_table import TableState
from offload.model.splits import Chunk
from offload.model.table import TableSpec
from offload.model.token import CommitToken
from offload.model.windows import Window
from offload.ports.lake import Lake
from offload.ports.source import HotTable
from offload.ports.watermarks import NO_WATERMARK, TableWatermark
from offload.protocol.adapters import Adapters
from offload.protocol.evolution import evolve
from offload.protocol.reconciliation.late_rows import late_within
from offload.protocol.session import Session


def recover(session: Session, *, only_below: bool = False) -> tuple[HotTable, TableState]:
    """
    Load and check both tables; create the cold table where there is none, and let its columns follow hot's.

    Args:
        session: The run.
        only_below: Whether the command leaves the rows after the watermark to a run. Then a table without a watermark
            is refused, and one whose catalog was restored: a commit would replace the evidence of the rows it lost.

    Raises:
        DataError: The cold table was changed, dropped or filled by others, or hot is not the table it was filled from.
    """
    spec, lake, trace = session.spec, session.adapters.lake, session.trace
    state = lake.load(spec)
    stored = session.adapters.watermarks.read(spec.source)
    in_store = stored.watermark if stored else NO_WATERMARK
    trace.view = stored.view if stored else None
    check_not_lost(spec, state, in_store)
    hot = session.adapters.source.describe(spec)
    trace.precision = hot.schema.precision
    if state is None:
        if only_below:
            watermark_of(spec, state)
        state = lake.create(hot.schema, first=not session.adapters.watermarks.knows(spec.source))
    changes = check_cold(lake, hot, state)
    trace.state = state  # not before: the watermark of another hot table is not recorded as this one's
    if state.token:
        session.lease.raise_epoch(state.token.epoch)
    if again := rows_to_publish_again(session.adapters, hot, state, in_store):
        if only_below:
            raise DataError(f"every row that was published in {spec.target}", again, spec.command("run"))
        trace.warn(again)
    watermark = TableWatermark.of(state)
    if differences := disagreement(in_store, watermark):
        trace.warn(f"the watermark store had {differences}; it was repaired from {spec.target}")
        session.lease.repair(watermark)
    return hot, evolve(session, hot, state, changes) if changes else state


def checked(adapters: Adapters, spec: TableSpec) -> tuple[HotTable, TableState | None, tuple[str, ...]]:
    """
    Load both tables with the checks of RECOVER, without a lease; nothing is written. None: there is no cold table.

    The third value: the changes of columns that a run would make.

    Raises:
        DataError: As `recover`.
    """
    # The store first: a run that ends in between makes the table newer than it, and never older.
    stored = adapters.watermarks.read(spec.source)
    state = adapters.lake.load(spec)
    in_store = stored.watermark if stored else NO_WATERMARK
    check_not_lost(spec, state, in_store)
    hot = adapters.source.describe(spec)
    changes: tuple[str, ...] = ()
    if state:
        changes = check_cold(adapters.lake, hot, state)
        rows_to_publish_again(adapters, hot, state, in_store)
    return hot, state, changes


def watermark_of(spec: TableSpec, state: TableState | None) -> int:
    """
    The watermark of a cold table, in ticks.

    Raises:
        DataError: Nothing was published yet.
    """
    token = state.token if state else None
    if token is None or token.watermark_ticks is None:
        raise DataError(f"{spec.target} to have a watermark", "none: nothing was published yet", spec.command("run"))
    return token.watermark_ticks


def check_cold(lake: Lake, hot: HotTable, state: TableState) -> tuple[str, ...]:
    """
    Check that the cold table is as the runs left it, and was filled from this hot table.

    Returns the changes with which its columns follow hot's; none: they fit.

    Raises:
        DataError: It was changed by others, or hot is not the table it was filled from.
    """
    spec = hot.schema.spec
    lake.check_history(spec, state)
    changes = lake.check_columns(hot.schema, state)
    if state.token:
        check_source(spec, hot, state.token)
    return changes


def check_source(spec: TableSpec, hot: HotTable, token: CommitToken) -> None:
    """
    Check that the token was written for this hot table.

    Raises:
        DataError: The hot table was recreated, or its timestamp has another precision.
    """
    identity = hot.identity
    if token.source_cluster != identity.cluster or token.source_uuid not in {identity.uuid, *identity.also}:
        raise DataError(
            f"{spec.source} to be the table {token.source_cluster}/{token.source_uuid}, "
            f"from which {spec.target} was filled",
            f"the table {identity.cluster}/{identity.uuid}: it was recreated, or this is another cluster",
            f"{spec.command('adopt')}, which compares hot and cold first",
        )
    declared = hot.schema.spec
    before = (token.timestamp, token.key, token.timestamp_follows_key)
    now = (declared.timestamp, declared.key, declared.timestamp_follows_key)
    if token.timestamp is not None and before != now:
        raise DataError(
            f"{spec.name} to be declared as for the watermark of {spec.target}: {_declared(*before)}",
            _declared(*now),
            f"declare it as before; or, to change it: {spec.command('adopt')}, which compares hot and cold first",
        )
    if token.precision != hot.schema.precision:
        raise DataError(
            f"{spec.timestamp} with {token.precision} digits after the second, as in the watermark of {spec.target}",
            f"{hot.schema.precision} digits",
            f"{spec.command('adopt')}, which compares hot and cold first",
        )


def _declared(timestamp: str | None, key: tuple[str, ...] | None, follows: bool | None) -> str:  # noqa: FBT001
    of_key = f"key {', '.join(key)}, timestamp_follows_key = {str(follows).lower()}" if key else "no key"
    return f"timestamp {timestamp}, {of_key}"


def check_not_lost(spec: TableSpec, state: TableState | None, in_store: TableWatermark) -> None:
    """
    Check that a table of which the store has a watermark still has its token.

    Raises:
        DataError: The table was dropped, or dropped and created again.
    """
    if (state is None or state.token is None) and in_store.ticks is not None:
        raise DataError(
            f"{spec.target} to have the commit token of the rows published up to {in_store.timestamp}",
            "no such table" if state is None else "a table without a token: it was dropped and created again",
            f"restore the table; or, to start again from the first row: {spec.command('watermark repair')}",
        )


def rows_to_publish_again(adapters: Adapters, hot: HotTable, state: TableState, in_store: TableWatermark) -> str | None:
    """
    Check that the table has every row that was published to it, by the store and by the mark beside the table.

    A catalog that was restored from a backup points to an older state. What hot still has is published again: then a
    warning is returned.

    Raises:
        DataError: Hot does not have all of those rows any more.
    """
    spec, token = hot.schema.spec, state.token
    if token is None or token.watermark_ticks is None:
        return None
    mark = adapters.cold_files.marked(state)
    ahead = _recorded(in_store, state, token.precision)
    known = token.watermark_ticks
    until = max(known, known if ahead is None else ahead, mark.watermark if mark else known)
    in_history = adapters.watermarks.rows_since(spec.source, token.epoch) if until > known else 0
    lost = max(in_history, mark.records - state.records if mark else 0)
    if lost <= 0:
        return None
    left = hot.rows.count(Chunk(Window(known, until))) if until > known else 0
    if left < lost:  # late rows lie below the watermark
        left += late_within(adapters.cold_files, hot, state, Window(None, known)).late
    gone = f"{lost} rows that were published up to {windows.iso(until, token.precision)} are gone from {spec.target}"
    if left < lost:
        raise DataError(
            f"{spec.target} to have every row that was published to it",
            f"{gone}, and {spec.source} has {left} of them: the catalog was restored from a backup",
            f"restore the catalog of the last commit; or, to accept the loss: {spec.command('watermark repair')}, then "
            f"{spec.command('run')}",
        )
    return f"{gone}: the catalog was restored from a backup; {spec.source} still has them, and they are published again"


def _recorded(in_store: TableWatermark, state: TableState, precision: int) -> int | None:
    """The store's watermark in ticks, if a run of this table recorded it; None: a hand did, or there is none."""
    if in_store.table_uuid != state.uuid or not isinstance(in_store.ticks, int):  # SQLite keeps any text
        return None
    try:
        return in_store.ticks if windows.to_datetime(in_store.ticks, precision) == in_store.timestamp else None
    except OverflowError:
        return None


def disagreement(in_store: TableWatermark, in_table: TableWatermark) -> str | None:
    """The fields in which the store differs from the Iceberg table, with the store's values; None: they agree."""
    names = {
        "ticks": "watermark_ticks",
        "timestamp": "last_offload_timestamp",
        "sequence": "last_offload_max_sequence",
        "table_uuid": "cold_table_uuid",
        "verified_through": "verified_through",
        "expired_through": "expired_through",
    }
    different = [
        f"{column} {getattr(in_store, field)}"
        for field, column in names.items()
        if getattr(in_store, field) != getattr(in_table, field)
    ]
    return ", ".join(different) or None
