"""A stack's life: found or started, lent, and removed again whatever happens meanwhile."""

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
    Lend a stack that is up; everything of it is removed afterwards, unless it is to be kept.

    Args:
        session: Id of the test session.
        keep_for: The folder whose next session is to use the stack again; empty where it is not to be kept.

    Raises:
        StackError: Why there is none; nothing is left of the attempt.
    """
    with closing(engine.running()) as client, ExitStack() as locks:
        sweep(client)
        disk_space.require(client, disk_space.TO_START)
        chosen = resolve.resolve_all(client)
        taken = reuse.take(client, keep_for, chosen, locks) if keep_for else None
        labels = Labels(session=session, kept=keep_for)
        run = taken.run if taken else labels.run
        note = lock.note(session, run)
        note.touch()
        keep = False
        try:
            stack = taken or _launched(client, labels, chosen, locks)
            keep = bool(keep_for)
            yield stack
        finally:
            if not keep:
                remove(client, f"{RUN}={run}")
            note.unlink()


def clean(session: str) -> None:
    """Remove what workers of a session that died, or were killed, left behind."""
    with closing(engine.connect()) as client:
        remove_session(client, session)
    for note in lock.notes(session):
        note.unlink()


def _launched(client: DockerClient, labels: Labels, chosen: Mapping[Service, str], locks: ExitStack) -> Stack:
    if labels.kept:
        reuse.reserve(labels.run, locks)
    return launch(client, labels, chosen)
