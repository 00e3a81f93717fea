"""
The commands as functions for an orchestrator, with the result objects that `--json` prints.

Each call reads the settings from the environment unless `settings` is given, and opens and closes its own connections.
"""

from __future__ import annotations

from offload.api.managing import adopt, expire_hot, forget, init, repair_watermark, set_watermark, view
from offload.api.moving import backfill, plan, run, undeclared
from offload.api.reporting import audit, declared_tables, doctor, show_watermark, status

__all__ = [
    "adopt",
    "audit",
    "backfill",
    "declared_tables",
    "doctor",
    "expire_hot",
    "forget",
    "init",
    "plan",
    "repair_watermark",
    "run",
    "set_watermark",
    "show_watermark",
    "status",
    "undeclared",
    "view",
]
