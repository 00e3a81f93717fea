"""Doctor on the command line: exit codes, what to type next, and no secret."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.command_line import SECRET, Answer, Offload
from tests.support.embedded import Embedded
from tests.support.http_servers import Bucket, http, refusing_clickhouse, refusing_postgres, refusing_s3, silent

S3 = {
    "OFFLOAD_WAREHOUSE": "s3://bucket/warehouse",
    "OFFLOAD_S3_ACCESS_KEY": "reader",
    "OFFLOAD_S3_SECRET_KEY": SECRET,
}
END_TO_END = 30.0  # seconds


def failed(answer: Answer) -> dict[str, dict[str, Any]]:
    """The checks that failed, by name."""
    return {check["name"]: check for check in answer.document["checks"] if check["verdict"] == "failed"}


def skipped(answer: Answer) -> set[str]:
    """The names of the checks that were skipped."""
    return {check["name"] for check in answer.document["checks"] if check["verdict"] == "skipped"}


@pytest.mark.parametrize(
    "wrong", [{"OFFLOAD_BUFFER": "soon"}, {"OFFLOAD_CLICKHOUSE_DNS": f"clickhouse://x:{SECRET}@host/x"}]
)
def test_a_setting_that_cannot_be_read_fails_one_check(
    stage: Embedded, offload: Offload, wrong: dict[str, str]
) -> None:
    """All others are skipped; the variable is named."""
    stage.trades(10)

    answer = offload("doctor", **wrong)

    (check,) = failed(answer).values()
    assert (answer.code, check["name"]) == (78, "settings")
    assert next(iter(wrong)) in check["next"]
    assert len(skipped(answer)) == len(answer.document["checks"]) - 1


def test_a_wrong_declaration_fails_one_check(stage: Embedded, offload: Offload) -> None:
    """Servers are checked all the same; its tables are not known."""
    stage.trades(10)
    offload.declare("name = ")

    answer = offload("doctor", "trades")

    assert (answer.code, set(failed(answer)), skipped(answer)) == (78, {"declarations"}, set())
    assert "trades.toml" in failed(answer)["declarations"]["expected"]


def test_servers_that_refuse_are_each_a_check(stage: Embedded, offload: Offload) -> None:
    """Three refusals in one report, each with the variable or the key to correct, and no secret."""
    stage.trades(10)
    with http(refusing_clickhouse) as clickhouse, http(refusing_s3) as s3, refusing_postgres() as postgres:
        address = f"postgresql://reader:{SECRET}@127.0.0.1:{postgres}/tidemark"
        answer = offload(
            "doctor",
            **S3,
            OFFLOAD_CLICKHOUSE_DSN=f"clickhouse://reader:{SECRET}@127.0.0.1:{clickhouse}/market",
            OFFLOAD_S3_ENDPOINT=f"http://127.0.0.1:{s3}",
            OFFLOAD_CATALOG_URI=address,
            OFFLOAD_WATERMARKS_URL=address,
        )

    checks = failed(answer)
    assert (answer.code, {check["kind"] for check in checks.values()}) == (77, {"AccessRefused"})
    assert {name: check["next"].split(", then")[0] for name, check in checks.items()} == {
        "ClickHouse": "correct OFFLOAD_CLICKHOUSE_DSN",
        "catalog": "correct OFFLOAD_CATALOG_URI",
        "watermark store": "correct OFFLOAD_WATERMARKS_URL",
        "warehouse": "correct the permission or the key",
    }


def test_every_server_that_hangs_is_named_within_thirty_seconds(stage: Embedded, offload: Offload) -> None:
    """They share the time that one command has for servers that hang."""
    stage.trades(10)
    with silent() as clickhouse, silent() as postgres, silent() as s3:
        address = f"postgresql://reader:{SECRET}@127.0.0.1:{postgres}/tidemark"
        began = time.monotonic()
        answer = offload(
            "doctor",
            **S3,
            OFFLOAD_CLICKHOUSE_DSN=f"clickhouse://reader:{SECRET}@127.0.0.1:{clickhouse}/market",
            OFFLOAD_S3_ENDPOINT=f"http://127.0.0.1:{s3}",
            OFFLOAD_CATALOG_URI=address,
            OFFLOAD_WATERMARKS_URL=address,
        )
        took = time.monotonic() - began

    assert (answer.code, set(failed(answer))) == (69, {"ClickHouse", "catalog", "watermark store", "warehouse"})
    assert took < END_TO_END


def test_people_read_what_failed_and_what_to_do(stage: Embedded, offload: Offload) -> None:
    """A table of verdicts on stdout; the four parts of each error, and each warning, on stderr."""
    stage.trades(10)
    stage.sql("DROP TABLE trades SYNC")
    bucket = Bucket(refuse=lambda method, _path, _agent: method == "DELETE")

    with bucket.served() as endpoint:
        answer = offload("doctor", "trades", **S3, OFFLOAD_S3_ENDPOINT=endpoint)
        screen = offload.screen("doctor", "trades")

    assert answer.code == 65
    assert "trades in ClickHouse: DataError\n  expected  a table trades in ClickHouse" in answer.stderr
    assert "warning: warehouse remove: permission refused" in answer.stderr
    assert "not checked, since trades in ClickHouse failed" in screen
