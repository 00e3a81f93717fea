"""The statements of docs/grants.md, which tests run with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_PAGE = Path(__file__).parents[2] / "docs" / "grants.md"


def sql(number: int) -> list[str]:
    """The statements of one block of the page."""
    block = _PAGE.read_text("utf-8").split("```sql")[number + 1].split("```")[0]
    return [statement.strip() for statement in block.split(";") if statement.strip()]


def policy(bucket: str) -> dict[str, Any]:
    """The policy of the page for one bucket."""
    block = _PAGE.read_text("utf-8").split("```json")[1].split("```")[0]
    document: dict[str, Any] = json.loads(block.replace("BUCKET", bucket))
    return document


CLICKHOUSE, CLICKHOUSE_REPLICA, EXPIRE_HOT, TTL_GUARD, VIEW, POSTGRES_OWNER, POSTGRES_USER = range(7)
