"""With `ttl_guard`, no row expires that is not proven to be in cold; without it, it does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.waiting import wait_until
from offload.model.table import TableSpec
from tests.support.embedded import PLAIN, Embedded

TTL = 16  # seconds
EXPIRING = f"{PLAIN} TTL toDateTime(exchange_timestamp) + INTERVAL {TTL} SECOND"
DAYS = f"{PLAIN} TTL toDateTime(exchange_timestamp) + INTERVAL 4 DAY"
STATEMENT = "SYSTEM START TTL MERGES `trades`"


def table(stage: Embedded, engine: str, **declared: Any) -> TableSpec:
    """A guarded table without rows."""
    stage.trades(engine=engine)
    return stage.declared("trades", **({"ttl_guard": True, "late": "sweep"} | declared))


def insert(stage: Embedded, first: int, count: int, age: str, price: str = "1") -> None:
    """So many rows of that age."""
    start = f"now64(6, 'UTC') - INTERVAL {age}"
    stage.insert_trades(f"numbers({first}, {count})", start=start, step="1", price=price)


def merged(stage: Embedded) -> int:
    """The rows that are left in hot after every merge that ClickHouse is willing to do."""
    stage.sql("OPTIMIZE TABLE trades FINAL")
    ((rows,),) = stage.rows("SELECT count() FROM trades")
    return int(rows)


def proof(stage: Embedded, spec: TableSpec) -> tuple[int | None, int]:
    """`verified_through` and the watermark of cold."""
    token = json.loads(stage.iceberg(spec).properties["tidemark.token"])
    return token["verified_through"], token["watermark_ticks"]


OUTAGES = {"catalog": "catalog_uri", "store": "watermarks_url"}


@pytest.mark.parametrize("service", OUTAGES)
@pytest.mark.parametrize("guarded", [True, False])
def test_an_outage_longer_than_the_ttl_loses_no_row_of_a_guarded_table(
    stage: Embedded, service: str, *, guarded: bool
) -> None:
    """Runs fail until every row is past its TTL, and merges go on; the first run that succeeds publishes them all."""
    spec = table(stage, EXPIRING, ttl_guard=guarded)
    insert(stage, 0, 100, f"{TTL // 2 + 2} SECOND")
    nowhere = {OUTAGES[service]: f"sqlite:///{stage.folder}/warehouse/no/such/folder/a.db"}
    failed = stage.run(spec, **nowhere)
    last = "(SELECT max(exchange_timestamp) FROM trades)"
    expired = f"SELECT ifNull({last}, toDateTime64(0, 6, 'UTC')) + INTERVAL {TTL + 1} SECOND < now64(6, 'UTC')"
    wait_until(lambda: stage.rows(expired) == [(1,)], lambda: "expected the TTL to pass", TTL * 2)
    again = stage.run(spec, **nowhere)

    left = merged(stage)
    recovered = stage.run(spec)

    assert failed.exit_code == again.exit_code == 78, failed
    assert any(STATEMENT in warning for warning in failed.warnings) == guarded, failed.warnings
    assert (left, recovered.exit_code, recovered.rows) == ((100, 0, 100) if guarded else (0, 0, 0)), recovered
    if guarded:
        assert proof(stage, spec)[0] == proof(stage, spec)[1]
        assert (list(recovered.warnings)[1:], merged(stage)) == ([], 0), recovered.warnings
        assert stage.cold_ids(spec) == [*range(100)]


def test_a_run_compares_only_when_unproven_rows_are_near_their_ttl(stage: Embedded) -> None:
    """Young rows add no commit; old ones are proven once, up to the watermark."""
    spec = table(stage, DAYS)
    insert(stage, 0, 10, "1 DAY")
    young = stage.run(spec)
    before = proof(stage, spec)
    insert(stage, 10, 10, "3 DAY")

    swept, nothing = stage.run(spec), stage.run(spec)

    assert (young.rows, before[0], list(young.warnings)) == (10, None, [])
    assert (swept.swept_rows, nothing.rows, stage.published(spec)) == (10, 0, 3)
    assert proof(stage, spec) == (before[1], before[1])
    assert list(nothing.warnings) == []


def stopped(stage: Embedded) -> bool:
    """Whether a row that is past its TTL survives every merge; it stays then."""
    insert(stage, 900, 1, "5 DAY")
    stage.sql("OPTIMIZE TABLE trades FINAL")
    return stage.rows("SELECT count() > 0 FROM trades WHERE trade_id = '900'") == [(1,)]


@pytest.mark.parametrize("kind", ["late", "changed"])
def test_merges_are_stopped_while_cold_does_not_prove_a_row_near_its_ttl(stage: Embedded, kind: str) -> None:
    """A late row that is skipped, or a published row that hot has corrected; each run warns, with the statement."""
    spec = table(stage, DAYS, late="skip")
    insert(stage, 0, 10, "3 DAY")
    insert(stage, 10, 10, "1 HOUR")
    assert stage.run(spec).rows == 20
    if kind == "late":
        insert(stage, 30, 1, "3 DAY")
    else:
        stage.sql("INSERT INTO trades SELECT * REPLACE (99 AS price) FROM trades WHERE trade_id = '0'")

    first = stage.run(spec)
    held = stopped(stage)
    second = stage.run(spec)

    assert held
    assert all(any(STATEMENT in warning for warning in one.warnings) for one in (first, second)), (first, second)
    assert proof(stage, spec)[0] != proof(stage, spec)[1]
    if kind == "late":
        swept = stage.run(stage.declared("trades", ttl_guard=True, late="sweep"))
        assert (swept.swept_rows, merged(stage)) == (2, 21)
        assert stage.cold_ids(spec) == [*range(20), 30, 900]
        assert not stopped(stage)


def test_rows_that_are_not_offloaded_at_half_the_ttl_are_warned_about(stage: Embedded) -> None:
    """Guarded or not; rows that are younger are not."""
    spec = table(stage, DAYS, ttl_guard=False)
    insert(stage, 0, 10, "3 DAY")
    insert(stage, 10, 10, "1 DAY")

    first, second = stage.run(spec), stage.run(spec)

    assert list(first.warnings) == [
        "10 rows were not offloaded when half of their TTL was over; run more often than that"
    ]
    assert list(second.warnings) == []


def test_a_view_cannot_be_guarded(stage: Embedded) -> None:
    """Its declaration is wrong; the rows were published."""
    stage.trades(10)
    stage.sql("CREATE VIEW shown AS SELECT * FROM trades")

    result = stage.run(stage.declared("shown", ttl_guard=True))

    assert (result.exit_code, result.rows, result.error is not None) == (65, 10, True)
    assert result.error is not None
    assert "the engine View" in result.error["found"]
