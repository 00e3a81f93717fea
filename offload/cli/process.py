"""The process of the command line: its memory, its start and its end."""

from __future__ import annotations

import gc
import logging
import os
import sys
from importlib.abc import MetaPathFinder
from typing import NoReturn

from offload.cli.app import main


def console() -> None:
    """The console script."""
    _reduce_memory()
    leave(main())


def _reduce_memory() -> None:
    """
    Reduce the memory and the start time of this process. A process that imports `offload` is not changed.

    The libraries are loaded later, and read these variables then.
    """
    # Arrow's own allocator keeps memory that was freed, and chDB's for ten seconds: together a fifth of the peak.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    os.environ.setdefault("JE_MALLOC_CONF", "dirty_decay_ms:1000,muzzy_decay_ms:0")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # else NumPy starts threads that are not used here
    gc.set_threshold(100_000)  # imports make many lasting objects: collecting them repeatedly costs a tenth of the time
    sys.meta_path.insert(0, _NoPandas())


class _NoPandas(MetaPathFinder):
    """Hides pandas: pyarrow imports it where it is installed, which takes a third of a second and has no use here."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:  # noqa: ARG002  # as it is called
        """Leave every other name to the next finders."""
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not used here", name=fullname)


def leave(code: int) -> NoReturn:
    """
    End the process with this exit code, at once.

    Everything is closed by then. The interpreter would free memory for a third of a second, and wait for calls that
    are overdue.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
