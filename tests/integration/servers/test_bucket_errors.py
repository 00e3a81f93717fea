"""ClickHouse reads the stored files itself: a refused key and a missing file have errors of their own."""

from __future__ import annotations

import pytest

from harness.environments.servers import server_environment
from harness.stack.stack import Stack
from offload import wiring
from offload.errors import AccessRefused, DataError
from offload.settings import Settings
from offload.tables import declarations
from tests.support.offload import settings_of

MISSING = "data/absent.parquet"


def read(settings: Settings, table: str) -> None:
    """Let ClickHouse read a file that is not in the bucket."""
    with wiring.open_adapters(settings) as adapters:
        hot = adapters.source.describe(declarations.load(settings.tables)[table])
        hot.verifier.stored([f"{settings.warehouse}/{MISSING}"])


def test_a_file_that_is_not_in_the_bucket_is_65(stack: Stack) -> None:
    """Someone deleted a file of the table: waiting does not bring it back."""
    with server_environment(stack) as environment, pytest.raises(DataError, match=r"restore them from a backup"):
        read(settings_of(environment), environment.table)


def test_a_key_that_the_bucket_refuses_is_77(stack: Stack) -> None:
    """The message names both settings of the key, and shows neither value."""
    with server_environment(stack) as environment:
        settings = settings_of(environment)
        wrong = Settings(**{**settings.model_dump(), "s3_secret_key": "hush-s3cr3t"})
        with pytest.raises(AccessRefused, match=r"correct OFFLOAD_S3_ACCESS_KEY and OFFLOAD_S3_SECRET_KEY") as refused:
            read(wrong, environment.table)

    assert "hush-s3cr3t" not in str(refused.value)
