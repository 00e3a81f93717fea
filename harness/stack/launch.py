"""Starts the containers of a stack with Testcontainers, all at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from docker.errors import APIError
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from harness.stack import compose
from harness.stack.errors import NotUp
from harness.stack.host.engine import REQUEST
from harness.stack.host.ports import free_port
from harness.stack.ownership.labels import Labels
from harness.stack.service import Service
from harness.stack.stack import Stack

if TYPE_CHECKING:
    from docker import DockerClient

ATTEMPTS = 5
TAKEN = ("port is already allocated", "address already in use")
testcontainers_config.ryuk_disabled = True  # it is one more image to have; labels tell what to sweep


def launch(
    client: DockerClient, labels: Labels, images: Mapping[Service, str], choose_port: Callable[[], int] = free_port
) -> Stack:
    """
    Start a container of each service; returns when each has answered a query.

    What was started stays when this raises: the caller removes everything that carries the labels.

    Raises:
        NotUp: A container could not be started, died, or did not answer.
    """
    network = _network(labels)
    with ThreadPoolExecutor(len(Service)) as pool:
        started = [pool.submit(_start, service, images[service], labels, network, choose_port) for service in Service]
        for one in started:
            one.result()
    stack = Stack(client, labels.run)
    for service in Service:
        stack.wait_healthy(service)
    return stack


def _network(labels: Labels) -> Network:
    network = Network(docker_network_kw={"driver": "bridge", "labels": labels.of()})
    network.name = labels.name()
    try:
        return network.create()
    finally:
        network._docker.client.close()  # noqa: SLF001 - nothing else closes it


def _start(service: Service, image: str, labels: Labels, network: Network, choose_port: Callable[[], int]) -> None:
    refused = ""
    for _ in range(ATTEMPTS):
        entry = compose.read({service: choose_port()})[service]
        container = _container(entry, image, labels, network)
        try:
            container.start()
        except APIError as error:
            container.stop()
            refused = str(error.explanation)
            if not any(words in refused for words in TAKEN):
                break
        else:
            container.get_docker_client().client.close()
            return
    raise NotUp(
        expected=f"a container of {service} from {image}",
        found="the engine refuses to start it",
        evidence=refused,
        next_step="mend what the engine says; `docker ps` lists what holds a port",
    )


def _container(entry: compose.Entry, image: str, labels: Labels, network: Network) -> DockerContainer:
    container = DockerContainer(
        image,
        docker_client_kw={"timeout": REQUEST},
        command=list(entry.command) or None,  # type: ignore[arg-type] # a list is handed on as it is
        env=dict(entry.environment),
        name=labels.name(entry.service),
        volumes=[(str(source), target, mode) for source, target, mode in entry.volumes],
        network=network,
        network_aliases=[entry.service.value],
        labels=labels.of(entry.service),
    )
    container.ports[f"{entry.container_port}/tcp"] = ("127.0.0.1", entry.host_port)  # type: ignore[assignment] # docker-py's own form
    return container
