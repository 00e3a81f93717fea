"""The exit code checker."""

from __future__ import annotations

from harness.child_process import Completed
from harness.verdict import Finding, Violation, finding


def check_exit_code(run: Completed, *codes: int) -> Finding:
    """Check that a run ended with one of the exit codes."""
    violations = (
        []
        if run.returncode in codes
        else [Violation(f"exit code {run.returncode}: {(run.stdout + run.stderr)[-1500:]}")]
    )
    return finding("exit_code", f"the run ends with {' or '.join(map(str, codes))}", violations)
