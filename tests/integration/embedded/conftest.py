"""One chDB folder per module, since a process opens one at a time and other tests open theirs; a database per test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import clickhouse_connect
import pytest

from tests.support.embedded import Embedded, embedded


@pytest.fixture(scope="module")
def chdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder; one client keeps it open, so that no test opens it again."""
    folder = tmp_path_factory.mktemp("chdb")
    with closing(clickhouse_connect.get_client(dsn=f"chdb://{folder}?database=default")):
        yield folder


@pytest.fixture
def stage(chdb: Path, tmp_path: Path) -> Iterator[Embedded]:
    """A hot database, and folders for everything else."""
    yield from embedded(chdb, tmp_path)
