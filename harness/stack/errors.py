"""
What keeps a stack from standing.

    StackError          every error that the stack raises on purpose
    ├── NoEngine        no Docker engine answers, and none can be started
    ├── NoPackage       Debian's packages could not be installed
    ├── NoImage         neither present, nor to be pulled, nor to be built
    ├── NoRoom          too little room on the engine's disk
    └── NotUp           a container died, or did not answer in time
"""

from __future__ import annotations


class StackError(Exception):
    """
    One failure in four parts.

    Args:
        expected: What would have been right.
        found: What was there instead.
        evidence: What shows it, such as the last lines of a log.
        next_step: The next thing to do, where possible a command to type.
    """

    def __init__(self, expected: str, found: str, evidence: str, next_step: str) -> None:
        super().__init__(expected, found, evidence, next_step)
        self.expected = expected
        self.found = found
        self.evidence = evidence
        self.next_step = next_step

    def __str__(self) -> str:
        return f"expected: {self.expected}\nfound: {self.found}\nevidence: {self.evidence}\nnext: {self.next_step}"


class NoEngine(StackError):
    """Install or start the Docker engine as the message says."""


class NoPackage(StackError):
    """Let this machine reach its package registries, and try again."""


class NoImage(StackError):
    """Mend what kept the image from being pulled or built, as the message says."""


class NoRoom(StackError):
    """Make room on the engine's disk."""


class NotUp(StackError):
    """Read the log in the message; what was started has been removed again."""
