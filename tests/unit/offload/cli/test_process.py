"""The end of the process of the command line."""

from __future__ import annotations

import subprocess
import sys

OUTPUT = 1_000_000  # characters: more than a pipe holds
CODE = f"""
import threading
from offload.cli.process import leave

threading.Thread(target=threading.Event().wait).start()
print("x" * {OUTPUT}, end="")
leave(75)
"""


def test_the_process_ends_with_its_code_and_its_whole_output_while_a_call_is_overdue() -> None:
    """It waits for no thread: the interpreter would wait for this one for ever."""
    ended = subprocess.run([sys.executable, "-c", CODE], capture_output=True, timeout=60, check=False, text=True)

    assert (ended.returncode, len(ended.stdout), ended.stderr) == (75, OUTPUT, "")
