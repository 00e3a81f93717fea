"""The default engine: writes splits in a thread pool of this process."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextvars import copy_context
from threading import BoundedSemaphore
from typing import Any

from typing_extensions import override

from offload.engines.split import write_split
from offload.io.warehouse import Warehouse
from offload.model.cold_table import WrittenFile
from offload.model.splits import Split
from offload.ports.engine import Emit, Engine
from offload.ports.source import HotRows


class LocalEngine(Engine):
    """Writes as many splits at once as it has workers, of all tables together; each keeps one row group in memory."""

    def __init__(self, warehouse: Warehouse, workers: int) -> None:
        self._warehouse = warehouse
        self._workers = workers
        self._free = BoundedSemaphore(workers)

    @override
    def write(self, rows: HotRows, splits: Sequence[Split], schema: Any, emit: Emit) -> list[WrittenFile]:
        # The first failure cancels the splits that have not begun.
        with ThreadPoolExecutor(self._workers, thread_name_prefix="split") as pool:
            futures = [pool.submit(copy_context().run, self._write, rows, split, schema, emit) for split in splits]
            done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
            for future in waiting:
                future.cancel()
            for future in done:
                future.result()
            return [future.result() for future in futures]

    def _write(self, rows: HotRows, split: Split, schema: Any, emit: Emit) -> WrittenFile:
        with self._free:
            return write_split(rows, split, schema, self._warehouse, emit)
