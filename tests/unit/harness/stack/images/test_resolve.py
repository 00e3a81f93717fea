from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from harness.stack.errors import NoImage
from harness.stack.images.recipes import Recipe, recipe
from harness.stack.images.resolve import resolve

OFFICIAL = "minio/minio:1"
STAND_IN = recipe("minio")


@dataclass
class Engine:
    """The images of an engine in memory; records every pull and build."""

    present: set[str] = field(default_factory=set)
    registry: set[str] = field(default_factory=set)
    builds: bool = True
    fetched: list[str] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Return whether the image is present."""
        return name in self.present

    def pull(self, name: str) -> str:
        """Pull the image if the registry has it."""
        self.fetched.append(f"pull {name}")
        if name not in self.registry:
            return "no such host"
        self.present.add(name)
        return ""

    def build(self, recipe: Recipe) -> None:
        """Build the image, or fail on a machine without the tools."""
        self.fetched.append(f"build {recipe.tag}")
        if not self.builds:
            raise NoImage("`go` on the PATH", "it is not installed", "PATH=/bin", "install Go")
        self.present.add(recipe.tag)


def test_an_official_image_that_is_present_is_used() -> None:
    """It comes before a stand-in that is present too, and nothing is pulled or built."""
    engine = Engine(present={OFFICIAL, STAND_IN.tag})

    assert resolve(OFFICIAL, STAND_IN, engine) == OFFICIAL
    assert engine.fetched == []


def test_a_stand_in_that_is_present_comes_before_a_pull() -> None:
    """A machine that built the stand-in does not wait for a registry at each start."""
    engine = Engine(present={STAND_IN.tag}, registry={OFFICIAL})

    assert resolve(OFFICIAL, STAND_IN, engine) == STAND_IN.tag
    assert engine.fetched == []


def test_a_pull_comes_before_a_build() -> None:
    """If the registry is reachable, the tests run against the official image."""
    engine = Engine(registry={OFFICIAL})

    assert resolve(OFFICIAL, STAND_IN, engine) == OFFICIAL
    assert engine.fetched == [f"pull {OFFICIAL}"]


def test_a_stand_in_is_built_if_the_pull_fails() -> None:
    """A stand-in needs only package registries."""
    engine = Engine()

    assert resolve(OFFICIAL, STAND_IN, engine) == STAND_IN.tag
    assert engine.fetched == [f"pull {OFFICIAL}", f"build {STAND_IN.tag}"]


def test_a_failed_pull_and_a_failed_build_are_both_in_the_error() -> None:
    """Each of the two remedies is enough, so the message has both."""
    with pytest.raises(NoImage) as caught:
        resolve(OFFICIAL, STAND_IN, Engine(builds=False))
    message = str(caught.value)

    assert f"expected: {OFFICIAL}" in message
    assert "no such host" in message
    assert "`go` on the PATH" in message
    assert "PATH=/bin" in message
    assert f"next: pull the official image with `docker pull {OFFICIAL}`; or install Go" in message
