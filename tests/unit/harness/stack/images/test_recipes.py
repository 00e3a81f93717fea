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
    """A copy of the recipes that a test may change."""
    return Path(shutil.copytree(FOLDER, tmp_path / "images"))


CHANGES: dict[str, Callable[[Path], object]] = {
    "a pin": lambda folder: (folder / "broker/recipe.toml").write_text("[maven]\nartifacts = []\n"),
    "an entrypoint": lambda folder: (folder / "broker/entrypoint.sh").write_text("#!/bin/sh\n"),
    "a mode": lambda folder: (folder / "broker/entrypoint.sh").chmod(0o644),
    "a new file": lambda folder: (folder / "broker/more").touch(),
    "the base": lambda folder: (folder / "base/recipe.toml").write_text('[debootstrap]\nsuite = "trixie"\n'),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_recipe_has_a_new_tag(recipes: Path, change: Callable[[Path], object]) -> None:
    """The tag is a hash of the recipe and its base, so no machine uses an outdated image."""
    before = Recipe(recipes / "broker").tag
    change(recipes)

    assert Recipe(recipes / "broker").tag != before


def test_a_change_of_another_recipe_keeps_the_tag(recipes: Path) -> None:
    """An image is built again only if its own recipe or its base changed."""
    before = Recipe(recipes / "broker").tag
    (recipes / "minio/entrypoint.sh").write_text("#!/bin/sh\n")

    assert Recipe(recipes / "broker").tag == before


def test_the_same_recipe_in_another_folder_has_the_same_tag(recipes: Path) -> None:
    """The path of the project does not change the image."""
    assert Recipe(recipes / "broker").tag == Recipe(FOLDER / "broker").tag


def test_every_service_has_a_recipe_with_pinned_versions() -> None:
    """Each service has a stand-in for machines that cannot reach an image registry."""
    pins = {service: Recipe(FOLDER / service).pins for service in Service}

    assert pins[Service.CLICKHOUSE]["wheel"]["package"].count("==") == 1
    assert len(pins[Service.CLICKHOUSE]["wheel"]["sha256"]) == 64
    assert all(artifact.count(":") == 2 for artifact in pins[Service.BROKER]["maven"]["artifacts"])
    assert "@v" in pins[Service.MINIO]["go"]["module"]


def test_minio_is_built_from_the_release_in_the_compose_file() -> None:
    """Both names have the same timestamp: the tag of the release, and Go's pseudo-version of its commit."""
    [_, tag] = compose.images()[Service.MINIO].split(":")
    [_, version] = Recipe(FOLDER / "minio").pins["go"]["module"].split("@")
    released = re.fullmatch(r"RELEASE\.(\d{4})-(\d\d)-(\d\d)T(\d\d)-(\d\d)-(\d\d)Z", tag)
    committed = re.fullmatch(r"v0\.0\.0-(\d{14})-[0-9a-f]{12}", version)

    assert released, tag
    assert committed, version
    assert "".join(released.groups()) == committed[1]


def test_postgres_has_the_major_version_of_the_compose_file() -> None:
    """Debian chooses the minor version. Another major version would differ too much for a stand-in."""
    [_, tag] = compose.images()[Service.POSTGRES].split(":")
    named = re.findall(r"postgresql[-/](\d+)", (FOLDER / "postgres" / "Dockerfile").read_text())

    assert set(named) == {tag.partition(".")[0]}


def test_the_docs_have_the_version_of_kafka_in_the_recipe() -> None:
    """The compose file has only the version of Redpanda; docs/stack.md has the version of Kafka."""
    _, _, version = Recipe(FOLDER / "broker").pins["maven"]["artifacts"][0].split(":")

    assert f"| Apache Kafka {version} (" in (compose.ROOT / "docs" / "stack.md").read_text()
