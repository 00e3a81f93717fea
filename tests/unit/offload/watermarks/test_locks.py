"""Locks in a database without a free session."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from offload.errors import Unavailable
from offload.watermarks.locks import AdvisoryLocks


def test_a_postgres_with_too_many_clients_is_unavailable_and_no_bug() -> None:
    """The lock has a session of its own, and there may be none left for it."""
    full = OperationalError("connect", None, Exception("FATAL: sorry, too many clients already"))
    engine: Any = SimpleNamespace(
        connect=Mock(side_effect=full), url=make_url("postgresql+psycopg://ops:s3cr3t@host/catalog")
    )

    with pytest.raises(Unavailable, match="too many clients") as caught:
        AdvisoryLocks(engine, 1).try_lock("trades", 1)

    assert "s3cr3t" not in str(caught.value)
