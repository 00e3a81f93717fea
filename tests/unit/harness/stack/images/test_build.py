from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, cast

import pytest
from docker.errors import APIError, ImageNotFound, NullResource

from harness.stack.errors import NoImage
from harness.stack.images import fetch
from harness.stack.images.build import Builder
from harness.stack.images.recipes import recipe

if TYPE_CHECKING:
    from docker import DockerClient

BASE = recipe("base")
IMAGE = "sha256:" + "a" * 64


@dataclass
class Engine:
    """An engine in memory that imports images; `images` maps every tag and id to an id."""

    images: dict[str, str] = field(default_factory=dict)
    error: str = ""
    refuses: bool = False
    loses: bool = False

    def import_image_from_stream(self, src: IO[bytes], repository: str | None = None, tag: str | None = None) -> str:
        """Accept truncated archives and return import errors as text, as a real engine does."""
        src.read()
        if self.refuses:
            raise APIError("500 Server Error: header line too long")
        if self.error:
            return json.dumps({"status": "Importing"}) + "\r\n" + json.dumps({"error": self.error})
        if not self.loses:
            self.images |= {IMAGE: IMAGE} | ({f"{repository}:{tag}": IMAGE} if repository else {})
        return json.dumps({"status": IMAGE}) + "\r\n"

    def get(self, name: str) -> SimpleNamespace:
        """Return the image with this tag or id."""
        if not name:
            raise NullResource("Resource ID was not provided")
        if name not in self.images:
            raise ImageNotFound(f"No such image: {name}")
        return SimpleNamespace(id=self.images[name], tag=lambda to, tag: self.images.update({f"{to}:{tag}": IMAGE}))

    def remove(self, name: str) -> None:
        """Remove a tag or an id."""
        self.get(name)
        del self.images[name]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An empty engine, and a Debian of one file to import."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/debian_version").write_text("12\n")
    monkeypatch.setattr(fetch, "debootstrap", lambda _pins, _folder: tmp_path)
    return Engine()


def build(engine: Engine) -> None:
    """Build the base image on this engine."""
    client = SimpleNamespace(images=engine, api=engine)
    Builder(cast("DockerClient", client)).build(BASE)


def test_a_built_base_image_has_its_tag(engine: Engine) -> None:
    """The next build finds the image by this tag."""
    build(engine)

    assert engine.images[BASE.tag] == IMAGE


def test_a_truncated_archive_makes_no_image(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine accepts the archive, and all later runs would use the tag."""
    tar = tmp_path / "tar"
    tar.write_text("#!/bin/sh\n/bin/tar -c -C /etc hostname\necho tar: etc/passwd: Read error >&2\nexit 2\n")
    tar.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(NoImage) as caught:
        build(engine)

    assert engine.images == {}
    assert "exit code 2" in caught.value.found
    assert caught.value.evidence == "output of tar: tar: etc/passwd: Read error"
    assert "make images" in caught.value.next_step


def test_an_error_in_the_response_of_the_engine_makes_no_image(engine: Engine) -> None:
    """docker-py returns such an error as text and raises nothing."""
    engine.error = "no space left on device"
    with pytest.raises(NoImage, match="no space left on device"):
        build(engine)

    assert engine.images == {}


def test_an_error_raised_by_docker_py_is_in_the_message(engine: Engine) -> None:
    """Its class is not a StackError, so it becomes a NoImage."""
    engine.refuses = True
    with pytest.raises(NoImage, match="header line too long"):
        build(engine)


def test_an_image_that_is_absent_after_the_import_is_an_error(engine: Engine) -> None:
    """A success reported by the engine is checked."""
    engine.loses = True
    with pytest.raises(NoImage, match="No such image"):
        build(engine)
