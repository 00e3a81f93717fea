from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from harness.stack.ownership.owner import Owner, _start_time, this_process


def test_this_process_is_local_and_alive() -> None:
    """The sweep of another run must not remove our containers."""
    assert this_process().is_local()
    assert this_process().is_alive()


def test_an_owner_is_parsed_from_its_own_text() -> None:
    """Labels store the owner as text."""
    assert Owner.parse(str(this_process())) == this_process()


def test_a_killed_process_is_dead_even_before_its_parent_waits_for_it() -> None:
    """A zombie still has its process id, but uses no containers."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = Owner(this_process().namespace, child.pid, _start_time(child.pid))
    before = owner.is_alive()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    zombie = owner.is_alive()
    child.communicate()

    assert before
    assert not zombie


def test_another_process_with_the_same_id_is_another_owner() -> None:
    """The system reuses process ids."""
    assert not replace(this_process(), start_time="1").is_alive()


def test_an_owner_of_another_boot_or_namespace_is_not_local() -> None:
    """Only its containers show whether its run is still in use."""
    assert not replace(this_process(), namespace="another/pid:[1]").is_local()
