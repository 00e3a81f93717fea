"""Another pytest beside this one, as another person on this machine would start it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.waiting import wait_until

TIMEOUT = 120

# A process in the background of a shell ignores Ctrl-C, and so do its children; the pytest of a person does not.
BY_HAND = """
import signal, sys, pytest
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(pytest.main(sys.argv[1:]))
"""
REPORT = """
import json, os
from pathlib import Path

def report(stack, **more):
    facts = {"run": stack.run, "port": stack.clickhouse.port, "pid": os.getpid()} | more
    Path("report.tmp").write_text(json.dumps(facts))
    Path("report.tmp").rename("report.json")
"""


@dataclass(frozen=True)
class Child:
    """A pytest process and the folder of its tests."""

    process: subprocess.Popen[str]
    folder: Path

    def reported(self) -> dict[str, object]:
        """What its test reported of its stack; waits until it has."""
        path = self.folder / "report.json"
        wait_until(
            lambda: path.exists() or self.process.poll() is not None,
            lambda: "expected the other run to have a stack",
            TIMEOUT,
        )
        facts: dict[str, object] = json.loads(path.read_text())
        return facts

    def finish(self) -> str:
        """Wait for its end; gives what it printed."""
        output, _ = self.process.communicate(timeout=TIMEOUT)
        return output


@contextmanager
def child(folder: Path, test: str, *options: str) -> Iterator[Child]:
    """Start a pytest of its own; it is killed afterwards if it still runs."""
    folder.mkdir(exist_ok=True)
    (folder / "report.json").unlink(missing_ok=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_child.py").write_text(REPORT + textwrap.dedent(test))
    command = [sys.executable, "-c", BY_HAND, "-q", "-p", "no:cacheprovider", *options]
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield Child(process, folder)
        finally:
            process.kill()
