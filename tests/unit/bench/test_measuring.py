from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from holding import wrapped
from measure import measure
from memory import Peak

GRANDCHILD = "held = b'x' * 80_000_000; print('held', flush=True); input()"
CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {GRANDCHILD!r}])"


def test_memory_of_descendants_counts() -> None:
    """A JVM that a Python started is measured with it."""
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        peak = Peak(child.pid)
        peak.look()
        child.communicate(b"\n")

    assert peak.mb > 80
    peak.look()
    assert peak.mb > 80, "who has ended is not forgotten"


def test_a_command_is_measured_with_what_it_said(tmp_path: Path) -> None:
    """Its JSON document, its wall time, and the peak of its memory."""
    done = measure([sys.executable, "-c", """print('{"rows": 3}')"""], {}, tmp_path / "log")

    assert done.answer == {"rows": 3}
    assert 0 < done.seconds < 60


def test_a_command_that_fails_is_no_measurement(tmp_path: Path) -> None:
    """The benchmark stops with the exit code and the output of the command."""
    with pytest.raises(RuntimeError, match=r"exited 3: .*all wrong"):
        measure(
            [sys.executable, "-c", "import sys; print('all wrong', file=sys.stderr); sys.exit(3)"], {}, tmp_path / "l"
        )


def test_sums_wrap_round_as_the_server_s_do() -> None:
    """ClickHouse's Int64 is modulo 2^64."""
    assert [wrapped(number) for number in (2**63 - 1, 2**63, -1)] == [2**63 - 1, -(2**63), -1]
