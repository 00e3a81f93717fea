"""The command line in the test's own process: what it answered, and what it let slip."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from offload import cli
from offload.model.table import TableSpec
from tests.support.embedded import Embedded

SECRET = "s3cr3t-hush"  # noqa: S105  # is in every password of these tests, and must be in no output
TRADES = """
name = "trades"
source = "trades"
target = "cold.trades"
layer = "bronze"
timestamp = "exchange_timestamp"
sequence = "sequence_number"
key = ["symbol", "trade_id"]
delivery = ["kafka_offset", "arrived_at"]
arrival = "arrived_at"
timestamp_follows_key = true
sort = ["symbol", "exchange_timestamp", "sequence_number"]
unsigned_as_long = ["sequence_number"]
"""


@dataclass(frozen=True)
class Answer:
    """What one command output: exit code, the document on stdout, and what stood on stderr."""

    code: int
    document: dict[str, Any]
    stderr: str

    @property
    def error(self) -> dict[str, str]:
        """The error of the command, or of its only table."""
        return error_of(self.document)


def error_of(document: dict[str, Any]) -> dict[str, str]:
    """The error in a document that `--json` printed, in its four parts."""
    error = document.get("error") or document["tables"][0]["error"]
    assert set(error) == {"kind", "expected", "found", "next"}
    assert all(error.values()), error
    return dict(error)


class Offload:
    """Runs commands with `--json`; a password in what they say is a failure of its own."""

    def __init__(
        self, stage: Embedded, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log: Any
    ) -> None:
        self._capsys = capsys
        self._log = log
        self._patch = monkeypatch
        self._patch.chdir(stage.folder)
        self.tables = stage.folder / "tables"
        self.declare(TRADES)
        self.set(stage.environment())

    def set(self, environment: dict[str, str]) -> None:
        """Change variables for all that follows."""
        for name, value in environment.items():
            self._patch.setenv(name, value)

    def declare(self, content: str, name: str = "trades") -> Path:
        """Replace the declaration."""
        path = self.tables / f"{name}.toml"
        path.write_text(content)
        return path

    def __call__(self, *words: str, **environment: str) -> Answer:
        """Run one command; `environment` holds for the rest of the test."""
        self.set(environment)
        self._capsys.readouterr()
        code = cli.main([*words, "--json"])
        output = self._capsys.readouterr()
        assert SECRET not in output.out + output.err + self._log.text
        assert "Traceback" not in output.err + self._log.text or code == 70, output.err
        return Answer(code, json.loads(output.out), output.err)

    def screen(self, *words: str) -> str:
        """Run one command without `--json`, and return its stdout."""
        self._capsys.readouterr()
        cli.main(list(words))
        return self._capsys.readouterr().out


def flags(spec: TableSpec, **changes: str) -> Sequence[str]:
    """The second form of `run` for a table."""
    given = {
        "--source-table": spec.source,
        "--target-table": spec.target,
        "--timestamp-col": spec.timestamp,
        "--sequence-col": spec.sequence,
        "--layer": spec.layer,
    }
    return [word for pair in (given | changes).items() for word in pair]
