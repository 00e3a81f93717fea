"""Two more ClickHouse servers beside a stack: replicas of each other through a Keeper in the first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.stack import compose
from harness.stack.errors import NotUp
from harness.stack.host import engine
from harness.stack.host.ports import free_port
from harness.stack.ownership.labels import RUN, SERVICE
from harness.stack.service import Service
from harness.stack.services.clickhouse import ClickHouseServer
from harness.waiting import wait_until

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container as Handle

    from harness.stack.stack import Stack

CONFIG = compose.ROOT / "fixtures" / "stack"
FOLDER = "/etc/clickhouse-server/config.d"
HTTP = 8123
PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Replica:
    """
    One of the two servers.

    Attributes:
        name: Its name on the stack's network, and the value of the macro `{replica}`.
        server: Its address for this host.
    """

    name: str
    server: ClickHouseServer
    _handle: Handle

    def dsn(self, database: str) -> str:
        """Address of one database, in the form of clickhouse-connect."""
        return self.server.dsn(database)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Freeze the server's processes, and its Keeper's, meanwhile."""
        self._handle.pause()
        try:
            yield
        finally:
            self._handle.unpause()

    def wait_healthy(self) -> None:
        """
        Wait until the server answers a query.

        Raises:
            NotUp: It answered none within a minute; the message has its last log lines.
        """
        try:
            wait_until(self.server.answers, lambda: "", PATIENCE)
        except TimeoutError:
            lines = self._handle.logs(tail=30).decode(errors="replace")
            raise NotUp(
                expected=f"{self.name} to answer a query",
                found=f"no answer within {PATIENCE:g} s",
                evidence=f"the last log lines of {self._handle.name}:\n{lines}",
                next_step="fix the error in the log, then run the tests again",
            ) from None


@contextmanager
def replicas(stack: Stack) -> Iterator[tuple[Replica, Replica]]:
    """
    Start two servers of the stack's ClickHouse image in its network, and remove them afterwards.

    Both know the clusters `replicas` (one shard with both) and `shards` (two shards with one each). The containers have
    the labels of the stack, so that the sweep removes them as well if this process is killed.

    Raises:
        NotUp: A server answered no query within a minute; the message has its last log lines.
    """
    with closing(engine.connect()) as client, ExitStack() as removed:
        started = [_start(client, stack, name, removed) for name in ("replica-1", "replica-2")]
        for replica in started:
            replica.wait_healthy()
        first, second = started
        yield first, second


def _start(client: DockerClient, stack: Stack, name: str, removed: ExitStack) -> Replica:
    [model] = client.containers.list(filters={"label": [f"{RUN}={stack.run}", f"{SERVICE}={Service.CLICKHOUSE}"]})
    [network] = client.networks.list(filters={"label": f"{RUN}={stack.run}"})
    entry = compose.read({})[Service.CLICKHOUSE]
    files = {source: target for source, target, _ in entry.volumes} | {CONFIG / "replica.xml": f"{FOLDER}/replica.xml"}
    if name == "replica-1":
        files[CONFIG / "keeper.xml"] = f"{FOLDER}/keeper.xml"
    port = free_port()
    handle = client.containers.create(
        stack.container(Service.CLICKHOUSE).image,
        name=f"{model.name}-{name}",
        environment={**entry.environment, "TIDEMARK_REPLICA": name},
        labels={**model.labels, SERVICE: name},
        volumes={str(source): {"bind": target, "mode": "ro"} for source, target in files.items()},
        ports={f"{HTTP}/tcp": ("127.0.0.1", port)},
        network=str(network.name),
        networking_config={str(network.name): client.api.create_endpoint_config(aliases=[name])},
    )
    removed.callback(handle.remove, force=True, v=True)
    handle.start()
    return Replica(name, replace(stack.clickhouse, port=port), handle)
