"""Which checks doctor makes, which it skips, and what it leaves, on fakes."""

from __future__ import annotations

from collections import Counter

import pytest

from offload.commands import doctor as body
from offload.commands.doctor import doctor
from offload.errors import AccessRefused, ConfigurationError, OffloadError, Unavailable, UsageError
from offload.fakes import FAKE_SPEC, FakeClock, FakeWorld
from offload.protocol.adapters import Probes
from offload.results import HealthReport

GONE = Unavailable("an answer", "no answer", "check it")
REFUSED = AccessRefused("a right", "permission refused", "grant it")
MINUTE = 60_000_000


def examined(world: FakeWorld, *names: str) -> HealthReport:
    """The report about a world, with one table declared."""
    return doctor(world.probes, lambda: {FAKE_SPEC.name: FAKE_SPEC}, names, None)


def verdicts(report: HealthReport, verdict: str) -> set[str]:
    """The names of the checks with this verdict."""
    return {check.name for check in report.checks if check.verdict == verdict}


def test_a_world_without_a_fault_is_ok_and_left_as_it_was() -> None:
    """Every check is made, and no file stays."""
    world = FakeWorld()

    report = examined(world)

    assert Counter(check.verdict for check in report.checks) == {"ok": 17}
    assert (report.exit_code, world.file.stored, world.lake.created) == (0, {}, False)
    assert all(check.next is None and check.kind is None for check in report.checks)


def test_settings_that_cannot_be_read_skip_everything() -> None:
    """Nothing is known that could be asked."""

    def opened() -> Probes:
        raise ConfigurationError("a setting", "none", "set it")

    report = doctor(opened, dict, ["unknown"], None)

    assert (verdicts(report, "failed"), report.exit_code) == ({"settings"}, 78)
    assert len(verdicts(report, "skipped")) == len(report.checks) - 1 == 14


def test_declarations_that_cannot_be_read_skip_no_server() -> None:
    """Only the tables are not known."""

    def declared() -> dict[str, object]:
        raise ConfigurationError("a declaration", "none", "correct it")

    report = doctor(FakeWorld().probes, declared, [], None)  # type: ignore[arg-type]  # it returns nothing

    assert (verdicts(report, "failed"), verdicts(report, "skipped")) == ({"declarations"}, set())


def test_an_unknown_table_is_refused_before_anything_is_written() -> None:
    """It is an error of the command, not of the installation."""
    world = FakeWorld()
    world.file.errors["check"] = OffloadError("no call", "one", "")

    with pytest.raises(UsageError, match="tradse"):
        examined(world, "tradse")


@pytest.mark.parametrize(
    ("part", "method", "failed", "skipped"),
    [
        ("database", "rehearse", {body.CATALOG, body.STORE}, {body.STORE_CLOCK, "trades in Iceberg"}),
        (
            "file",
            "check",
            {body.WAREHOUSE},
            {body.WRITE, body.READ, body.LIST, body.SEEN, body.REMOVE, "trades in Iceberg"},
        ),
        ("file", "write", {body.WRITE}, {body.READ, body.LIST, body.SEEN, body.REMOVE}),
        ("file", "read", {body.READ}, set()),
    ],
)
def test_a_failure_skips_only_what_needs_it(part: str, method: str, failed: set[str], skipped: set[str]) -> None:
    """Each skipped check names the one that failed; a file that was written is removed in any case."""
    world = FakeWorld()
    getattr(world, part).errors[method] = GONE

    report = examined(world)

    assert (verdicts(report, "failed"), verdicts(report, "skipped")) == (failed, skipped)
    assert (report.exit_code, world.file.stored) == (69, {})
    reasons = {check.found for check in report.checks if check.verdict == "skipped"}
    assert reasons <= {f"not checked, since {name} failed" for name in failed}


def test_the_exit_code_is_that_of_the_gravest_failure() -> None:
    """A person must correct the right before another call can succeed."""
    world = FakeWorld()
    world.database.errors["rehearse"], world.file.errors["write"] = GONE, REFUSED

    assert examined(world).exit_code == 77


def test_a_bug_in_one_check_is_70_and_stops_no_other() -> None:
    """As in a run over several tables."""
    world = FakeWorld()
    world.file.errors["read"] = ValueError("a bug")  # type: ignore[assignment]  # as a bug is

    report = examined(world)

    assert (verdicts(report, "failed"), report.exit_code, world.file.stored) == ({body.READ}, 70, {})


@pytest.mark.parametrize(
    ("version", "code"), [("24.3.18.7", 0), ("25.1", 0), ("24.2.9", 78), ("9.99", 78), ("23.12.1.1", 78)]
)
def test_a_version_before_the_oldest_is_78(version: str, code: int) -> None:
    """Its parts are numbers, not text."""
    world = FakeWorld()
    world.server.number = version

    report = examined(world)

    assert report.exit_code == code
    assert verdicts(report, "failed") == ({body.VERSION} if code else set())


@pytest.mark.parametrize(
    ("ahead", "verdict"), [(0, "ok"), (29_000_000, "ok"), (MINUTE, "warning"), (-MINUTE, "warning")]
)
def test_a_clock_that_differs_by_more_than_thirty_seconds_is_a_warning(ahead: int, verdict: str) -> None:
    """In either direction; a warning has its advice, and no exit code."""
    world = FakeWorld(clock=FakeClock(MINUTE))
    probes = world.probes()
    world.database.clock = FakeClock(MINUTE + ahead)

    report = doctor(lambda: probes, dict, [], None)

    (found,) = (check for check in report.checks if check.name == body.STORE_CLOCK)
    assert (found.verdict, report.exit_code) == (verdict, 0)
    assert (found.next is not None) == (verdict == "warning")


def test_a_file_that_may_not_be_removed_is_a_warning() -> None:
    """No run needs that right; the message has the address of what stays."""
    world = FakeWorld()
    world.file.errors["remove"] = REFUSED

    report = examined(world)

    (found,) = (check for check in report.checks if check.name == body.REMOVE)
    assert (found.verdict, report.exit_code) == ("warning", 0)
    assert "memory:probe stays" in found.found


def test_a_list_that_lags_behind_is_found() -> None:
    """The file was written and can be read."""
    world = FakeWorld()
    world.file.hidden = True

    report = examined(world)

    assert (verdicts(report, "failed"), report.exit_code, world.file.stored) == ({body.LIST}, 69, {})


@pytest.mark.parametrize(("seen", "code"), [({}, 78), ({"memory:probe": 1}, 69)])
def test_a_server_that_sees_another_warehouse_is_found(seen: dict[str, int], code: int) -> None:
    """It has no such file, or one with another content."""
    world = FakeWorld()
    probes = world.probes()
    world.server.warehouse = seen

    report = doctor(lambda: probes, dict, [], None)

    assert (verdicts(report, "failed"), report.exit_code) == ({body.SEEN}, code)
