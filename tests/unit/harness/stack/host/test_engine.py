from __future__ import annotations

from dataclasses import dataclass, field
from threading import Barrier, Thread

import pytest

from harness.stack.errors import NoEngine
from harness.stack.host.engine import ensure
from harness.stack.ownership import lock


@dataclass
class Machine:
    """A machine in memory; writes down what was done to it."""

    up: bool = False
    ours: bool = True
    installed: bool = True
    silent: str = "No such file or directory"
    done: list[str] = field(default_factory=list)

    def silence(self) -> str:
        """Why it does not answer."""
        return "" if self.up else self.silent

    def may_start(self) -> bool:
        """Whether it is ours."""
        return self.ours

    def has_daemon(self) -> bool:
        """Whether there is something to start."""
        return self.installed

    def install(self) -> None:
        """Write it down."""
        self.done.append("install")

    def start(self) -> None:
        """From now on it answers; nobody else may start one meanwhile."""
        with lock.try_lock("engine") as free:
            self.done.append("start unguarded" if free else "start")
        self.up = True


def test_an_engine_that_answers_is_left_alone() -> None:
    """Nothing is installed and nothing started, whoever we are."""
    machine = Machine(up=True, ours=False)
    ensure(machine)

    assert machine.done == []


def test_an_engine_that_is_installed_is_only_started() -> None:
    """No package is touched."""
    machine = Machine()
    ensure(machine)

    assert machine.done == ["start"]


def test_a_machine_without_an_engine_gets_one() -> None:
    """A fresh Debian, as root."""
    machine = Machine(installed=False)
    ensure(machine)

    assert machine.done == ["install", "start"]


def test_two_that_want_an_engine_at_once_start_one() -> None:
    """A second daemon would take the first one's socket away."""
    machine, together = Machine(), Barrier(2)

    def want() -> None:
        together.wait(timeout=60)
        ensure(machine)

    both = [Thread(target=want) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(timeout=60)

    assert machine.done == ["start"]


def test_who_is_not_root_is_told_what_to_install() -> None:
    """Nothing is tried; the message has its four parts."""
    machine = Machine(ours=False)
    with pytest.raises(NoEngine) as caught:
        ensure(machine)

    assert machine.done == []
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["expected", "found", "evidence", "next"]
    assert "sudo .venv/bin/python -m harness.stack engine" in str(caught.value)


def test_who_may_not_use_the_engine_is_told_how_to() -> None:
    """An engine that runs, and lets only its group in, needs no installing."""
    with pytest.raises(NoEngine, match="usermod -aG docker"):
        ensure(Machine(ours=False, silent="PermissionError(13, 'Permission denied')"))
