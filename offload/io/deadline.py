"""
A time-out for calls into libraries that may never return.

libpq has no read time-out (the kernel of a frozen server still acknowledges every keepalive), and S3 clients retry
beyond their own. The call runs in a thread of its own; an overdue call goes on, and the process must then end with
`os._exit`, since an executor's threads would be waited for (see `offload.cli.process`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from offload.errors import CHECK_SERVER, Unavailable
from offload.io import command_limit

T = TypeVar("T")


def within(seconds: float, what: str, call: Callable[[], T]) -> T:
    """
    Return what `call` returns or raise what it raises.

    Raises:
        Unavailable: The call took longer than `seconds`. It goes on, and may still have its effect.
    """
    return within_silence(seconds, what, call, lambda: 0)


def within_silence(seconds: float, what: str, call: Callable[[], T], progress: Callable[[], int]) -> T:
    """
    As `within`, for a call that may work for long: it fails only after `seconds` in which `progress` did not change.

    Raises:
        Unavailable: Nothing happened for so long.
    """
    answer: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(call())
        except BaseException as error:  # noqa: BLE001  # handed to the caller's thread, whatever it is
            failure.append(error)

    thread = threading.Thread(target=run, name=f"within-{what}", daemon=True)
    thread.start()
    before = -1
    limit = seconds
    while thread.is_alive() and (now := progress()) != before:
        before = now
        limit = command_limit.allowed(seconds)
        thread.join(limit)
    return _answer(thread, answer, failure, limit, what)


def _answer(thread: threading.Thread, answer: list[T], failure: list[BaseException], seconds: float, what: str) -> T:
    if thread.is_alive():
        command_limit.overdue(what, seconds)
        silent = Unavailable(f"an answer from {what} within {seconds:g} s", "no answer", CHECK_SERVER)
        silent.overdue = True
        raise silent
    command_limit.answered(what)
    if failure:
        raise failure[0]
    return answer[0]
