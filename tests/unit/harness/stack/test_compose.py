from __future__ import annotations

import re
from pathlib import Path

from harness.stack import compose
from harness.stack.service import Service


def test_every_service_has_an_official_image_with_a_fixed_version() -> None:
    """The compose file is the only file with names and versions; `latest` is not a version."""
    official = compose.images()

    assert set(official) == set(Service)
    assert all(re.fullmatch(r"[a-z/-]+:.*\d.*", name) for name in official.values())


def test_the_chosen_port_is_published_on_the_loopback_address_only() -> None:
    """Other machines on the network must not reach the servers of a test."""
    [mapping] = [line for line in compose.COMPOSE.read_text().splitlines() if "TIDEMARK_MINIO_PORT" in line]

    assert compose.read({Service.MINIO: 23456})[Service.MINIO].host_port == 23456
    assert '"127.0.0.1:' in mapping


def test_the_broker_advertises_the_port_that_is_published() -> None:
    """A client connects to the advertised address; with another port it would not reach this broker."""
    broker = compose.read({Service.BROKER: 23456})[Service.BROKER]

    assert any(word.endswith("outside://127.0.0.1:23456") for word in broker.command)


def test_without_chosen_ports_the_file_has_default_ports() -> None:
    """`docker compose up` with the same file publishes these ports."""
    ports = {entry.host_port for entry in compose.read({}).values()}

    assert ports == {18123, 19092, 19000, 15432}


def test_every_mounted_file_exists() -> None:
    """The engine would create a folder in place of a missing file."""
    assert all(source.is_file() for entry in compose.read({}).values() for source, _, _ in entry.volumes)


def test_a_change_of_a_mounted_file_changes_the_digest(tmp_path: Path) -> None:
    """A kept stack is used again only if its definition has not changed."""
    (tmp_path / "fixtures" / "stack").mkdir(parents=True)
    settings = tmp_path / "fixtures" / "stack" / "clickhouse.xml"
    settings.write_text("<clickhouse/>")
    copy = tmp_path / compose.COMPOSE.name
    copy.write_text(compose.COMPOSE.read_text())
    before = compose.digest(copy)
    settings.write_text("<clickhouse><logger/></clickhouse>")

    assert compose.digest(copy) != before
