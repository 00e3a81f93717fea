"""
Errors, sorted by what the caller does next.

    OffloadError                    every error that Tidemark raises on purpose
    ├── Transient                   the same call later is safe and may succeed
    │   ├── Unavailable         69  a service refused, vanished or did not answer in time
    │   ├── LeaseHeld           75  a living run owns the table
    │   ├── Fenced              75  another run took the table over; this one published nothing more
    │   └── SourceMoving        75  the hot rows changed under every attempt to read them
    ├── Terminal                    a person must act; the same call fails again
    │   ├── UsageError          64  unknown table, contradicting flags, an injected name
    │   ├── DataError           65  schema, content or history is not what it must be
    │   ├── AccessRefused       77  a password or a permission was refused
    │   └── ConfigurationError  78  a bucket, folder or declaration is missing or wrong
    └── OutcomeUnknown          75  a commit may have landed; the next run looks before it acts

Anything else that escapes is a bug (70). The numbers are those of sysexits.h.
"""

from __future__ import annotations

from typing import ClassVar

BUG = 70
# When several tables fail, the run exits with the gravest: a bug before anything, what a person must mend before
# what mends itself.
SEVERITY = (0, 75, 69, 64, 65, 77, 78, BUG)


class OffloadError(Exception):
    """
    One failure in four parts.

    Args:
        expected: What would have been right.
        found: What was there instead, with the evidence.
        next_step: The next thing to do, where possible a command to type.
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
    """Later is safe: nothing was published by the attempt that raised it, or it says so."""

    exit_code = 75


class Unavailable(Transient):
    """A service refused, vanished or did not answer in time."""

    exit_code = 69


class LeaseHeld(Transient):
    """A living run owns the table; its heartbeat is young and its lock is held."""


class Fenced(Transient):
    """Another run took the table over; what this run had staged was not published."""


class SourceMoving(Transient):
    """The hot rows changed under each of the attempts to read them."""


class DuplicateKeys(SourceMoving):
    """A key arrived twice: throw away what was read; from now on the same read gives each key once."""


class Terminal(OffloadError):
    """The same call fails again until a person acts."""


class UsageError(Terminal):
    """The command's words are wrong: unknown table, contradicting flags, an injected name."""

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
    A commit was sent and it cannot be seen whether it landed.

    No data file may be deleted and nothing may be sent again before the table has been looked at: the next run does.
    """

    exit_code = 75


def most_severe(codes: list[int]) -> int:
    """The exit code that stands for several: see `SEVERITY`; an unknown code counts as a bug."""
    return max(codes, default=0, key=lambda code: SEVERITY.index(code if code in SEVERITY else BUG))
