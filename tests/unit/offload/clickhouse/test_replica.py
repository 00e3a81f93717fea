"""A replica that is behind, or does not know whether it is, is not read."""

from __future__ import annotations

from typing import Any

import pytest

from offload.clickhouse.connection.client import ClickHouse
from offload.clickhouse.server.replica import check_lag
from offload.errors import SourceMoving, Unavailable


def check(monkeypatch: pytest.MonkeyPatch, *status: Any, lag: float = 300) -> None:
    """Check a replica with this count, delay, lost session, read-only mark and queue."""
    client = ClickHouse("clickhouse://user:secret@host:8123/db", 1, lag)
    monkeypatch.setattr(client, "row", lambda _query: status)
    check_lag(client, "'db'", "'t'")


@pytest.mark.parametrize(("delay", "lag"), [(0, 300), (300, 300), (1, 1)])
def test_a_replica_within_the_limit_is_read(monkeypatch: pytest.MonkeyPatch, delay: int, lag: float) -> None:
    """The limit itself is allowed."""
    check(monkeypatch, 1, delay, 0, 0, 7, lag=lag)


def test_a_replica_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its delay and its queue as evidence."""
    with pytest.raises(SourceMoving, match=r"db\.t at ClickHouse host:8123 to be at most 300 s .* found 301 s, with 7"):
        check(monkeypatch, 1, 301, 0, 0, 7)


@pytest.mark.parametrize(
    ("status", "found"),
    [((1, 0, 1, 1, 0), "no session"), ((1, 0, 0, 1, 0), "the table is read only"), ((0, 0, 0, 0, 0), "no session")],
)
def test_a_replica_that_does_not_know_its_delay_is_69(
    monkeypatch: pytest.MonkeyPatch, status: tuple[int, ...], found: str
) -> None:
    """Its delay is 0, or the one that it had when it lost Keeper."""
    with pytest.raises(Unavailable, match=f"session with Keeper; found {found}"):
        check(monkeypatch, *status)
