"""Read docker-compose.test.yml, the only file with the names and versions of the images."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from harness.stack.service import Service

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.test.yml"
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


@dataclass(frozen=True)
class Entry:
    """One service of the compose file: its image, command, environment, ports and volumes."""

    service: Service
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    host_port: int
    container_port: int
    volumes: tuple[tuple[Path, str, str], ...]


def port_variable(service: Service) -> str:
    """Name of the compose file's variable for the host port of a service."""
    return f"TIDEMARK_{service.upper()}_PORT"


def read(ports: Mapping[Service, int], path: Path = COMPOSE) -> dict[Service, Entry]:
    """
    Read the entry of every service; the given host ports replace the defaults of the file.

    Raises:
        KeyError: A service, or the image or the port of a service, is missing in the file.
    """
    values = {port_variable(service): str(port) for service, port in ports.items()}
    text = VARIABLE.sub(lambda found: values.get(found[1], found[2]), path.read_text())
    services = yaml.safe_load(text)["services"]
    return {service: _entry(service, services[service], path.parent) for service in Service}


def digest(path: Path = COMPOSE) -> str:
    """Hash of the files that define a stack: the compose file and the files that its containers mount."""
    mounted = {volume[0] for entry in read({}, path).values() for volume in entry.volumes}
    contents = b"".join(file.read_bytes() for file in (path, *sorted(mounted)))
    return hashlib.sha256(contents).hexdigest()[:12]


def images(path: Path = COMPOSE) -> dict[Service, str]:
    """Name and tag of the official image of every service."""
    return {service: entry.image for service, entry in read({}, path).items()}


def _entry(service: Service, entry: Mapping[str, object], folder: Path) -> Entry:
    [port] = _strings(entry["ports"])
    _, host, container = port.rsplit(":", 2)
    return Entry(
        service=service,
        image=str(entry["image"]),
        command=_strings(entry.get("command", [])),
        environment=_mapping(entry.get("environment", {})),
        host_port=int(host),
        container_port=int(container),
        volumes=tuple(_volume(volume, folder) for volume in _strings(entry.get("volumes", []))),
    )


def _volume(volume: str, folder: Path) -> tuple[Path, str, str]:
    source, target, mode = volume.split(":")
    return (folder / source).resolve(), target, mode


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list in the compose file, found {value!r}")
    return tuple(str(item) for item in value)


def _mapping(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError(f"expected a mapping in the compose file, found {value!r}")
    return {str(name): str(item) for name, item in value.items()}
