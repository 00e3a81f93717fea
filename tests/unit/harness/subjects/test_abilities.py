"""A subject without abilities: its rows are checked, and a checker that needs an ability returns UNKNOWN."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.checkers.abilities import KeepsStore, NamesWatermark, PublishesBatches
from harness.checkers.invariants import check_history, cold_watermark, token_property
from harness.checkers.store import check_store
from harness.child_process import ChildProcess
from harness.environments.embedded import EmbeddedEnvironment
from harness.model import Addresses, SnapshotRecord
from harness.readers.arrow import pa
from harness.readers.iceberg import ColdTableAddress
from harness.scenarios.scenario import Scenario
from harness.subjects.offload_cli import OffloadCli, variables
from harness.subjects.subject import EmitsEvents, Subject
from harness.verdict import Verdict

BATCH = '{"run_id": "r", "window_from": null, "watermark_ticks": 20}'
EXPECTED = pa.table(
    {
        "exchange": ["binance"] * 2,
        "symbol": ["BTCUSDT"] * 2,
        "trade_id": ["1", "2"],
        "exchange_timestamp": pa.array([10, 20], pa.timestamp("us", "UTC")),
    }
)


@dataclass(frozen=True)
class Script:
    """A job of another kind: a command that prints its addresses, and no more."""

    retry_codes: frozenset[int] = frozenset()

    def start(self, addresses: Addresses, *, until: datetime | None = None) -> ChildProcess:
        """Start the command."""
        command = [sys.executable, "-c", f"print({addresses.table!r}, {str(until)!r})"]
        return ChildProcess(command, {}, None, TemporaryDirectory())


def verdicts(subject: object) -> Mapping[str, Verdict]:
    """The verdict of each checker of the history and the store."""
    history = [SnapshotRecord(1, None, "append", 2, visible=dict.fromkeys(keys(), 1), token=token(subject))]
    found = [*check_history(subject, history, EXPECTED, 20), check_store(subject, "trades", "sqlite://", 20)]
    return {finding.checker: finding.verdict for finding in found}


def keys() -> list[tuple[str, str, str]]:
    """The keys of the expected rows."""
    return [("binance", "BTCUSDT", "1"), ("binance", "BTCUSDT", "2")]


def token(subject: object) -> str | None:
    """The token as the reader returns it: it reads the property that the subject names."""
    return BATCH if token_property(subject) else None


def test_the_checkers_of_missing_abilities_return_unknown() -> None:
    """Never PASS: what a subject does not say is not proven."""
    assert verdicts(Script()) == {
        "whole_batches": Verdict.UNKNOWN,
        "snapshot_lineage": Verdict.PASS,
        "snapshot_tokens": Verdict.UNKNOWN,
        "watermark": Verdict.UNKNOWN,
        "watermark_store": Verdict.UNKNOWN,
    }


def test_the_same_history_passes_for_a_subject_that_names_its_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the verdict above is about the ability, not about the history."""
    at_rest = OffloadCli().stored_at_rest(20)
    monkeypatch.setattr(OffloadCli, "stored", lambda _self, _table, _url: at_rest)

    assert set(verdicts(OffloadCli()).values()) == {Verdict.PASS}


def test_a_store_with_another_watermark_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value that differs is a violation."""
    monkeypatch.setattr(OffloadCli, "stored", lambda _self, _table, _url: {"owner": "run 7"})
    found = check_store(OffloadCli(), "trades", "sqlite://", 20)

    assert (found.verdict, found.count) == (Verdict.FAIL, 4)


def test_a_subject_that_emits_no_events_cannot_be_frozen_at_one() -> None:
    """UNKNOWN, not a run without the fault that passes."""
    scenario = Scenario(Script(), cast("Any", SimpleNamespace(addresses=None)), cast("Any", None))

    with pytest.raises(AssertionError, match=r"UNKNOWN.*Script emits no events"):
        scenario.start(at="before:publish")


def test_a_watermark_that_a_subject_does_not_name_is_none() -> None:
    """The cold table is not even read."""
    assert cold_watermark(Script(), ColdTableAddress("cold.absent", "sqlite:////absent", "/absent")) is None


def test_a_subject_is_started_with_the_addresses_of_an_environment(tmp_path: Path) -> None:
    """Any job can be one: it takes addresses, and it is a child process."""
    environment = EmbeddedEnvironment(tmp_path, "sqlite:///catalog", "sqlite:///store", table="trades")
    subject: Subject = Script()

    with subject.start(environment.addresses) as run:
        assert run.wait().stdout == "trades None\n"


def test_the_offload_has_every_ability() -> None:
    """And a script has none."""
    abilities = (EmitsEvents, PublishesBatches, NamesWatermark, KeepsStore)

    assert [isinstance(OffloadCli(), ability) for ability in abilities] == [True] * 4
    assert [isinstance(Script(), ability) for ability in abilities] == [False] * 4


def test_settings_outweigh_addresses_in_the_variables_of_the_offload(tmp_path: Path) -> None:
    """A test can point one address elsewhere."""
    environment = EmbeddedEnvironment(tmp_path, "sqlite:///catalog", "sqlite:///store")
    changed = environment.with_settings(catalog_uri="sqlite:///other", lease="2")

    found = variables(changed.addresses)

    assert (found["OFFLOAD_CATALOG_URI"], found["OFFLOAD_LEASE"], found["OFFLOAD_BUFFER"]) == (
        "sqlite:///other",
        "2",
        "0",
    )
    assert variables(environment.addresses)["OFFLOAD_CATALOG_URI"] == "sqlite:///catalog"
