"""One bad input: how the world is prepared, the command, and what it must answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.integration.errors.bad_input.world import CLAIM, FAILURE, World

NOTHING: frozenset[str] = frozenset()
# By design, a command that claims its table records the claim and the failure in the table's row, whatever the reason.
RECORDED = CLAIM | FAILURE
CORRECT_IT = "correct it; docs/tables.md lists the fields"


def untouched(_world: World) -> None:
    """Leave the world as it is."""


@dataclass(frozen=True)
class Case:
    """
    A bad input. In its words, its environment and its message, `{folder}` is the working folder.

    Attributes:
        name: What is wrong; unique.
        words: The command without `offload`.
        code: Its exit code.
        expected, found, next: Parts of the message on stderr.
        given: Prepares the world, after which the three checks read it for the first time.
        environment: Variables of the command.
        records: The columns of the table's row in the watermark store that the command may write; a table that the
            store does not know may get a row of them.
        creates: The cold table that the run creates, without a snapshot, before it reads the rows; None: none.
    """

    name: str
    words: tuple[str, ...]
    code: int
    expected: str
    found: str
    next: str
    given: Callable[[World], object] = untouched
    environment: Mapping[str, str] = field(default_factory=dict)
    records: frozenset[str] = NOTHING
    creates: str | None = None


def words(command: str, *last: str) -> tuple[str, ...]:
    """The words of a command; `last` are those that have blanks or are empty."""
    return (*command.split(), *last)
