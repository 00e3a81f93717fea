"""A real PgBouncer (Debian's package) before a Postgres of a test."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from sqlalchemy import make_url

from harness.stack.host import debian
from harness.waiting import wait_until
from tests.support.http_servers import closed_port

PROGRAM = "/usr/sbin/pgbouncer"


def is_available() -> bool:
    """Whether it is installed, or can be."""
    if not Path(PROGRAM).exists() and debian.may_install():
        debian.install(["pgbouncer"])
    return Path(PROGRAM).exists()


@contextmanager
def pooled(address: str, mode: str) -> Iterator[str]:
    """The SQLAlchemy address of the same database through a pooler in this mode."""
    url, port = make_url(address), closed_port()
    with TemporaryDirectory(prefix="tidemark-pgbouncer-") as name:
        folder = Path(name)
        host = url.query.get("host", url.host)
        (folder / "users.txt").write_text(f'"{url.username}" "{url.password or ""}"\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n{url.database} = host={host} port={url.port or 5432} dbname={url.database} "
            f"user={url.username}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
            f"auth_type = any\npool_mode = {mode}\n"
            f"auth_file = {folder}/users.txt\nlogfile = {folder}/log\nunix_socket_dir =\n"
            "default_pool_size = 5\nignore_startup_parameters = extra_float_digits,options\n"
        )
        command = [PROGRAM, str(folder / "pgbouncer.ini")]
        if os.geteuid() == 0:  # it refuses to run as root
            owner = Path(str(host)).stat()  # of the socket's folder, which nobody else may open
            for path in (folder, *folder.iterdir()):
                os.chown(path, owner.st_uid, owner.st_gid)
            command = ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups", *command]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: _listens(port), lambda: (folder / "log").read_text()[-500:], timeout=20)
            yield f"postgresql+psycopg://{url.username}@127.0.0.1:{port}/{url.database}"
        finally:
            process.terminate()
            process.wait(20)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def advisory_locks(address: str) -> int:
    """How many advisory locks any session of the server has."""
    with psycopg.connect(address.replace("postgresql+psycopg://", "postgresql://")) as connection:
        found = connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()
    return int(found[0]) if found else 0
