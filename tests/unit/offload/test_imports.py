"""`import offload` is quick: an orchestrator imports it in every process."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    "pyarrow",
    "pyiceberg",
    "sqlalchemy",
    "pydantic",
    "pydantic_settings",
    "typer",
    "rich",
    "clickhouse_connect",
    "chdb",
)


def loaded_after(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after one statement."""
    asked = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True, timeout=60)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "statement", ["import offload", "from offload import Step, StepEvent, Event, OffloadError, RunResult, TableResult"]
)
def test_importing_offload_imports_nothing_heavy(statement: str) -> None:
    """A function's modules are imported at its first use."""
    assert not loaded_after(statement) & set(HEAVY)


def test_importing_the_command_line_leaves_engines_and_tables_out() -> None:
    """`offload --help` needs no engine."""
    assert not loaded_after("import offload.cli") & {"pyarrow", "pyiceberg", "sqlalchemy", "clickhouse_connect", "chdb"}


def test_every_public_name_can_be_imported() -> None:
    """And no other name."""
    import offload

    for name in offload.__all__:
        assert getattr(offload, name) is not None, name
    with pytest.raises(AttributeError, match="nonsense"):
        getattr(offload, "nonsense")  # noqa: B009  # the name is wrong on purpose
