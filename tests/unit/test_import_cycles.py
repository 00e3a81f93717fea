"""No module imports itself, by whatever way: imports inside functions and under TYPE_CHECKING count too."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("offload", "harness")


def modules() -> dict[str, Path]:
    """Every module of both packages, by its dotted name."""
    paths = (path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imported(tree: ast.AST, known: dict[str, Path]) -> set[str]:
    """The modules of ours that a file imports, wherever in it the import is written."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & set(known)
            # `from package import module` needs the package's own file only where a name of it is taken.
            found |= submodules or {node.module}
    return found & set(known)


def graph() -> dict[str, set[str]]:
    """Who imports whom."""
    known = modules()
    return {name: imported(ast.parse((ROOT / path).read_text("utf-8")), known) - {name} for name, path in known.items()}


def folder(module: str) -> str:
    """The folder of a module; a module at the top counts as a folder."""
    head, *rest = module.split(".")
    return ".".join([head, *rest[:1]])


def sorted_or_cycle(edges: dict[str, set[str]]) -> list[str]:
    """The cycle in a graph; empty: there is none."""
    try:
        tuple(TopologicalSorter(edges).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_is_in_a_cycle() -> None:
    """The checker of contracts sees layers; a cycle inside a layer is seen here."""
    edges = graph()

    assert len(edges) > 150
    assert sorted_or_cycle(edges) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_folder_is_in_a_cycle(package: str) -> None:
    """Two folders that import each other are one folder with two names."""
    edges: dict[str, set[str]] = {}
    for name, targets in graph().items():
        if name.startswith(f"{package}."):
            here = edges.setdefault(folder(name), set())
            here |= {folder(target) for target in targets if target.startswith(f"{package}.")} - {folder(name)}

    assert len(edges) > 15
    assert sorted_or_cycle(edges) == []


def test_an_import_in_a_function_closes_a_cycle() -> None:
    """The finder of imports itself: planted ones are found."""
    known = {"offload.a": Path(), "offload.b": Path()}
    inside = "def f():\n    from offload import a\n"
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from offload.b import B\n"

    edges = {"offload.b": imported(ast.parse(inside), known), "offload.a": imported(ast.parse(typed), known)}

    assert set(sorted_or_cycle(edges)) == {"offload.a", "offload.b"}
