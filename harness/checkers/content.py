"""The content checker: every column of every row is equal in hot and cold, except the delivery columns."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from harness.readers.arrow import Table, pa
from harness.readers.values import kind, rows
from harness.verdict import Finding, Violation, finding, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.model import Key

NAME = "content"


def check_content(
    expected: Table | None,
    found: Table | None,
    *,
    key: Sequence[str] = (),
    delivery: Sequence[str] = (),
    only_common: bool = False,
) -> Finding:
    """
    Check that the rows found are the rows expected, value by value and exactly.

    Args:
        expected: Rows of the hot table or of the ledger; None: could not be read.
        found: Rows of the cold table; None: could not be read.
        key: Columns that identify a row; empty: whole rows are compared, and how often each occurs.
        delivery: Columns of the delivery of a row, which are not compared and may be absent.
        only_common: Leave out rows whose key the other side lacks (expired in hot, or not in cold yet).

    Returns:
        The count is of rows (of columns, where the columns themselves differ); the worst differs in most columns.
        Each copy of a key is compared; the set checker checks their number. Where hot has several copies of a key,
        cold may equal any of them. UNKNOWN where nothing was expected or nothing could be compared.

    Raises:
        ValueError: A key column is in neither table, or is a delivery column.
    """
    if expected is None or found is None:
        return unknown(NAME, f"the rows {'expected' if expected is None else 'found'} could not be read")
    columns = [name for name in expected.column_names if name not in delivery]
    if invalid := [name for name in key if name in delivery or name not in {*columns, *found.column_names}]:
        raise ValueError(f"expected key columns of {columns}; found {invalid}; next: correct `key`")
    if schema := list(_schema_violations(expected, found, delivery)):
        return finding(NAME, "both tables have the same columns", schema)
    if not expected.num_rows:
        return unknown(NAME, "no row was expected")
    if key and _equal_in_arrow(expected, found, columns, key):
        return finding(
            NAME, f"the same row for each key; {expected.num_rows} rows, {len(columns)} columns compared", []
        )
    if not key:
        return _check_multiset(expected, found, columns)
    return _check_keyed(expected, found, columns, key, only_common=only_common)


def _equal_in_arrow(expected: Table, found: Table, columns: Sequence[str], key: Sequence[str]) -> bool:
    """True if Arrow finds the rows equal, which is quick for a million rows. False is no verdict."""
    left, right = (table.select(columns).sort_by([(name, "ascending") for name in key]) for table in (expected, found))
    if left.num_rows != right.num_rows or any("float" in kind(field.type) for field in left.schema):
        return False  # to Arrow -0.0 is 0.0
    try:
        return bool(left.equals(right.cast(left.schema)))
    except pa.ArrowException:  # types that cannot be cast are compared value by value
        return False


def _schema_violations(expected: Table, found: Table, delivery: Sequence[str]) -> Iterator[Violation]:
    left = {field.name: kind(field.type) for field in expected.schema if field.name not in delivery}
    right = {field.name: kind(field.type) for field in found.schema if field.name not in delivery}
    for name in left | right:
        if left.get(name) != right.get(name) and "null" not in {left.get(name), right.get(name)}:
            yield Violation(f"column {name}: expected {left.get(name, 'none')}, found {right.get(name, 'none')}")


def _check_multiset(expected: Table, found: Table, columns: Sequence[str]) -> Finding:
    wanted, got = Counter(rows(expected, columns)), Counter(rows(found, columns))
    violations = [
        *(
            Violation(f"missing {times} times: {row}", times)
            for row, times in (wanted - got).items()
            for _ in range(times)
        ),
        *(
            Violation(f"surplus {times} times: {row}", times)
            for row, times in (got - wanted).items()
            for _ in range(times)
        ),
    ]
    message = (
        f"the same rows, each as often; {expected.num_rows} expected, {found.num_rows} found, {len(columns)} columns"
    )
    return finding(NAME, message, violations)


def _check_keyed(
    expected: Table, found: Table, columns: Sequence[str], key: Sequence[str], *, only_common: bool
) -> Finding:
    wanted, got = _by_key(expected, columns, key), _by_key(found, columns, key)
    common = wanted.keys() & got.keys()
    if only_common and not common:
        return unknown(NAME, f"no key in common; {len(wanted)} expected, {len(got)} found")
    violations = [violation for name in got if name in common for violation in _altered(name, wanted, got, columns)]
    if not only_common:
        violations += [Violation(f"{name} is missing", len(columns)) for name in wanted if name not in common]
        violations += [Violation(f"{name} is surplus", len(columns)) for name in got if name not in common]
    return finding(
        NAME, f"the same row for each key; {len(common)} keys and {len(columns)} columns compared", violations
    )


def _by_key(table: Table, columns: Sequence[str], key: Sequence[str]) -> dict[Key, list[Key]]:
    grouped: dict[Key, list[Key]] = defaultdict(list)
    for name, row in zip(rows(table, key), rows(table, columns), strict=True):
        grouped[name].append(row)
    return grouped


def _altered(
    name: Key, wanted: dict[Key, list[Key]], got: dict[Key, list[Key]], columns: Sequence[str]
) -> Iterator[Violation]:
    for row in got[name]:
        if row in wanted[name]:
            continue
        differences = min((_differences(right, row, columns) for right in wanted[name]), key=len)
        yield Violation(f"{name}: {'; '.join(differences)}", len(differences))


def _differences(expected: Key, found: Key, columns: Sequence[str]) -> list[str]:
    triples = zip(columns, expected, found, strict=True)
    return [f"{column} expected {left!r}, found {right!r}" for column, left, right in triples if left != right]
