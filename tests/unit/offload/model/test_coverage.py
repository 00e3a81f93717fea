"""The coverage is kept as it is, and says where to sweep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.model.coverage import Bucket, Coverage
from offload.model.fingerprint import Fingerprint
from offload.model.windows import DAY, HOUR

fingerprints = st.builds(Fingerprint, st.integers(0, 2**40), st.integers(0, 2**64 - 1))
counts = st.integers(0, 2**40)
buckets = st.builds(Bucket, fingerprints, fingerprints, counts, counts, counts, counts)
coverages = st.builds(
    Coverage,
    st.none() | st.integers(-100, 100).map(lambda day: day * DAY),
    st.dictionaries(st.integers(-3000, 3000).map(lambda hour: hour * HOUR), buckets, max_size=5),
)


@given(coverages)
def test_a_coverage_is_read_as_it_was_written(coverage: Coverage) -> None:
    """Every number of every bucket."""
    assert Coverage.loads(coverage.dumps()) == coverage


def late(*hours: int, accepted: int = 0) -> dict[int, Bucket]:
    """Buckets with a late row each."""
    return {hour * HOUR: Bucket(late=1, accepted=accepted) for hour in hours}


def test_late_buckets_that_are_neighbours_are_one_span() -> None:
    """A day before `hours_from` is a bucket as well; one without late rows, or with accepted ones, is in no span."""
    buckets = {**late(-48, -24, 0, 1, 5), **late(3, accepted=1), 2 * HOUR: Bucket(Fingerprint(7, 1))}
    coverage = Coverage(0, buckets)

    assert coverage.late_spans() == [(-48 * HOUR, 2 * HOUR), (5 * HOUR, 6 * HOUR)]
    assert (coverage.late, coverage.left_out) == (6, 1)


def test_swept_rows_are_late_no_more_and_hot_is_still_explained() -> None:
    """Hot had them when the bucket was compared; other buckets stay as they are."""
    raw = Fingerprint(10, 5)
    coverage = Coverage(0, {0: Bucket(Fingerprint(7, 2), raw, late=3, kept=7), HOUR: Bucket(late=1)})

    swept = coverage.swept([{0: Fingerprint(3, 3)}])

    assert swept.buckets[0] == Bucket.of(raw)
    assert swept.buckets[HOUR] == Bucket(late=1)
    assert swept.unexplained({0: raw, HOUR: Fingerprint(0, 0)}) == []


def test_replaced_rows_are_changed_no_more_and_the_published_rows_are_those_of_the_new_files() -> None:
    """A bucket of which a file was only written anew is as it was; what was compared stays."""
    raw, other = Fingerprint(7, 5), Bucket.of(Fingerprint(4, 9))
    coverage = Coverage(0, {0: Bucket(Fingerprint(5, 50), raw, changed=2, kept=5), HOUR: other})

    replaced = coverage.replaced(
        [{0: Fingerprint(5, 50), HOUR: Fingerprint(4, 9)}],
        [{0: Fingerprint(3, 20), HOUR: Fingerprint(4, 9)}],
        [{0: Fingerprint(2, 7)}],
    )

    assert replaced.buckets == {0: Bucket(Fingerprint(5, 27), raw, kept=5), HOUR: other}


def test_buckets_that_hot_has_no_row_of_are_spans() -> None:
    """Also of those alone that begin after a time, up to which a command has dropped rows."""
    coverage = Coverage(0, {hour * HOUR: Bucket.of(Fingerprint(5, hour)) for hour in (-24, 0, 1, 2, 4)})

    assert coverage.emptied([2 * HOUR]) == [(-24 * HOUR, 2 * HOUR), (4 * HOUR, 5 * HOUR)]
    assert coverage.after(HOUR).emptied([]) == [(2 * HOUR, 3 * HOUR), (4 * HOUR, 5 * HOUR)]
    assert coverage.after(None) == coverage


def test_rows_that_return_are_compared_although_their_number_is_that_of_the_published_ones() -> None:
    """Or their next deletion would look like the one before."""
    raw, fewer = Fingerprint(5, 7), Fingerprint(3, 2)
    coverage = Coverage(0, {0: Bucket.of(raw)}).compared(0, fewer, 0, 0, 3)

    assert coverage.unexplained({0: fewer}) == []
    assert coverage.unexplained({0: raw}) == [0]
    assert coverage.compared(0, raw, 0, 0, 5).expects_more_than(coverage)


def test_a_coverage_of_an_older_release_expects_every_published_row() -> None:
    """Its buckets have no such number."""
    found = Coverage.loads('{"hours_from":0,"buckets":{"0":[5,7],"1":[5,7,8,9,3,0],"2":[5,7,8,9,3,0,3]}}')

    assert [bucket.kept for bucket in found.buckets.values()] == [5, 5, 5]


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"hours_from": 0}', '{"hours_from": 0, "buckets": {"a": [1]}}']
)
def test_other_text_is_no_coverage(text: str) -> None:
    """ValueError: then everything is compared anew."""
    with pytest.raises(ValueError, match=r".*"):
        Coverage.loads(text)
