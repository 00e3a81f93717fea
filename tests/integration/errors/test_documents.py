"""Every command's `--json` is what docs/schemas says, whether it succeeds or fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from tests.support.command_line import Offload
from tests.support.embedded import START, Embedded

SCHEMAS = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text())
    for path in (Path(__file__).parents[3] / "docs" / "schemas").glob("*.schema.json")
}
REGISTRY: Registry[Any] = Registry().with_resources(
    [(schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()]
)
COMMANDS = {
    "tables": ["tables"],
    "plan": ["plan"],
    "doctor": ["doctor"],
    "run": ["run", "trades"],
    "audit": ["audit", "trades"],
    "status": ["status"],
    "status --history": ["status", "--history"],
    "status --cycles": ["status", "--cycles"],
    "watermark": ["watermark", "show", "trades"],
    "watermark repair": ["watermark", "repair", "trades"],
}


def check(name: str, document: dict[str, Any]) -> None:
    """Check a document against the schema of that name."""
    jsonschema.Draft202012Validator(SCHEMAS[name.split(maxsplit=1)[0]], registry=REGISTRY).validate(document)


def test_there_is_a_schema_for_every_command_that_prints_json() -> None:
    """And one for errors; all of them are valid schemas."""
    assert set(SCHEMAS) == {name.split()[0] for name in COMMANDS} | {
        "adopt",
        "backfill",
        "error",
        "expire-hot",
        "init",
        "view",
    }
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)


def objects(schema: Any) -> list[dict[str, Any]]:
    """Every schema of an object inside a schema."""
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []
    here = [schema] if isinstance(schema, dict) and "properties" in schema and "type" in schema else []
    return here + [found for part in inner for found in objects(part)]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_allows_nothing_that_it_does_not_describe(name: str) -> None:
    """No further fields, and a description of each."""
    for one in objects(SCHEMAS[name]):
        assert one["additionalProperties"] is False
        assert all(field.get("description") or "$ref" in field for field in one["properties"].values()), one


def answers(offload: Offload) -> dict[str, dict[str, Any]]:
    """The document of each command."""
    return {name: offload(*words).document for name, words in COMMANDS.items()}


def test_documents_of_a_table_that_was_never_run_fit(stage: Embedded, offload: Offload) -> None:
    """Before the first row, after it, and when there is nothing new."""
    stage.trades()

    for rows in (0, 10, 0):
        stage.insert_trades(f"numbers({rows})")
        for name, document in answers(offload).items():
            check(name, document)


def test_documents_with_late_and_duplicate_rows_fit(stage: Embedded, offload: Offload) -> None:
    """With warnings, and a sequence beyond 2^53."""
    stage.trades(10)
    offload("run", "trades")
    stage.insert_trades("numbers(100, 5)")
    stage.insert_trades("numbers(200, 3)", step="0")
    stage.sql(
        "INSERT INTO trades (symbol, trade_id, sequence_number, exchange_timestamp) "
        f"VALUES ('BTC', '1', {2**63 - 1}, {START} + 9)"
    )
    stage.sql("INSERT INTO trades SELECT * FROM trades")

    skipped = offload("run", "trades", "--late", "skip").document
    documents = answers(offload)

    check("run", skipped)
    for name, document in documents.items():
        check(name, document)
    assert skipped["tables"][0]["warnings"]
    (table,) = documents["run"]["tables"]
    assert (table["watermark"]["sequence"], table["swept_rows"] > 0) == (2**63 - 1, True)


def test_documents_of_errors_fit(stage: Embedded, offload: Offload) -> None:
    """A table that fails is a run's document with an error; a command that fails is an error's."""
    stage.trades(10)
    offload("run", "trades")
    stage.sql("DROP TABLE trades SYNC")

    for name, document in answers(offload).items():
        check(name, document)
    for words in (["fly"], ["run", "tradse"], ["adopt", "tradse"], ["adopt", "trades"], ["watermark", "show", "x"]):
        check("error", offload(*words).document)
    check("error", offload("run", OFFLOAD_BUFFER="soon").document)


def test_the_document_of_adopt_fits(stage: Embedded, offload: Offload) -> None:
    """Here after the hot table was recreated with the same rows."""
    stage.trades(10)
    offload("run", "trades")
    stage.sql("DROP TABLE trades SYNC")
    stage.trades(10)

    answer = offload("adopt", "trades")

    assert answer.code == 0, answer
    check("adopt", answer.document)


def test_the_documents_of_view_fit(stage: Embedded, offload: Offload) -> None:
    """Before the first run, printed, created and dropped; people get the statement, ready to be typed."""
    stage.trades(10)
    check("error", offload("view", "trades").document)
    offload("run", "trades")

    documents = [offload("view", "trades", *flags).document for flags in ([], ["--create"], ["--drop"])]
    for document in documents:
        check("view", document)
    assert [document["change"] for document in documents] == [None, "created", "dropped"]
    assert offload.screen("view", "trades").startswith("CREATE OR REPLACE VIEW")


def test_the_documents_of_expire_hot_fit(stage: Embedded, offload: Offload) -> None:
    """Before the first run, as a dry run, with partitions and without."""
    stage.trades(10)
    check("error", offload("expire-hot", "trades").document)
    offload("run", "trades")

    for words in (["--dry-run"], ["--older-than", "90d"], ["--older-than", "90d"]):
        answer = offload("expire-hot", "trades", *words)
        assert answer.code == 0, answer
        check("expire-hot", answer.document)
    check("status", offload("status", "--history").document)
    assert "would be dropped" in offload.screen("expire-hot", "trades", "--dry-run")


def test_the_documents_of_backfill_fit(stage: Embedded, offload: Offload) -> None:
    """Counted, published, with nothing to do, failed, and refused."""
    stage.trades(10)
    given = ["backfill", "trades", "--from", "2024-07-31", "--to", "2024-08-01"]
    check("error", offload(*given).document)
    offload("run", "trades")
    stage.insert_trades("numbers(100, 5)", step="0")

    documents = [offload(*given, *flags).document for flags in (["--dry-run"], [], [])]
    check("error", offload(*given[:-1], "2024-08-02").document)
    stage.sql("DROP TABLE trades SYNC")
    documents.append(offload(*given).document)

    for document in documents:
        check("backfill", document)
    found = [(document["status"], document["late_rows"], document["rows"]) for document in documents]
    assert found == [("planned", 5, 0), ("published", 5, 5), ("nothing_new", 0, 0), ("failed", 0, 0)]


def test_the_document_of_watermark_set_fits(stage: Embedded, offload: Offload) -> None:
    """As `watermark show` shows it, with the change."""
    stage.trades(10)
    offload("run", "trades")

    answer = offload("watermark", "set", "trades", "--to", "2024-08-02", "--reason", "an outage", "--yes")

    assert answer.code == 0, answer
    check("watermark", answer.document)
    (change,) = answer.document["changes"]
    assert (change["reason"], change["new_watermark_at"]) == ("an outage", "2024-08-02T00:00:00.000000Z")
    assert answer.document["cold"]["watermark"]["timestamp"] == "2024-08-02T00:00:00.000000Z"


def test_a_document_with_a_field_more_or_less_does_not_fit(stage: Embedded, offload: Offload) -> None:
    """The schemas reject a wrong document."""
    stage.trades(10)
    document = offload("run", "trades").document
    table = document["tables"][0]

    for wrong in (
        {**document, "more": 1},
        {"tables": document["tables"]},
        {**document, "tables": [{**table, "rows": "10"}]},
        {**document, "tables": [{**table, "rows": -1}]},
        {**document, "tables": [{**table, "error": {"kind": "DataError"}}]},
        {**document, "tables": [{**table, "window": {"from": None, "to": "2024-08-01"}}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            check("run", wrong)
