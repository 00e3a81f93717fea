"""Errors that only a person can mend are no outage, and no bug."""

from __future__ import annotations

import pytest

from offload.clickhouse.connection.server_errors import translate


class Refused(Exception):
    """An error of the driver with ClickHouse's code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@pytest.mark.parametrize(
    ("code", "message", "exit_code", "next_step"),
    [
        (497, "u: it's necessary to have the grant S3 ON *.*. (ACCESS_DENIED)", 77, "GRANT S3 ON *.* TO u"),
        (497, "u: it's necessary to have the grant SELECT(a, b) ON d.t.", 77, "GRANT SELECT(a, b) ON d.t TO u"),
        (164, "Cannot modify 'x' setting in readonly mode", 77, "readonly = 2"),
        (396, "Limit for result exceeded, max rows: 1", 78, "raise the limit"),
        (158, "Limit for rows exceeded", 78, "raise the limit"),
        (201, "Quota for user exceeded", 78, "raise the limit"),
        (452, "Setting x should not be greater than 1", 78, "raise the limit"),
        (395, "thrown by a view", 78, "raise the limit"),
        (620, "Direct select is not allowed", 78, "raise the limit"),
        (369, "All replicas of shard 1 are stale (lag: 400s)", 75, "wait until one has caught up"),
        (202, "Too many simultaneous queries for user u", 69, "OFFLOAD_WORKERS=1"),
        (159, "Timeout exceeded", 69, "check that the server is running"),
    ],
)
def test_a_code_of_clickhouse_has_its_exit_code_and_its_remedy(
    code: int, message: str, exit_code: int, next_step: str
) -> None:
    """By the number, as ErrorCodes.cpp of ClickHouse lists it."""
    error = translate(Refused(code, message), "ClickHouse host:8123", "u", 8, embedded=False)

    assert error is not None
    assert (error.exit_code, next_step in error.next_step) == (exit_code, True), error
    assert message in error.found


def test_the_message_of_the_server_is_found_inside_an_unfinished_answer() -> None:
    """An answer in JSON has begun before the error came."""
    answer = 'code: 369, server response: {\n"meta": [],\n"exception": "Code: 369. DB::Exception: stale"'
    error = translate(Refused(369, answer), "ClickHouse host:8123", "u", 8, embedded=False)

    assert error is not None
    assert error.found == '"exception": "Code: 369. DB::Exception: stale"'
