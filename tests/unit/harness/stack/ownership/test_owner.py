from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from harness.stack.ownership.owner import Owner, _started, me


def test_this_process_is_here_and_alive() -> None:
    """What we start now must not be swept by another run that starts a moment later."""
    assert me().is_here()
    assert me().is_alive()


def test_a_label_gives_the_same_owner_back() -> None:
    """Labels are text."""
    assert Owner.parse(str(me())) == me()


def test_a_killed_process_is_dead_even_before_it_is_waited_for() -> None:
    """A zombie still has its number, and uses nothing any more."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = Owner(me().where, child.pid, _started(child.pid))
    before = owner.is_alive()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    zombie = owner.is_alive()
    child.communicate()

    assert before
    assert not zombie


def test_another_process_with_the_same_number_is_another_owner() -> None:
    """The system gives numbers out again."""
    assert not replace(me(), started="1").is_alive()


def test_a_number_of_another_boot_or_name_space_says_nothing() -> None:
    """It can only be told from its containers whether it is needed."""
    assert not replace(me(), where="another/pid:[1]").is_here()
