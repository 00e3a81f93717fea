"""Servers that refuse, or never answer: each speaks only as much of its protocol as that takes."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Answer = tuple[int, dict[str, str], bytes]
Matches = Callable[[str, str, str], bool]
"""Whether a request is meant: method, path and query, user agent."""


def closed_port() -> int:
    """A port on which no process listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word; yields its number."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=100)) as server:
        yield int(server.getsockname()[1])


@contextmanager
def http(answer: Callable[[str, str, dict[str, str], bytes], Answer]) -> Iterator[int]:
    """A server that answers what `answer(method, path, headers, body)` says, header names in small; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            sent = {name.lower(): value for name, value in self.headers.items()}
            chunked = "chunked" in sent.get("transfer-encoding", "")
            body = b"".join(self._chunks()) if chunked else self.rfile.read(int(sent.get("content-length") or 0))
            try:
                status, headers, content = answer(self.command, self.path, sent, body)
            except ConnectionAbortedError:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                with suppress(ConnectionError):  # who hung up
                    self.wfile.write(content)

        def _chunks(self) -> Iterator[bytes]:
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815  # the names that http.server calls

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def refusing_postgres() -> Iterator[int]:
    """
    A Postgres that refuses every password.

    PostgreSQL documentation, "Message Formats": SSLRequest is answered with N, StartupMessage with ErrorResponse.
    """
    fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user\0\0"
    refusal = b"E" + (len(fields) + 4).to_bytes(4, "big") + fields

    def serve(server: socket.socket) -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with closing(client):
                while len(message := client.recv(4096)) == 8:  # SSLRequest and GSSENCRequest
                    client.sendall(b"N")
                if message:
                    client.sendall(refusal)

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def refusing_clickhouse(_method: str, _path: str, _headers: dict[str, str], _body: bytes) -> Answer:
    """Authentication failed, as a server says it."""
    body = b"Code: 516. DB::Exception: reader: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)"
    return 403, {"X-ClickHouse-Exception-Code": "516"}, body


def refusing_s3(_method: str, _path: str, _headers: dict[str, str], _body: bytes) -> Answer:
    """Access denied, as Amazon S3's "Error Responses" spells it."""
    return 403, {"Content-Type": "application/xml"}, _error("AccessDenied", "Access Denied.")


class Bucket:
    """
    One bucket in memory, with as much of the S3 API as pyarrow and ClickHouse ask for.

    Args:
        hang: Requests that are never answered.
        refuse: Requests that are denied.
        drop: Requests upon which the connection is closed without a word.
    """

    def __init__(
        self,
        hang: Matches = lambda _method, _path, _agent: False,
        refuse: Matches = lambda _method, _path, _agent: False,
        drop: Matches = lambda _method, _path, _agent: False,
    ) -> None:
        self.objects: dict[str, bytes] = {}
        self._adapters: dict[str, dict[int, bytes]] = {}
        self._hang = hang
        self._refuse = refuse
        self._drop = drop
        self._released = threading.Event()

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve it; yields the endpoint."""
        with http(self.answer) as port:
            yield f"http://127.0.0.1:{port}"
            self._released.set()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request; the bucket is named `bucket`."""
        request = method, path, headers.get("user-agent", "")
        if self._hang(*request):
            self._released.wait(120)
        if self._drop(*request):
            raise ConnectionAbortedError
        if self._refuse(*request):
            return refusing_s3(method, path, headers, body)
        url = urlsplit(path)
        query = parse_qs(url.query, keep_blank_values=True)
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        if bucket != "bucket":
            return 404, {}, _error("NoSuchBucket", "The specified bucket does not exist")
        if not key:
            return self._of_bucket(query)
        if method in {"PUT", "POST"}:
            return self._stored(key, query, _decoded(headers, body))
        if method == "DELETE":
            self.objects.pop(key, None)
            return 204, {}, b""
        return self._read(key, headers)

    def _of_bucket(self, query: dict[str, list[str]]) -> Answer:
        prefix = query.get("prefix", [""])[0]
        listed = "".join(
            f"<Contents><Key>{key}</Key><Size>{len(content)}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            "<ETag>&quot;e&quot;</ETag></Contents>"
            for key, content in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        answer = f"<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated>{listed}</ListBucketResult>"
        return 200, {"Content-Type": "application/xml"}, answer.encode()

    def _stored(self, key: str, query: dict[str, list[str]], body: bytes) -> Answer:
        if "uploads" in query:
            self._adapters[key] = {}
            begun = f"<InitiateMultipartUploadResult><UploadId>{key}</UploadId></InitiateMultipartUploadResult>"
            return 200, {}, begun.encode()
        if "partNumber" in query:
            self._adapters[key][int(query["partNumber"][0])] = body
            return 200, {"ETag": '"e"'}, b""
        if "uploadId" in query:
            if key not in self._adapters:
                return 404, {}, _error("NoSuchUpload", "The specified upload does not exist.")
            self.objects[key] = b"".join(part for _, part in sorted(self._adapters.pop(key).items()))
            return 200, {}, b"<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"
        self.objects[key] = body
        return 200, {"ETag": '"e"'}, b""

    def _read(self, key: str, headers: dict[str, str]) -> Answer:
        content = self.objects.get(key)
        if content is None:
            return 404, {}, _error("NoSuchKey", "The specified key does not exist.")
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("range", ""))
        about = {"ETag": '"e"', "Last-Modified": formatdate(0, usegmt=True), "Accept-Ranges": "bytes"}
        if not wanted:
            return 200, about, content
        first, last = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
        return 206, {**about, "Content-Range": f"bytes {first}-{last}/{len(content)}"}, content[first : last + 1]


def _error(code: str, message: str) -> bytes:
    return f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'.encode()


def _decoded(headers: dict[str, str], body: bytes) -> bytes:
    """The content of an upload; Amazon S3, "Chunked uploads": SIZE[;signature] CRLF DATA CRLF."""
    if "aws-chunked" not in headers.get("content-encoding", ""):
        return body
    content = b""
    while body:
        head, _, body = body.partition(b"\r\n")
        size = int(head.partition(b";")[0], 16)
        if not size:
            break
        content, body = content + body[:size], body[size + 2 :]
    return content
