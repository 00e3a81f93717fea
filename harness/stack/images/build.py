"""Builds stand-ins by their recipes, with the engine's own builder."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Lock
from typing import IO, TYPE_CHECKING

from docker.errors import BuildError, DockerException
from requests import RequestException

from harness.stack.errors import NoImage
from harness.stack.host.debian import say
from harness.stack.images import fetch
from harness.stack.images.recipes import Recipe

if TYPE_CHECKING:
    from docker import DockerClient

LAST_LINES = 15
RECIPE = "tidemark.recipe"


class Builder:
    """Builds images on one engine; may be asked from several threads, and builds what several need once."""

    def __init__(self, client: DockerClient) -> None:
        self._client = client
        self._base = Lock()

    def build(self, recipe: Recipe) -> None:
        """
        Fetch what the recipe names and make an image of it, under the recipe's tag.

        Raises:
            NoImage: Something could not be fetched or built.
        """
        say(f"building {recipe.tag}, a stand-in, as fixtures/images/{recipe.name} says")
        with TemporaryDirectory(prefix="tidemark-image-") as scratch:
            folder = Path(scratch) / recipe.name
            shutil.copytree(recipe.folder, folder)
            if "wheel" in recipe.pins:
                self._load(recipe, fetch.wheel(recipe.pins["wheel"], folder))
            if "debootstrap" in recipe.pins:
                self._import(recipe, fetch.debootstrap(recipe.pins["debootstrap"], folder))
            if "go" in recipe.pins:
                fetch.go(recipe.pins["go"], folder)
            if "maven" in recipe.pins:
                fetch.maven(recipe.pins["maven"], folder)
            if recipe.base:
                self._build(recipe, folder, recipe.base)

    def _build(self, recipe: Recipe, folder: Path, base: Recipe) -> None:
        with self._base:
            if not self._client.images.list(base.tag):
                self.build(base)
        try:
            self._client.images.build(
                path=str(folder), tag=recipe.tag, buildargs={"BASE": base.tag}, labels={RECIPE: recipe.name},
                rm=True, forcerm=True,
            )  # fmt: skip
        except BuildError as error:
            lines = "".join(str(line.get("stream", "")) for line in error.build_log).splitlines()
            raise NoImage(
                expected=f"an image from fixtures/images/{recipe.name}/Dockerfile",
                found=str(error),
                evidence="\n".join(lines[-LAST_LINES:]),
                next_step="let containers of this machine reach Debian's packages, and try again",
            ) from error

    def _import(self, recipe: Recipe, root: Path) -> None:
        """Import a folder. What has the tag is used for ever, so it is given last, to an image that is complete."""
        command = ["tar", "-C", str(root), "-c", "."]
        with TemporaryFile() as errors:
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as tar:  # noqa: S603
                image, failure = self._untagged(tar.stdout)
            errors.seek(0)
            said = errors.read().decode(errors="replace").splitlines()[-LAST_LINES:]
        if tar.returncode:
            # The engine takes an archive that was cut short for a whole one. What the engine said comes first: when it
            # refuses the archive, tar dies of SIGPIPE.
            failure = "; ".join(filter(None, [failure, f"exit code {tar.returncode} of `{' '.join(command)}`"]))
        if failure := failure or self._tagged(image, recipe.tag):
            for name in (recipe.tag, image):
                with suppress(DockerException):  # it is not there, as it should be
                    self._client.images.remove(name)
            raise NoImage(
                expected=f"the engine to import {root} whole, as {recipe.tag}",
                found=failure,
                evidence="tar said: " + ("\n".join(said) or "(nothing)"),
                next_step="mend what they say (`df -h` shows a disk that is full), and `make images`",
            )

    def _untagged(self, archive: IO[bytes] | None) -> tuple[str, str]:
        """Import an archive under no name; the id of the image, and why there is none. Errors come as text, too."""
        try:
            answer = self._client.api.import_image_from_stream(archive)
        except (DockerException, RequestException) as error:
            return "", f"the engine said: {error}"
        lines = [json.loads(line) for line in answer.splitlines() if line.strip()]
        image = next((line["status"] for line in lines if line.get("status", "").startswith("sha256:")), "")
        if not image or any("error" in line for line in lines):
            return image, f"the engine said: {answer.strip() or '(nothing)'}"
        return image, ""

    def _tagged(self, image: str, tag: str) -> str:
        """Give an image its tag; empty when it has it now, else why it has not."""
        try:
            self._client.images.get(image).tag(*tag.split(":"))
            found = self._client.images.get(tag).id
        except (DockerException, RequestException) as error:
            return f"the engine said: {error}"
        return "" if found == image else f"{tag} is {found}, not {image}"

    def _load(self, recipe: Recipe, archive: Path) -> None:
        """Load a saved image under our own tag alone: the name that it was saved under may be somebody's here."""
        pinned = recipe.pins["wheel"]["image"]
        with _retagged(archive, recipe.tag) as saved:
            self._client.images.load(saved)
        found = self._client.images.get(recipe.tag).id
        if found != pinned:
            self._client.images.remove(recipe.tag)
            raise NoImage(
                expected=f"image {pinned} in {recipe.pins['wheel']['package']}",
                found=f"image {found}",
                evidence="its id is the hash of its contents",
                next_step="do not use it; ask where it comes from: `pip download --verbose`",
            )


@contextmanager
def _retagged(archive: Path, tag: str) -> Iterator[IO[bytes]]:
    """A `docker save` within an archive, with that tag alone in its manifest."""
    with tarfile.open(archive) as outer, TemporaryDirectory(prefix="tidemark-image-") as scratch:
        [member] = outer.getmembers()
        path = Path(scratch) / "image.tar"
        inner = outer.extractfile(member)
        if inner is None:
            raise TypeError(f"expected a file in {archive}, found {member.name}")
        with tarfile.open(fileobj=inner) as saved, tarfile.open(path, "w") as renamed:
            for part in saved:
                if part.name == "manifest.json":
                    _add(renamed, part, _with_tag(saved, part, tag))
                elif part.name != "repositories":
                    renamed.addfile(part, saved.extractfile(part) if part.isreg() else None)
        with path.open("rb") as file:
            yield file


def _with_tag(saved: tarfile.TarFile, manifest: tarfile.TarInfo, tag: str) -> bytes:
    file = saved.extractfile(manifest)
    if file is None:
        raise TypeError(f"expected a file, found {manifest.name}")
    return json.dumps([{**image, "RepoTags": [tag]} for image in json.load(file)]).encode()


def _add(target: tarfile.TarFile, like: tarfile.TarInfo, content: bytes) -> None:
    like.size = len(content)
    target.addfile(like, io.BytesIO(content))
