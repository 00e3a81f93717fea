"""`init`: propose the declaration of a table from what ClickHouse's own catalog says of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from offload.errors import DataError
from offload.model.outline import OutlineColumn, TableOutline
from offload.model.table import PartitionField, TableSpec

_CLOCKS = ("now(", "now64(")
_INTEGERS = {"int", "long", "decimal(20, 0)"}


@dataclass(frozen=True)
class Proposal:
    """A declaration, and what a person should know or decide about it."""

    spec: TableSpec
    notes: tuple[str, ...]

    def toml(self) -> str:
        """The declaration as a file; the notes are comments at its top."""
        spec = self.spec
        fields = {
            "name": spec.name,
            "source": spec.source,
            "target": spec.target,
            "layer": spec.layer,
            "timestamp": spec.timestamp,
            "sequence": spec.sequence,
            "key": spec.key,
            "timestamp_follows_key": spec.timestamp_follows_key,
            "arrival": spec.arrival,
            "delivery": spec.delivery,
            "sort": spec.sort,
            "late": spec.late,
        }
        notes = [f"# {' '.join(note.split())}" for note in self.notes]  # a name may have a line break
        lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items() if value not in (None, ())]
        parts = ", ".join(
            f"{{ column = {json.dumps(part.column)}, transform = {json.dumps(part.transform)} }}"
            for part in spec.partition
        )
        return "\n".join([*notes, *lines, f"partition = [{parts}]", ""])


def propose(outline: TableOutline, target: str | None, layer: str) -> Proposal:
    """
    Propose a declaration.

    Args:
        outline: The table.
        target: Its Iceberg table; None: the same name in the namespace `cold`.
        layer: bronze, silver or gold.

    Raises:
        DataError: It has no column that can be the timestamp, or none that can be the sequence.
    """
    name = outline.source.rpartition(".")[2]
    timestamp, sequence = _timestamp(outline), _sequence(outline)
    key = outline.sorting_key if outline.replacing else ()
    arrival = _arrival(outline, timestamp)
    plain = {column.name for column in outline.columns if column.plain and column.iceberg}
    in_order = timestamp in outline.sorting_key and set(outline.sorting_key) <= plain
    spec = TableSpec(
        name=name,
        source=outline.source,
        target=target or f"cold.{name}",
        layer=layer,
        timestamp=timestamp,
        sequence=sequence,
        key=key,
        delivery=(arrival,) if arrival else (),
        arrival=arrival,
        timestamp_follows_key=timestamp in key,
        partition=(PartitionField(timestamp, "day"),),
        sort=outline.sorting_key if in_order else tuple(dict.fromkeys((timestamp, sequence))),
        late="sweep" if key else "skip",
    )
    return Proposal(spec, tuple(_notes(outline, spec)))


def _timestamp(outline: TableOutline) -> str:
    """The time that the table is sorted or partitioned by, else the first one that ClickHouse does not set itself."""
    times = [column for column in outline.columns if column.type.startswith("DateTime")]
    first = (*outline.sorting_key, *outline.partitioned_by, *(one.name for one in times if not _is_clock(one)))
    names = [one.name for one in times]
    for name in (*first, *names):
        if name in names:
            return name
    raise DataError(
        f"a column of type DateTime or DateTime64 in {outline.source}, not Nullable",
        _listed(outline.columns),
        "offload a table that has one: windows are ranges of it",
    )


def _sequence(outline: TableOutline) -> str:
    """An integer of the sorting key, the last one first, else the first integer."""
    integers = [one.name for one in outline.columns if one.plain and one.iceberg in _INTEGERS]
    for name in (*reversed(outline.sorting_key), *integers):
        if name in integers:
            return name
    raise DataError(
        f"an integer column in {outline.source}, not Nullable",
        _listed(outline.columns),
        "offload a table that has one: the largest at the watermark is shown to people",
    )


def _arrival(outline: TableOutline, timestamp: str) -> str | None:
    return next((one.name for one in outline.columns if one.name != timestamp and _is_clock(one)), None)


def _is_clock(column: OutlineColumn) -> bool:
    """Whether ClickHouse sets the column to the time of the insert."""
    return column.type.startswith("DateTime") and bool(column.default) and str(column.default).startswith(_CLOCKS)


def _notes(outline: TableOutline, spec: TableSpec) -> Iterator[str]:
    if outline.unreadable:
        yield f"Cannot be offloaded: the engine {outline.engine}: {outline.unreadable}."
    for column in outline.columns:
        if column.refusal:
            yield f"Cannot be carried: {column.refusal}."
    others = [one.name for one in outline.columns if one.type.startswith("DateTime") and one.name != spec.timestamp]
    if others:
        yield f"Check the timestamp: {spec.timestamp} was chosen; other times are {', '.join(others)}."
    if not spec.key:
        yield "No key is known, since the engine does not replace rows: equal rows are all kept, late rows are skipped."
        yield "If some columns identify a row, name them as key, and set late to sweep."
    elif not spec.timestamp_follows_key:
        yield "If all deliveries of a key have the same timestamp, set timestamp_follows_key = true: that is faster."
    for column in outline.columns:
        if column.type == "UInt64":
            yield f"{column.name} is carried as decimal(20, 0); list it in unsigned_as_long to carry it as long."
    if outline.ttl:
        yield f"Rows are deleted after {outline.ttl}: run more often than that."


def _listed(columns: Sequence[OutlineColumn]) -> str:
    return ", ".join(f"{column.name} {column.type}" for column in columns)[:500]
