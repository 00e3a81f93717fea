"""Find or start a stack for a session, and remove it when the session ends, whatever the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from harness.stack import reuse
from harness.stack.host import disk_space, engine
from harness.stack.images import resolve
from harness.stack.launch import launch
from harness.stack.ownership import lock
from harness.stack.ownership.labels import RUN, Labels
from harness.stack.ownership.sweep import remove, remove_session, sweep
from harness.stack.service import Service
from harness.stack.stack import Stack

if TYPE_CHECKING:
    from docker import DockerClient


@contextmanager
def running_stack(session: str, keep_for: str = "") -> Iterator[Stack]:
    """
    Provide a stack whose servers answer; remove its containers and network afterwards, unless it is kept.

    Args:
        session: Id of the test session.
        keep_for: The folder whose next session uses the stack again; empty: the stack is removed.

    Raises:
        StackError: The stack could not start; everything that the attempt started is removed.
    """
    with closing(engine.running()) as client, ExitStack() as locks:
        sweep(client)
        disk_space.require(client, disk_space.TO_START)
        images = resolve.resolve_all(client)
        kept = reuse.take(client, keep_for, images, locks) if keep_for else None
        labels = Labels(session=session, kept=keep_for)
        run = kept.run if kept else labels.run
        marker = lock.session_marker(session, run)
        marker.touch()
        keep = False
        try:
            stack = kept or _launch(client, labels, images, locks)
            keep = bool(keep_for)
            yield stack
        finally:
            if not keep:
                remove(client, f"{RUN}={run}")
            marker.unlink()


def remove_leftovers(session: str) -> None:
    """Remove the containers and networks of workers of this session that ended without removing them."""
    with closing(engine.connect()) as client:
        remove_session(client, session)
    for marker in lock.session_markers(session):
        marker.unlink()


def _launch(client: DockerClient, labels: Labels, images: Mapping[Service, str], locks: ExitStack) -> Stack:
    if labels.kept:
        reuse.reserve(labels.run, locks)
    return launch(client, labels, images)
