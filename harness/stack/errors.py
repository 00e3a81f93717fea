"""
Errors that say why a stack cannot start.

    StackError          base class of every error that the stack raises on purpose
    ├── NoEngine        no Docker engine answers, and the harness cannot start one
    ├── NoPackage       apt-get could not install Debian packages
    ├── NoImage         an image is not present and can be neither pulled nor built
    ├── NoDiskSpace     too little free space on the disk of the Docker engine
    └── NotUp           a container could not start, ended, or did not answer in time
"""

from __future__ import annotations


class StackError(Exception):
    """
    A failure in four parts.

    Args:
        expected: The state that the stack needs.
        found: The state that was found instead.
        evidence: The proof, such as the last lines of a log.
        next_step: The next action, where possible a command to type.
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
    """Make the package mirror reachable from this machine, and run the command again."""


class NoImage(StackError):
    """Fix the cause of the failed pull or build, as the message says."""


class NoDiskSpace(StackError):
    """Free space on the disk of the Docker engine."""


class NotUp(StackError):
    """Read the log in the message; the containers of the attempt have been removed."""
