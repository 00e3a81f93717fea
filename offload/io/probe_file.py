"""A Parquet file of one row, by which `doctor` proves who reads and writes the warehouse."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import uuid4

from typing_extensions import override

from offload.io.deadline import within
from offload.io.warehouse import Warehouse
from offload.ports.probes import ProbeFile

T = TypeVar("T")
COLUMN = "value"


@dataclass(frozen=True)
class WarehouseProbe(ProbeFile):
    """
    One file at the top of a warehouse.

    When it is removed from a bucket, Arrow writes the empty object `prefix/`, which stands for the folder: that stays,
    and no reader takes it for a file.

    Attributes:
        warehouse: The warehouse.
        name: The name of the file.
    """

    warehouse: Warehouse
    name: str = field(default_factory=lambda: f"tidemark-probe-{uuid4().hex}.parquet")

    @property
    def uri(self) -> str:
        """Its address."""
        return f"{self.warehouse.uri}/{self.name}"

    @override
    def check(self) -> None:
        self.warehouse.check()

    @override
    def write(self, value: int) -> str:
        self._call(lambda: self._write(value))
        return self.uri

    def _write(self, value: int) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        with self.warehouse.create(self.uri) as file:
            parquet.write_table(pa.table({COLUMN: pa.array([value], pa.int64())}), file)

    @override
    def read(self) -> int:
        return self._call(self._read)

    def _read(self) -> int:
        from pyarrow import parquet

        with self.warehouse.open(self.uri) as file:
            return int(parquet.ParquetFile(file).read().column(COLUMN)[0].as_py())

    @override
    def listed(self) -> bool:
        return self._call(lambda: self.name in self.warehouse.names(self.warehouse.uri))

    @override
    def remove(self) -> None:
        self._call(self._remove)

    def _remove(self) -> None:
        with suppress(FileNotFoundError):
            self.warehouse.delete(self.uri)

    def _call(self, call: Callable[[], T]) -> T:
        with self.warehouse.translate_errors():
            return within(self.warehouse.timeout, self.warehouse.where, call)
