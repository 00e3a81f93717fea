"""
Moves rows from ClickHouse to Apache Iceberg exactly once.

    from offload import run

    result = run(["bronze_trades_binance"])
    result.exit_code  # 0: done, also when there was nothing to do

The import is quick: each function imports its modules when it is first named.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offload.api import (
        adopt,
        audit,
        backfill,
        declared_tables,
        doctor,
        expire_hot,
        forget,
        init,
        plan,
        repair_watermark,
        run,
        set_watermark,
        show_watermark,
        status,
        undeclared,
        view,
    )
    from offload.errors import OffloadError
    from offload.model.steps import Event, Step, StepEvent
    from offload.results import HealthCheck, HealthReport, RunResult, TableAudit, TablePlan, TableResult
    from offload.settings import Settings
    from offload.settings import load as load_settings

__all__ = [
    "Event",
    "HealthCheck",
    "HealthReport",
    "OffloadError",
    "RunResult",
    "Settings",
    "Step",
    "StepEvent",
    "TableAudit",
    "TablePlan",
    "TableResult",
    "adopt",
    "audit",
    "backfill",
    "declared_tables",
    "doctor",
    "expire_hot",
    "forget",
    "init",
    "load_settings",
    "plan",
    "repair_watermark",
    "run",
    "set_watermark",
    "show_watermark",
    "status",
    "undeclared",
    "view",
]

_HOMES = {
    "Event": "model.steps.Event",
    "StepEvent": "model.steps.StepEvent",
    "HealthCheck": "results.HealthCheck",
    "HealthReport": "results.HealthReport",
    "OffloadError": "errors.OffloadError",
    "RunResult": "results.RunResult",
    "Settings": "settings.Settings",
    "Step": "model.steps.Step",
    "TableAudit": "results.TableAudit",
    "TablePlan": "results.TablePlan",
    "TableResult": "results.TableResult",
    "load_settings": "settings.load",
}


def __dir__() -> list[str]:
    """The names that can be imported, for completion."""
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    """Import a name at its first use; see PEP 562."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HOMES.get(name, f"api.{name}").rpartition(".")
    return getattr(import_module(f"offload.{module}"), attribute)
