"""Runs with exactly the rights that docs/grants.md names for Postgres and for the object store."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from minio import MinioAdmin
from minio.credentials import StaticProvider
from pyiceberg.catalog.sql import SqlCatalog
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from harness.environments.servers import ServerEnvironment, server_environment
from harness.readers.watermarks import with_driver
from harness.stack.stack import Stack
from harness.trades.tagged import START, TaggedTrades
from tests.support import grants
from tests.support.offload import run_offload
from tests.support.run import published, refusal_of, run

PASSWORD = "user-passw0rd"  # noqa: S105  # of users that this test makes
LATER = TaggedTrades(200, start=START + timedelta(days=2), tag="later-", first_sequence=1000)


@pytest.fixture
def environment(stack: Stack) -> Iterator[ServerEnvironment]:
    """A table with rows that are not published yet."""
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(50))
        yield environment


@contextmanager
def role(environment: ServerEnvironment, block: int) -> Iterator[dict[str, str]]:
    """A Postgres role with the grants of one block; yields the variables with its address."""
    name = f"u{uuid.uuid4().hex[:12]}"
    engine = create_engine(with_driver(environment.catalog_uri), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with closing(engine.connect()) as owner:
        owner.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"))
        try:
            owner.execute(text(f"REVOKE ALL ON DATABASE {environment.name} FROM public"))
            owner.execute(text("REVOKE ALL ON SCHEMA public FROM public"))
            for grant in grants.sql(block):
                named = grant.replace("DATABASE DATABASE", f"DATABASE {environment.name}")
                owner.execute(text(named.replace("TO USER", f"TO {name}")))
            url = make_url(environment.catalog_uri).set(username=name, password=PASSWORD)
            address = url.render_as_string(hide_password=False)
            yield {"OFFLOAD_CATALOG_URI": address, "OFFLOAD_WATERMARKS_URL": address}
        finally:
            owner.execute(text(f"REASSIGN OWNED BY {name} TO current_user"))
            owner.execute(text(f"DROP OWNED BY {name}"))
            owner.execute(text(f"DROP ROLE {name}"))
    engine.dispose()


def test_a_role_with_the_documented_grants_creates_the_tables_and_another_one_uses_them(
    environment: ServerEnvironment,
) -> None:
    """The second role may create nothing."""
    with role(environment, grants.POSTGRES_OWNER) as owner:
        first = run(environment, **owner)
        environment.insert(LATER)
    with role(environment, grants.POSTGRES_USER) as user:
        second = run(environment, **user)

    assert (first.returncode, second.returncode) == (0, 0), first.stdout + second.stdout
    assert environment.watermark_row()["last_offload_row_count"] == LATER.rows


def test_a_role_that_may_not_create_the_tables_is_77(environment: ServerEnvironment) -> None:
    """The first run of all; the message names the variable."""
    with role(environment, grants.POSTGRES_USER) as user:
        ended = run_offload(["run", environment.table, "--json"], environment, changed=user)
    (table,) = json.loads(ended.stdout)["tables"]

    assert (ended.returncode, table["error"]["kind"]) == (77, "AccessRefused"), table
    assert "OFFLOAD_WATERMARKS_URL" in table["error"]["next"]


@contextmanager
def key(environment: ServerEnvironment, policy: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """A user of MinIO with this policy; yields the variables with its key."""
    minio, name = environment.stack.minio, f"u{uuid.uuid4().hex[:12]}"
    provider = StaticProvider(minio.access_key, minio.secret_key)
    admin = MinioAdmin(endpoint=f"{minio.host}:{minio.port}", credentials=provider, secure=False)
    admin.user_add(name, PASSWORD)
    admin.policy_add(name, policy=dict(policy))
    try:
        admin.attach_policy([name], user=name)
        yield {"OFFLOAD_S3_ACCESS_KEY": name, "OFFLOAD_S3_SECRET_KEY": PASSWORD}
    finally:
        admin.user_remove(name)
        admin.policy_remove(name)


def without(policy: dict[str, Any], action: str) -> dict[str, Any]:
    """A policy that allows one action less."""
    for statement in policy["Statement"]:
        statement["Action"] = [each for each in statement["Action"] if each != action]
    return policy


def remove_old_metadata(environment: ServerEnvironment) -> None:
    """Ask, in the table's properties, that metadata files are removed which no commit needs."""
    cold = environment.cold
    with closing(SqlCatalog("tidemark", uri=cold.catalog_uri, warehouse=cold.warehouse, **cold.properties)) as catalog:
        table = catalog.load_table(cold.name)
        with table.transaction() as transaction:
            transaction.set_properties(
                {"write.metadata.delete-after-commit.enabled": "true", "write.metadata.previous-versions-max": "1"}
            )


def test_a_key_with_the_documented_policy_publishes(environment: ServerEnvironment) -> None:
    """Old metadata that may not be deleted stays: that is no reason to fail, and the run says it."""
    with key(environment, grants.policy(environment.bucket)) as allowed:
        first = run(environment, **allowed)
        remove_old_metadata(environment)
        environment.insert(LATER)
        second = run(environment, **allowed)

    assert (first.returncode, second.returncode) == (0, 0), first.stdout + second.stdout
    assert environment.watermark_row()["last_offload_row_count"] == LATER.rows
    (warning,) = json.loads(second.stdout)["tables"][0]["warnings"]
    assert "old metadata files" in warning
    assert "permission refused" in warning


@pytest.mark.parametrize("action", ["s3:ListBucket", "s3:GetObject", "s3:PutObject"])
def test_a_key_with_less_is_77(environment: ServerEnvironment, action: str) -> None:
    """Nothing is published; the message speaks of the permission."""
    assert run(environment).returncode == 0
    environment.insert(LATER)
    with key(environment, without(grants.policy(environment.bucket), action)) as less:
        code, error = refusal_of(environment, less)

    assert (code, error["kind"]) == (77, "AccessRefused"), error
    assert run(environment).returncode == 0
    assert len(published(environment)[0]) == 2
