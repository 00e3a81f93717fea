"""Start the containers of a stack with Testcontainers, all at the same time."""

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
from harness.stack.host.engine import REQUEST_TIMEOUT
from harness.stack.host.ports import free_port
from harness.stack.ownership.labels import Labels
from harness.stack.service import Service
from harness.stack.stack import Stack

if TYPE_CHECKING:
    from docker import DockerClient

ATTEMPTS = 5
PORT_TAKEN = ("port is already allocated", "address already in use")
testcontainers_config.ryuk_disabled = True  # Ryuk needs one more image; the sweep finds leftovers by their labels


def launch(
    client: DockerClient, labels: Labels, images: Mapping[Service, str], choose_port: Callable[[], int] = free_port
) -> Stack:
    """
    Start a container of each service; return when every server has answered a query.

    After an error the started containers are still there: the caller removes everything with the labels.

    Raises:
        NotUp: A container could not be started, ended, or did not answer in time.
    """
    network = _network(labels)
    with ThreadPoolExecutor(len(Service)) as pool:
        starts = [pool.submit(_start, service, images[service], labels, network, choose_port) for service in Service]
        for start in starts:
            start.result()
    stack = Stack(client, labels.run)
    for service in Service:
        stack.wait_healthy(service)
    return stack


def _network(labels: Labels) -> Network:
    network = Network(docker_network_kw={"driver": "bridge", "labels": labels.as_dict()})
    network.name = labels.name()
    try:
        return network.create()
    finally:
        network._docker.client.close()  # noqa: SLF001 - no public method closes it


def _start(service: Service, image: str, labels: Labels, network: Network, choose_port: Callable[[], int]) -> None:
    reason = ""
    for _ in range(ATTEMPTS):
        entry = compose.read({service: choose_port()})[service]
        container = _container(entry, image, labels, network)
        try:
            container.start()
        except APIError as error:
            container.stop()
            reason = str(error.explanation)
            if not any(text in reason for text in PORT_TAKEN):
                break
        else:
            container.get_docker_client().client.close()
            return
    raise NotUp(
        expected=f"the Docker engine to start a container of {service} from {image}",
        found="the engine returned an error",
        evidence=reason,
        next_step="fix the error of the engine, then run the tests again; `docker ps` lists the ports in use",
    )


def _container(entry: compose.Entry, image: str, labels: Labels, network: Network) -> DockerContainer:
    container = DockerContainer(
        image,
        docker_client_kw={"timeout": REQUEST_TIMEOUT},
        command=list(entry.command) or None,  # type: ignore[arg-type] # docker-py takes a list too
        env=dict(entry.environment),
        name=labels.name(entry.service),
        volumes=[(str(source), target, mode) for source, target, mode in entry.volumes],
        network=network,
        network_aliases=[entry.service.value],
        labels=labels.as_dict(entry.service),
    )
    container.ports[f"{entry.container_port}/tcp"] = ("127.0.0.1", entry.host_port)  # type: ignore[assignment] # docker-py takes a pair too
    return container
