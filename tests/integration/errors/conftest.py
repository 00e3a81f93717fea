"""The stage of the content tests, and the command line on it."""

from __future__ import annotations

import pytest

from tests.integration.embedded.conftest import chdb, stage  # noqa: F401  # fixtures
from tests.support.command_line import Offload
from tests.support.embedded import Embedded


@pytest.fixture
def offload(
    stage: Embedded,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Offload:
    """The command line on the stage, with a table of trades declared."""
    return Offload(stage, monkeypatch, capsys, caplog)
