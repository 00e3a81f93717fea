from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from harness.checkers.content import check_content
from harness.verdict import Verdict

START = datetime(2026, 1, 1, tzinfo=UTC)
HOT = pa.schema(
    [
        ("trade_id", pa.string()),
        ("price", pa.decimal128(18, 8)),
        ("sequence", pa.uint64()),
        ("at", pa.timestamp("us", "UTC")),
        ("note", pa.string()),
        ("tags", pa.list_(pa.string())),
        ("metadata", pa.map_(pa.string(), pa.string())),
        ("ratio", pa.float64()),
        ("arrived_at", pa.timestamp("us", "UTC")),
    ]
)
COLD = pa.schema(
    [
        ("trade_id", pa.large_string()),
        ("price", pa.decimal128(18, 8)),
        ("sequence", pa.int64()),
        ("at", pa.timestamp("ns", "UTC")),
        ("note", pa.large_string()),
        ("tags", pa.large_list(pa.large_string())),
        ("metadata", pa.map_(pa.large_string(), pa.large_string())),
        ("ratio", pa.float64()),
    ]
)
DELIVERY = ("arrived_at",)


def trades(count: int = 10) -> list[dict[str, Any]]:
    """Rows with a NULL, a NULL in a list, a map, a NaN and ties."""
    return [
        {
            "trade_id": f"t-{number}",
            "price": Decimal("60000.12345678"),
            "sequence": number,
            "at": START + timedelta(microseconds=number // 2),
            "note": None if number % 2 else "",
            "tags": ["a", None],
            "metadata": [("k", "v"), ("l", None)],
            "ratio": float("nan"),
            "arrived_at": START,
        }
        for number in range(count)
    ]


def hot(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as ClickHouse gives them."""
    return pa.Table.from_pylist(rows, schema=HOT)


def cold(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as Iceberg gives them: wider types, no arrival time."""
    return pa.Table.from_pylist([{name: row[name] for name in COLD.names} for row in rows], schema=COLD)


ALTERATIONS = {
    "last decimal": {"price": Decimal("60000.12345679")},
    "one microsecond": {"at": START + timedelta(microseconds=3)},
    "NULL for an empty text": {"note": None},
    "a NULL in a list": {"tags": ["a", ""]},
    "order of a list": {"tags": [None, "a"]},
    "a NULL in a map": {"metadata": [("k", "v"), ("l", "")]},
    "a number for NaN": {"ratio": 0.0},
    "sequence": {"sequence": 5},
}


@pytest.mark.parametrize("key", [("trade_id",), ()], ids=["key", "multiset"])
def test_equal_rows_in_another_order_and_in_wider_types_pass(key: tuple[str, ...]) -> None:
    """Order of rows, order of a map and width of a type are no content; delivery columns are not compared."""
    found = [{**row, "metadata": row["metadata"][::-1]} for row in reversed(trades())]

    assert check_content(hot(trades()), cold(found), key=key, delivery=DELIVERY).verdict is Verdict.PASS


@pytest.mark.parametrize("alteration", ALTERATIONS.values(), ids=ALTERATIONS)
def test_one_altered_value_is_found(alteration: dict[str, Any]) -> None:
    """Values are compared exactly, in whichever column, and the message shows both."""
    rows = trades()
    rows[4] |= alteration
    finding = check_content(hot(trades()), cold(rows), key=["trade_id"], delivery=DELIVERY)

    assert (finding.verdict, finding.count) == (Verdict.FAIL, 1)
    assert str(finding.first).startswith(f"('t-4',): {next(iter(alteration))} expected ")


def test_an_alteration_of_a_row_without_key_is_one_row_too_few_and_one_too_many() -> None:
    """Without a key, rows have no pairs: the altered row is counted twice."""
    rows = trades()
    rows[4] |= ALTERATIONS["last decimal"]
    finding = check_content(hot(trades()), cold(rows), delivery=DELIVERY)

    assert (finding.verdict, finding.count) == (Verdict.FAIL, 2)


def test_multiplicities_count_where_there_is_no_key() -> None:
    """Two equal rows in hot are two rows in cold, no fewer and no more."""
    twice = [*trades(), trades()[0]]

    assert check_content(hot(twice), cold(twice), delivery=DELIVERY).verdict is Verdict.PASS
    assert check_content(hot(twice), cold(trades()), delivery=DELIVERY).count == 1
    assert check_content(hot(trades()), cold(twice), delivery=DELIVERY).count == 1


def test_missing_and_surplus_rows_are_found_by_key() -> None:
    """A row lost at the end and a row that was never produced are one violation each."""
    stranger = {**trades()[0], "trade_id": "t-x"}
    finding = check_content(hot(trades()), cold([*trades()[:-1], stranger]), key=["trade_id"], delivery=DELIVERY)

    assert (finding.count, finding.first, finding.last) == (2, "('t-9',) is missing", "('t-x',) is surplus")


def test_rows_without_partner_may_be_left_out() -> None:
    """Hot may have expired a row and cold may yet lack one; what both hold is still compared."""
    rows = trades()[1:]
    rows[2] |= ALTERATIONS["last decimal"]
    left = {"key": ["trade_id"], "delivery": DELIVERY, "only_common": True}

    assert check_content(hot(trades()[:-1]), cold(trades()[1:]), **left).verdict is Verdict.PASS
    assert check_content(hot(trades()[:-1]), cold(rows), **left).count == 1


def test_an_altered_copy_is_found_beside_a_good_one() -> None:
    """Each copy of a key is compared."""
    rows = trades()
    rows.append({**rows[0], **ALTERATIONS["last decimal"]})

    assert check_content(hot(trades()), cold(rows), key=["trade_id"], delivery=DELIVERY).count == 1


def test_a_dropped_column_and_a_changed_kind_are_found() -> None:
    """A price as float or as text is not the price, whatever its digits."""
    found = cold(trades())
    text = found.set_column(1, "price", found.column("price").cast(pa.string()))

    assert check_content(hot(trades()), found.drop_columns(["note"]), key=["trade_id"], delivery=DELIVERY).count == 1
    assert check_content(hot(trades()), text, key=["trade_id"], delivery=DELIVERY).first == (
        "column price: expected number, found text"
    )


def test_missing_evidence_is_unknown() -> None:
    """Nothing read, nothing expected and nothing in common prove nothing."""
    full, empty = hot(trades()), hot([])
    strangers = cold([{**row, "trade_id": row["trade_id"] + "x"} for row in trades()])
    findings = [
        check_content(None, cold(trades()), key=["trade_id"]),
        check_content(full, None, key=["trade_id"]),
        check_content(empty, cold([]), key=["trade_id"], delivery=DELIVERY),
        check_content(full, strangers, key=["trade_id"], delivery=DELIVERY, only_common=True),
    ]

    assert [finding.verdict for finding in findings] == [Verdict.UNKNOWN] * 4


@pytest.mark.parametrize("key", ["trade-id", "arrived_at"])
def test_a_wrong_key_is_the_authors_mistake(key: str) -> None:
    """A key that is misspelt or not compared would pass by accident."""
    with pytest.raises(ValueError, match="correct `key`"):
        check_content(hot(trades()), cold(trades()), key=[key], delivery=DELIVERY)
