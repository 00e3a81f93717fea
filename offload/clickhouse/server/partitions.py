"""The partitions of a hot table in `system.parts`, and how one part is dropped."""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

from offload.clickhouse import sql
from offload.clickhouse.hot_table import ClickHouseRows
from offload.clickhouse.server.replica import REPLICATED
from offload.errors import DataError
from offload.ports.partitions import HotPart, HotPartition, HotPartitions

_GONE = {232, 384}  # NO_SUCH_DATA_PART, PART_IS_TEMPORARILY_LOCKED of ErrorCodes.cpp: a merge has it
_PATCH = "patch-"  # a lightweight UPDATE writes patch-<hash>-<partition>


@dataclass(frozen=True)
class ClickHousePartitions(HotPartitions):
    """Partitions of the table that `rows` selects from."""

    rows: ClickHouseRows

    @override
    def listed(self, partition: str | None = None) -> list[HotPartition]:
        self._check_engine()
        named = f" AND endsWith(partition_id, {sql.text(partition)})" if partition is not None else ""
        database, _, table = self.rows.schema.spec.source.rpartition(".")
        at = f"database = {sql.text(database or self.rows.client.database)} AND table = {sql.text(table)}"
        (found,) = self.rows.client.row(
            "SELECT arraySort(groupArray((partition_id, name, rows, bytes_on_disk))) FROM system.parts "
            f"WHERE active AND {at}{named}"
        )
        parts: dict[str, list[HotPart]] = {}
        patches: list[tuple[str, str]] = []
        for owner, name, rows, size in found:
            if owner.startswith(_PATCH):
                patches.append((owner, name))
            else:
                parts.setdefault(owner, []).append(HotPart(name, int(rows), int(size)))
        partitions = [
            HotPartition(
                one, low, high, tuple(parts[one]), tuple(name for owner, name in patches if owner.endswith(f"-{one}"))
            )
            for one, low, high in self._bounds(partition)
            if one in parts
        ]
        return sorted(partitions, key=lambda one: (one.low, one.id))

    def _bounds(self, partition: str | None) -> list[tuple[str, int, int]]:
        ends = ", ".join(
            sql.ticks(f"{side}({self.rows.timestamp})", self.rows.schema.precision) for side in ("min", "max")
        )
        where = f" WHERE _partition_id = {sql.text(partition)}" if partition is not None else ""
        found = self.rows.client.rows(
            f"SELECT _partition_id, {ends} FROM {self.rows.filter.raw}{where} GROUP BY _partition_id"
        )
        return [(str(one), int(low), int(high)) for one, low, high in found]

    @override
    def drop(self, part: str) -> bool:
        statement = f"ALTER TABLE {self.rows.filter.raw} DROP PART {sql.text(part)}"
        return self.rows.client.accepts(statement, refusal=_GONE)

    @override
    def ttl_merges(self, *, allowed: bool) -> str:
        engine, spec = self.rows.filter.layout.engine, self.rows.schema.spec
        if "MergeTree" not in engine:
            raise DataError(
                f"{spec.source} to be a table with TTL merges of its own, as ttl_guard = true needs",
                f"the engine {engine}, which reads other tables",
                "remove ttl_guard from its declaration, and declare the tables behind it (docs/tables.md)",
            )
        start = f"SYSTEM START TTL MERGES {self.rows.filter.raw}"
        self.rows.client.statement(start if allowed else f"SYSTEM STOP TTL MERGES {self.rows.filter.raw}")
        return f"{start}, on each replica: the others go on" if engine.startswith(REPLICATED) else start

    def _check_engine(self) -> None:
        engine = self.rows.filter.layout.engine
        if "MergeTree" not in engine:
            spec = self.rows.schema.spec
            raise DataError(
                f"{spec.source} to be a table with partitions of its own, which can be dropped",
                f"the engine {engine}, which reads other tables",
                "drop partitions of the tables behind it, each declared by itself (docs/tables.md)",
            )
