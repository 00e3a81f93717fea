"""
Iceberg's own Java library, as Spark, Trino and Flink use it: does it accept the metadata of a table?

Needs a JDK and Maven; the library is fetched once into the user's cache folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from functools import cache
from pathlib import Path

from harness.stack.images import fetch

ARTIFACT = "org.apache.iceberg:iceberg-core:1.9.2"
READER = Path(__file__).with_name("ReadMetadata.java")


def missing_tool() -> str | None:
    """The tool that is missing; None: Java can read metadata here."""
    return next((tool for tool in ("java", "mvn") if shutil.which(tool) is None), None)


def refusal(metadata: Path) -> str | None:
    """Parse a metadata file; the message with which Java refuses it, or None."""
    command = ["java", "-cp", f"{_library()}/*", str(READER), str(metadata)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if ended.returncode == 0:
        return None
    assert "IllegalArgumentException" in ended.stderr, ended.stderr
    return ended.stderr.split("IllegalArgumentException: ", 1)[1].splitlines()[0]


@cache
def _library() -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tidemark"
    home = root / ARTIFACT.replace(":", "-")
    if not home.exists():
        folder = root / f"partial-{uuid.uuid4().hex}"
        folder.mkdir(parents=True)
        try:
            fetch.maven({"artifacts": [ARTIFACT, "org.slf4j:slf4j-nop:2.0.17"]}, folder)
            (folder / "maven").rename(home)
        except OSError:  # another test run was first
            assert home.exists()
        finally:
            shutil.rmtree(folder)
    return home
