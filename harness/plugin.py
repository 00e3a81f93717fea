"""
The pytest plugin: a stack of real servers as a fixture.

Every pytest run in this environment loads it, so what is heavy is imported by the fixture that needs it.
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
    "failure_modes(id): breaks a real server in mid work, and proves what must hold; `id` as FM-01",
    "nightly: too long for every change",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("tidemark")
    group.addoption(
        "--keep-stack",
        action="store_true",
        help="leave the stack up, and use it again the next time; python -m harness.stack down removes it",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers, and the session: all its workers share one name."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    worker: dict[str, str] = getattr(config, "workerinput", {})
    config.stash[SESSION] = worker.get("tidemark_session", uuid.uuid4().hex[:8])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker of pytest-xdist whose session it works for."""
    node.workerinput["tidemark_session"] = node.config.stash[SESSION]  # type: ignore[attr-defined] # of pytest-xdist


def pytest_unconfigure(config: pytest.Config) -> None:
    """When all workers have ended, also by force, remove what they left."""
    from harness.stack.ownership import lock

    if not hasattr(config, "workerinput") and lock.notes(config.stash[SESSION]):
        from harness.stack.lifecycle import clean

        clean(config.stash[SESSION])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the moments of the failure modes that were played, if any, and write their page."""
    from harness.reports import summary

    stats = terminalreporter.stats.values()  # those deselected are among them: tests, not reports
    told = [one for reports in stats for one in reports if isinstance(one, pytest.TestReport)]
    if lines := summary.summarise(told, config.rootpath):
        terminalreporter.section("failure modes, in seconds")
        terminalreporter.write("\n".join([*lines, ""]))


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """ClickHouse, a broker, MinIO and Postgres in containers: up, healthy, and this worker's own."""
    from harness.stack.lifecycle import running_stack

    keep_for = str(request.config.rootpath) if request.config.getoption("--keep-stack") else ""
    with running_stack(request.config.stash[SESSION], keep_for) as stack:
        yield stack
        if request.session.testsfailed:
            stack.keep_logs(request.config.rootpath / "reports" / "stack" / stack.run)
