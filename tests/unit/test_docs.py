"""The docs say what the code does: commands, settings, exit codes, declaration fields, types, levels."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import typer.main

from offload import errors
from offload.cli.app import app
from offload.clickhouse import types
from offload.model.table import TableSpec
from offload.settings import Settings

ROOT = Path(__file__).parents[2]
COMMANDS = (ROOT / "docs" / "commands.md").read_text("utf-8")
TABLES = (ROOT / "docs" / "tables.md").read_text("utf-8")
DESIGN = (ROOT / "docs" / "design.md").read_text("utf-8")


def documented(text: str) -> set[str]:
    """The first word in code style of each table row."""
    return set(re.findall(r"^\| `([A-Za-z_-]+)", text, re.MULTILINE))


def test_every_command_is_documented() -> None:
    """A command without a row in docs/commands.md is not finished."""
    assert set(typer.main.get_command(app).commands) <= documented(COMMANDS)  # type: ignore[attr-defined]


def test_every_setting_is_documented_with_its_variable() -> None:
    """The table names each variable; the S3 ones share a row."""
    named = set(re.findall(r"`(OFFLOAD_[A-Z0-9_]+)`", COMMANDS))
    named |= {f"OFFLOAD_S3{part}" for part in re.findall(r"`(_[A-Z_]+)`", COMMANDS)}

    assert {f"OFFLOAD_{name.upper()}" for name in Settings.model_fields} <= named


def test_every_exit_code_is_documented_in_the_order_of_its_severity() -> None:
    """The table has a row for each code, and the sentence below it names the order."""
    rows = {int(code) for code in re.findall(r"^\| (\d+) \|", COMMANDS, re.MULTILINE)}
    order = re.search(r"the most severe exit code, in the order ([\d, ]+)\.", COMMANDS)

    assert rows == set(errors.SEVERITY)
    assert order is not None
    assert [int(code) for code in order[1].split(", ")] == [code for code in reversed(errors.SEVERITY) if code]


def test_every_field_of_a_declaration_is_documented() -> None:
    """docs/tables.md is where an operator looks for them."""
    named = set(re.findall(r"^\| ([a-z_]+) \|", TABLES, re.MULTILINE))

    assert {field.name for field in fields(TableSpec)} - {"declared"} <= named


@pytest.mark.parametrize("type_name", sorted(types._PLAIN))
def test_every_carried_type_is_documented(type_name: str) -> None:
    """The table of types names each plain type that is carried."""
    assert re.search(rf"\b{type_name}\b", TABLES.split("## Types")[1])


@pytest.mark.parametrize("package", ["offload", "harness"])
def test_every_entry_of_a_package_has_its_layer_in_the_design(package: str) -> None:
    """The listing of each package is the first column that a reader of docs/design.md looks for."""
    layers = DESIGN.split(f"### `{package}`")[1].split("\n### ")[0].split("\n## ")[0]
    entries = {path.stem for path in (ROOT / package).iterdir() if path.suffix == ".py" or path.is_dir()}

    assert entries - {"__init__", "__pycache__"} - set(re.findall(r"`([a-z_]+)`", layers)) == set()


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs").rglob("*.md")) + sorted(ROOT.glob("*.md")), ids=lambda p: p.name
)
def test_every_link_leads_somewhere(page: Path) -> None:
    """A link to a file of the project names one that is there."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text("utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_commands_in_the_readme_are_words_that_the_command_line_knows() -> None:
    """Each `offload WORD` of the README is a command."""
    readme = (ROOT / "README.md").read_text("utf-8")
    words = set(re.findall(r"^offload ([a-z]+)", readme, re.MULTILINE))

    assert words <= set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert words


def test_every_path_of_contributing_exists() -> None:
    """A change that moves a file moves its row as well."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    paths = set(re.findall(r"`((?:offload|harness|tests|fixtures|docs|bench)/[^`<>]+)`", text))

    assert len(paths) > 60
    assert {path for path in paths if not (ROOT / path).exists()} == set()


def test_every_entry_of_a_package_is_explained_in_contributing() -> None:
    """The map is complete: each folder has its row."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## To change X")[0]
    folders = {
        f"{path.name}/"
        for package in ("offload", "harness")
        for path in (ROOT / package).iterdir()
        if path.is_dir() and path.name != "__pycache__"
    }

    assert {name for name in folders if f"`{name}`" not in text} == set()
