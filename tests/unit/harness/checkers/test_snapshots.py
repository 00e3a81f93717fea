from __future__ import annotations

from dataclasses import replace

import pytest

from harness.checkers.snapshots import check_lineage, check_nothing_added, check_tokens, check_whole_batches
from harness.model import ExpectedBatch, Key, SnapshotRecord
from harness.verdict import Finding, Verdict

FIRST = [("a", number) for number in range(10)]
SECOND = [("b", number) for number in range(6)]
BATCHES = [ExpectedBatch.of("first", frozenset(FIRST)), ExpectedBatch.of("second", frozenset(SECOND))]
COUNTED = [ExpectedBatch("first", 10), ExpectedBatch("second", 6)]


def history(*added: list[Key]) -> list[SnapshotRecord]:
    """One append after the other, of the given keys."""
    records: list[SnapshotRecord] = []
    seen: dict[Key, int] = {}
    for number, keys in enumerate(added, start=1):
        seen = {**seen, **{key: seen.get(key, 0) + keys.count(key) for key in keys}}
        parent = number - 1 or None
        total = sum(seen.values())
        records.append(
            SnapshotRecord(number, parent, "append", len(keys), total_rows=total, token=f"t{number}", visible=seen)
        )
    return records


def result(finding: Finding) -> tuple[str, int]:
    """Verdict and count."""
    return finding.verdict.value, finding.count


@pytest.mark.parametrize("batches", [BATCHES, COUNTED], ids=["keys", "counts"])
@pytest.mark.parametrize("added", [[FIRST, SECOND], [SECOND, FIRST], [FIRST + SECOND], [FIRST, [], SECOND], [FIRST]])
def test_snapshots_of_whole_batches_pass(added: list[list[Key]], batches: list[ExpectedBatch]) -> None:
    """A snapshot may add several batches, none, or the last may be missing: that is for the set checker."""
    assert result(check_whole_batches(history(*added), batches)) == ("PASS", 0)


@pytest.mark.parametrize("batches", [BATCHES, COUNTED], ids=["keys", "counts"])
def test_half_a_batch_visible_is_found(batches: list[ExpectedBatch]) -> None:
    """A reader of the second snapshot sees half of the second batch."""
    finding = check_whole_batches(history(FIRST, SECOND[:3]), batches)

    assert result(finding) == ("FAIL", 1)
    assert "snapshot 2" in str(finding.first)


def test_half_a_batch_is_found_even_if_the_other_half_follows() -> None:
    """Between the two a reader saw part of it."""
    assert result(check_whole_batches(history(FIRST, SECOND[:3], SECOND[3:]), BATCHES)) == ("FAIL", 1)
    assert result(check_whole_batches(history(FIRST, SECOND[:3], SECOND[3:]), COUNTED)) == ("FAIL", 2)


@pytest.mark.parametrize("batches", [BATCHES, COUNTED], ids=["keys", "counts"])
def test_a_batch_published_twice_is_found(batches: list[ExpectedBatch]) -> None:
    """A batch is visible once or not at all."""
    assert result(check_whole_batches(history(FIRST, FIRST), batches)) == ("FAIL", 1)


def test_the_last_row_of_a_batch_is_part_of_it() -> None:
    """One row short is not whole, and no doubled row makes up for it."""
    assert result(check_whole_batches(history(FIRST[:-1]), BATCHES)) == ("FAIL", 1)
    assert result(check_whole_batches(history([*FIRST[:-1], FIRST[0]]), BATCHES)) == ("FAIL", 1)


def test_rows_that_belong_to_no_batch_are_left_to_the_set_checker() -> None:
    """Filler rows beside the batches tear none."""
    assert result(check_whole_batches(history([("filler", 1), *FIRST], SECOND), BATCHES)) == ("PASS", 0)


