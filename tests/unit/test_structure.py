"""The listing is the menu: sizes of folders, modules and functions, names that mean one thing, small ports."""

from __future__ import annotations

import ast
import inspect
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for package in ("offload", "harness") for path in (ROOT / package).rglob("*.py"))
# A port, its adapters and its fake share the port's name; a server of the stack and its reader share the server's.
SHARED_FILES = {
    *("lake", "partitions", "probes", "source", "verifier", "view", "watermarks"),
    *("clickhouse", "__init__", "__main__"),
}
# The harness declares the events of a run without importing the product: one meaning, two declarations.
SHARED_CLASSES = {"StepEvent"}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of both packages, parsed."""
    for path in MODULES:
        yield path.relative_to(ROOT), ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize(("package", "most"), [("offload", 22), ("harness", 20)])
def test_a_package_lists_as_many_entries_as_a_reader_can_take_in(package: str, most: int) -> None:
    """Files and folders together."""
    entries = {path.name for path in (ROOT / package).iterdir()} - {"__pycache__"}

    assert len(entries) <= most, sorted(entries)


def test_no_folder_has_more_than_sixteen_modules() -> None:
    """A longer list is not read to its end."""
    sizes = {folder: len(list(folder.glob("*.py"))) for folder in {path.parent for path in MODULES}}

    assert {str(folder): size for folder, size in sizes.items() if size > 16} == {}


def test_no_module_has_more_than_three_hundred_lines() -> None:
    """In either package."""
    sizes = {str(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}

    assert {path: size for path, size in sizes.items() if size > 300} == {}


def test_no_function_has_more_than_forty_five_lines() -> None:
    """From `def` to its last line, docstring included."""
    long = {
        f"{path}:{node.name}": length
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and (length := (node.end_lineno or 0) - node.lineno + 1) > 45
    }

    assert long == {}


def test_no_class_name_has_two_meanings() -> None:
    """Over both packages: a reader who searches for a class finds one."""
    places: dict[str, list[str]] = defaultdict(list)
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path))

    assert {name: found for name, found in places.items() if len(found) > 1 and name not in SHARED_CLASSES} == {}


@pytest.mark.parametrize("package", ["offload", "harness"])
def test_no_file_name_stands_for_two_things(package: str) -> None:
    """Within a package, but for ports with their adapters and fakes, and for servers with their readers."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in (ROOT / package).rglob("*.py"):
        places[path.stem].append(str(path.relative_to(ROOT)))

    assert {name: found for name, found in places.items() if len(found) > 1 and name not in SHARED_FILES} == {}


@pytest.mark.parametrize(
    "module", ["engine", "lake", "partitions", "probes", "source", "verifier", "view", "watermarks"]
)
def test_a_port_has_five_members_at_most(module: str) -> None:
    """An ability that not every adapter needs is a port of its own."""
    ports = [
        port
        for _, port in inspect.getmembers(import_module(f"offload.ports.{module}"), inspect.isclass)
        if getattr(port, "_is_protocol", False) and port.__module__ == f"offload.ports.{module}"
    ]
    members = {
        port.__name__: [name for name in {*vars(port), *port.__annotations__} if not name.startswith("_")]
        for port in ports
    }

    assert ports
    assert {name: found for name, found in members.items() if len(found) > 5} == {}
