"""Cold tables that another job has changed, and rows of the watermark store that no run wrote."""

from __future__ import annotations

from collections.abc import Callable

from pyiceberg.table import Table
from pyiceberg.types import LongType

from tests.integration.errors.bad_input.case import NOTHING, RECORDED, Case, words
from tests.integration.errors.bad_input.world import World

ROLL = "roll the table to its last published snapshot, or accept it: offload adopt trades"
REPAIR = "to start again from the first row: offload watermark repair trades"
GONE = "cold.trades to have the commit token of the rows published up to 2024-08-01"
COLUMNS = "the columns of cold.trades to be those of trades"
RUNNING = (
    "UPDATE offload_watermarks SET status = 'running', locked = 0, owner = 'elsewhere:1', "
    "heartbeat_at = {0}, claimed_at = {0}"
)
NOW = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


def cold(change: Callable[[Table], object]) -> Callable[[World], object]:
    """Another job changes the cold table."""

    def given(world: World) -> None:
        with world.cold() as table:
            change(table)

    return given


def store(statement: str) -> Callable[[World], object]:
    """A person changes the watermark store."""
    return lambda world: world.store(statement)


def changed(name: str, command: str, given: Callable[[World], object], *parts: str, code: int = 65) -> Case:
    """A published table that is not as its runs left it."""
    claims = command.startswith(("run", "adopt", "watermark repair")) and code != 75
    return Case(
        f"{name}: {command}", words(command), code, *parts, given=given, records=RECORDED if claims else NOTHING
    )


def append(table: Table) -> None:
    """Two rows once more."""
    table.append(table.scan().to_arrow().slice(0, 2))


def delete(table: Table) -> None:
    """One row less."""
    table.delete("trade_id = '3'")


def add_column(table: Table) -> None:
    """A column that hot has not."""
    with table.update_schema() as update:
        update.add_column("extra", LongType())


def drop_column(table: Table) -> None:
    """A column less; the files still have it."""
    with table.update_schema(allow_incompatible_changes=True) as update:
        update.delete_column("price")


def rename_column(table: Table) -> None:
    """A column under another name."""
    with table.update_schema() as update:
        update.rename_column("price", "cost")


def without_token(table: Table) -> None:
    """As a job leaves it that creates the table again."""
    with table.transaction() as transaction:
        transaction.remove_properties("tidemark.token")


def set_property(name: str, value: str) -> Callable[[Table], None]:
    """A property that another job has set."""

    def change(table: Table) -> None:
        with table.transaction() as transaction:
            transaction.set_properties({name: value})

    return change


def roll_back(table: Table) -> None:
    """The table as before its last commit."""
    (first, *_) = table.metadata.snapshots
    table.manage_snapshots().create_branch(first.snapshot_id, "main").commit()


def second_commit(world: World) -> None:
    """Another hundred rows are published, and the table is rolled back behind them."""
    world.stage.sql("CREATE TABLE t AS trades ENGINE = MergeTree ORDER BY trade_id")
    world.sql("INSERT INTO t SELECT * FROM trades")
    declaration = (world.folder / "tables/trades.toml").read_text()
    world.file("tables/t.toml", declaration.replace('"trades"', '"t"').replace("cold.trades", "cold.t"))
    world.offload("run", "t", "--until", "2024-08-01T00:00:00.005Z")
    world.offload("run", "t")
    with world.cold("cold.t") as table:
        roll_back(table)


def drop(world: World) -> None:
    """The table is gone from the catalog."""
    with world.stage.catalog() as catalog:
        catalog.drop_table("cold.trades")


def filled_by_another(world: World) -> None:
    """A table of the right columns that another job has created and filled, and no run has seen."""
    with world.cold() as table:
        rows, schema = table.scan().to_arrow(), table.schema()
    with world.stage.catalog() as catalog:
        catalog.create_table("cold.t", schema).append(rows)
    declaration = (world.folder / "tables/trades.toml").read_text()
    world.sql("CREATE TABLE t AS trades", "INSERT INTO t SELECT * FROM trades WHERE sequence_number < 5")
    world.file("tables/t.toml", declaration.replace('"trades"', '"t"').replace("cold.trades", "cold.t"))


def without(pattern: str) -> Callable[[World], object]:
    """Files of the warehouse are deleted outside of Iceberg."""

    def given(world: World) -> None:
        for path in (world.folder / "warehouse").rglob(pattern):
            path.unlink()

    return given


def cut_off(pattern: str) -> Callable[[World], object]:
    """Files of the warehouse are damaged."""

    def given(world: World) -> None:
        for path in (world.folder / "warehouse").rglob(pattern):
            path.write_bytes(b"{")

    return given


