"""docs/refusals.md has every state in which a command stops, with the message that the code has, and no other."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from tests.support.refusals import ERRORS, ROOT, Listed, Refusal, constructed, listed

SECTIONS = listed()
PAGE = (ROOT / "docs" / "refusals.md").read_text("utf-8")


def test_every_section_has_a_message_a_reason_and_a_test() -> None:
    """A heading whose section has another form would be in no comparison below."""
    assert len(SECTIONS) == PAGE.count("\n### ")
    assert [one.name for one in SECTIONS if not one.tests or not one.reason.endswith((".", "!"))] == []


def test_every_refusal_of_the_code_is_on_the_page() -> None:
    """A message that is new or reworded needs its section."""
    known = {one.refusal for one in SECTIONS}

    assert {refusal.message: place for refusal, place in constructed().items() if refusal not in known} == {}


def test_every_refusal_of_the_page_is_in_the_code() -> None:
    """A section whose message no command prints misleads."""
    assert [one.name for one in SECTIONS if one.refusal not in constructed()] == []


def test_no_two_sections_have_one_name_or_one_message() -> None:
    """A message leads to one section."""
    names = Counter(one.name for one in SECTIONS)
    messages = Counter(one.refusal for one in SECTIONS)

    assert [
        name for name, count in (names + Counter(r.message for r in messages.elements())).items() if count > 1
    ] == []


@pytest.mark.parametrize("section", SECTIONS, ids=lambda one: one.name)
def test_a_section_has_the_exit_code_of_its_error_and_a_test_that_exists(section: Listed) -> None:
    """The heading above it has the same code."""
    above = PAGE[: PAGE.index(f"### {section.name}\n")].rpartition("\n## Exit ")[2]

    assert section.exit_code == section.refusal.exit_code == int(above.partition(":")[0])
    for file, name in (test.split("::") for test in section.tests):
        assert f"\ndef {name}(" in (ROOT / file).read_text("utf-8"), f"{file}::{name}"


def test_every_error_class_that_is_raised_by_name_is_on_the_page() -> None:
    """Base classes are not raised."""
    bases = {base.__name__ for error in ERRORS.values() for base in error.__bases__}

    assert set(ERRORS) - bases == {one.refusal.kind for one in SECTIONS}


def test_no_error_class_hides_behind_a_variable() -> None:
    """A construction through a parameter would be in no comparison above."""
    hidden = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "offload").rglob("*.py")
        if path.name != "errors.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.arg) and node.annotation and _is_error_type(ast.unparse(node.annotation))
    ]

    assert hidden == []


def _is_error_type(annotation: str) -> bool:
    return annotation.startswith("type[") and any(name in annotation for name in ERRORS)


def test_a_template_has_the_values_that_are_known_and_placeholders_for_the_rest() -> None:
    """The comparison rests on it."""
    found = [one for one in constructed() if "OFFLOAD_TABLES" in one.message]

    assert found == [
        Refusal(
            "ConfigurationError",
            "expected a folder of declarations at …; found no such folder; next: set OFFLOAD_TABLES",
        )
    ]
