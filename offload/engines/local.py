"""The default engine: splits over a thread pool in this process."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any

from offload.engines.split import write_split
from offload.io.warehouse import Warehouse
from offload.model.cold_table import WrittenFile
from offload.model.splits import Split
from offload.ports.engine import Emit
from offload.ports.source import HotTable


class LocalEngine:
    """Runs as many splits at once as it has workers; each holds one row group in memory."""

    def __init__(self, warehouse: Warehouse, workers: int) -> None:
        self._warehouse = warehouse
        self._workers = workers

    def write(self, hot: HotTable, splits: Sequence[Split], schema: Any, emit: Emit) -> list[WrittenFile]:
        """
        Write every split; the first failure stops those that have not begun.

        Raises:
            Unavailable: The source or the store failed; nothing was published.
            DataError: A row that cannot be carried.
        """
        with ThreadPoolExecutor(self._workers, thread_name_prefix="split") as pool:
            futures = [pool.submit(write_split, hot, split, schema, self._warehouse, emit) for split in splits]
            done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
            for future in waiting:
                future.cancel()
            for future in done:
                future.result()
            return [future.result() for future in futures]
