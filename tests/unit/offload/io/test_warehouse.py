"""One warehouse, for pyarrow, PyIceberg and ClickHouse."""

from __future__ import annotations

import errno
import pickle
from pathlib import Path

import pytest

from offload.errors import AccessRefused, ConfigurationError, OffloadError, Unavailable
from offload.io.warehouse import Warehouse, plain

SECRET = "s3cr3t"  # noqa: S105  # no real one


def bucket(**changes: str) -> Warehouse:
    """A bucket with keys."""
    return Warehouse("s3://bucket/prefix/", 10, **{"access_key": "reader", "secret_key": SECRET} | changes)


def test_a_folder_is_an_absolute_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From any form of path; no part is percent-encoded, since PyIceberg does not decode."""
    monkeypatch.chdir(tmp_path)

    assert Warehouse("ware house", 10).uri == f"file://{tmp_path}/ware house"
    assert plain(Warehouse("ware house", 10).uri) == f"{tmp_path}/ware house"


def test_a_bucket_keeps_its_scheme() -> None:
    """Without a slash at its end."""
    assert bucket().uri == "s3://bucket/prefix"
    assert plain("s3a://bucket/prefix/x") == "bucket/prefix/x"


@pytest.mark.parametrize("missing", ["nowhere", "file.txt"])
def test_a_missing_folder_is_an_error(tmp_path: Path, missing: str) -> None:
    """It is not created: a wrong path must not become a warehouse."""
    (tmp_path / "file.txt").write_text("a file")

    with pytest.raises(ConfigurationError, match=missing):
        Warehouse(str(tmp_path / missing), 10).check()

    assert not (tmp_path / "nowhere").exists()


def test_an_existing_folder_is_no_error(tmp_path: Path) -> None:
    """The check creates no file."""
    Warehouse(str(tmp_path), 10).check()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), AccessRefused),
        (OSError(errno.EROFS, "Read-only file system"), AccessRefused),
        (OSError("When getting information for bucket: AWS Error ACCESS_DENIED during HeadBucket"), AccessRefused),
        (OSError("AWS Error SignatureDoesNotMatch"), AccessRefused),
        (OSError("AWS Error NO_SUCH_BUCKET during PutObject"), ConfigurationError),
        (OSError("AWS Error NETWORK_CONNECTION during HeadBucket: curlCode: 7, Couldn't connect"), Unavailable),
        (OSError("AWS Error NETWORK_CONNECTION: curlCode: 35, SSL routines::wrong version number"), ConfigurationError),
        (OSError(errno.ENOSPC, "No space left on device"), Unavailable),
        (OSError(), Unavailable),
    ],
)
def test_errors_of_the_store_are_translated(error: OSError, kind: type[OffloadError]) -> None:
    """A person must act, or the same command succeeds later."""
    with pytest.raises(kind) as caught, bucket().translate_errors():
        raise error

    assert caught.value.__cause__ is error
    assert SECRET not in str(caught.value)


def test_it_can_be_sent_to_another_process(tmp_path: Path) -> None:
    """Without its open connections and with its keys; neither copy shows the keys."""
    warehouse = Warehouse(str(tmp_path), 10)
    warehouse.check()

    again = pickle.loads(pickle.dumps(warehouse))  # noqa: S301  # our own bytes

    assert again == warehouse
    assert pickle.loads(pickle.dumps(bucket())).secret_key == SECRET  # noqa: S301  # pickled by this test
    assert SECRET not in repr(bucket())
    again.check()


def test_a_file_is_made_with_its_folders(tmp_path: Path) -> None:
    """And read back."""
    warehouse = Warehouse(str(tmp_path), 10)

    with warehouse.create(f"{warehouse.uri}/a/b/c.txt") as out:
        out.write(b"hello")

    assert (tmp_path / "a/b/c.txt").is_file()
    assert warehouse.open(f"{warehouse.uri}/a/b/c.txt").read() == b"hello"
