"""What commands print for people fits narrow terminals, and no time or number is cut."""

from __future__ import annotations

import re

import pytest

from offload.cli.app import main
from tests.support.command_line import Offload
from tests.support.embedded import Embedded

WATERMARK = "2024-08-01T00:00:00Z"
COMMANDS = {
    "run trades": "2024-08-02T00:00:00Z",
    "plan trades": WATERMARK,
    "audit trades": "yes",
    "status --history --cycles": WATERMARK,
    "doctor trades": "warehouse as ClickHouse sees it",
    "tables": "exchange_timestamp",
    "watermark show trades": "watermark_ticks: 1722470400099000",
}


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("command", COMMANDS)
def test_what_people_read_fits_the_terminal(
    stage: Embedded,
    offload: Offload,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    width: int,
) -> None:
    """COLUMNS says how wide it is, where the output is no terminal."""
    stage.trades(100)
    assert offload("run", "trades").code == 0
    stage.insert_trades("numbers(1000, 1)", start="toDateTime64('2024-08-01 23:59:59', 6, 'UTC')")
    for name, value in stage.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", str(width))

    code = main(command.split())
    shown = capsys.readouterr().out

    assert code == 0, shown
    assert max(map(len, shown.splitlines())) <= width, shown
    assert COMMANDS[command] in shown, shown
    assert not re.search(r"…|\.\d{6}Z|None|True", shown), shown
