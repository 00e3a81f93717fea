"""`adopt` is a way out of every state that a message names it for: named differences are accepted, and counted on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pyiceberg.expressions import EqualTo

from offload.errors import DataError
from offload.model.table import TableSpec
from offload.ports.verifier import Accepted
from tests.support.embedded import START, Embedded


def rebuild(stage: Embedded) -> None:
    """Hot is built anew under its name, as for another sorting key."""
    stage.sql("CREATE TABLE fresh AS trades")
    stage.sql("INSERT INTO fresh SELECT * FROM trades")
    stage.sql("DROP TABLE trades SYNC")
    stage.sql("RENAME TABLE fresh TO trades")


def late_row(stage: Embedded, spec: TableSpec) -> None:
    """One row left behind by design; then hot is rebuilt."""
    stage.insert_trades("numbers(1000, 1)", start=START, step="0")
    assert stage.run(spec).late_rows == 1
    rebuild(stage)


def deleted_in_cold(stage: Embedded, spec: TableSpec) -> None:
    """A lawful delete of one row in cold."""
    stage.iceberg(spec).delete(EqualTo("trade_id", "7"))


def deleted_in_hot(stage: Embedded, spec: TableSpec) -> None:
    """A lawful delete of one row in hot; then hot is rebuilt."""
    del spec
    stage.sql("ALTER TABLE trades DELETE WHERE trade_id = '7' SETTINGS mutations_sync = 2")
    rebuild(stage)


STATES: dict[str, tuple[Callable[[Embedded, TableSpec], None], Accepted, int]] = {
    "a late row": (late_row, Accepted(missing=1), 1),
    "a row deleted in cold": (deleted_in_cold, Accepted(missing=1), 1),
    "a row deleted in hot": (deleted_in_hot, Accepted(extra=1), 0),
}


@pytest.mark.parametrize("treatment", ["skip", "sweep"])
@pytest.mark.parametrize("state", STATES)
def test_a_named_difference_is_accepted_and_goes_on_being_counted(stage: Embedded, state: str, treatment: str) -> None:
    """The run and `adopt` name the next command; with it the table goes on, and no sweep undoes what was accepted."""
    make, accepted, late = STATES[state]
    skipping = stage.trades(100)
    assert stage.run(skipping).exit_code == 0
    make(stage, skipping)
    stage.insert_trades("numbers(100, 50)")
    spec = stage.declared("trades", late=treatment)

    refused = stage.run(spec)
    with pytest.raises(DataError) as error:
        stage.adopt(spec)
    adopted = stage.adopt(spec, accepted=accepted)
    after, again, audit = stage.run(spec), stage.run(spec), stage.audit(spec)

    assert refused.exit_code == 65, refused
    assert refused.error is not None
    assert "offload adopt trades" in refused.error["next"]
    flags = " ".join(f"--accept-{name} 1" for name in ("missing", "extra") if getattr(accepted, name))
    assert f"offload adopt trades {flags}" in error.value.next_step
    assert adopted["accepted"] == {"missing": accepted.missing, "extra": accepted.extra, "different": 0}
    assert (after.exit_code, after.rows, after.late_rows, again.late_rows) == (0, 50, late, late), after
    assert (audit.missing, audit.extra) == (accepted.missing, accepted.extra), audit
    assert sum("late rows" in warning for warning in again.warnings) == late, again.warnings


def test_rows_that_are_late_elsewhere_are_swept_after_an_adoption(stage: Embedded) -> None:
    """Those of the hour in which rows were accepted are counted, with a warning: no count tells them from these."""
    stage.trades(100, step="360000000")  # one in six minutes
    spec = stage.declared("trades", late="sweep")
    assert stage.run(spec).exit_code == 0
    deleted_in_cold(stage, spec)
    stage.adopt(spec, accepted=Accepted(missing=1))
    stage.insert_trades("numbers(2000, 3)", start=f"{START} + INTERVAL 5 HOUR - toIntervalSecond(2000)", step="1000000")
    stage.insert_trades("numbers(3000, 2)", start=f"{START} + INTERVAL 42 MINUTE", step="0")

    first, second = stage.run(spec), stage.run(spec)

    assert (first.exit_code, first.late_rows, first.swept_rows) == (0, 6, 3), first
    assert any("3 late rows" in warning for warning in first.warnings), first.warnings
    assert (second.rows, second.late_rows, second.swept_rows) == (0, 3, 0), second
    assert stage.cold_ids(spec) == [number for number in range(100) if number != 7] + [2000, 2001, 2002]


@pytest.mark.parametrize("accepted", [Accepted(missing=2), Accepted(missing=1, extra=1), Accepted(different=1)])
def test_another_number_is_not_accepted(stage: Embedded, accepted: Accepted) -> None:
    """What a person has not seen is not accepted."""
    spec = stage.trades(100)
    stage.run(spec)
    deleted_in_cold(stage, spec)

    with pytest.raises(DataError, match="1 missing, 0 extra, 0 different"):
        stage.adopt(spec, accepted=accepted)


def test_a_redelivery_under_a_new_timestamp_is_not_missing(stage: Embedded) -> None:
    """The run left it out, since cold has its key; `adopt` and audit see that as well."""
    stage.trades(100)
    spec = stage.declared("trades", timestamp_follows_key=False)
    stage.run(spec)
    stage.insert_trades("numbers(10)", start=f"{START} + INTERVAL 3 DAY")
    stage.insert_trades("numbers(200, 10)", start=f"{START} + INTERVAL 3 DAY", step="1000000")
    assert stage.run(spec).rows == 10
    rebuild(stage)

    adopted = stage.adopt(spec)
    audit = stage.audit(spec)

    assert adopted["rows"] == 110
    assert audit.missing == 0, audit
