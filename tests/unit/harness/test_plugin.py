from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LIGHT = """
import sys

def test_no_heavy_library_is_loaded(request):
    assert request.config.pluginmanager.hasplugin("tidemark")
    heavy = {"docker", "testcontainers", "requests", "yaml", "confluent_kafka", "psycopg", "offload"}
    assert heavy & set(sys.modules) == set()
"""


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run another pytest in a folder without this project's settings."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_other_pytest_runs_load_no_heavy_library(tmp_path: Path) -> None:
    """Every pytest of the environment loads the plugin; only a stack needs its heavy libraries."""
    (tmp_path / "test_light.py").write_text(LIGHT)
    done = run_pytest(tmp_path, "-p", "no:allure_pytest")

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["failure_modes", "nightly"])
def test_the_markers_of_the_plugin_are_registered(tmp_path: Path, name: str) -> None:
    """With strict markers an unknown marker is an error."""
    (tmp_path / "test_marked.py").write_text(f"import pytest\n\n@pytest.mark.{name}\ndef test_it(): pass\n")
    done = run_pytest(tmp_path, "--strict-markers")

    assert done.returncode == 0, done.stdout


def test_a_run_with_deselected_tests_succeeds(tmp_path: Path) -> None:
    """A deselected test has no report; the summary of failure modes must leave it out."""
    (tmp_path / "test_two.py").write_text("def test_one(): pass\n\ndef test_other(): pass\n")
    done = run_pytest(tmp_path, "-k", "one")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 1 deselected" in done.stdout


def test_without_an_engine_the_error_says_what_to_do(tmp_path: Path) -> None:
    """With DOCKER_HOST set the harness installs nothing, and the message has its four parts."""
    (tmp_path / "test_stack.py").write_text("def test_it(stack): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    environment = {"DOCKER_HOST": f"unix://{tmp_path}/no.sock", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
    )

    assert done.returncode == 1
    for part in ("expected: a Docker engine that answers", "found: none", "evidence:", "next: install Docker"):
        assert part in done.stdout
