"""Each answer names its server, and an aggregate has a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from offload.clickhouse.connection.client import ClickHouse
from offload.errors import SourceMoving, Unavailable
from offload.io.command_limit import LEAST, LIMIT, CommandLimit, one_command
from tests.support.http_servers import silent


@dataclass
class Answers:
    """A client of the driver that gives these rows, one list per query."""

    answers: list[list[tuple[Any, ...]]]
    asked: list[str] = field(default_factory=list)
    timeout: float = 0.0

    def query(self, query: str) -> Answers:
        """The next answer."""
        self.asked.append(query)
        return self

    @property
    def result_rows(self) -> list[tuple[Any, ...]]:
        """Its rows."""
        return self.answers.pop(0)


def client(monkeypatch: pytest.MonkeyPatch, *answers: list[tuple[Any, ...]]) -> ClickHouse:
    """A client whose server gives these answers."""
    made, driver = ClickHouse("clickhouse://user:secret@host:8123/db", 1), Answers(list(answers))
    monkeypatch.setattr(made, "_client", lambda: driver)
    return made


def test_an_answer_of_another_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two replicas behind a balancer: what one counted is not compared with what the other one reads."""
    asked = client(monkeypatch, [("a 1", 10)], [("a 1", 11)], [("b 2", 12)])

    assert asked.row("SELECT count() FROM t") == (10,)
    assert asked.rows("SELECT count() FROM t") == [(11,)]
    with pytest.raises(SourceMoving, match="the server a 1; found an answer from b 2; next: name one replica"):
        asked.rows("SELECT count() FROM t")


def test_an_aggregate_without_a_row_is_an_answer_that_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that sends an empty body makes no table empty, and no traceback."""
    asked = client(monkeypatch, [], [])

    assert asked.rows("SELECT a FROM t GROUP BY a") == []
    with pytest.raises(Unavailable, match="an answer without rows"):
        asked.row("SELECT count() FROM t")


def test_a_server_that_hangs_uses_up_the_limit_of_the_command() -> None:
    """It is noted as hanging, and later calls get what is left, in whole seconds while the driver connects."""
    limit = CommandLimit()
    with silent() as port, one_command(limit):
        asked = ClickHouse(f"clickhouse://user:secret@127.0.0.1:{port}/db", 1)
        with pytest.raises(Unavailable, match="within 1 s"):
            asked.rows("SELECT 1")
        assert list(limit.since) == [asked.address]

        limit.since[asked.address] -= LIMIT
        later = ClickHouse(f"clickhouse://user:secret@127.0.0.1:{port}/db", 60)
        with pytest.raises(Unavailable, match=r"within 0\.5 s"):
            later.rows("SELECT 1")


def test_an_open_client_gets_what_is_left_of_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """And its whole time-out again when the server has answered."""
    asked, driver = ClickHouse("clickhouse://user:secret@host:8123/db", 8), Answers([[("a 1", 10)], [("a 1", 11)]])
    monkeypatch.setattr(asked, "_open", lambda: driver)
    limit = CommandLimit(since={asked.address: 0.0})
    with one_command(limit):
        asked.rows("SELECT 1")
        assert driver.timeout == LEAST
        assert limit.since == {}
        asked.rows("SELECT 1")
        assert driver.timeout == 8
