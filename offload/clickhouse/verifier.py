"""Checks written files before they are published; the engine that has the hot rows hashes them as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from typing_extensions import override

from offload.clickhouse import sql
from offload.clickhouse.files import StoredFiles, tail
from offload.clickhouse.hot_table import KEY_HASH, ClickHouseRows
from offload.errors import DataError
from offload.model.columns import MICROSECONDS
from offload.model.fingerprint import EMPTY, Fingerprint
from offload.ports.verifier import StoredRows, Verifier


@dataclass(frozen=True)
class ClickHouseVerifier(Verifier):
    """
    Compares one table with files that its engine reads: by `file()` in this process, by `s3()` from a server.

    Attributes:
        rows: All rows of the hot table.
        files: Reads the files.
    """

    rows: ClickHouseRows
    files: StoredFiles

    @override
    def stored(self, paths: Sequence[str]) -> dict[str, StoredRows]:
        digest = self.files.hash_expression(self.rows.schema.columns, paths)
        hour = sql.hour(self.rows.timestamp, MICROSECONDS)
        # One number as the key takes half the time of a path and an hour.
        rows = self.files.rows(
            f"SELECT any(_path), any({hour}), count(), sum({digest} AS tidemark_h), count(tidemark_h), "
            f"sum({self.files.hash_expression(self.rows.schema.counted, paths)}) "
            f"FROM {self.files.table(paths)} GROUP BY cityHash64(_path) + {hour}"
        )
        by_tail: dict[str, StoredRows] = {}
        unhashed = {path.lstrip("/") for path, _, count, _, hashed, _ in rows if hashed != count}
        for path, start, count, total, _, ordered in rows:
            before = by_tail.get(path.lstrip("/"), StoredRows(EMPTY, {}))
            hours = {**before.hours, int(start): Fingerprint(int(count), int(ordered))}
            by_tail[path.lstrip("/")] = StoredRows(before.fingerprint + Fingerprint(int(count), int(total)), hours)
        by_tail = {tail: stored for tail, stored in by_tail.items() if tail not in unhashed}
        answer = {path: by_tail.get(tail(path)) for path in paths}
        if lost := [path for path, fingerprint in answer.items() if fingerprint is None]:
            raise DataError(
                f"{len(paths)} written files that ClickHouse can read",
                f"{len(lost)} that it cannot read, such as {lost[0]}",
                f"check that nothing deletes files of the warehouse, then {self.rows.schema.spec.command('run')}",
            )
        return {path: fingerprint for path, fingerprint in answer.items() if fingerprint is not None}

    @override
    def doubled(self, written: Sequence[str], existing: Sequence[str]) -> int:
        new = self.files.cold(written, self.rows.schema)
        key = new.hash_expression(self.rows.schema.identity, KEY_HASH)
        rows, keys = new.row(f"SELECT count(), uniqExact({key}) FROM {new.table}")
        if not existing:
            return int(rows - keys)
        old = self.files.cold(existing, self.rows.schema)
        known = f"SELECT {old.hash_expression(self.rows.schema.identity, KEY_HASH)} FROM {old.table}"
        again = new.row(f"SELECT countIf({key} IN ({known})) FROM {new.table}")
        old.check_files()
        return int(rows - keys) + int(again[0])

    @override
    def kept(self, paths: Sequence[str], replaced_by: Sequence[str]) -> dict[str, StoredRows]:
        schema, precision = self.rows.schema, MICROSECONDS
        cold = self.files.cold(paths, schema)
        where = ""
        if replaced_by:
            new = self.files.cold(replaced_by, schema)
            key, new_key = (side.hash_expression(schema.identity, KEY_HASH) for side in (cold, new))
            where = f"WHERE {key} NOT IN (SELECT {new_key} FROM {new.table})"
        rows = cold.rows(
            f"SELECT _path, {sql.hour(self.rows.timestamp, precision)} AS tidemark_hour, count(), "
            f"sum({cold.hash_expression(schema.columns)}), sum({cold.hash_expression(schema.counted)}) "
            f"FROM {cold.table} {where} GROUP BY _path, tidemark_hour"
        )
        found = {tail(path): StoredRows(EMPTY, {}) for path in paths}
        for path, hour, count, digest, counted in rows:
            before = found[path.lstrip("/")]
            hours = {**before.hours, int(hour): Fingerprint(int(count), int(counted))}
            found[path.lstrip("/")] = StoredRows(before.fingerprint + Fingerprint(int(count), int(digest)), hours)
        return {path: found[tail(path)] for path in paths}
