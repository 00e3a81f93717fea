"""docs/token.md is the contract of the token: its keys, in the code as on the page, and what a reader computes."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest

from offload.iceberg import history
from offload.model.cold_table import Publication
from offload.model.coverage import Bucket, Coverage
from offload.model.fingerprint import Fingerprint
from offload.model.token import CommitToken
from offload.model.windows import DAY, HOUR

PAGE = (Path(__file__).parents[4] / "docs" / "token.md").read_text("utf-8")
TOKEN = CommitToken(
    "run", 3, 0, 5, 5, 99, 2, 17, 1_722_470_400_123, 8, 3, "hot", "default", "cold", 9, "at", ("id", "seq")
)
OLDER = {name: value for name, value in json.loads(TOKEN.dumps()).items() if name not in {"timestamp", "key"}}


def test_the_page_has_the_keys_of_the_token() -> None:
    """In the same order, and no other."""
    table = PAGE.split("| key |")[1].split("\n\n")[0]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [one.name for one in fields(CommitToken)]


def test_the_page_has_the_properties_of_a_commit() -> None:
    """Those that are set beside the token."""
    table = PAGE.split("| property |")[1].split("\n\n")[0]
    written = history.properties(Publication(TOKEN, (), Coverage()), 7, 2)

    assert {*re.findall(r"`(tidemark\.[\w-]+)`", table), "tidemark.token"} == set(written)


def test_a_token_is_read_as_it_was_written() -> None:
    """Also one of an older release, which lacks the last keys."""
    older = CommitToken.loads(json.dumps(OLDER))

    assert CommitToken.loads(TOKEN.dumps()) == TOKEN
    assert (older.timestamp, older.key, older.watermark_ticks) == (None, None, TOKEN.watermark_ticks)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"run_id": 1}', "null"])
def test_other_text_is_no_token(text: str) -> None:
    """ValueError, which the lake turns into a message."""
    with pytest.raises(ValueError, match=r".*"):
        CommitToken.loads(text)


def test_the_code_of_the_page_finds_the_watermark() -> None:
    """The PyIceberg snippet, run as it is."""
    code = PAGE.split("```python")[1].split("```")[0]
    found: dict[str, object] = {"table": SimpleNamespace(properties={"tidemark.token": TOKEN.dumps()})}
    exec(code, found)  # noqa: S102  # the page's own code

    assert str(found["watermark"]) == "2024-08-01 00:00:00.123000+00:00"


def test_a_coverage_is_read_as_it_was_written() -> None:
    """Buckets with and without late rows."""
    coverage = Coverage(
        30 * DAY,
        {
            0: Bucket(Fingerprint(2, 5), Fingerprint(2, 5)),
            30 * DAY + HOUR: Bucket(Fingerprint(2, 5), Fingerprint(4, 9), late=1),
        },
    )

    assert Coverage.loads(coverage.dumps()) == coverage


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"buckets": {"a": [1]}, "hours_from": 0}'])
def test_other_text_is_no_coverage(text: str) -> None:
    """ValueError: then every row is compared once."""
    with pytest.raises(ValueError, match=r".*"):
        Coverage.loads(text)


def test_hours_become_days_and_keep_their_rows() -> None:
    """A watermark that moves on by a week folds the hours of the days before."""
    hours = {hour * HOUR: Fingerprint(1, hour) for hour in range(48)}
    coverage = Coverage().published([hours], 2 * DAY)
    later = coverage.published([{9 * DAY: Fingerprint(1, 7)}], 9 * DAY)

    assert len(coverage.buckets) == 48
    assert later.buckets[0].published == Fingerprint(24, sum(range(24)))
    assert set(later.buckets) == {0, DAY, 9 * DAY}
    assert later.unexplained({0: Fingerprint(24, sum(range(24))), DAY: Fingerprint(1, 1)}) == [DAY]
