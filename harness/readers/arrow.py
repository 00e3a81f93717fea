"""The door to pyarrow, which bears no types: its names stand here as Any, so that the rest is checked strictly."""

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
