"""A stack's life: found or started, lent, and removed again whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from harness.stack import compose, engine, images, kept, lock, room
from harness.stack.labels import RUN, Labels
from harness.stack.launch import launch
from harness.stack.service import Service
from harness.stack.stack import Stack
from harness.stack.sweep import remove, remove_session, sweep

if TYPE_CHECKING:
    from docker import DockerClient


@contextmanager
def standing(session: str, *, keep: bool = False) -> Iterator[Stack]:
    """
    Lend a stack that is up; everything of it is removed afterwards, unless it is to be kept.

    Raises:
        StackError: Why there is none; nothing is left of the attempt.
    """
    with closing(engine.running()) as client, ExitStack() as locks:
        sweep(client)
        room.require(client, room.TO_START)
        chosen = images.resolve_all(client)
        taken = kept.take(client, chosen, locks)
        labels = Labels(session=session, kept=compose.digest() if keep else "")
        run = taken.run if taken else labels.run
        lock.note(session).touch()
        keep_it = False
        try:
            stack = taken or _launched(client, labels, chosen, locks)
            keep_it = keep
            yield stack
        finally:
            if not keep_it:
                remove(client, f"{RUN}={run}")


def clean(session: str) -> None:
    """Remove what workers of a session that died, or were killed, left behind."""
    with closing(engine.connect()) as client:
        remove_session(client, session)
    lock.note(session).unlink()


def _launched(client: DockerClient, labels: Labels, chosen: Mapping[Service, str], locks: ExitStack) -> Stack:
    if labels.kept:
        kept.reserve(labels.run, locks)
    return launch(client, labels, chosen)
