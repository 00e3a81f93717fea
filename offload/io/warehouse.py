"""The folder or S3 bucket of the data files, for pyarrow, PyIceberg and ClickHouse."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from offload.errors import AccessRefused, ConfigurationError, DataError, Unavailable
from offload.io.deadline import within

_REFUSED = ("ACCESS_DENIED", "AccessDenied", "InvalidAccessKeyId", "INVALID_ACCESS_KEY_ID", "SignatureDoesNotMatch")
_REFUSED_ERRNO = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_BUCKET = ("NoSuchBucket", "NO_SUCH_BUCKET")
_NO_TLS = "wrong version number"  # text of OpenSSL, where a port answered in plain text
_ATTEMPTS = 2
_FILES_PER_CALL = 256
# `#` and `?` end an address for PyIceberg; the others are patterns for ClickHouse.
_NOT_IN_PATHS = "#?{}*"


@dataclass(frozen=True)
class Warehouse:
    """
    One warehouse. Can be pickled, so that engines can use it in other processes.

    `endpoint_for_clickhouse` is the bucket's address for the ClickHouse server; `timeout` is in seconds.
    """

    warehouse: str
    timeout: float
    endpoint: str | None = None
    endpoint_for_clickhouse: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    region: str = "us-east-1"

    def __repr__(self) -> str:
        return f"Storage({self.warehouse!r})"

    def without_secrets(self) -> Warehouse:
        """The same, with names in the place of the keys."""
        return replace(self, access_key="ACCESS_KEY", secret_key="SECRET_KEY") if self.access_key else self  # noqa: S106

    @property
    def remote(self) -> bool:
        """Whether the warehouse is a bucket."""
        return self.warehouse.startswith(("s3://", "s3a://"))

    @property
    def uri(self) -> str:
        """The warehouse as an absolute address."""
        return (
            self.warehouse.rstrip("/")
            if self.remote
            else f"file://{Path(self.warehouse.removeprefix('file://')).absolute()}"
        )  # not percent-encoded: PyIceberg does not decode

    def properties(self) -> dict[str, str]:
        """PyIceberg's FileIO properties."""
        given = {
            "s3.endpoint": self.endpoint,
            "s3.access-key-id": self.access_key,
            "s3.secret-access-key": self.secret_key,
            "s3.region": self.region if self.remote else None,
            "s3.connect-timeout": str(self.timeout) if self.remote else None,
            "s3.request-timeout": str(self.timeout) if self.remote else None,
        }
        return {name: value for name, value in given.items() if value is not None}

    @cached_property
    def _files(self) -> Any:
        from pyarrow import fs

        if not self.remote:
            return fs.LocalFileSystem()
        return fs.S3FileSystem(
            access_key=self.access_key,
            secret_key=self.secret_key,
            endpoint_override=self.endpoint,
            region=self.region,
            # Each attempt has its own time, and curl takes 6 s more than that before it calls an upload silent: with
            # the default time-out, an upload to a store that hangs fails after 19 s.
            connect_timeout=self.timeout / 3,
            request_timeout=self.timeout / 3,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        )

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_files"}

    def check(self) -> None:
        """
        Check that the warehouse exists.

        Raises:
            ConfigurationError: The bucket or the folder is missing.
            AccessRefused: The store refuses the key or the permission.
            Unavailable: The store does not answer.
        """
        from pyarrow.fs import FileType

        if wrong := sorted(set(self.warehouse.removeprefix("file://")) & set(_NOT_IN_PATHS)):
            raise ConfigurationError(
                f"a warehouse whose name has none of {' '.join(_NOT_IN_PATHS)}",
                f"{' '.join(wrong)} in {self.warehouse}",
                "name another folder or prefix in OFFLOAD_WAREHOUSE",
            )
        if "://" in self.warehouse and not self.remote and not self.warehouse.startswith("file://"):
            raise ConfigurationError(
                "a warehouse such as s3://bucket/prefix, or a folder",
                f"the scheme {self.warehouse.partition('://')[0]}",
                "set OFFLOAD_WAREHOUSE",
            )
        if self.remote and not plain(self.warehouse).strip("/"):
            raise ConfigurationError(
                "a warehouse such as s3://bucket/prefix, with a bucket",
                f"{self.warehouse}, without one",
                "set OFFLOAD_WAREHOUSE",
            )
        root = plain(self.uri).partition("/")[0] if self.remote else plain(self.uri)
        with self.translate_errors():
            info = within(self.timeout, self.where, lambda: self._files.get_file_info(root))
        if info.type != FileType.Directory:
            kind = "bucket" if self.remote else "folder"
            next_step = "create it, or set OFFLOAD_WAREHOUSE"
            raise ConfigurationError(f"a {kind} at {self.warehouse}", f"no such {kind}", next_step)

    def has_files(self, uri: str) -> bool:
        """Whether anything lies in a folder."""
        return bool(self.names(uri))

    def names(self, uri: str) -> list[str]:
        """The names of what lies in a folder."""
        from pyarrow.fs import FileSelector

        return [info.base_name for info in self._files.get_file_info(FileSelector(plain(uri), allow_not_found=True))]

    def delete(self, uri: str) -> None:
        """Delete a file."""
        self._files.delete_file(plain(uri))

    def write_text(self, uri: str, text: str) -> None:
        """Write a small file; one that is there is replaced."""
        with self.create(uri) as file:
            file.write(text.encode())

    def read_text(self, uri: str) -> str | None:
        """Read a small file; None: there is none."""
        try:
            with self.open(uri) as file:
                return bytes(file.read()).decode(errors="replace")
        except FileNotFoundError:
            return None

    def missing(self, uris: Sequence[str]) -> list[str]:
        """Those of the files that are not there."""
        from pyarrow.fs import FileType

        missing = []
        for first in range(0, len(uris), _FILES_PER_CALL):  # the time-out is for silence, not for the work of years
            some = uris[first : first + _FILES_PER_CALL]
            with self.translate_errors():
                found = within(
                    self.timeout, self.where, partial(self._files.get_file_info, [plain(uri) for uri in some])
                )
            missing += [uri for uri, info in zip(some, found, strict=True) if info.type == FileType.NotFound]
        return missing

    @property
    def where(self) -> str:
        """The name of the warehouse in messages."""
        return f"object store {self.endpoint or 'S3'}" if self.remote else f"folder {self.warehouse}"

    def create(self, uri: str) -> Any:
        """Open a new file for writing; a local warehouse gets its folders."""
        path = plain(uri)
        if not self.remote:
            self._files.create_dir(path.rpartition("/")[0], recursive=True)
        return self._files.open_output_stream(path)

    def open(self, uri: str) -> Any:
        """Open a stored file for reading."""
        return self._files.open_input_file(plain(uri))

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """
        Translate errors of the operating system and of pyarrow's S3 client.

        Raises:
            DataError: A file is gone.
            AccessRefused: The store refuses the key or the permission.
            ConfigurationError: There is no such bucket, or no TLS.
            Unavailable: The store does not answer, or the disk is full.
        """
        try:
            yield
        except OSError as error:
            found = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
            if error.errno in _REFUSED_ERRNO or any(word in found for word in _REFUSED):
                found = f"permission refused: {found}"
                raise AccessRefused(
                    f"{self.where} to be writable",
                    found,
                    "correct the permission or the key, then run the command again",
                ) from error
            if error.errno == errno.ENAMETOOLONG:
                raise ConfigurationError(
                    f"names that {self.where} can store", found, "give the target or the warehouse a shorter name"
                ) from error
            if isinstance(error, FileNotFoundError):
                raise DataError(
                    f"every file of the cold tables in {self.where}",
                    found,
                    "run the command again, in case that another job has just expired it; or restore it from a backup",
                ) from error
            if any(word in found for word in _NO_BUCKET):
                raise ConfigurationError(
                    f"a bucket at {self.warehouse}", found, "create it, or set OFFLOAD_WAREHOUSE"
                ) from error
            if _NO_TLS in found:
                raise ConfigurationError(
                    f"a TLS connection to {self.where}", found, "correct OFFLOAD_S3_ENDPOINT"
                ) from error
            raise Unavailable(
                f"{self.where} to read and write files", found, "correct the error, then run the command again"
            ) from error


def plain(uri: str) -> str:
    """The path without its scheme, as pyarrow's filesystems take it."""
    if uri.startswith("file://"):
        return uri.removeprefix("file://")
    return uri.partition("://")[2] if "://" in uri else uri