def test_a_compaction_adds_no_batch_by_count() -> None:
    """It deletes as many rows as it adds."""
    compaction = SnapshotRecord(2, 1, "replace", 10, deleted_rows=10, total_rows=10)

    assert result(check_whole_batches([*history(FIRST), compaction], COUNTED)) == ("PASS", 0)


def test_missing_evidence_of_batches_is_unknown() -> None:
    """No history, no batches, batches of both sorts, or keys that were not read prove nothing."""
    unread = [replace(record, visible=None) for record in history(FIRST)]
    findings = [
        check_whole_batches(None, BATCHES),
        check_whole_batches([], BATCHES),
        check_whole_batches(history(FIRST), []),
        check_whole_batches(history(FIRST), [BATCHES[0], COUNTED[1]]),
        check_whole_batches(unread, BATCHES),
        check_lineage([]),
        check_tokens([]),
        check_tokens([replace(record, token=None) for record in history(FIRST)]),
    ]

    assert {finding.verdict for finding in findings} == {Verdict.UNKNOWN}


def test_a_history_in_one_line_passes() -> None:
    """Each snapshot was made from the one before it; the first may have lost its parent to expiry."""
    records = history(FIRST, SECOND, [])

    assert result(check_lineage(records)) == ("PASS", 0)
    assert result(check_lineage(records[1:])) == ("PASS", 0)


def test_a_snapshot_beside_the_line_is_found() -> None:
    """A writer that started from an older state has undone the newer one."""
    records = history(FIRST, SECOND, [])
    records[2] = replace(records[2], parent_id=1)

    assert result(check_lineage(records)) == ("FAIL", 1)


def test_totals_that_do_not_add_up_are_found() -> None:
    """A row that vanished between two snapshots leaves the total short."""
    records = history(FIRST, SECOND)
    records[1] = replace(records[1], total_rows=15)

    assert result(check_lineage(records)) == ("FAIL", 1)


def test_one_token_for_each_snapshot_passes() -> None:
    """A snapshot without a token may rewrite files as long as the rows stay as many."""
    compaction = SnapshotRecord(3, 2, "replace", 16, deleted_rows=16, total_rows=16)

    assert result(check_tokens([*history(FIRST, SECOND), compaction])) == ("PASS", 0)


def test_a_repeated_token_and_rows_without_a_token_are_found() -> None:
    """The same batch twice, and an append of another job, are one violation each."""
    records = history(FIRST, SECOND)
    foreign = SnapshotRecord(3, 2, "append", 4, total_rows=20)

    assert result(check_tokens([records[0], replace(records[1], token="t1")])) == ("FAIL", 1)  # noqa: S106 - no password
    assert result(check_tokens([*records, foreign])) == ("FAIL", 1)


def test_a_failed_run_that_added_nothing_passes() -> None:
    """Empty histories that were read are evidence; whether keys were read does not matter."""
    unread = [replace(record, visible=None) for record in history(FIRST)]

    assert result(check_nothing_added(history(FIRST), unread)) == ("PASS", 0)
    assert result(check_nothing_added((), ())) == ("PASS", 0)


def test_a_failed_run_that_added_removed_or_changed_a_snapshot_is_found() -> None:
    """Even an empty snapshot is one too many."""
    before = history(FIRST)

    assert result(check_nothing_added(before, history(FIRST, SECOND))) == ("FAIL", 1)
    assert result(check_nothing_added(before, history(FIRST, []))) == ("FAIL", 1)
    assert result(check_nothing_added((), before)) == ("FAIL", 1)
    assert result(check_nothing_added(before, ())) == ("FAIL", 1)
    assert result(check_nothing_added(before, [replace(before[0], token="x")])) == ("FAIL", 1)  # noqa: S106 - no password


@pytest.mark.parametrize(("before", "after"), [(None, ()), ((), None), (None, None)])
def test_a_history_that_was_not_read_is_unknown(before: tuple[()] | None, after: tuple[()] | None) -> None:
    """What was not seen may have changed."""
    assert check_nothing_added(before, after).verdict is Verdict.UNKNOWN
