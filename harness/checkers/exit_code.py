"""The exit code checker."""

from __future__ import annotations

from harness.child_process import Finished
from harness.verdict import Finding, Offence, judged


def ended(run: Finished, *codes: int) -> Finding:
    """Judge a run by its exit code."""
    offences = [] if run.returncode in codes else [Offence(f"exit code {run.returncode}: {run.stderr[-1500:]}")]
    return judged("exit_code", f"the run ends with {' or '.join(map(str, codes))}", offences)
