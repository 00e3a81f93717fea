"""The view of both tiers on a server: the keys of the bucket are in no output, and in nothing that ClickHouse shows."""

from __future__ import annotations

from harness.environments.servers import server_environment
from harness.readers.clickhouse import HotTableAddress, count_hot, opened
from harness.stack.stack import Stack
from harness.trades.tagged import TaggedTrades
from tests.support.offload import run_offload
from tests.support.run import run


def test_the_keys_of_the_bucket_are_shown_nowhere(stack: Stack) -> None:
    """Neither where the statement is printed nor where the view is created; and the view reads the bucket with them."""
    secret = stack.minio.secret_key
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(50))
        assert run(environment).returncode == 0

        printed = run_offload(["view", environment.table], environment)
        created = run_offload(["view", environment.table, "--create"], environment)

        view = f"{environment.table}_all"
        with opened(environment.dsn) as client:
            client.command("SYSTEM FLUSH LOGS")
            shown = [
                client.command(f"SHOW CREATE VIEW {view}"),
                client.query(f"SELECT * FROM system.tables WHERE name = '{view}'").result_rows,
                client.query(
                    "SELECT * FROM system.query_log WHERE position(query, {name:String}) > 0", parameters={"name": view}
                ).result_rows,
            ]
        rows = count_hot(HotTableAddress(view, environment.dsn))

    assert (printed.returncode, created.returncode, rows) == (0, 0, 50)
    assert "'ACCESS_KEY', 'SECRET_KEY'" in printed.stdout
    assert all(shown), shown
    assert not [text for text in (printed, created, *shown) if secret in str(text)]
