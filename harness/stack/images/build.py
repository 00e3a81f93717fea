"""Build stand-ins from their recipes with the builder of the engine."""

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
from harness.stack.host.debian import announce
from harness.stack.images import fetch
from harness.stack.images.recipes import Recipe

if TYPE_CHECKING:
    from docker import DockerClient

LAST_LINES = 15
RECIPE = "tidemark.recipe"


class Builder:
    """Build images on one engine; safe for several threads, which build their common base image once."""

    def __init__(self, client: DockerClient) -> None:
        self._client = client
        self._base = Lock()

    def build(self, recipe: Recipe) -> None:
        """
        Fetch the packages of a recipe and build its image under the recipe's tag.

        Raises:
            NoImage: A fetch or the build failed.
        """
        announce(f"building the stand-in {recipe.tag} from fixtures/images/{recipe.name}")
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
                next_step="make a Debian package mirror reachable from containers, then run `make images`",
            ) from error

    def _import(self, recipe: Recipe, root: Path) -> None:
        """Import a folder as an image. Later runs trust the tag, so only a complete image gets it, as the last step."""
        command = ["tar", "-C", str(root), "-c", "."]
        with TemporaryFile() as errors:
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as tar:  # noqa: S603
                image, failure = self._import_untagged(tar.stdout)
            errors.seek(0)
            tar_output = errors.read().decode(errors="replace").splitlines()[-LAST_LINES:]
        if tar.returncode:
            # The engine accepts a truncated archive, so tar's exit code counts. The engine's error comes first: when it
            # refuses an archive, tar ends with SIGPIPE.
            failure = "; ".join(filter(None, [failure, f"exit code {tar.returncode} of `{' '.join(command)}`"]))
        if failure := failure or self._tag(image, recipe.tag):
            for name in (recipe.tag, image):
                with suppress(DockerException):  # the image does not exist
                    self._client.images.remove(name)
            raise NoImage(
                expected=f"the engine to import all of {root} as {recipe.tag}",
                found=failure,
                evidence="output of tar: " + ("\n".join(tar_output) or "(none)"),
                next_step="fix these errors (`df -h` shows whether a disk is full), then run `make images`",
            )

    def _import_untagged(self, archive: IO[bytes] | None) -> tuple[str, str]:
        """Import an archive without a tag; return its id and the error (raised or in the response, empty: none)."""
        try:
            response = self._client.api.import_image_from_stream(archive)
        except (DockerException, RequestException) as error:
            return "", f"error of the engine: {error}"
        lines = [json.loads(line) for line in response.splitlines() if line.strip()]
        image = next((line["status"] for line in lines if line.get("status", "").startswith("sha256:")), "")
        if not image or any("error" in line for line in lines):
            return image, f"response of the engine: {response.strip() or '(empty)'}"
        return image, ""

    def _tag(self, image: str, tag: str) -> str:
        """Give an image its tag; return the error, empty: the image has the tag now."""
        try:
            self._client.images.get(image).tag(*tag.split(":"))
            found = self._client.images.get(tag).id
        except (DockerException, RequestException) as error:
            return f"error of the engine: {error}"
        return "" if found == image else f"{tag} is the tag of image {found}, not of {image}"

    def _load(self, recipe: Recipe, archive: Path) -> None:
        """Load a saved image under our tag only: its original tag may belong to another image on this engine."""
        pinned = recipe.pins["wheel"]["image"]
        with _retagged(archive, recipe.tag) as saved:
            self._client.images.load(saved)
        found = self._client.images.get(recipe.tag).id
        if found != pinned:
            self._client.images.remove(recipe.tag)
            raise NoImage(
                expected=f"image {pinned} in {recipe.pins['wheel']['package']}",
                found=f"image {found}",
                evidence="the id of an image is a hash of its contents",
                next_step="do not use this image; see the source of its wheel with "
                f"`pip download --verbose --no-deps {recipe.pins['wheel']['package']}`",
            )


@contextmanager
def _retagged(archive: Path, tag: str) -> Iterator[IO[bytes]]:
    """Open the `docker save` file inside an archive, with `tag` as the only tag in its manifest."""
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
