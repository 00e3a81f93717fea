"""
Errors, sorted by what the caller should do.

    OffloadError                    every error that Tidemark raises on purpose
    ├── Transient                   the same call later is safe and may succeed
    │   ├── Unavailable         69  a service refused, vanished or did not answer in time
    │   ├── LeaseHeld           75  a living run has the table's lease
    │   ├── Fenced              75  another run took the table over; this one published nothing more
    │   └── SourceMoving        75  the hot rows changed during every attempt to read them
    ├── Terminal                    a person must act; the same call would fail again
    │   ├── UsageError          64  unknown table, contradicting flags, a name that is no identifier
    │   ├── DataError           65  schema, content or history is not what it must be
    │   ├── AccessRefused       77  a password or a permission was refused
    │   └── ConfigurationError  78  a bucket, folder or declaration is missing or wrong
    └── OutcomeUnknown          75  a commit may have landed; the next run reads the table before it writes

Anything else that escapes is a bug (70). The numbers are those of sysexits.h.
"""

from __future__ import annotations

from typing import ClassVar

BUG = 70
# The exit code of a run over several tables is the most severe of theirs: a bug first, then errors on which a person
# must act, then errors that another run may not meet.
SEVERITY = (0, 75, 69, 64, 65, 77, 78, BUG)
CHECK_SERVER = "check that the server is running, then run the command again"


class OffloadError(Exception):
    """
    One failure in four parts.

    Args:
        expected: The condition that should hold.
        found: The state instead, with the evidence.
        next_step: The next action, where possible a command to type.
    """

    exit_code: ClassVar[int] = BUG

    def __init__(self, expected: str, found: str, next_step: str) -> None:
        super().__init__(expected, found, next_step)
        self.expected = expected
        self.found = found
        self.next_step = next_step

    @property
    def kind(self) -> str:
        """The class name, as `--json` prints it."""
        return type(self).__name__

    def __str__(self) -> str:
        return f"expected {self.expected}; found {self.found}; next: {self.next_step}"


class Transient(OffloadError):
    """The same call later is safe; where rows were published before the failure, the message says so."""

    exit_code = 75


class Unavailable(Transient):
    """
    A service refused, vanished or did not answer in time.

    `overdue`: it did not answer in time; what was asked of it may still happen.
    """

    exit_code = 69
    overdue = False


class LeaseHeld(Transient):
    """A living run has the table's lease: its heartbeat is recent and its lock is taken."""


class Fenced(Transient):
    """Another run took the table over; the batch that this run had staged was not published."""


class SourceMoving(Transient):
    """The hot rows changed during each attempt to read them."""


class Terminal(OffloadError):
    """The same call fails again until a person acts."""


class UsageError(Terminal):
    """The command line is wrong: an unknown table, contradicting flags, a name that is no identifier."""

    exit_code = 64


class DataError(Terminal):
    """Schema, content or history is not what it must be; nothing was published."""

    exit_code = 65


class AccessRefused(Terminal):
    """A password or a permission was refused."""

    exit_code = 77


class ConfigurationError(Terminal):
    """A bucket, a folder or a declaration is missing or wrong."""

    exit_code = 78


class OutcomeUnknown(OffloadError):
    """
    A commit was sent, and whether it landed cannot be read.

    No data file may be deleted, and nothing may be sent again before the table is read: the next run does that.
    """

    exit_code = 75


def most_severe(codes: list[int]) -> int:
    """The most severe of several exit codes, in the order of `SEVERITY`; an unknown code counts as a bug."""
    return max(codes, default=0, key=lambda code: SEVERITY.index(code if code in SEVERITY else BUG))
