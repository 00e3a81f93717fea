"""`offload init`: a declaration from ClickHouse's own catalog, with which the table can be moved at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from offload.tables.declarations import parse
from tests.integration.errors.test_documents import check
from tests.support.command_line import Offload
from tests.support.embedded import Embedded

TAXI = (
    "CREATE TABLE trips (vendor LowCardinality(String), pickup_at DateTime('America/New_York'), trip_id UInt64, "
    "tip Nullable(Float64), payment Enum8('cash' = 1, 'card' = 2), tags Array(LowCardinality(String)), "
    "fare Decimal(10, 2), inserted_at DateTime DEFAULT now()) ENGINE = {engine} "
    "PARTITION BY toYYYYMM(pickup_at) ORDER BY (vendor, pickup_at, trip_id) TTL pickup_at + INTERVAL 90 DAY"
)
ROWS = (
    "INSERT INTO trips (vendor, pickup_at, trip_id, payment, tags, fare) "
    "SELECT 'a', now() - 3600 - number, number, 'cash', ['x'], 1.5 FROM numbers(100)"
)


@pytest.mark.parametrize("engine", ["MergeTree", "ReplacingMergeTree"])
def test_a_table_of_ones_own_is_moved_with_the_declaration_that_init_wrote(
    stage: Embedded, offload: Offload, engine: str
) -> None:
    """Timestamp, sequence, arrival and order are ClickHouse's own; the key is, where the engine replaces rows."""
    stage.sql(TAXI.format(engine=engine))
    stage.sql(ROWS)

    written = offload("init", "trips", "--target", "cold.taxi", "--layer", "silver")
    run, audit = offload("run", "trips"), offload("audit", "trips")

    check("init", written.document)
    spec = parse("trips", Path(written.document["file"]).read_text())
    replacing = engine != "MergeTree"
    assert (spec.source, spec.target, spec.layer) == ("trips", "cold.taxi", "silver")
    assert (spec.timestamp, spec.sequence, spec.arrival) == ("pickup_at", "trip_id", "inserted_at")
    assert spec.key == (("vendor", "pickup_at", "trip_id") if replacing else ())
    assert spec.late == ("sweep" if replacing else "skip")
    assert spec.sort == ("vendor", "pickup_at", "trip_id")
    assert spec.delivery == ("inserted_at",)
    assert spec.timestamp_follows_key is replacing
    notes = " ".join(written.document["notes"])
    assert "other times are inserted_at" in notes
    assert "trip_id is carried as decimal(20, 0)" in notes
    assert "pickup_at + toIntervalDay(90)" in notes
    assert ("No key is known" in notes) is not replacing
    assert (run.code, run.document["tables"][0]["rows"]) == (0, 100)
    assert audit.document["tables"][0]["equal"] is True


def test_what_cannot_be_carried_is_named(stage: Embedded, offload: Offload) -> None:
    """By column and type, and why; the file says it as well."""
    stage.sql(
        "CREATE TABLE odd (at DateTime64(9), n Int32, ip IPv4, big Int256) ENGINE = SummingMergeTree ORDER BY (n, ip)"
    )

    written = offload("init", "odd")

    notes = "\n".join(written.document["notes"])
    assert "the engine SummingMergeTree: its merges change rows" in notes
    for name in ("column at of type DateTime64(9)", "column ip of type IPv4", "column big of type Int256"):
        assert f"Cannot be carried: {name}" in notes
    assert all(f"# {note}\n" in written.document["toml"] for note in written.document["notes"])


def test_a_column_with_a_line_break_in_its_name_stays_in_its_comment(stage: Embedded, offload: Offload) -> None:
    """The file is TOML all the same."""
    stage.sql("CREATE TABLE broken (at DateTime, n Int32, `a\\nkey = 1` IPv4) ENGINE = MergeTree ORDER BY at")

    written = offload("init", "broken")

    assert written.code == 0
    assert parse("broken", written.document["toml"]).key == ()
    assert "column a key = 1 of type IPv4" in written.document["toml"]


def test_the_proposal_is_printed_with_the_next_command(stage: Embedded, offload: Offload, tmp_path: Path) -> None:
    """The folder is created."""
    stage.trades(1)
    folder = tmp_path / "new"

    screen = offload.screen("init", "trades", "--folder", str(folder))

    assert 'timestamp = "exchange_timestamp"' in screen
    assert (folder / "trades.toml").read_text() in screen


def test_an_existing_declaration_is_not_changed(stage: Embedded, offload: Offload) -> None:
    """Someone may have edited it."""
    stage.trades(1)
    before = (offload.tables / "trades.toml").read_bytes()

    answer = offload("init", "trades")

    assert (answer.code, answer.error["found"]) == (78, "one that may have been edited")
    assert (offload.tables / "trades.toml").read_bytes() == before


def test_a_folder_that_cannot_be_written_is_78(stage: Embedded, offload: Offload, tmp_path: Path) -> None:
    """A file is in its place."""
    stage.trades(1)
    (tmp_path / "file").write_text("")

    answer = offload("init", "trades", "--folder", str(tmp_path / "file" / "tables"))

    assert (answer.code, answer.error["next"]) == (78, "name another --folder")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [("n UInt32", "DateTime"), ("at Nullable(DateTime), n UInt32", "DateTime"), ("at DateTime, s String", "integer")],
)
def test_a_table_without_a_timestamp_or_a_sequence_cannot_be_declared(
    stage: Embedded, offload: Offload, columns: str, expected: str
) -> None:
    """The message lists the columns that there are; no file is written."""
    stage.sql(f"CREATE TABLE bare ({columns}) ENGINE = MergeTree ORDER BY tuple()")

    answer = offload("init", "bare")

    assert answer.code == 65
    assert expected in answer.error["expected"]
    assert columns.split(", ", maxsplit=1)[0] in answer.error["found"]
    assert not (offload.tables / "bare.toml").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nope"], 65),
        (["trades; DROP TABLE trades"], 64),
        (["trades", "--target", "a.b.c"], 64),
        (["trades", "--layer", "tin"], 64),
    ],
)
def test_names_that_are_wrong_write_nothing(
    stage: Embedded, offload: Offload, tmp_path: Path, words: list[str], code: int
) -> None:
    """As for every command."""
    stage.trades(1)

    answer = offload("init", *words, "--folder", str(tmp_path / "new"))

    assert answer.code == code
    assert not (tmp_path / "new").exists()
