"""One running container: what may be done to it, and how it is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from harness.stack.errors import NotUp
from harness.stack.service import Service
from harness.waiting import wait_until

if TYPE_CHECKING:
    from docker.models.containers import Container as Handle
    from docker.models.networks import Network

LAST_LINES = 30


class Answers(Protocol):
    """An address at which a real query can be asked; must never raise for a server that is down."""

    def answers(self) -> bool:
        """Whether the query's answer came within two seconds."""


class Container:
    """A service's container; keeps its host port and its name on the network whatever is done to it."""

    def __init__(self, service: Service, handle: Handle, network: Network, address: Answers) -> None:
        self.service = service
        self.name = str(handle.name)
        self.image = str(handle.attrs["Config"]["Image"])
        self._handle = handle
        self._network = network
        self._address = address

    def stop(self) -> None:
        """Ask it to end, and kill it after ten seconds."""
        self._handle.stop(timeout=10)

    def kill(self) -> None:
        """End it with SIGKILL, and wait until it has ended."""
        self._handle.kill()
        self._handle.wait(timeout=60)

    def start(self) -> None:
        """Start it again after a stop or a kill; returns before it answers."""
        self._handle.start()

    def pause(self) -> None:
        """Freeze its processes: sockets stay open and nothing answers."""
        self._handle.pause()

    def unpause(self) -> None:
        """Let its processes go on."""
        self._handle.unpause()

    def disconnect(self) -> None:
        """Take it off the network, and with it the port that is published on this host."""
        self._network.disconnect(self._handle)

    def connect(self) -> None:
        """Put it on the network again, with its name there and its host port."""
        self._network.connect(self._handle, aliases=[self.service.value])

    def own_address(self) -> tuple[str, int]:
        """Host and port past Docker's proxy for published ports; a host that runs Linux reaches them."""
        self._handle.reload()
        [published] = self._handle.attrs["HostConfig"]["PortBindings"]
        network = self._handle.attrs["NetworkSettings"]["Networks"][self._network.name]
        return str(network["IPAddress"]), int(published.partition("/")[0])

    def is_running(self) -> bool:
        """Whether its processes exist, frozen or not."""
        return bool(self._state()["Running"])

    def is_paused(self) -> bool:
        """Whether its processes are frozen."""
        return bool(self._state()["Paused"])

    def is_connected(self) -> bool:
        """Whether it is on the stack's network."""
        self._handle.reload()
        return self._network.name in self._handle.attrs["NetworkSettings"]["Networks"]

    def answers(self) -> bool:
        """Whether a real query through the published port is answered within two seconds."""
        return self._address.answers()

    def logs(self, since: float | None = None) -> str:
        """What it has written, each line with its time; `since` in seconds as `time.time()` gives them."""
        return self._handle.logs(since=since, timestamps=True).decode(errors="replace")

    def wait_healthy(self, timeout: float) -> None:
        """
        Wait until it answers.

        Raises:
            NotUp: It died, or did not answer in so many seconds; with its last log lines.
        """

        def wait_ingested_past() -> bool:
            return self.answers() or not self.is_running()

        try:
            wait_until(wait_ingested_past, lambda: "", timeout)
        except TimeoutError:
            raise self._not_up(f"running, but no answer in {timeout:g} s") from None
        if not self.is_running():
            raise self._not_up(f"ended with exit code {self._state()['ExitCode']}")

    def _state(self) -> dict[str, object]:
        self._handle.reload()
        state: dict[str, object] = self._handle.attrs["State"]
        return state

    def _not_up(self, found: str) -> NotUp:
        lines = "\n".join(self._handle.logs(tail=LAST_LINES).decode(errors="replace").splitlines())
        return NotUp(
            expected=f"{self.service} ({self.image}) to answer a query",
            found=found,
            evidence=f"the last lines that {self.name} wrote:\n{lines or '(none)'}",
            next_step="mend what the log says; `python -m harness.stack images` shows the images in use",
        )
