"""How a table is stored, from the words of system.tables."""

from __future__ import annotations

import pytest

from offload.clickhouse.layout import column_ttls, identity, ttl

UUID = "0b0b0b0b-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("engine_full", "expected"),
    [
        ("MergeTree ORDER BY a", None),
        ("MergeTree ORDER BY a TTL a + toIntervalDay(2) SETTINGS x = 1", "a + toIntervalDay(2)"),
        ("MergeTree ORDER BY a TTL a + toIntervalDay(1) TO DISK 'cold', a + toIntervalDay(9)", "a + toIntervalDay(9)"),
        ("MergeTree ORDER BY a TTL a + toIntervalDay(1) RECOMPRESS CODEC(ZSTD(1))", None),
        ("MergeTree ORDER BY TTL SETTINGS index_granularity = 8192", None),
        ("MergeTree ORDER BY (a, TTL) SETTINGS index_granularity = 8192", None),
        ("MergeTree ORDER BY a TTL b DELETE, c", "least(b, c)"),
    ],
)
def test_the_time_of_deletion_is_found(engine_full: str, expected: str | None) -> None:
    """A rule that moves or compresses parts deletes nothing."""
    assert ttl(engine_full) == expected


def test_a_rule_with_a_condition_deletes_the_rows_that_meet_it() -> None:
    """The others are never deleted by it."""
    found = ttl("MergeTree ORDER BY a TTL a + toIntervalDay(5) DELETE WHERE b > 3")

    assert found is not None
    assert found.startswith("if(b > 3, toDateTime(a + toIntervalDay(5)), ")


def test_the_ttl_of_a_column_is_found() -> None:
    """Also behind a default that has the word in it."""
    create = (
        "CREATE TABLE d.t (`a` DateTime, `b` Int32 TTL a + toIntervalDay(1), `c` String DEFAULT 'x, TTL y') "
        "ENGINE = MergeTree ORDER BY a TTL a + toIntervalDay(2)"
    )

    assert column_ttls(create) == ("a + toIntervalDay(1)",)


@pytest.mark.parametrize(
    ("engine_full", "expected"),
    [
        ("MergeTree ORDER BY a", (UUID, ())),
        ("ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}') ORDER BY a", (UUID, ())),
        ("ReplicatedReplacingMergeTree('/ch/trades', 'r1', ver) ORDER BY a", ("/ch/trades", (UUID,))),
    ],
)
def test_replicas_of_one_path_are_one_table(engine_full: str, expected: tuple[str, tuple[str, ...]]) -> None:
    """Replicas that were created one by one have a UUID each."""
    assert identity(UUID, engine_full) == expected
