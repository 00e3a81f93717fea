"""A stack: the four servers of one run, on a network of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.stack import compose
from harness.stack.container import Answers, Container
from harness.stack.ownership.labels import RUN, SERVICE
from harness.stack.service import Service
from harness.stack.services.broker import BrokerServer
from harness.stack.services.clickhouse import ClickHouseServer
from harness.stack.services.minio import MinioServer
from harness.stack.services.postgres import PostgresServer

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container as Handle


class Stack:
    """
    The containers of one run, and where they answer.

    Args:
        client: The engine on which they stand.
        run: Id of the run, as its containers carry it in a label.

    Raises:
        KeyError: A container of the run is missing.
    """

    def __init__(self, client: DockerClient, run: str) -> None:
        self.run = run
        mine: dict[str, str | list[str] | bool] = {"label": f"{RUN}={run}"}
        handles = {handle.labels[SERVICE]: handle for handle in client.containers.list(all=True, filters=mine)}
        [network] = client.networks.list(filters=mine)
        entries = compose.read({service: _host_port(handles[service]) for service in Service})
        self.clickhouse = ClickHouseServer.of(entries[Service.CLICKHOUSE])
        self.broker = BrokerServer.of(entries[Service.BROKER])
        self.minio = MinioServer.of(entries[Service.MINIO])
        self.postgres = PostgresServer.of(entries[Service.POSTGRES])
        addresses: dict[Service, Answers] = {
            Service.CLICKHOUSE: self.clickhouse,
            Service.BROKER: self.broker,
            Service.MINIO: self.minio,
            Service.POSTGRES: self.postgres,
        }
        self._containers = {
            service: Container(service, handles[service], network, address) for service, address in addresses.items()
        }
        self.images: Mapping[Service, str] = {
            service: _described(container.image, entries[service].image)
            for service, container in self._containers.items()
        }

    def container(self, service: Service) -> Container:
        """The container of a service."""
        return self._containers[service]

    def wait_healthy(self, service: Service, timeout: float = 120) -> None:
        """
        Wait until a service answers a real query.

        Raises:
            NotUp: It died, or did not answer in so many seconds; with its last log lines.
        """
        self._containers[service].wait_healthy(timeout)

    def keep_logs(self, folder: Path) -> None:
        """Write what each container has said so far into a file of its own."""
        folder.mkdir(parents=True, exist_ok=True)
        for service, container in self._containers.items():
            (folder / f"{service}.log").write_text(container.logs())


def _host_port(handle: Handle) -> int:
    [[binding]] = handle.attrs["HostConfig"]["PortBindings"].values()
    return int(binding["HostPort"])


def _described(used: str, official: str) -> str:
    return f"{used} (official)" if used == official else f"{used} (stand-in for {official})"
