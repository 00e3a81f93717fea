"""MinIO: the object store of the cold tier."""

from __future__ import annotations

import hashlib
import hmac
import http.client
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce

from harness.stack.compose import Entry

TIMEOUT = 2.0
REGION = "us-east-1"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class MinioServer:
    """Addresses and credentials of the server: `outside` for this host, `inside` for other containers (URLs)."""

    host: str
    port: int
    inside: str
    access_key: str
    secret_key: str

    @classmethod
    def from_entry(cls, entry: Entry) -> MinioServer:
        """Build the server's address from its entry in the compose file."""
        user, password = (entry.environment[f"MINIO_ROOT_{name}"] for name in ("USER", "PASSWORD"))
        return cls("127.0.0.1", entry.host_port, f"http://{entry.service}:{entry.container_port}", user, password)

    @property
    def outside(self) -> str:
        """URL of the server for this host."""
        return f"http://{self.host}:{self.port}"

    def answers(self) -> bool:
        """Return whether the server sends the list of its buckets within two seconds."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)
        try:
            connection.request("GET", "/", headers=self._signed(datetime.now(UTC)))
            return b"<ListAllMyBucketsResult" in connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _signed(self, now: datetime) -> dict[str, str]:
        """Headers of a `GET /` signed by AWS Signature Version 4; S3 API reference, "Authenticating Requests"."""
        time, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        headers = {"host": f"{self.host}:{self.port}", "x-amz-content-sha256": EMPTY_SHA256, "x-amz-date": time}
        names = ";".join(headers)
        listed = "".join(f"{name}:{value}\n" for name, value in headers.items())
        canonical = f"GET\n/\n\n{listed}\n{names}\n{EMPTY_SHA256}"
        scope = f"{day}/{REGION}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        secret = f"AWS4{self.secret_key}".encode()
        signature = reduce(
            lambda key, part: hmac.digest(key, part.encode(), "sha256"), (*scope.split("/"), text), secret
        )
        authorization = f"Credential={self.access_key}/{scope}, SignedHeaders={names}, Signature={signature.hex()}"
        return headers | {"authorization": f"AWS4-HMAC-SHA256 {authorization}"}
