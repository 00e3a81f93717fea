"""Settings, `.env` files and folders that are wrong: exit 78, with the name of the variable."""

from __future__ import annotations

from tests.integration.errors.bad_input.case import RECORDED, Case, words

ADDRESS = "postgresql://user:password@host/database or sqlite:////folder/file.db in"


def unusable(name: str, command: str, variable: str, value: str, found: str) -> Case:
    """A value of a wrong form."""
    return Case(
        name,
        words(command),
        78,
        f"a usable value in {variable}",
        found,
        f"correct {variable}",
        environment={variable: value},
    )


def empty(command: str, variable: str) -> Case:
    """A variable that is set to nothing: the default would be another place than the one that was meant."""
    name = f"{variable} is empty"
    return Case(
        name,
        words(command),
        78,
        f"a value in {variable}",
        "an empty text",
        f"set {variable}",
        environment={variable: ""},
    )


def address(name: str, command: str, variable: str, value: str, found: str) -> Case:
    """An address of a database that is none."""
    return Case(
        name, words(command), 78, f"{ADDRESS} {variable}", found, f"set {variable}", environment={variable: value}
    )


def warehouse(name: str, value: str, *parts: str, command: str = "run trades") -> Case:
    """A warehouse that is none; a run has claimed its table before it looks."""
    records = RECORDED if command.startswith("run") else frozenset[str]()
    environment = {"OFFLOAD_WAREHOUSE": value}
    return Case(name, words(command), 78, *parts, environment=environment, records=records)


def demo(name: str, flags: str, *parts: str) -> Case:
    """A folder that the demo cannot use."""
    return Case(f"demo: {name}", words(f"demo {flags}"), 78, *parts)


