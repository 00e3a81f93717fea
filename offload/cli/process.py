"""The process of the command line: its memory, its start, its end."""

from __future__ import annotations

import gc
import os
import sys
from importlib.abc import MetaPathFinder
from typing import NoReturn

from offload.cli.app import main
from offload.io import deadline


def console() -> None:
    """The console script."""
    _reduce_memory()
    leave(main())


def _reduce_memory() -> None:
    """
    Make a process of our own small and quick; a process that imports `offload` is left as it is.

    The libraries read these variables when they are loaded, which is later.
    """
    # Arrow's own allocator keeps what it has freed, and chDB's for ten seconds: together a fifth of the peak.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    os.environ.setdefault("JE_MALLOC_CONF", "dirty_decay_ms:1000,muzzy_decay_ms:0")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # else NumPy starts threads that nothing here gives work
    gc.set_threshold(100_000)  # imports make many objects that stay: looking through them again and again costs a tenth
    sys.meta_path.insert(0, _NoPandas())


class _NoPandas(MetaPathFinder):
    """Finds no pandas: pyarrow imports it where it is installed, for a third of a second and to no use here."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:  # noqa: ARG002  # as it is called
        """Leave every other name to the finders behind."""
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not used here", name=fullname)


def leave(code: int) -> NoReturn:
    """End the process with this exit code, at once where a call that overran its time is still at work."""
    sys.stdout.flush()
    sys.stderr.flush()
    if deadline.has_overdue_calls():
        os._exit(code)
    raise SystemExit(code)
