"""The tools that fetch the packages of a recipe: each puts the pinned packages into a folder, or raises `NoImage`."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from harness.stack.errors import NoImage
from harness.stack.host import command, debian

FETCH_TIMEOUT = 900.0  # seconds; the slowest step, Go building MinIO, takes 130 to 200 s on two cores
POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>tidemark</groupId><artifactId>stand-in</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>{}</dependencies></project>"""
DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"


def wheel(pins: Mapping[str, Any], folder: Path) -> Path:
    """Download one wheel, check its hash, unpack the pinned member, and return its path."""
    package = pins["package"]
    run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), package])
    [path] = folder.glob("*.whl")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != pins["sha256"]:
        raise NoImage(
            expected=f"{package} with sha256 {pins['sha256']}",
            found=f"sha256 {found}",
            evidence=f"{path.name}, {path.stat().st_size} bytes",
            next_step=f"do not use this wheel; see its source with `pip download --verbose --no-deps {package}`",
        )
    with ZipFile(path) as archive:
        return Path(archive.extract(pins["member"], folder))


def go(pins: Mapping[str, Any], folder: Path) -> None:
    """Build a Go program without cgo into the subfolder `go`."""
    require_tool("go", "install Go (go.dev/doc/install); Debian's package is too old")
    run(
        ["go", "install", "-trimpath", "-ldflags=-s -w", pins["module"]],
        {"CGO_ENABLED": "0", "GOBIN": str(folder / "go"), "GOFLAGS": ""},
    )


def maven(pins: Mapping[str, Any], folder: Path) -> None:
    """Download Java artifacts and their dependencies into the subfolder `maven`."""
    require_tool("mvn", "install Maven and a JDK")
    pom = folder / "pom.xml"
    pom.write_text(POM.format("".join(DEPENDENCY.format(*each.split(":")) for each in pins["artifacts"])))
    target = f"-DoutputDirectory={folder / 'maven'}"
    run(["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", "-DincludeScope=runtime", target])
    pom.unlink()


def debootstrap(pins: Mapping[str, Any], folder: Path) -> Path:
    """Install a minimal Debian from debootstrap's default mirror into the subfolder `root`; return its path."""
    if shutil.which("debootstrap") is None and debian.may_install():
        debian.install(["debootstrap"])
    require_tool("debootstrap", "install it, as root on Debian with `apt-get install debootstrap`")
    root = folder / "root"
    run(["debootstrap", "--variant=minbase", pins["suite"], str(root)])
    shutil.rmtree(root / "var/cache/apt/archives")
    return root


def require_tool(tool: str, remedy: str) -> None:
    """
    Check that a tool is installed.

    Raises:
        NoImage: The tool is not on the PATH.
    """
    if shutil.which(tool) is None:
        path = os.environ.get("PATH", "")
        raise NoImage(f"`{tool}` on the PATH, to build a stand-in", "it is not installed", f"PATH={path}", remedy)


def run(words: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """
    Run a command that fetches packages.

    Raises:
        NoImage: The command failed or timed out; the message has the last lines of its output.
    """
    result = command.run(words, environment or {}, FETCH_TIMEOUT)
    if result.failure:
        raise NoImage(
            expected=f"`{' '.join(words)}` to succeed",
            found=result.failure,
            evidence=result.output,
            next_step="make the package registries reachable from this machine, then run `make images`; or copy the "
            "official image from another machine with `docker save` and `docker load`",
        )
