"""A stack's life: found or started, lent, and removed again whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.stack import engine, images
from harness.stack.labels import RUN, Labels
from harness.stack.launch import launch
from harness.stack.stack import Stack
from harness.stack.sweep import remove, sweep


@contextmanager
def standing(session: str, *, keep: bool = False) -> Iterator[Stack]:
    """
    Lend a stack that is up; everything of it is removed afterwards, unless it is to be kept.

    Raises:
        StackError: Why there is none; nothing is left of the attempt.
    """
    client = engine.running()
    labels = Labels(session=session, kept=keep)
    up = False
    try:
        sweep(client)
        stack = launch(client, labels, images.resolve_all(client))
        up = True
        yield stack
    finally:
        if not (keep and up):
            remove(client, f"{RUN}={labels.run}")
        client.close()
