"""The stage of the content tests, and the command line on it."""

from __future__ import annotations

import pytest

from tests.integration.bad_days.saying import Offload
from tests.integration.content.conftest import chdb, stage  # noqa: F401  # fixtures
from tests.integration.content.embedded import Embedded


@pytest.fixture
def offload(
    stage: Embedded,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Offload:
    """The command line on the stage, with a table of trades declared."""
    return Offload(stage, monkeypatch, capsys, caplog)
