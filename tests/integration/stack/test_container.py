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
def test_stopped_and_started_it_answers_where_it_did(stack: Stack, service: Service) -> None:
    """The same container, at the same port of this host."""
    container = stack.container(service)
    with mended(stack, service, container.start):
        container.stop()
        while_stopped = (container.is_running(), container.answers())

    assert while_stopped == (False, False)


@pytest.mark.parametrize("service", Service)
def test_killed_and_started_it_answers_where_it_did(stack: Stack, service: Service) -> None:
    """SIGKILL leaves no time to give the port back, and none to tidy the data folder."""
    container = stack.container(service)
    with mended(stack, service, container.start):
        container.kill()
        while_dead = (container.is_running(), container.answers())

    assert while_dead == (False, False)


@pytest.mark.parametrize("service", Service)
def test_frozen_it_runs_and_never_answers(stack: Stack, service: Service) -> None:
    """And it goes on where it was."""
    container = stack.container(service)
    with mended(stack, service, container.unpause):
        container.pause()
        while_frozen = (container.is_paused(), container.is_running(), container.answers())

    assert while_frozen == (True, True, False)
    assert not container.is_paused()


def test_one_that_never_answers_is_told_with_its_last_lines(stack: Stack) -> None:
    """A server that hangs has not died: the message says which of the two it is."""
    container = stack.container(Service.POSTGRES)
    with mended(stack, Service.POSTGRES, container.unpause):
        container.pause()
        with pytest.raises(NotUp) as caught:
            stack.wait_healthy(Service.POSTGRES, timeout=1)

    assert "found: running, but no answer in 1 s" in str(caught.value)
    assert "database system is ready to accept connections" in str(caught.value)


@pytest.mark.parametrize("service", Service)
def test_cut_off_and_connected_it_answers_where_it_did(stack: Stack, service: Service) -> None:
    """At the same port of this host, and under the same name on the network."""
    container, other = stack.container(service), stack.container(_other(service))
    with mended(stack, service, container.connect):
        container.disconnect()
        while_cut_off = (container.is_connected(), container.is_running(), container.answers())

    assert while_cut_off == (False, True, False)
    assert container.is_connected()
    wait_until(lambda: _finds(other, service), lambda: f"expected {other.name} to find {service} by its name", 60)


def test_logs_begin_where_they_are_asked_to(stack: Stack) -> None:
    """A report shows what a server said around a fault, not from its start on."""
    container = stack.container(Service.POSTGRES)
    everything, now = container.logs(), time.time()
    with mended(stack, Service.POSTGRES, container.start):
        container.stop()
    later = container.logs(since=now)

    assert everything
    assert "database system is ready to accept connections" in later
    assert everything.splitlines()[0] not in later


@contextmanager
def mended(stack: Stack, service: Service, mend: Callable[[], None]) -> Iterator[None]:
    """
    Mend a service at the end of the block, however that ends: the tests that follow use the same servers.

    Not `harness.faults.injected`, which waits until a fault is seen: what is seen at once is tested here.
    """
    try:
        yield
    finally:
        mend()
        stack.wait_healthy(service)


def _other(service: Service) -> Service:
    return Service.POSTGRES if service is Service.CLICKHOUSE else Service.CLICKHOUSE


def _finds(container: Container, service: Service) -> bool:
    answer = container._handle.exec_run(["getent", "hosts", service.value])
    return bool(answer.exit_code == 0)
