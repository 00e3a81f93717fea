"""Whatever is wrong: a message with what was expected, what was found and what to type next, and nothing changes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from offload import cli
from tests.integration.errors.bad_input import arguments, data, declarations, settings, tiers
from tests.integration.errors.bad_input.case import Case
from tests.integration.errors.bad_input.world import Evidence, World
from tests.support.command_line import TRADES
from tests.support.embedded import embedded

CASES = [*arguments.CASES, *declarations.CASES, *data.CASES, *settings.CASES, *tiers.CASES]
KINDS = {64: "UsageError", 65: "DataError", 75: "LeaseHeld", 78: "ConfigurationError"}
COMMANDS = ["tables", "init", "plan", "run", "adopt", "status", "forget", "audit", "demo"]
_MESSAGE = re.compile(
    r"^(?:\w+: )?(?P<kind>\w+)\n  expected  (?P<expected>.+)\n  found     (?P<found>.+)\n  next      (?P<next>.+)\n\Z",
    re.MULTILINE | re.DOTALL,
)


@pytest.fixture(scope="module")
def world(chdb: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A published table in a working folder, for all cases of the module."""
    folder = tmp_path_factory.mktemp("world") / "work"
    folder.mkdir()
    for stage in embedded(chdb, folder):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            for name, value in stage.environment().items():
                patch.setenv(name, value)
            shared = World(stage)
            stage.trades(10)
            shared.file("tables/trades.toml", TRADES)
            shared.offload("run", "trades")
            yield shared


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_input_is_answered_and_changes_nothing(
    world: World, case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code, the parts of the message on stderr, the snapshots, the store's rows and the files."""
    with world.restored():
        case.given(world)
        before = world.evidence()
        for name, value in case.environment.items():
            monkeypatch.setenv(name, in_folder(value, world))
        capsys.readouterr()

        code = cli.main([*(in_folder(word, world) for word in case.words), *as_json(case)])
        output = capsys.readouterr()

        monkeypatch.undo()
        message = parsed(output.err)
        assert (code, message["kind"]) == (case.code, KINDS[case.code]), output.err
        for part in ("expected", "found", "next"):
            assert in_folder(getattr(case, part), world) in message[part], (part, message)
        assert not as_json(case) or error_of(json.loads(output.out)) == message
        check_unchanged(case, before, world.evidence())


def in_folder(text: str, world: World) -> str:
    """The text with the name of the working folder."""
    return text.replace("{folder}", str(world.folder))


def as_json(case: Case) -> list[str]:
    """The flag, where the command has it."""
    return [] if case.words[0] == "demo" else ["--json"]


def parsed(stderr: str) -> dict[str, str]:
    """The one message on stderr, which has nothing else."""
    found = _MESSAGE.fullmatch(stderr)
    assert found, stderr
    return found.groupdict()


def error_of(document: Mapping[str, Any]) -> dict[str, str]:
    """The error of the command, or of its only table."""
    return dict(document.get("error") or document["tables"][0]["error"])


def check_unchanged(case: Case, before: Evidence, after: Evidence) -> None:
    """What the case allows to change: its command's record in the store, and a cold table without a snapshot."""
    created = {case.creates: None} if case.creates else {}
    folder = f"warehouse/{str(case.creates).replace('.', '/')}/"
    assert after.snapshots == {**before.snapshots, **created}
    assert {name: mark for name, mark in after.files.items() if not name.startswith(folder)} == before.files
    assert after.hot == before.hot
    assert before.watermarks.keys() <= after.watermarks.keys()
    for name, row in after.watermarks.items():
        was = before.watermarks.get(name)
        changed = {column for column in row if was and was[column] != row[column]}
        assert changed <= case.records, (name, changed)
        assert was or case.records, name
        assert was or row["watermark_ticks"] is row["last_offload_timestamp"] is row["cold_table_uuid"] is None, row


def test_garbage_in_the_record_of_cycles_is_no_bug(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """It is shown as a cycle without snapshots."""
    with world.restored():
        world.store("UPDATE offload_cycles SET snapshots = '{', bound = 'x'")
        capsys.readouterr()

        assert cli.main(["status", "--cycles", "--json"]) == 0
        cycles = json.loads(capsys.readouterr().out)["cycles"]

    assert [(cycle["snapshots"], cycle["bound"]) for cycle in cycles] == [({}, None)]


def test_no_case_stands_for_two_and_every_command_has_four() -> None:
    """Sixty at least; a case of the same words, preparation and environment would be the same case."""
    same = Counter((case.words, id(case.given), tuple(case.environment.items())) for case in CASES)
    commands = Counter(" ".join(case.words[: 2 if case.words[0] == "watermark" else 1]) for case in CASES)

    assert len(CASES) >= 60
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []
    assert [words for words, count in same.items() if count > 1] == []
    assert {
        name: commands[name] for name in [*COMMANDS, "watermark show", "watermark repair"] if commands[name] < 4
    } == {}
