"""How a ClickHouse server stores a table, from `system.tables` and `system.columns`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from offload.clickhouse import sql

# A column may be called TTL: then the word stands behind BY, a parenthesis or a comma.
_TTL = re.compile(r"(?<!BY )(?<!, )(?<!\()\bTTL (?P<ttl>.+?)(?: SETTINGS .*)?$", re.DOTALL)
_NO_DELETE = re.compile(r" (?:TO (?:DISK|VOLUME) |RECOMPRESS |GROUP BY )")
_COLUMN_TTL = re.compile(r"^`(?P<name>(?:[^`\\]|\\.)+)` .*?\bTTL (?P<ttl>.+)$", re.DOTALL)
_REPLICATED = re.compile(r"Replicated\w*MergeTree\('(?P<path>[^']+)'")
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")
_WORD = re.compile(r"`([^`]+)`|\b([A-Za-z_]\w*)\b")
_NEVER = "toDateTime('2106-02-07 00:00:00', 'UTC')"  # the last time of a DateTime


@dataclass(frozen=True)
class Layout:
    """
    How the server stores the table. Bytes per row are compressed, 0 where unknown.

    `final_behind`: a table that reads from others takes FINAL. `ttl` is the time after which a row may be deleted, as
    SQL; `column_ttls` those of single columns. None: never. `ttl_columns` are the columns that `ttl` uses, with the
    types that they have in hot.
    """

    engine: str
    sorting_key: tuple[str, ...]
    ttl: str | None
    partition_in_sorting_key: bool
    stored_bytes_per_row: float
    column_ttls: tuple[str, ...] = ()
    final_behind: bool = False
    ttl_columns: tuple[tuple[str, str], ...] = ()

    @property
    def replacing(self) -> bool:
        """Whether the engine, or the one behind it, keeps one row per sorting key, at some later time."""
        return "ReplacingMergeTree" in self.engine or self.final_behind

    @property
    def merges_rows(self) -> bool:
        """Whether a merge may leave fewer rows."""
        return self.replacing


# A merge changes rows that were read before: what is published would not stay equal to hot.
_CHANGING = (
    "SummingMergeTree",
    "AggregatingMergeTree",
    "CollapsingMergeTree",
    "CoalescingMergeTree",
    "GraphiteMergeTree",
)
# A part of the rows is only in memory, and is merged with no other.
_BUFFERED = "Buffer"
# Nothing can be read from them again: a set is only looked up, and a queue gives each message once.
_NOT_READ = {"Set", "Null", "Kafka", "RabbitMQ", "NATS", "FileLog", "S3Queue", "AzureQueue"}
READS_OTHERS = {"Distributed", "MaterializedView", "Merge"}


def unreadable(engine: str) -> str | None:
    """Why a table of this engine is not offloaded; None: it is."""
    if any(changing in engine for changing in _CHANGING):
        return "its merges change rows that were read before"
    if engine == _BUFFERED:
        return "its rows are in memory first, where FINAL does not merge them"
    if engine in _NOT_READ:
        return "its rows cannot be read, or not twice"
    return None


def identity(uuid: str, engine_full: str) -> tuple[str, tuple[str, ...]]:
    """
    Which table it is, and other names of the same table that tokens of older releases may have.

    Replicas that were created one by one have a UUID each; the path of a replicated table is one.
    """
    path = _REPLICATED.match(engine_full)
    return (path["path"], (uuid,)) if path and "{uuid}" not in path["path"] else (uuid, ())


def key_parts(sorting_key: str) -> tuple[str, ...]:
    """The parts of a sorting key; a part that is an expression is no name of a column."""
    return tuple(part.strip().strip("`") for part in sql.split_arguments(sorting_key) if part.strip())


def plain_key(sorting_key: str, names: set[str]) -> tuple[str, ...]:
    """The columns of a sorting key; empty where it holds expressions."""
    parts = key_parts(sorting_key)
    return parts if set(parts) <= names else ()


def ttl(engine_full: str) -> str | None:
    """
    The time after which a row may be deleted, as SQL; None: no rule deletes rows.

    A rule that moves or compresses parts deletes nothing; one with a condition deletes only the rows that meet it.
    """
    found = _TTL.search(engine_full)
    rules = sql.split_arguments(found["ttl"]) if found else []
    times = [_deletion(rule.removesuffix(" DELETE")) for rule in rules if not _NO_DELETE.search(f" {rule} ")]
    if not times:
        return None
    return times[0] if len(times) == 1 else f"least({', '.join(times)})"


def ttl_columns(engine_full: str, types: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The columns that the rules for deleting rows use, with their types."""
    return tuple((name, types[name]) for name in mentioned(ttl(engine_full) or "", types))


def mentioned(expression: str, names: Iterable[str]) -> list[str]:
    """The columns of these names that an expression may use."""
    words = {quoted or plain for quoted, plain in _WORD.findall(expression)}
    return [name for name in names if name in words]


def _deletion(rule: str) -> str:
    time, _, condition = rule.replace(" DELETE WHERE ", " WHERE ").partition(" WHERE ")
    return f"if({condition}, toDateTime({time}), {_NEVER})" if condition else time


def column_ttls(create_table: str) -> tuple[str, ...]:
    """The times after which values of single columns become defaults, as SQL, from the CREATE statement."""
    columns = create_table.partition("(")[2].partition(" ENGINE = ")[0].rstrip().removesuffix(")")
    found = (_COLUMN_TTL.match(_TEXT.sub("''", column)) for column in sql.split_arguments(columns))
    return tuple(match["ttl"] for match in found if match)
