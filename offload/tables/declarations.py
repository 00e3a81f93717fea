"""Table declarations: one TOML file per table, and the declaration that flags make for a table without a file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, fields, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from offload.errors import ConfigurationError, UsageError
from offload.model.table import LAYERS, PartitionField, TableSpec, is_interval

OWN = Path("tables")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")
_OWN_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
_TRANSFORMS = ("day", "month", "identity")
LATE = ("sweep", "skip")
CHANGED = ("keep", "replace")
ON_SCHEMA_CHANGE = ("fail", "evolve")
_FIELDS = {field.name: field for field in fields(TableSpec) if field.name != "declared"}
_FLAGS = {"source": "--source-table", "target": "--target-table", "layer": "--layer", "late": "--late"}
_FLAGGED = ("timestamp_follows_key", "ttl_guard")
_LISTS = ("key", "delivery", "sort", "unsigned_as_long", "binary", "truncate")


def load(folder: Path | None) -> dict[str, TableSpec]:
    """
    All declarations by name: those of `folder`; None: of `tables` in the working folder, else those of the package.

    Raises:
        ConfigurationError: The folder is missing, a file is no declaration, or two files declare one table.
    """
    if folder is not None and not folder.is_dir():
        raise ConfigurationError(f"a folder of declarations at {folder}", "no such folder", "set OFFLOAD_TABLES")
    if folder is None and any(OWN.glob("*.toml")):  # where `offload init` writes
        folder = OWN
    root = folder if folder is not None else resources.files("offload.tables")
    texts = {item.name: _text(item) for item in root.iterdir() if item.name.endswith(".toml")}
    specs = {origin: parse(origin, content) for origin, content in sorted(texts.items())}
    _distinct(specs)
    return {spec.name: spec for spec in specs.values()}


def _text(item: Traversable) -> str:
    try:
        return item.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(item.name, "text in UTF-8", str(error)) from error


def _distinct(specs: dict[str, TableSpec]) -> None:
    """Two declarations of one table would share its lease, its watermark and its token."""
    for field in ("name", "source", "target"):
        seen: dict[str, str] = {}
        for origin, spec in specs.items():
            value = getattr(spec, field)
            if value in seen:
                raise _wrong(origin, f"a {field} of its own", f"{value}, as in {seen[value]}")
            seen[value] = origin


def write(folder: Path, name: str, content: str) -> Path:
    """
    Write a new declaration; return its file.

    Raises:
        ConfigurationError: The file exists already, or cannot be written.
    """
    file = folder / f"{name}.toml"
    parse(str(file), content)
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True)
        with file.open("x", encoding="utf-8") as new:
            new.write(content)
    except FileExistsError as error:
        if not folder.is_dir():
            raise ConfigurationError(f"a folder {folder} for {file.name}", "a file", "name another --folder") from error
        raise ConfigurationError(
            f"no declaration {file} yet", "one that may have been edited", f"read it, or remove it: rm {file}"
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"a folder {folder} that can be written", str(error), "name another --folder"
        ) from error
    return file


def parse(origin: str, content: str) -> TableSpec:
    """
    Read one declaration.

    Raises:
        ConfigurationError: Not TOML, an unknown field, a missing one or one of a wrong type.
    """
    try:
        raw = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(origin, "TOML", str(error)) from error
    required = {name for name, field in _FIELDS.items() if field.default is MISSING}
    if unknown := sorted(set(raw) - set(_FIELDS)):
        raise _wrong(origin, f"the fields {', '.join(_FIELDS)}", f"unknown field {', '.join(unknown)}")
    if missing := sorted(required - set(raw)):
        raise _wrong(origin, f"the fields {', '.join(sorted(required))}", f"no {', '.join(missing)}")
    return _checked(origin, TableSpec(**{name: _value(origin, name, value) for name, value in raw.items()}))


def from_flags(
    known: dict[str, TableSpec],
    *,
    source: str,
    target: str,
    timestamp: str,
    sequence: str,
    layer: str | None,
    key: tuple[str, ...],
    late: str | None,
    any_target: bool = False,
) -> TableSpec:
    """
    The declaration of a table that is named by flags; one that is declared must agree with those that are given.

    `any_target`: a declared source may have another target, as for a comparison; then flags replace what is declared.

    Raises:
        UsageError: A flag contradicts the declaration, or a name is no identifier.
    """
    for flag, name in (("--source-table", source), ("--target-table", target)):
        check_name(flag, name)
    declared = next((spec for spec in known.values() if spec.source == source), None)
    made = TableSpec(
        source, source, target, layer or LAYERS[0], timestamp, sequence, key=key, late=late or "sweep", declared=False
    )
    if declared is None or (any_target and target != declared.target):
        for name, value in _malformed(made):
            raise UsageError(f"{name} of the form that docs/tables.md gives", repr(value), f"correct {_FLAGS[name]}")
        if other := next((spec.name for spec in known.values() if spec.target == target and not any_target), None):
            raise UsageError(
                f"a target of its own for {source}", f"{target}, that of {other}", "correct --target-table"
            )
        return made if declared is None else _with_target(declared, made)
    given = {"layer": layer, "key": key}
    for name in ("target", "timestamp", "sequence", *(name for name, value in given.items() if value)):
        if getattr(declared, name) != getattr(made, name):
            raise UsageError(
                f"{name} {getattr(declared, name)}, as {source} is declared",
                f"{getattr(made, name)}",
                "leave the flag out, or change the declaration",
            )
    return with_late(declared, late) if late else declared


def _with_target(declared: TableSpec, made: TableSpec) -> TableSpec:
    """The declaration of a source with the target, the columns and the key of flags."""
    key = made.key or declared.key
    same = (made.timestamp, key) == (declared.timestamp, declared.key)
    return replace(
        declared,
        name=made.name,
        target=made.target,
        timestamp=made.timestamp,
        sequence=made.sequence,
        key=key,
        timestamp_follows_key=declared.timestamp_follows_key and same,
        declared=False,
    )


def with_late(spec: TableSpec, late: str) -> TableSpec:
    """
    The same table with another rule for late rows.

    Raises:
        UsageError: There is no such rule.
    """
    if late not in LATE:
        raise UsageError(f"one of {', '.join(LATE)}", repr(late), "leave --late out to use what is declared")
    return replace(spec, late=late)


def complete(spec: TableSpec, sorting_key: tuple[str, ...], *, replacing: bool, plain: set[str]) -> TableSpec:
    """
    Fill in what an undeclared table leaves open: its key, its cold partition and its order.

    Args:
        spec: The table; returned as it is where it is declared.
        sorting_key: Columns of the hot table's sorting key; empty where it holds expressions.
        replacing: Whether the hot table's engine keeps one row per sorting key.
        plain: Columns that the cold table can be sorted by.
    """
    key = spec.key or (sorting_key if replacing and not spec.declared else ())
    follows = spec.timestamp_follows_key or spec.timestamp in key
    sort = spec.sort or tuple(dict.fromkeys((spec.timestamp, spec.sequence)))
    if not spec.sort and spec.timestamp in sorting_key and set(sorting_key) <= plain:
        sort = sorting_key
    partition = spec.partition or (PartitionField(spec.timestamp, "day"),)
    return replace(spec, key=key, timestamp_follows_key=follows, sort=sort, partition=partition)


def check_name(what: str, name: str) -> None:
    """
    Raise unless the name is a plain `table` or `database.table`.

    Raises:
        UsageError: The name has other characters, such as those of an SQL injection.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"a name like market.trades in {what}", repr(name[:80]), "see offload tables")


