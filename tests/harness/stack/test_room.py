from __future__ import annotations

from pathlib import Path

import pytest

from harness.stack import room
from harness.stack.errors import NoRoom


def test_a_disk_that_is_nearly_full_is_told_before_anything_starts() -> None:
    """A server that cannot write fails in ways that look like anything else."""
    with pytest.raises(NoRoom) as caught:
        room.judge(Path("/var/lib/docker"), free=300 * 2**20, needed=room.TO_START)

    assert str(caught.value).splitlines() == [
        "expected: 2.0 GiB of room in /var/lib/docker",
        "found: 0.3 GiB",
        "evidence: 314572800 bytes are free on the disk of /var/lib/docker",
        "next: python -m harness.stack down; docker system df shows what takes the rest",
    ]


def test_just_enough_is_enough() -> None:
    """The bound itself will do."""
    room.judge(Path("/var/lib/docker"), free=room.TO_START, needed=room.TO_START)
