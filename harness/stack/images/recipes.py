"""
Recipes of stand-ins: images built from packages, for machines that reach package registries but no image registry.

A recipe is a folder of fixtures/images/. `recipe.toml` lists the pinned packages to fetch; the Dockerfile, if there is
one, installs them on the base image. The tag is a hash of the recipe, so a changed recipe makes a new image.
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
    """The recipe of one stand-in: a folder of fixtures/images/."""

    folder: Path

    @property
    def name(self) -> str:
        """The service that uses the image, or `base`."""
        return self.folder.name

    @property
    def pins(self) -> dict[str, dict[str, Any]]:
        """The packages to fetch: one table per tool (`wheel`, `debootstrap`, `go`, `maven`)."""
        return tomllib.loads((self.folder / "recipe.toml").read_text())

    @property
    def base(self) -> Recipe | None:
        """The recipe of the base image; None: this recipe has no Dockerfile."""
        return Recipe(self.folder.parent / BASE) if (self.folder / "Dockerfile").exists() else None

    @property
    def tag(self) -> str:
        """Name and tag of the image: a hash of the files of this recipe and of its base."""
        return f"tidemark/{self.name}:{self._digest()[:12]}"

    def _digest(self) -> str:
        digest = hashlib.sha256(self.base._digest().encode() if self.base else b"")  # noqa: SLF001 - of the same class
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            executable = bool(path.stat().st_mode & 0o100)
            digest.update(f"{path.relative_to(self.folder)} {executable} {content}\n".encode())
        return digest.hexdigest()


def recipe(name: str) -> Recipe:
    """The recipe of the stand-in for a service's official image."""
    return Recipe(FOLDER / name)
