from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from harness.stack.container import Container
from harness.stack.errors import NotUp
from harness.stack.service import Service
from harness.stack.stack import Stack
from harness.waiting import wait_until


@pytest.mark.parametrize("service", Service)
def test_a_stopped_and_started_service_has_its_address(stack: Stack, service: Service) -> None:
    """The same container, at the same port of this host."""
    container = stack.container(service)
    with healed(stack, service, container.start):
        container.stop()
        while_stopped = (container.is_running(), container.answers())

    assert while_stopped == (False, False)


@pytest.mark.parametrize("service", Service)
def test_a_killed_and_started_service_has_its_address(stack: Stack, service: Service) -> None:
    """SIGKILL leaves no time to release the port or to close the data folder."""
    container = stack.container(service)
    with healed(stack, service, container.start):
        container.kill()
        while_dead = (container.is_running(), container.answers())

    assert while_dead == (False, False)


@pytest.mark.parametrize("service", Service)
def test_a_paused_service_runs_and_answers_no_query(stack: Stack, service: Service) -> None:
    """And it continues afterwards."""
    container = stack.container(service)
    with healed(stack, service, container.unpause):
        container.pause()
        while_frozen = (container.is_paused(), container.is_running(), container.answers())

    assert while_frozen == (True, True, False)
    assert not container.is_paused()


def test_an_error_of_a_hanging_service_has_its_last_log_lines(stack: Stack) -> None:
    """The message says whether the server hangs or has ended."""
    container = stack.container(Service.POSTGRES)
    with healed(stack, Service.POSTGRES, container.unpause):
        container.pause()
        with pytest.raises(NotUp) as caught:
            stack.wait_healthy(Service.POSTGRES, timeout=1)

    assert "found: the container is running, but answered no query within 1 s" in str(caught.value)
    assert "database system is ready to accept connections" in str(caught.value)


@pytest.mark.parametrize("service", Service)
def test_a_disconnected_and_connected_service_has_its_address(stack: Stack, service: Service) -> None:
    """At the same port of this host, and under the same name on the network."""
    container, other = stack.container(service), stack.container(_other(service))
    with healed(stack, service, container.connect):
        container.disconnect()
        while_cut_off = (container.is_connected(), container.is_running(), container.answers())

    assert while_cut_off == (False, True, False)
    assert container.is_connected()
    wait_until(lambda: _finds(other, service), lambda: f"expected {other.name} to find {service} by its name", 60)


def test_logs_begin_at_the_given_time(stack: Stack) -> None:
    """A report has the log around a fault, not the log from the start on."""
    container = stack.container(Service.POSTGRES)
    everything, now = container.logs(), time.time()
    with healed(stack, Service.POSTGRES, container.start):
        container.stop()
    later = container.logs(since=now)

    assert everything
    assert "database system is ready to accept connections" in later
    assert everything.splitlines()[0] not in later


@contextmanager
def healed(stack: Stack, service: Service, heal: Callable[[], None]) -> Iterator[None]:
    """
    Heal a service at the end of the block, also after an error: later tests use the same servers.

    Not `harness.faults.injected`, which waits until a fault is active: these tests check what is true at once.
    """
    try:
        yield
    finally:
        heal()
        stack.wait_healthy(service)


def _other(service: Service) -> Service:
    return Service.POSTGRES if service is Service.CLICKHOUSE else Service.CLICKHOUSE


def _finds(container: Container, service: Service) -> bool:
    answer = container._handle.exec_run(["getent", "hosts", service.value])
    return bool(answer.exit_code == 0)
