"""A stack: the servers of one run and their network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.stack import compose
from harness.stack.container import Container, Server
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
    The containers of one run, and the addresses of their servers.

    Args:
        client: A client of the engine that runs the containers.
        run: Id of the run, from the label of its containers.

    Raises:
        KeyError: A container of the run is missing.
    """

    def __init__(self, client: DockerClient, run: str) -> None:
        self.run = run
        of_run: dict[str, str | list[str] | bool] = {"label": f"{RUN}={run}"}
        handles = {handle.labels[SERVICE]: handle for handle in client.containers.list(all=True, filters=of_run)}
        [network] = client.networks.list(filters=of_run)
        entries = compose.read({service: _host_port(handles[service]) for service in Service})
        self.clickhouse = ClickHouseServer.from_entry(entries[Service.CLICKHOUSE])
        self.broker = BrokerServer.from_entry(entries[Service.BROKER])
        self.minio = MinioServer.from_entry(entries[Service.MINIO])
        self.postgres = PostgresServer.from_entry(entries[Service.POSTGRES])
        servers: dict[Service, Server] = {
            Service.CLICKHOUSE: self.clickhouse,
            Service.BROKER: self.broker,
            Service.MINIO: self.minio,
            Service.POSTGRES: self.postgres,
        }
        self._containers = {
            service: Container(service, handles[service], network, server) for service, server in servers.items()
        }
        self.images: Mapping[Service, str] = {
            service: _describe(container.image, entries[service].image)
            for service, container in self._containers.items()
        }

    def container(self, service: Service) -> Container:
        """The container of a service."""
        return self._containers[service]

    def wait_healthy(self, service: Service, timeout: float = 120) -> None:
        """
        Wait until a service answers a real query.

        Raises:
            NotUp: The container ended, or did not answer within `timeout` seconds; the message has its last log lines.
        """
        self._containers[service].wait_healthy(timeout)

    def keep_logs(self, folder: Path) -> None:
        """Write the log of each container to a file in this folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for service, container in self._containers.items():
            (folder / f"{service}.log").write_text(container.logs())


def _host_port(handle: Handle) -> int:
    [[binding]] = handle.attrs["HostConfig"]["PortBindings"].values()
    return int(binding["HostPort"])


def _describe(used: str, official: str) -> str:
    return f"{used} (official)" if used == official else f"{used} (stand-in for {official})"