def _value(origin: str, name: str, value: Any) -> Any:
    if name == "partition":
        return tuple(_partition(origin, part) for part in _list(origin, name, value, dict))
    if name in _LISTS:
        return tuple(_list(origin, name, value, str))
    expected = bool if name in _FLAGGED else str
    if not isinstance(value, expected):
        raise _wrong(origin, f"{name} as {expected.__name__}", repr(value))
    return value


def _list(origin: str, name: str, value: Any, kind: type) -> list[Any]:
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise _wrong(origin, f"{name} as a list of {kind.__name__}", repr(value))
    if any(item in value[:at] for at, item in enumerate(value)):
        raise _wrong(origin, f"{name} without repetitions", repr(value))
    return value


def _partition(origin: str, part: dict[str, Any]) -> PartitionField:
    if (
        set(part) != {"column", "transform"}
        or part["transform"] not in _TRANSFORMS
        or not isinstance(part["column"], str)
    ):
        raise _wrong(origin, f"partition fields {{column, transform}}, transform of {_TRANSFORMS}", repr(part))
    return PartitionField(part["column"], part["transform"])


def _checked(origin: str, spec: TableSpec) -> TableSpec:
    for name, value in (*_malformed(spec), *_contradictions(spec)):
        raise _wrong(origin, f"{name} of the form that docs/tables.md gives", repr(value))
    if spec.changed == "replace" and not (spec.key and spec.timestamp_follows_key):
        raise _wrong(origin, 'a key, and timestamp_follows_key = true, beside changed = "replace"', f"key {spec.key}")
    return spec


def _contradictions(spec: TableSpec) -> Iterator[tuple[str, str]]:
    """As `_malformed`, of what only a file can have: a name of its own, and delivery columns."""
    if not _OWN_NAME.fullmatch(spec.name):
        yield "name", spec.name
    for column in spec.key:
        if column in spec.delivery:  # it would identify a row, and may differ between two deliveries of it
            yield "delivery", column


def _malformed(spec: TableSpec) -> Iterator[tuple[str, str | None]]:
    """The fields of a declaration that have a value of the wrong form, with the value."""
    checks = (
        ("source", spec.source, bool(_NAME.fullmatch(spec.source))),
        ("target", spec.target, bool(_NAME.fullmatch(spec.target)) and "." in spec.target),
        ("layer", spec.layer, spec.layer in LAYERS),
        ("late", spec.late, spec.late in LATE),
        ("changed", spec.changed, spec.changed in CHANGED),
        ("interval", spec.interval, spec.interval is None or is_interval(spec.interval)),
        ("on_schema_change", spec.on_schema_change, spec.on_schema_change in ON_SCHEMA_CHANGE),
    )
    yield from ((name, value) for name, value, right in checks if not right)


def _wrong(origin: str, expected: str, found: str) -> ConfigurationError:
    return ConfigurationError(f"{expected} in {origin}", found, "correct it; docs/tables.md lists the fields")
