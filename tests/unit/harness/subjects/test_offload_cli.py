from __future__ import annotations

import signal
from pathlib import Path

import pytest

from harness.subjects.offload_cli import OffloadCli

CLI = OffloadCli()

# A stand-in for the offload: it emits two events of each of two splits and prints its arguments.
STAND_IN = """
import os
import sys


class Event:
    table = "trades"
    rows = 7

    def __init__(self, name):
        self.name = name

    def __str__(self):
        return self.name


def main(argv, listeners=()):
    print("args", *argv, os.environ.get("OFFLOAD_X"), os.environ.get("OFFLOAD_Y"), flush=True)
    for name in ("at:split_started", "at:file_written") * 2:
        for listener in listeners:
            listener(Event(name))
        print(name, flush=True)
    print("done", file=sys.stderr)
    return int(argv[1])


def leave(code):
    raise SystemExit(code)
"""


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment in which the stand-in is found before the real offload."""
    (tmp_path / "offload").mkdir()
    (tmp_path / "offload" / "__init__.py").touch()
    (tmp_path / "offload" / "cli.py").write_text(STAND_IN)
    monkeypatch.setenv("OFFLOAD_Y", "the caller's own")
    return {"PYTHONPATH": str(tmp_path), "OFFLOAD_X": "given"}


def test_a_run_to_the_end_gives_exit_code_and_output(env: dict[str, str], tmp_path: Path) -> None:
    """Arguments after `--` and OFFLOAD_* reach the offload as given; the caller's own OFFLOAD_* do not."""
    finished = CLI.run_command(["run", "75"], env, cwd=tmp_path)

    assert (finished.returncode, finished.killed, finished.fault_fired) == (75, False, False)
    assert finished.stdout.splitlines()[0] == "args run 75 given None"
    assert finished.stderr == "done\n"


def test_a_kill_strikes_at_the_nth_moment_and_proves_that_it_landed(env: dict[str, str], tmp_path: Path) -> None:
    """The run does nothing after the event."""
    finished = CLI.run_command(["run", "0"], env, at="at:split_started", nth=2, cwd=tmp_path)

    assert (finished.returncode, finished.killed, finished.fault_fired) == (-signal.SIGKILL, True, True)
    assert finished.stdout.splitlines()[1:] == ["at:split_started", "at:file_written"]


def test_a_fault_whose_moment_never_comes_has_not_landed(env: dict[str, str], tmp_path: Path) -> None:
    """A run that ends well under a fault that missed is no proof."""
    finished = CLI.run_command(["run", "0"], env, at="before:publish", cwd=tmp_path)

    assert (finished.returncode, finished.fault_fired) == (0, False)


def test_an_error_is_raised_at_the_event(env: dict[str, str], tmp_path: Path) -> None:
    """It ends the stand-in as any other error would."""
    finished = CLI.run_command(["run", "0"], env, at="at:file_written", action="raise", cwd=tmp_path)

    assert (finished.returncode, finished.killed, finished.fault_fired) == (1, False, True)
    assert "injected at at:file_written" in finished.stderr


def test_a_frozen_child_wakes_up_where_it_stood(env: dict[str, str], tmp_path: Path) -> None:
    """While one is frozen another can run to its end."""
    with CLI.start_command(["run", "0"], env, at="at:file_written", action="freeze", cwd=tmp_path) as frozen:
        frozen.wait_frozen(timeout=30)
        other = CLI.run_command(["run", "3"], env, cwd=tmp_path)
        before = frozen.output()
        frozen.thaw()
        finished = frozen.wait(timeout=30)

    assert before.splitlines()[1:] == ["at:split_started"]
    assert other.returncode == 3
    assert (finished.returncode, finished.fault_fired) == (0, True)
    assert len(finished.stdout.splitlines()) == 5


def test_no_child_outlives_its_block(env: dict[str, str], tmp_path: Path) -> None:
    """A frozen child is killed too, and can be asked how it ended."""
    with CLI.start_command(["run", "0"], env, at="at:file_written", action="freeze", cwd=tmp_path) as frozen:
        frozen.wait_frozen(timeout=30)
        frozen.kill()

        assert frozen.wait(timeout=30).killed


def test_waiting_for_a_fault_that_missed_has_the_output_of_the_child(env: dict[str, str], tmp_path: Path) -> None:
    """The child's end ends the waiting, and its output is the evidence."""
    with (
        CLI.start_command(["run", "3"], env, at="before:publish", action="freeze", cwd=tmp_path) as child,
        pytest.raises(TimeoutError, match=r"(?s)exit code 3; output: args run 3"),
    ):
        child.wait_frozen(timeout=30)


def test_a_freeze_that_nobody_would_thaw_is_refused(env: dict[str, str]) -> None:
    """It would hang until the time is over."""
    with pytest.raises(ValueError, match="use start_command"):
        CLI.run_command(["run", "0"], env, at="before:publish", action="freeze")
