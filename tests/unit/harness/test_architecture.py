from __future__ import annotations

import ast
from pathlib import Path

import harness

ROOT = Path(harness.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever in the file."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def importers(package: str) -> set[str]:
    """Files, relative to the harness, that import a package or something in it."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if any(name.split(".")[0] == package for name in imports(path))
    }


def test_only_subjects_import_the_offload() -> None:
    """The harness treats what it tests as a black box, so that it can be pointed at another."""
    assert importers("offload") == {"subjects/offload_child.py"}


def test_nothing_names_the_offload_to_import_it_later() -> None:
    """An import by name would get past the test above."""
    assert importers("importlib") == {"readers/arrow.py"}


def test_nothing_sleeps_but_wait_until() -> None:
    """A sleep hides a race; waiting for a condition shows it."""
    sleepers = {path.relative_to(ROOT).as_posix() for path in MODULES if ".sleep" in path.read_text()}

    assert sleepers == {"waiting.py"}


def test_modules_stay_small() -> None:
    """Three hundred lines a module."""
    assert {path.name: lines for path in MODULES if (lines := len(path.read_text().splitlines())) > 300} == {}
