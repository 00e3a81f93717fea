"""Error classes and exit codes."""

from __future__ import annotations

import pytest

from offload import errors


def test_several_exit_codes_become_the_most_severe_one() -> None:
    """One table that needs a person outweighs any number of tables that need only another run."""
    assert errors.most_severe([]) == 0
    assert errors.most_severe([0, 75, 0]) == 75
    assert errors.most_severe([75, 65, 69]) == 65
    assert errors.most_severe([65, 70, 78]) == 70
    assert errors.most_severe([75, 3]) == 3, "an unknown code is as grave as a bug"


@pytest.mark.parametrize("kind", [errors.LeaseHeld, errors.DataError, errors.OutcomeUnknown])
def test_a_message_says_what_was_expected_what_was_found_and_what_to_do(kind: type[errors.OffloadError]) -> None:
    """A message has its parts in one line."""
    error = kind("a living server", "a closed port", "start it")

    assert str(error) == "expected a living server; found a closed port; next: start it"
    assert error.kind == kind.__name__


def test_every_error_has_an_exit_code_of_sysexits() -> None:
    """Every error class has its code."""
    seen = {errors.OffloadError}
    while more := {sub for kind in seen for sub in kind.__subclasses__()} - seen:
        seen |= more

    assert {kind.exit_code for kind in seen} <= set(errors.SEVERITY)
