"""Addresses of databases, as they are shown."""

from __future__ import annotations

import pytest

from offload.io.database import redacted_url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ops:s3cr3t@host:5432/catalog",
        "postgresql://ops@host:5432/catalog?connect_timeout=8&password=s3cr3t",
        "postgresql://ops:s3cr3t@host:5432/catalog?sslpassword=s3cr3t",
    ],
)
def test_an_address_is_shown_without_any_secret(url: str) -> None:
    """A driver takes passwords as parameters as well."""
    assert "s3cr3t" not in redacted_url(url)
    assert "host:5432/catalog" in redacted_url(url)
