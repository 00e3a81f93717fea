"""
A bound on calls into libraries that may hang for ever.

libpq has no read time-out (a frozen server's kernel still acknowledges every keepalive), and S3 clients retry past
their own. The call runs in a thread of its own; one that overruns is left behind, and the process must then end with
`os._exit`, since an executor's threads would be waited for (see `offload.cli.console`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from offload.errors import Unavailable

T = TypeVar("T")

_left_behind = threading.Event()


class _Call(Generic[T]):
    """A call in a thread of its own."""

    def __init__(self, what: str, call: Callable[[], T]) -> None:
        self._call = call
        self._what = what
        self._answer: list[T] = []
        self._failure: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name=f"within-{what}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._answer.append(self._call())
        except BaseException as error:  # noqa: BLE001  # handed to the caller's thread, whatever it is
            self._failure.append(error)

    def ended(self, seconds: float) -> bool:
        """Wait for the end, so many seconds at most."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def answer(self) -> T:
        """What it returned; raises what it raised."""
        if self._failure:
            raise self._failure[0]
        return self._answer[0]

    def leave(self, found: str) -> Unavailable:
        """Leave it behind, still at work; returns what to raise."""
        _left_behind.set()
        return Unavailable(f"an answer from {self._what} {found}", "none", "see that it runs, then the same again")


def within(seconds: float, what: str, call: Callable[[], T]) -> T:
    """
    Return what `call` returns or raise what it raises.

    Raises:
        Unavailable: It took longer than `seconds`; it may still be at work, and what it does may still happen.
    """
    at_work = _Call(what, call)
    if not at_work.ended(seconds):
        raise at_work.leave(f"within {seconds:g} s")
    return at_work.answer()


def while_moving(seconds: float, what: str, call: Callable[[], T], look: Callable[[], object]) -> T:
    """
    Return what `call` returns or raise what it raises, however long it takes, as long as it gets on.

    Args:
        seconds: Between two looks.
        what: Who is called, as messages name it.
        call: The work.
        look: How far it has come; what `look` raises ends the waiting.

    Raises:
        Unavailable: Two looks found the same; the call is left behind, still at work.
    """
    at_work = _Call(what, call)
    before: list[object] = []
    if not at_work.ended(seconds / 2):
        while True:
            try:
                now = look()
            except BaseException:
                at_work.leave("that gets on")
                raise
            if now in before:
                raise at_work.leave(f"that gets on within {seconds:g} s")
            before = [now]
            if at_work.ended(seconds):
                break
    return at_work.answer()


def left_behind() -> bool:
    """Whether any call of this process has overrun."""
    return _left_behind.is_set()
