from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.stack.recipes import FOLDER, Recipe
from harness.stack.service import Service


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    """A copy of the recipes, to be changed."""
    return Path(shutil.copytree(FOLDER, tmp_path / "images"))


CHANGES: dict[str, Callable[[Path], object]] = {
    "a pin": lambda folder: (folder / "broker/recipe.toml").write_text("[maven]\nartifacts = []\n"),
    "an entrypoint": lambda folder: (folder / "broker/entrypoint.sh").write_text("#!/bin/sh\n"),
    "a mode": lambda folder: (folder / "broker/entrypoint.sh").chmod(0o644),
    "a new file": lambda folder: (folder / "broker/more").touch(),
    "the base": lambda folder: (folder / "base/recipe.toml").write_text('[debootstrap]\nsuite = "trixie"\n'),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_recipe_is_a_new_image(recipes: Path, change: Callable[[Path], object]) -> None:
    """The tag is a hash of all that the image is made from, so no machine goes on with a stale one."""
    before = Recipe(recipes / "broker").tag
    change(recipes)

    assert Recipe(recipes / "broker").tag != before


def test_another_recipe_changes_nothing(recipes: Path) -> None:
    """An image is built anew only where it has to be."""
    before = Recipe(recipes / "broker").tag
    (recipes / "minio/entrypoint.sh").write_text("#!/bin/sh\n")

    assert Recipe(recipes / "broker").tag == before


def test_the_same_recipe_elsewhere_is_the_same_image(recipes: Path) -> None:
    """Where the project lies says nothing of what is in the image."""
    assert Recipe(recipes / "broker").tag == Recipe(FOLDER / "broker").tag


def test_every_service_has_a_recipe_with_pinned_versions() -> None:
    """Where the registry of images is out of reach, each service has a stand-in."""
    pins = {service: Recipe(FOLDER / service).pins for service in Service}

    assert pins[Service.CLICKHOUSE]["wheel"]["package"].count("==") == 1
    assert len(pins[Service.CLICKHOUSE]["wheel"]["sha256"]) == 64
    assert all(artifact.count(":") == 2 for artifact in pins[Service.BROKER]["maven"]["artifacts"])
    assert "@v" in pins[Service.MINIO]["go"]["module"]
