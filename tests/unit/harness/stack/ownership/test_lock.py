from __future__ import annotations

import subprocess
import sys
import uuid

import pytest

from harness.stack.ownership import lock

HOLD = """
import sys
from harness.stack.ownership import lock
with lock.acquire(sys.argv[1], 0): print('held', flush=True); input()
"""


def test_a_lock_is_released_when_its_holder_is_killed() -> None:
    """After kill -9 no person has to remove a lock file."""
    name = f"test-{uuid.uuid4().hex}"
    with subprocess.Popen([sys.executable, "-c", HOLD, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with lock.try_lock(name) as acquired_early:
            pass
        with pytest.raises(TimeoutError, match="held by another process"), lock.acquire(name, timeout=0):
            pass
        holder.kill()

    with lock.acquire(name, timeout=60):
        pass
    (lock.folder() / f"{name}.lock").unlink()
    assert not acquired_early
