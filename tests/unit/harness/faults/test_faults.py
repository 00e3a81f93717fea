from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from harness.faults.disconnect import Disconnect
from harness.faults.injected import Fault, injected
from harness.faults.kill import Kill
from harness.faults.pause import Pause
from harness.faults.stop import Stop
from harness.history import History
from harness.stack.service import Service
from harness.timeline import Milestone, Timeline

if TYPE_CHECKING:
    from harness.stack.stack import Stack

UNDER_FAULT = [Milestone.INJECT, Milestone.LANDED, Milestone.EFFECT]


@dataclass
class Machine:
    """A container that follows commands, or ignores them; records the commands."""

    ignores: bool = False
    state: str = "running"
    commands: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        states = {"stop": "stopped", "kill": "stopped", "pause": "paused", "disconnect": "alone"}
        return lambda: self._do(name, states.get(name, "running"))

    def _do(self, name: str, state: str) -> None:
        self.commands.append(name)
        self.state = self.state if self.ignores else state

    def container(self, service: Service) -> Machine:
        """The only container."""
        assert service is Service.MINIO
        return self

    def wait_healthy(self, service: Service) -> None:
        """It answers at once, if it was healed."""
        assert self.container(service).answers()

    def is_running(self) -> bool:
        """True unless it was stopped."""
        return self.state != "stopped"

    def is_paused(self) -> bool:
        """True if it is frozen."""
        return self.state == "paused"

    def is_connected(self) -> bool:
        """True if it is on its network."""
        return self.state != "alone"

    def answers(self) -> bool:
        """True if it is healthy."""
        return self.state == "running"


CASES = [
    (Stop, "stop", "start"),
    (Kill, "kill", "start"),
    (Pause, "pause", "unpause"),
    (Disconnect, "disconnect", "connect"),
]


@pytest.mark.parametrize(("fault", "command", "healed"), CASES)
def test_an_active_fault_is_recorded_and_healed(fault: type[Any], command: str, healed: str) -> None:
    """Its milestones are in their order, and the service is as before."""
    machine, history = Machine(), History()

    with injected(fault(Service.MINIO), cast("Stack", machine), history):
        recorded = [event.name for event in history.events]

    assert recorded == UNDER_FAULT
    assert [event.name for event in history.events] == [*UNDER_FAULT, Milestone.HEAL]
    assert machine.commands == [command, healed]


@pytest.mark.parametrize("fault", [case[0] for case in CASES])
def test_a_fault_that_is_never_active_is_unknown_and_its_block_does_not_run(fault: type[Any]) -> None:
    """A test on servers without the fault must not pass, and nothing is healed."""
    machine, history, entered = Machine(ignores=True), History(), []

    with (
        pytest.raises(AssertionError, match=r"UNKNOWN fault: expected .* to be active"),
        injected(fault(Service.MINIO), cast("Stack", machine), history, timeout=0),
    ):
        entered.append(True)

    assert not entered
    assert len(machine.commands) == 1
    assert Milestone.LANDED not in Timeline.of(history).at


def test_an_armed_fault_that_never_fires_is_unknown_at_the_end_of_its_block() -> None:
    """The event did not occur inside the block."""
    machine = Machine(ignores=True)

    with (
        pytest.raises(AssertionError, match="UNKNOWN fault"),
        injected(Stop(Service.MINIO), cast("Stack", machine), History(), armed=True, timeout=0),
    ):
        pass


def test_an_error_under_a_fault_is_raised_and_the_fault_is_healed() -> None:
    """The fault's own result does not hide the error of the test."""
    machine = Machine()

    with pytest.raises(RuntimeError), injected(Stop(Service.MINIO), cast("Stack", machine), History(), armed=True):
        raise RuntimeError

    assert machine.commands == ["stop", "start"]


def test_every_file_of_the_folder_has_one_fault() -> None:
    """The listing of the folder is the list of faults; `injected` and `probe` serve all of them."""
    folder = Path(__file__).parents[4] / "harness" / "faults"
    files = {path for path in folder.glob("*.py") if path.stem not in {"__init__", "injected", "probe"}}
    members = {name for name, part in vars(Fault).items() if callable(part) and not name.startswith("_")}

    for path in files:
        classes = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
        faults = [one for one in classes if members <= {getattr(part, "name", "") for part in one.body}]
        assert len(faults) == 1, path
