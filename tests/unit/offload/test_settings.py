"""The settings are read from the environment, and no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from offload.errors import ConfigurationError
from offload.settings import Settings, load
from offload.wiring import warehouse

SECRET = "s3cr3t"  # noqa: S105  # no real one


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` and no variables but the test's own."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"OFFLOAD_{name.upper()}", raising=False)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("300", 300), ("90s", 90), ("5min", 300), ("5 m", 300), ("1h", 3600), ("250ms", 0.25), ("1.5 h", 5400)],
)
def test_a_duration_has_a_unit_or_is_seconds(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    """As people write them."""
    monkeypatch.setenv("OFFLOAD_BUFFER", text)

    assert load().buffer == seconds


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BUFFER", "soon"),
        ("BUFFER", "-1"),
        ("BUFFER", "5 days"),
        ("LEASE", "1e3"),
        ("LEASE", "0"),
        ("TIMEOUT", ""),
        ("TIMEOUT", "0s"),
        ("BATCH_ROWS", "0"),
        ("WORKERS", "0"),
        ("WORKERS", "two"),
    ],
)
def test_a_value_of_a_wrong_form_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Exit 78."""
    monkeypatch.setenv(f"OFFLOAD_{name}", value)

    with pytest.raises(ConfigurationError, match=f"OFFLOAD_{name}"):
        load()


@pytest.mark.parametrize("where", ["environment", "file"])
@pytest.mark.parametrize(
    ("name", "found"),
    [("OFFLOAD_WATERMARK_URL", "did you mean OFFLOAD_WATERMARKS_URL?"), ("OFFLOAD_XYZZY", "OFFLOAD_XYZZY")],
)
def test_an_unknown_variable_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str, name: str, found: str
) -> None:
    """Its value, which may be a password, is not shown; variables of other programs are none of ours."""
    (tmp_path / ".env").write_text(f"{name}={SECRET}\n" if where == "file" else "OTHER=1\n")
    if where == "environment":
        monkeypatch.setenv(name, SECRET)

    with pytest.raises(ConfigurationError) as refused:
        load()

    assert found in refused.value.found
    assert SECRET not in str(refused.value)


def test_the_file_fills_in_what_the_environment_leaves_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment counts first."""
    Path(".env").write_text("OFFLOAD_BUFFER=7\nOFFLOAD_LEASE=8\nSOMETHING_ELSE=9\n")
    monkeypatch.setenv("OFFLOAD_BUFFER", "1")

    assert (load().buffer, load().lease) == (1, 8)


def test_no_secret_is_shown_by_settings_or_storage() -> None:
    """Neither in a representation nor in an f-string."""
    settings = Settings(
        clickhouse_dsn=f"clickhouse://u:{SECRET}@h/d",
        catalog_uri=f"postgresql://u:{SECRET}@h/d",
        watermarks_url=f"postgresql://u:{SECRET}@h/d",
        s3_access_key=SECRET,
        s3_secret_key=SECRET,
    )

    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert SECRET not in f"{warehouse(settings)!r} {warehouse(settings)}"


def test_no_secret_is_shown_by_an_error_about_another_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wrong value is not shown: it may be a password that was set in the wrong variable."""
    monkeypatch.setenv("OFFLOAD_CATALOG_URI", f"postgresql://u:{SECRET}@h/d")
    monkeypatch.setenv("OFFLOAD_WORKERS", SECRET)

    with pytest.raises(ConfigurationError) as caught:
        load()

    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
