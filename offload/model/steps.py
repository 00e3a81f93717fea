"""The steps and the events of a run, which are emitted to listeners."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """The steps of the protocol, in their order."""

    CLAIM = "claim"
    RECOVER = "recover"
    PLAN = "plan"
    WRITE = "write"
    VERIFY = "verify"
    PUBLISH = "publish"
    RECORD = "record"


class Event(StrEnum):
    """
    The events inside WRITE (one per split or file, from its worker thread) and inside PUBLISH.

    The last is emitted inside RECOVER as well, where it changes columns.
    """

    SPLIT_STARTED = "split_started"
    FILE_WRITTEN = "file_written"
    METADATA_WRITTEN = "metadata_written"


class ExpiryStep(StrEnum):
    """The steps of `expire-hot` besides those of a run: per partition one more look, and per part a drop."""

    LOOK = "look"
    DROP = "drop"


@dataclass(frozen=True)
class StepEvent:
    """
    One event of one table's run: `before` or `after` a step, or `at` an event inside it.

    `rows` is the number of rows planned, written or published so far; 0: not known yet.
    """

    when: str
    what: Step | Event | ExpiryStep
    table: str
    rows: int = 0

    def __str__(self) -> str:
        return f"{self.when}:{self.what}"


STEP_EVENTS = tuple(f"{when}:{step}" for step in Step for when in ("before", "after")) + tuple(
    f"at:{event}" for event in Event
)
