"""The wheel has all modules and data files, and works outside of the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "README.md", "offload", "harness", "fixtures")


IMPORT_ALL = """
import importlib, pkgutil, harness, offload
for package in (offload, harness):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            print(importlib.import_module(module.name).__file__)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content, built from a copy of the sources: a build writes into its folder."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        source, target = ROOT / name, folder / "source" / name
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy(source, target)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(folder / "source"))
    (wheel,) = folder.glob("*.whl")
    pip("install", "--no-deps", "--target", str(folder / "site"), str(wheel))
    return folder / "site"


def pip(*arguments: str) -> None:
    """Run pip without a registry."""
    command = [sys.executable, "-m", "pip", "--quiet", "--no-input", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PIP_NO_INDEX": "1"})
    assert done.returncode == 0, done.stdout + done.stderr


def python(installed: Path, folder: Path, *arguments: str) -> str:
    """Run Python with the wheel's content before the checkout's, in another folder."""
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(installed)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_module_of_the_wheel_is_imported_from_it(installed: Path, tmp_path: Path) -> None:
    """And it has as many modules as the checkout."""
    files = python(installed, tmp_path, "-c", IMPORT_ALL).split()
    modules = [path for package in ("offload", "harness") for path in (ROOT / package).rglob("*.py")]

    assert all(file.startswith(str(installed)) for file in files)
    assert len(files) == len([path for path in modules if path.name != "__main__.py"]) - len(("offload", "harness"))


def test_the_command_line_of_the_wheel_has_the_declared_tables(installed: Path, tmp_path: Path) -> None:
    """The declarations are data files of the package."""
    tables = json.loads(python(installed, tmp_path, "-m", "offload", "tables", "--json"))["tables"]

    assert {table["name"] for table in tables} == {path.stem for path in (ROOT / "offload" / "tables").glob("*.toml")}


def test_the_demo_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """With its DDL, which is a symbolic link in the checkout."""
    output = python(installed, tmp_path, "-m", "offload", "demo", "--rows", "5000", "--folder", str(tmp_path / "demo"))

    assert "0 missing, 0 extra, 0 different" in output


def test_the_entry_points_of_the_wheel_exist(installed: Path, tmp_path: Path) -> None:
    """The console script, and the plugin that pytest loads."""
    program = "from offload.cli import console; from harness.plugin import stack; print(console.__module__)"
    (entry_points,) = installed.glob("*.dist-info/entry_points.txt")

    assert python(installed, tmp_path, "-c", program).strip().startswith("offload.cli")
    assert "offload = offload.cli:console" in entry_points.read_text()
    assert "tidemark = harness.plugin" in entry_points.read_text()
