"""
The journal of a feed handler: one JSON document per line, before and after each message.

    {"at": 1723161255.34, "sent": 7, "keys": [["binance", "BTCUSDT", "3735683259"]]}  before the producer gets it
    {"at": 1723161255.36, "acked": 7, "offset": 7}                                   all replicas have the message
    {"at": 1723161255.36, "refused": 7, "why": "…"}                                  the broker will never have it

A message without an answer may or may not be in the log. Each line is one write to the kernel, so kill -9 loses no
complete line and can leave only the last line incomplete.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from harness.model import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from harness.model import Key


class Journal:
    """Writes the journal; only one process at a time may have it open."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        complete, newline, _ = path.read_bytes().rpartition(b"\n")
        os.ftruncate(self._file, len(complete) + len(newline))  # the next line must not continue an incomplete one

    def sent(self, number: int, keys: tuple[Key, ...]) -> None:
        """Record that a message is about to be sent."""
        self._write(sent=number, keys=keys)

    def acked(self, number: int, offset: int | None) -> None:
        """Record that the broker has a message."""
        self._write(acked=number, offset=offset)

    def refused(self, number: int, why: str) -> None:
        """Record that the broker will never have a message."""
        self._write(refused=number, why=why)

    def noted(self, **details: Any) -> None:
        """Record anything else, for people who read the journal."""
        self._write(**details)

    def _write(self, **fields: Any) -> None:
        os.write(self._file, json.dumps({"at": time.time(), **fields}).encode() + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


@dataclass
class Attempt:
    """
    One attempt to send one message.

    Attributes:
        number: Number of the message in its source.
        keys: Keys of the trades in the message.
        at: Time of the attempt, in seconds since 1970 UTC.
        answer: acked or refused; None: the broker did not answer.
        answered_at: Time of the answer, in seconds since 1970 UTC; None: the broker did not answer.
    """

    number: int
    keys: tuple[Key, ...]
    at: float
    answer: str | None = None
    answered_at: float | None = None


@dataclass
class _Attempts:
    """The attempts of a journal, in their order, and the last attempt of each message."""

    all: list[Attempt] = field(default_factory=list)
    last: dict[int, Attempt] = field(default_factory=dict)

    def add(self, line: dict[str, Any]) -> None:
        if "sent" in line:
            attempt = Attempt(line["sent"], tuple(tuple(key) for key in line["keys"]), line["at"])
            self.all.append(attempt)
            self.last[attempt.number] = attempt
        for answer in ("acked", "refused"):
            if answer in line:
                attempt = self.last[line[answer]]
                attempt.answer, attempt.answered_at = answer, line["at"]


def attempts(path: Path) -> list[Attempt]:
    """
    Read every attempt, in order; the handler may still run, or may have been killed.

    Raises:
        ValueError: A complete line is not JSON: the journal is damaged.
    """
    complete, _, _ = path.read_bytes().rpartition(b"\n") if path.exists() else (b"", b"", b"")
    found = _Attempts()
    for line in complete.splitlines():
        found.add(json.loads(line))
    return found.all


def read_ledger(path: Path) -> Ledger:
    """
    Read the ledger of a handler, over all its restarts.

    Raises:
        ValueError: A complete line is not JSON: the journal is damaged.
    """
    by_answer: dict[str | None, list[Key]] = {"acked": [], "refused": [], None: []}
    for attempt in attempts(path):
        by_answer[attempt.answer].extend(attempt.keys)
    return Ledger(tuple(by_answer["acked"]), tuple(by_answer["refused"]), tuple(by_answer[None]))
