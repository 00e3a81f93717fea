"""
Stand-ins for official images, for machines that reach package registries but no registry of images.

A recipe is a folder of fixtures/images/: `recipe.toml` names what to fetch, and with which pins; the Dockerfile, if
there is one, puts it on the base image. The image's tag is a hash of all this, so a changed recipe is a new image.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.stack.compose import ROOT

FOLDER = ROOT / "fixtures" / "images"
BASE = "base"


@dataclass(frozen=True)
class Recipe:
    """One folder of recipes."""

    folder: Path

    @property
    def name(self) -> str:
        """The service that the image is for, or `base`."""
        return self.folder.name

    @property
    def pins(self) -> dict[str, dict[str, Any]]:
        """What to fetch: a table per way of fetching."""
        return tomllib.loads((self.folder / "recipe.toml").read_text())

    @property
    def base(self) -> Recipe | None:
        """The recipe that this one's Dockerfile stands on."""
        return Recipe(self.folder.parent / BASE) if (self.folder / "Dockerfile").exists() else None

    @property
    def tag(self) -> str:
        """Name and tag of the image: what is in the folder, and in the one it stands on."""
        return f"tidemark/{self.name}:{self._digest()[:12]}"

    def _digest(self) -> str:
        digest = hashlib.sha256(self.base._digest().encode() if self.base else b"")  # noqa: SLF001 - its own kind
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            executable = bool(path.stat().st_mode & 0o100)
            digest.update(f"{path.relative_to(self.folder)} {executable} {content}\n".encode())
        return digest.hexdigest()


def recipe(name: str) -> Recipe:
    """The recipe of a service's stand-in."""
    return Recipe(FOLDER / name)
