"""
Moves trades from ClickHouse to Apache Iceberg exactly once.

    from offload import run

    result = run(["bronze_trades_binance"])
    result.exit_code  # 0: done, also when there was nothing to do

Importing this is cheap: what a function needs is imported when it is first named.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offload.api import (
        adopt,
        audit,
        plan,
        declared_tables,
        repair_watermark,
        run,
        show_watermark,
        status,
        undeclared,
    )
    from offload.errors import OffloadError
    from offload.reports import RunResult, TableAudit, TablePlan, TableResult
    from offload.settings import Settings
    from offload.steps import Event, Moment, Step

__all__ = [
    "Event",
    "Moment",
    "OffloadError",
    "RunResult",
    "Settings",
    "Step",
    "TableAudit",
    "TablePlan",
    "TableResult",
    "adopt",
    "audit",
    "plan",
    "repair_watermark",
    "run",
    "show_watermark",
    "status",
    "declared_tables",
    "undeclared",
]

_HOMES = {
    "errors": ("OffloadError",),
    "reports": ("RunResult", "TableAudit", "TablePlan", "TableResult"),
    "settings": ("Settings",),
    "steps": ("Event", "Moment", "Step"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import what is first named; see PEP 562."""
    if name not in __all__:  # a submodule is found by the import system, not here
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"offload.{_HOME_OF.get(name, 'api')}"), name)