VALUES = [
    unusable("a negative duration", "run trades", "OFFLOAD_BUFFER", "-5", "such as 300, 90s or 5min"),
    unusable("an unknown unit", "plan trades", "OFFLOAD_BUFFER", "5 parsecs", "such as 300, 90s or 5min"),
    unusable("a duration without end", "audit trades", "OFFLOAD_TIMEOUT", "inf", "such as 300, 90s or 5min"),
    unusable("a duration beyond the clock", "adopt trades", "OFFLOAD_TIMEOUT", f"{'9' * 17}h", "at most a year"),
    unusable("a batch of no time", "run trades", "OFFLOAD_BATCH_TIME", "0s", "greater than 0"),
    unusable("half a row", "plan trades", "OFFLOAD_BATCH_ROWS", "0.5", "a valid integer"),
    unusable("too many workers", "watermark repair trades", "OFFLOAD_WORKERS", "65", "less than or equal to 64"),
    unusable("a lease of no time", "forget trades", "OFFLOAD_LEASE", "0", "greater than 0"),
    empty("run trades", "OFFLOAD_WAREHOUSE"),
    empty("tables", "OFFLOAD_TABLES"),
    empty("adopt trades", "OFFLOAD_CLUSTER"),
    empty("watermark show trades", "OFFLOAD_CATALOG_NAME"),
    empty("status", "OFFLOAD_WATERMARKS_URL"),
    Case(
        "a misspelt variable",
        words("init trades"),
        78,
        "variables OFFLOAD_… that docs/commands.md lists",
        "OFFLOAD_TABELS; did you mean OFFLOAD_TABLES?",
        "correct OFFLOAD_TABELS in the environment or in .env",
        environment={"OFFLOAD_TABELS": "x"},
    ),
    Case(
        "a misspelt variable in .env",
        words("status"),
        78,
        "variables OFFLOAD_…",
        "OFFLOAD_BUFER; did you mean OFFLOAD_BUFFER?",
        "in .env",
        given=lambda world: world.file(".env", "OFFLOAD_BUFER=5\n"),
    ),
    Case(
        ".env is not UTF-8",
        words("tables"),
        78,
        "text in UTF-8 in {folder}/.env",
        "0xff",
        "correct or remove the file",
        given=lambda world: world.file(".env", b"OFFLOAD_BUFFER=\xff\n"),
    ),
]
ADDRESSES = [
    address("no scheme", "status", "OFFLOAD_WATERMARKS_URL", "{folder}/watermarks.db", "cannot be parsed"),
    address("a database in memory", "status", "OFFLOAD_WATERMARKS_URL", "sqlite://", "ends with the command"),
    address(
        "a catalog in memory", "audit trades", "OFFLOAD_CATALOG_URI", "sqlite:///:memory:", "ends with the command"
    ),
    address(
        "another kind of database", "watermark show trades", "OFFLOAD_WATERMARKS_URL", "mysql://u:p@h/d", "of mysql"
    ),
    address(
        "a password that is not encoded",
        "forget trades",
        "OFFLOAD_WATERMARKS_URL",
        "postgresql://user:s3cr3t@hush/x:y@host:5432/db",
        "in a password, write / @ : ? # as",
    ),
    Case(
        "a database that is a folder",
        words("audit trades"),
        78,
        "a database at sqlite:///{folder}/tables",
        "unable to open database file",
        "correct OFFLOAD_CATALOG_URI",
        environment={"OFFLOAD_CATALOG_URI": "sqlite:///{folder}/tables"},
    ),
    Case(
        "a database in no folder",
        words("watermark repair trades"),
        78,
        "a folder {folder}/nowhere for the database",
        "no such folder",
        "mkdir -p {folder}/nowhere",
        environment={"OFFLOAD_WATERMARKS_URL": "sqlite:///{folder}/nowhere/w.db"},
    ),
    Case(
        "ClickHouse at no address",
        words("init trades --folder {folder}/new"),
        78,
        "clickhouse://user:password@host:8123/database or chdb:///folder",
        "another form",
        "correct OFFLOAD_CLICKHOUSE_DSN",
        environment={"OFFLOAD_CLICKHOUSE_DSN": "trades"},
    ),
]
FOLDERS = [
    warehouse(
        "no such warehouse", "{folder}/nowhere", "a folder at {folder}/nowhere", "no such folder", "OFFLOAD_WAREHOUSE"
    ),
    warehouse(
        "a file as warehouse", "{folder}/tables/trades.toml", "a folder at", "no such folder", "set OFFLOAD_WAREHOUSE"
    ),
    warehouse("marks in a warehouse", "{folder}/a#b", "has none of # ? { } *", "#", "another folder or prefix"),
    warehouse("no bucket", "s3://", "s3://bucket/prefix, with a bucket", "s3://, without one", "set OFFLOAD_WAREHOUSE"),
    warehouse(
        "300 letters of a warehouse", "x" * 300, "names that folder", "xxx", "a shorter name", command="plan trades"
    ),
    Case(
        "a file as folder of declarations",
        words("tables"),
        78,
        "a folder of declarations at {folder}/tables/trades.toml",
        "no such folder",
        "set OFFLOAD_TABLES",
        environment={"OFFLOAD_TABLES": "{folder}/tables/trades.toml"},
    ),
    Case(
        "init in a folder that is a file",
        words("init trades --folder {folder}/tables/trades.toml"),
        78,
        "a folder {folder}/tables/trades.toml for trades.toml",
        "a file",
        "name another --folder",
    ),
    Case(
        "init over a declaration",
        words("init trades"),
        78,
        "no declaration {folder}/tables/trades.toml yet",
        "may have been edited",
        "rm {folder}/tables/trades.toml",
    ),
    demo("a folder in use", "--folder {folder}", "missing folder at {folder}", "in it", "demo --folder ANOTHER_FOLDER"),
    demo(
        "a file", "--folder {folder}/tables/trades.toml", "missing folder at", "a file", "demo --folder ANOTHER_FOLDER"
    ),
    demo(
        "below a file", "--folder {folder}/tables/trades.toml/x", "trades.toml/x", "Not a directory", "ANOTHER_FOLDER"
    ),
    demo("a read-only folder", "--folder /sys/kernel/x", "at /sys/kernel/x", "not permitted", "ANOTHER_FOLDER"),
    demo("a name of 300 letters", f"--folder {'x' * 300}", "missing folder at", "name too long", "ANOTHER_FOLDER"),
    demo(
        "no such trades", "--trades {folder}/no --folder {folder}/new", "after --trades", "no folder at", "offload demo"
    ),
    demo(
        "no recordings", "--trades {folder}/tables --folder {folder}/new", "binance-spot-*", "no file", "ANOTHER_FOLDER"
    ),
]


CASES = [*VALUES, *ADDRESSES, *FOLDERS]
