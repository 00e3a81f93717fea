from __future__ import annotations

import re
from pathlib import Path

from harness.stack import compose
from harness.stack.service import Service


def test_every_service_has_an_official_image_of_one_version() -> None:
    """The compose file is the only place with names and versions; `latest` is no version."""
    official = compose.images()

    assert set(official) == set(Service)
    assert all(re.fullmatch(r"[a-z/-]+:.*\d.*", name) for name in official.values())


def test_the_port_that_is_chosen_is_published_on_the_loopback_alone() -> None:
    """Nobody else on the network of this host may use a test's servers."""
    [mapping] = [line for line in compose.COMPOSE.read_text().splitlines() if "TIDEMARK_MINIO_PORT" in line]

    assert compose.read({Service.MINIO: 23456})[Service.MINIO].host_port == 23456
    assert '"127.0.0.1:' in mapping


def test_the_broker_advertises_the_port_that_is_published() -> None:
    """A client connects to what the broker advertises: another port would lead elsewhere, or nowhere."""
    broker = compose.read({Service.BROKER: 23456})[Service.BROKER]

    assert any(word.endswith("outside://127.0.0.1:23456") for word in broker.command)


def test_without_ports_the_file_stands_for_itself() -> None:
    """A person starts the same file with docker compose, and gets the ports that it names."""
    ports = {entry.host_port for entry in compose.read({}).values()}

    assert ports == {18123, 19092, 19000, 15432}


def test_what_is_mounted_is_there() -> None:
    """The engine would make a folder where a file is missing."""
    assert all(source.is_file() for entry in compose.read({}).values() for source, _, _ in entry.volumes)


def test_a_change_of_a_mounted_file_is_another_stack(tmp_path: Path) -> None:
    """A kept stack is used again only while it would be made the same way."""
    (tmp_path / "fixtures" / "stack").mkdir(parents=True)
    settings = tmp_path / "fixtures" / "stack" / "clickhouse.xml"
    settings.write_text("<clickhouse/>")
    copy = tmp_path / compose.COMPOSE.name
    copy.write_text(compose.COMPOSE.read_text())
    before = compose.digest(copy)
    settings.write_text("<clickhouse><logger/></clickhouse>")

    assert compose.digest(copy) != before
