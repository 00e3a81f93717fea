"""pyarrow, which has no types: its names are Any here, so that the type checker is strict everywhere else."""

from __future__ import annotations

import importlib
from typing import Any, TypeAlias

Table: TypeAlias = Any
"""A `pyarrow.Table`."""
DataType: TypeAlias = Any
"""A `pyarrow.DataType`."""

pa: Any = importlib.import_module("pyarrow")
fs: Any = importlib.import_module("pyarrow.fs")
types: Any = importlib.import_module("pyarrow.types")
