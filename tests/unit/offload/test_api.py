"""The Python API, as far as it needs no table."""

from __future__ import annotations

from pathlib import Path

import pytest

from offload import api
from offload.errors import ConfigurationError, UsageError
from offload.model.table import TableSpec
from offload.results import RunResult, TableResult
from offload.settings import Settings
from offload.tables.selection import select

KNOWN = {
    name: TableSpec(name, name, f"cold.{name}", layer, "ts", "n")
    for name, layer in (("a", "bronze"), ("b", "gold"), ("c", "bronze"))
}


@pytest.mark.parametrize(
    ("names", "layer", "chosen"),
    [
        ([], None, ["a", "b", "c"]),
        (["c", "a", "c"], None, ["c", "a"]),
        ([], "bronze", ["a", "c"]),
        (["b"], "gold", ["b"]),
        ([], "silver", []),
    ],
)
def test_tables_are_chosen_by_name_and_layer(names: list[str], layer: str | None, chosen: list[str]) -> None:
    """In the order that they were named, each once."""
    assert [spec.name for spec in select(KNOWN, names, layer)] == chosen


@pytest.mark.parametrize(
    ("names", "layer", "part"),
    [(["z"], None, "'z'"), (["a", "b"], "gold", "found a;"), ([], "tin", "'tin'"), (["a" * 999], None, "aaa")],
)
def test_unknown_tables_and_layers_are_named(names: list[str], layer: str | None, part: str) -> None:
    """A long name is shortened: it may be any text that was typed."""
    with pytest.raises(UsageError, match=part) as caught:
        select(KNOWN, names, layer)

    assert len(caught.value.found) < 100


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01", "12:00", "1722470400000000", "2024-08-01 25:00"])
def test_a_text_that_is_no_time_is_refused_before_anything_is_opened(tmp_path: Path, text: str) -> None:
    """For `--until`, `--from` and `--to`."""
    settings = Settings(warehouse=str(tmp_path / "nowhere"))

    for call in (
        lambda: api.run(until=text, settings=settings),
        lambda: api.plan(until=text, settings=settings),
        lambda: api.audit(start=text, settings=settings),
        lambda: api.audit(end=text, settings=settings),
    ):
        with pytest.raises(UsageError, match="ISO 8601"):
            call()


def test_an_address_that_cannot_be_read_is_refused_without_being_shown() -> None:
    """It may be a password that was set in the wrong variable."""
    for field in ("catalog_uri", "watermarks_url", "clickhouse_dsn"):
        with pytest.raises(ConfigurationError) as caught:
            api.plan(settings=Settings(**{field: "s3cr3t:/?#"}))

        assert f"OFFLOAD_{field.upper()}" in str(caught.value)
        assert "s3cr3t" not in str(caught.value)


def test_a_result_has_the_most_severe_exit_code_of_its_tables() -> None:
    """It is the command's exit code; the document does not repeat it."""
    result = RunResult("r", (TableResult("a", "published"), TableResult("b", "failed", exit_code=65)))

    assert result.exit_code == 65
    assert [set(table) & {"exit_code"} for table in result.document()["tables"]] == [set(), set()]