FOREIGN = "no commit of another job since the last token"
CHANGES = [
    changed("appended", "run trades", cold(append), FOREIGN, "Operation.APPEND", ROLL),
    changed("appended", "plan trades", cold(append), FOREIGN, "Operation.APPEND", ROLL),
    changed("appended", "adopt trades", cold(append), "to have the rows of trades", "2 extra", "--accept-extra 2"),
    changed("deleted", "run trades", cold(delete), FOREIGN, "Operation.OVERWRITE", ROLL),
    changed("rolled back", "run t", second_commit, "among the ancestors", "a rollback to", ROLL.replace("trades", "t")),
    changed(
        "filled by another job",
        "run t",
        filled_by_another,
        "cold.t to be empty",
        "10 rows and no token",
        "offload adopt t",
    ),
    changed(
        "filled by another job", "adopt t", filled_by_another, "the rows of t up to", "5 extra", "--accept-extra 5"
    ),
    changed(
        "with a column more", "run trades", cold(add_column), COLUMNS, "extra: hot has none, cold long", "offload run"
    ),
    changed("with a column more", "adopt trades", cold(add_column), COLUMNS, "extra: hot has none", "offload run"),
    changed(
        "with a column less",
        "plan trades",
        cold(drop_column),
        COLUMNS,
        "price: hot decimal(18, 8)",
        "RENAME COLUMN price",
    ),
    changed("with a column less", "audit trades", cold(drop_column), COLUMNS, "cold has none", "RENAME COLUMN price"),
    changed(
        "with a column renamed", "run trades", cold(rename_column), COLUMNS, "cost: hot has none", "RENAME COLUMN price"
    ),
    changed("dropped", "run trades", drop, GONE, "no such table", REPAIR),
    changed("dropped", "plan trades", drop, GONE, "no such table", REPAIR),
    changed("dropped", "audit trades", drop, GONE, "no such table", REPAIR),
    changed("dropped", "adopt trades", drop, GONE, "no such table", REPAIR),
    changed("without a token", "run trades", cold(without_token), GONE, "dropped and created again", REPAIR),
    changed("without a token", "audit trades", cold(without_token), GONE, "dropped and created again", REPAIR),
    *(
        changed(
            "with garbage for a token",
            command,
            cold(set_property("tidemark.token", "{garbage")),
            "a token in property tidemark.token of cold.trades",
            "{garbage",
            "unset the property and run offload adopt",
        )
        for command in (
            "run trades",
            "watermark show trades",
            "watermark repair trades",
            "audit trades",
            "adopt trades",
        )
    ),
    changed(
        "with garbage for a number",
        "run trades",
        cold(set_property("tidemark.total-records", "many")),
        "numbers in the properties tidemark.snapshot-id and tidemark.total-records",
        "without one of them",
        ROLL,
    ),
    Case(
        "from a table of another cluster",
        words("run trades"),
        65,
        "trades to be the table default/",
        "the table elsewhere/",
        "offload adopt trades, which compares hot and cold first",
        environment={"OFFLOAD_CLUSTER": "elsewhere"},
        records=RECORDED,
    ),
    Case(
        "accepting what does not differ",
        words("adopt trades --accept-missing 3"),
        65,
        "differences of trades and cold.trades to accept: 3 missing",
        "none: both have the same rows",
        "offload adopt trades",
        records=RECORDED,
    ),
]
DAMAGED = "metadata and manifests of the cold tables in folder {folder}/warehouse that can be read"
EVERY_FILE = "every data file of cold.trades in the warehouse"
FILES = [
    changed("without data files", "audit trades", without("*.parquet"), EVERY_FILE, "2 that are gone", "from a backup"),
    changed("without data files", "adopt trades", without("*.parquet"), EVERY_FILE, "2 that are gone", "from a backup"),
    changed(
        "without metadata",
        "run trades",
        without("*.metadata.json"),
        "every file of the cold",
        "metadata.json",
        "backup",
    ),
    changed(
        "without metadata",
        "watermark show trades",
        without("*.metadata.json"),
        "every file of the cold",
        "metadata.json",
        "backup",
    ),
    changed(
        "without metadata",
        "watermark repair trades",
        without("*.metadata.json"),
        "every file of the cold",
        "metadata.json",
        "backup",
    ),
    changed("without manifests", "audit trades", without("*.avro"), "every file of the cold", ".avro", "backup"),
    changed(
        "with garbage for metadata", "plan trades", cut_off("*.metadata.json"), DAMAGED, "Invalid JSON", "from a backup"
    ),
    changed("with garbage for manifests", "run trades", cut_off("*.avro"), DAMAGED, "EOF", "from a backup"),
]
STORE = [
    *(
        changed(
            "with a run elsewhere", command, store(RUNNING.format(NOW)), "no living run", "elsewhere:1", "wait", code=75
        )
        for command in ("run trades", "adopt trades", "watermark repair trades")
    ),
    changed(
        "published", "forget trades", store("SELECT 1"), "to have no watermark", "2024-08-01", "watermark show trades"
    ),
    changed(
        "published, by its time alone",
        "forget trades",
        store("UPDATE offload_watermarks SET watermark_ticks = NULL"),
        "trades to have no watermark",
        "rows up to 2024-08-01",
        "leave it in the store",
    ),
    *(
        Case(
            f"a file that is no database: {command}",
            words(command),
            78,
            "a database at sqlite:///{folder}/tables/trades.toml that can be read",
            "file is not a database",
            f"restore it, or correct {variable}",
            environment={variable: "sqlite:///{folder}/tables/trades.toml"},
        )
        for command, variable in (
            ("status", "OFFLOAD_WATERMARKS_URL"),
            ("watermark repair trades", "OFFLOAD_WATERMARKS_URL"),
            ("forget trades", "OFFLOAD_WATERMARKS_URL"),
            ("audit trades", "OFFLOAD_CATALOG_URI"),
        )
    ),
]

CASES = [*CHANGES, *FILES, *STORE]
