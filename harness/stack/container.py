"""One running container of a stack: its actions (stop, kill, pause, disconnect) and its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from harness.stack.errors import NotUp
from harness.stack.service import Service
from harness.waiting import wait_until

if TYPE_CHECKING:
    from docker.models.containers import Container as Handle
    from docker.models.networks import Network

LAST_LINES = 30


class Server(Protocol):
    """A server that can be sent a real query; must never raise because the server is down."""

    def answers(self) -> bool:
        """Return whether the server answers a query within two seconds."""


class Container:
    """The container of a service; every action keeps its host port and its name on the network."""

    def __init__(self, service: Service, handle: Handle, network: Network, server: Server) -> None:
        self.service = service
        self.name = str(handle.name)
        self.image = str(handle.attrs["Config"]["Image"])
        self._handle = handle
        self._network = network
        self._server = server

    def stop(self) -> None:
        """Send the container its stop signal; send SIGKILL after ten seconds."""
        self._handle.stop(timeout=10)

    def kill(self) -> None:
        """Send the container SIGKILL, and wait until it has ended."""
        self._handle.kill()
        self._handle.wait(timeout=60)

    def start(self) -> None:
        """Start the container again after a stop or a kill; do not wait until the server answers."""
        self._handle.start()

    def pause(self) -> None:
        """Freeze the processes of the container: sockets stay open, but no request gets an answer."""
        self._handle.pause()

    def unpause(self) -> None:
        """Undo `pause`."""
        self._handle.unpause()

    def disconnect(self) -> None:
        """Disconnect the container from its network; its published port on this host closes too."""
        self._network.disconnect(self._handle)

    def connect(self) -> None:
        """Connect the container to its network again, under its old name and host port."""
        self._network.connect(self._handle, aliases=[self.service.value])

    def own_address(self) -> tuple[str, int]:
        """IP address and port of the container itself, without Docker's port proxy; reachable from a Linux host."""
        self._handle.reload()
        [published] = self._handle.attrs["HostConfig"]["PortBindings"]
        network = self._handle.attrs["NetworkSettings"]["Networks"][self._network.name]
        return str(network["IPAddress"]), int(published.partition("/")[0])

    def is_running(self) -> bool:
        """Return whether the processes of the container exist, paused or not."""
        return bool(self._state()["Running"])

    def is_paused(self) -> bool:
        """Return whether the processes of the container are frozen."""
        return bool(self._state()["Paused"])

    def is_connected(self) -> bool:
        """Return whether the container is connected to the stack's network."""
        self._handle.reload()
        return self._network.name in self._handle.attrs["NetworkSettings"]["Networks"]

    def answers(self) -> bool:
        """Return whether the server answers a real query through the published port within two seconds."""
        return self._server.answers()

    def logs(self, since: float | None = None) -> str:
        """Log with a timestamp in each line; `since`: seconds as in `time.time()`, None: from the start."""
        return self._handle.logs(since=since, timestamps=True).decode(errors="replace")

    def wait_healthy(self, timeout: float) -> None:
        """
        Wait until the server answers a query.

        Raises:
            NotUp: The container ended, or did not answer within `timeout` seconds; the message has its last log lines.
        """

        def answers_or_has_ended() -> bool:
            return self.answers() or not self.is_running()

        try:
            wait_until(answers_or_has_ended, lambda: "", timeout)
        except TimeoutError:
            raise self._not_up(f"the container is running, but answered no query within {timeout:g} s") from None
        if not self.is_running():
            raise self._not_up(f"the container ended with exit code {self._state()['ExitCode']}")

    def _state(self) -> dict[str, object]:
        self._handle.reload()
        state: dict[str, object] = self._handle.attrs["State"]
        return state

    def _not_up(self, found: str) -> NotUp:
        lines = "\n".join(self._handle.logs(tail=LAST_LINES).decode(errors="replace").splitlines())
        return NotUp(
            expected=f"{self.service} ({self.image}) to answer a query",
            found=found,
            evidence=f"the last log lines of {self.name}:\n{lines or '(none)'}",
            next_step="fix the error in the log, then run the tests again; "
            "`python -m harness.stack images` lists the images in use",
        )
