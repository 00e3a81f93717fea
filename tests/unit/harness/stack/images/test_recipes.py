from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.stack import compose
from harness.stack.images.recipes import FOLDER, Recipe
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


def test_minio_is_built_from_the_release_that_the_compose_file_names() -> None:
    """Both bear one moment: the tag by MinIO's own rule, the module as Go names a commit that bears no version."""
    [_, tag] = compose.images()[Service.MINIO].split(":")
    [_, version] = Recipe(FOLDER / "minio").pins["go"]["module"].split("@")
    released = re.fullmatch(r"RELEASE\.(\d{4})-(\d\d)-(\d\d)T(\d\d)-(\d\d)-(\d\d)Z", tag)
    committed = re.fullmatch(r"v0\.0\.0-(\d{14})-[0-9a-f]{12}", version)

    assert released, tag
    assert committed, version
    assert "".join(released.groups()) == committed[1]


def test_postgres_is_of_the_major_version_that_the_compose_file_names() -> None:
    """Debian chooses the minor one. Two majors differ in more than a stand-in may."""
    [_, tag] = compose.images()[Service.POSTGRES].split(":")
    named = re.findall(r"postgresql[-/](\d+)", (FOLDER / "postgres" / "Dockerfile").read_text())

    assert set(named) == {tag.partition(".")[0]}


def test_the_documented_kafka_is_the_one_that_is_fetched() -> None:
    """Redpanda's own version says nothing of Kafka's; a person reads it in docs/stack.md."""
    _, _, version = Recipe(FOLDER / "broker").pins["maven"]["artifacts"][0].split(":")

    assert f"| Apache Kafka {version} (" in (compose.ROOT / "docs" / "stack.md").read_text()
