"""
The pytest plugin: options, markers, and a stack of real servers as a fixture.

Every pytest run in this environment loads it, so each function imports its heavy libraries itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.stack.stack import Stack

SESSION = pytest.StashKey[str]()
MARKERS = (
    "failure_modes(id): breaks a real server during a run and checks the invariants; `id` such as FM-01",
    "nightly: takes too long to run for every change",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--keep-stack`."""
    group = parser.getgroup("tidemark")
    group.addoption(
        "--keep-stack",
        action="store_true",
        help="keep the stack running for the next session; `python -m harness.stack down` removes it",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and choose the id of the session: all its workers share it."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    worker: dict[str, str] = getattr(config, "workerinput", {})
    config.stash[SESSION] = worker.get("tidemark_session", uuid.uuid4().hex[:8])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Send the id of the session to a worker of pytest-xdist."""
    node.workerinput["tidemark_session"] = node.config.stash[SESSION]  # type: ignore[attr-defined] # a worker of pytest-xdist


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the leftovers of killed workers, after all workers have ended."""
    from harness.stack.ownership import lock

    if not hasattr(config, "workerinput") and lock.session_markers(config.stash[SESSION]):
        from harness.stack.lifecycle import remove_leftovers

        remove_leftovers(config.stash[SESSION])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the times of the failure modes that ran, if any, and write their page."""
    from harness.reports import summary

    stats = terminalreporter.stats.values()  # deselected tests are listed here too, without a report
    reports = [each for entries in stats for each in entries if isinstance(each, pytest.TestReport)]
    if lines := summary.summarise(reports, config.rootpath):
        terminalreporter.section("failure modes, in seconds")
        terminalreporter.write("\n".join([*lines, ""]))


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """ClickHouse, a broker, MinIO and Postgres in healthy containers; each worker has a stack of its own."""
    from harness.stack.lifecycle import running_stack

    keep_for = str(request.config.rootpath) if request.config.getoption("--keep-stack") else ""
    with running_stack(request.config.stash[SESSION], keep_for) as stack:
        yield stack
        if request.session.testsfailed:
            stack.keep_logs(request.config.rootpath / "reports" / "stack" / stack.run)
