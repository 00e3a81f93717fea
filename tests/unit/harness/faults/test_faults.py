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

BROKEN = [Milestone.INJECT, Milestone.LANDED, Milestone.EFFECT]


@dataclass
class Machine:
    """A container that obeys, or is deaf to everything; remembers what it was told."""

    deaf: bool = False
    state: str = "running"
    told: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        states = {"stop": "stopped", "kill": "stopped", "pause": "paused", "disconnect": "alone"}
        return lambda: self._do(name, states.get(name, "running"))

    def _do(self, name: str, state: str) -> None:
        self.told.append(name)
        self.state = self.state if self.deaf else state

    def container(self, service: Service) -> Machine:
        """The only one there is."""
        assert service is Service.MINIO
        return self

    def wait_healthy(self, service: Service) -> None:
        """It answers at once, if it is mended."""
        assert self.container(service).answers()

    def is_running(self) -> bool:
        """Whether it was not stopped."""
        return self.state != "stopped"

    def is_paused(self) -> bool:
        """Whether it is frozen."""
        return self.state == "paused"

    def is_connected(self) -> bool:
        """Whether it is on its network."""
        return self.state != "alone"

    def answers(self) -> bool:
        """Whether it can be asked."""
        return self.state == "running"


CASES = [
    (Stop, "stop", "start"),
    (Kill, "kill", "start"),
    (Pause, "pause", "unpause"),
    (Disconnect, "disconnect", "connect"),
]


@pytest.mark.parametrize(("fault", "broken", "mended"), CASES)
def test_a_fault_that_lands_is_recorded_and_healed(fault: type[Any], broken: str, mended: str) -> None:
    """Its moments are in their order, and the service is as it was."""
    machine, history = Machine(), History()

    with injected(fault(Service.MINIO), cast("Stack", machine), history):
        held = [event.name for event in history.events]

    assert held == BROKEN
    assert [event.name for event in history.events] == [*BROKEN, Milestone.HEAL]
    assert machine.told == [broken, mended]


@pytest.mark.parametrize("fault", [case[0] for case in CASES])
def test_a_fault_that_never_lands_is_unknown_and_its_block_is_not_entered(fault: type[Any]) -> None:
    """A test on sound servers must not pass, and healing what never broke does nothing."""
    machine, history, entered = Machine(deaf=True), History(), []

    with (
        pytest.raises(AssertionError, match=r"UNKNOWN fault: expected .* to strike"),
        injected(fault(Service.MINIO), cast("Stack", machine), history, timeout=0),
    ):
        entered.append(True)

    assert not entered
    assert len(machine.told) == 1
    assert Milestone.LANDED not in Timeline.of(history).at


def test_a_fault_in_wait_that_never_strikes_is_unknown_at_the_end_of_its_block() -> None:
    """What was to be struck has not come by."""
    machine = Machine(deaf=True)

    with (
        pytest.raises(AssertionError, match="UNKNOWN fault"),
        injected(Stop(Service.MINIO), cast("Stack", machine), History(), armed=True, timeout=0),
    ):
        pass


def test_what_fails_under_a_fault_is_told_and_the_fault_is_healed() -> None:
    """The test's own failure is not covered by the fault's."""
    machine = Machine()

    with pytest.raises(RuntimeError), injected(Stop(Service.MINIO), cast("Stack", machine), History(), armed=True):
        raise RuntimeError

    assert machine.told == ["stop", "start"]


def test_every_file_of_the_folder_holds_one_fault() -> None:
    """The listing is the menu; `injected` is the waiter."""
    folder = Path(__file__).parents[4] / "harness" / "faults"
    menu = {path for path in folder.glob("*.py") if path.stem not in {"__init__", "injected"}}
    wanted = {name for name, part in vars(Fault).items() if callable(part) and not name.startswith("_")}

    for path in menu:
        classes = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
        faults = [one for one in classes if wanted <= {getattr(part, "name", "") for part in one.body}]
        assert len(faults) == 1, path
