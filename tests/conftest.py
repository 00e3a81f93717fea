"""What every report says first."""

from __future__ import annotations

import pytest


def pytest_report_header() -> str:
    """Say whether trades are real ones."""
    from harness.trades.exchanges.recordings import recordings

    try:
        folder = recordings()
    except NotADirectoryError as error:
        raise pytest.UsageError(str(error)) from error
    return f"recorded trades: {folder}" if folder else "recorded trades: none here, made-up ones stand in"
