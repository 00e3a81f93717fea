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
    """The images of an engine, in memory; writes down what it was asked to fetch."""

    there: set[str] = field(default_factory=set)
    registry: set[str] = field(default_factory=set)
    builds: bool = True
    fetched: list[str] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Whether it was there or was fetched."""
        return name in self.there

    def pull(self, name: str) -> str:
        """Fetch what the registry has."""
        self.fetched.append(f"pull {name}")
        if name not in self.registry:
            return "no such host"
        self.there.add(name)
        return ""

    def build(self, recipe: Recipe) -> None:
        """Build it, on a machine that can."""
        self.fetched.append(f"build {recipe.tag}")
        if not self.builds:
            raise NoImage("`go` to build it", "it is not installed", "PATH=/bin", "install Go")
        self.there.add(recipe.tag)


def test_an_official_image_that_is_present_is_used_as_it_is() -> None:
    """Nothing is fetched, even where a stand-in is present too."""
    engine = Engine(there={OFFICIAL, STAND_IN.tag})

    assert resolve(OFFICIAL, STAND_IN, engine) == OFFICIAL
    assert engine.fetched == []


def test_a_stand_in_that_is_present_is_used_before_anything_is_fetched() -> None:
    """A machine that had to build once does not wait for a registry each time."""
    engine = Engine(there={STAND_IN.tag}, registry={OFFICIAL})

    assert resolve(OFFICIAL, STAND_IN, engine) == STAND_IN.tag
    assert engine.fetched == []


def test_the_official_image_is_pulled_before_a_stand_in_is_built() -> None:
    """Where the registry is reached, the tests run against what it holds."""
    engine = Engine(registry={OFFICIAL})

    assert resolve(OFFICIAL, STAND_IN, engine) == OFFICIAL
    assert engine.fetched == [f"pull {OFFICIAL}"]


def test_a_stand_in_is_built_where_the_registry_is_out_of_reach() -> None:
    """Package registries do where image registries do not."""
    engine = Engine()

    assert resolve(OFFICIAL, STAND_IN, engine) == STAND_IN.tag
    assert engine.fetched == [f"pull {OFFICIAL}", f"build {STAND_IN.tag}"]


def test_neither_pulled_nor_built_says_why_of_both() -> None:
    """Either remedy would do, so the message names both."""
    with pytest.raises(NoImage) as caught:
        resolve(OFFICIAL, STAND_IN, Engine(builds=False))
    words = str(caught.value)

    assert f"expected: {OFFICIAL}" in words
    assert "no such host" in words
    assert "`go` to build it" in words
    assert "PATH=/bin" in words
    assert f"next: docker pull {OFFICIAL}; or install Go" in words
