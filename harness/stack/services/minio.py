"""MinIO: the bucket of the cold tier."""

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
NOTHING = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class MinioServer:
    """Where the server answers: as this host sees it, and as the other containers do."""

    host: str
    port: int
    inside: str
    access_key: str
    secret_key: str

    @classmethod
    def of(cls, entry: Entry) -> MinioServer:
        """The address that an entry of the compose file gives."""
        user, password = (entry.environment[f"MINIO_ROOT_{name}"] for name in ("USER", "PASSWORD"))
        return cls("127.0.0.1", entry.host_port, f"http://{entry.service}:{entry.container_port}", user, password)

    @property
    def outside(self) -> str:
        """The endpoint as this host sees it."""
        return f"http://{self.host}:{self.port}"

    def answers(self) -> bool:
        """Whether the list of buckets comes back within two seconds."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)
        try:
            connection.request("GET", "/", headers=self._signed(datetime.now(UTC)))
            return b"<ListAllMyBucketsResult" in connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _signed(self, now: datetime) -> dict[str, str]:
        """Headers of a signed `GET /`: AWS Signature Version 4, "Authenticating Requests" in the reference of S3."""
        time, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        headers = {"host": f"{self.host}:{self.port}", "x-amz-content-sha256": NOTHING, "x-amz-date": time}
        names = ";".join(headers)
        listed = "".join(f"{name}:{value}\n" for name, value in headers.items())
        canonical = f"GET\n/\n\n{listed}\n{names}\n{NOTHING}"
        scope = f"{day}/{REGION}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        secret = f"AWS4{self.secret_key}".encode()
        signature = reduce(
            lambda key, part: hmac.digest(key, part.encode(), "sha256"), (*scope.split("/"), text), secret
        )
        authorization = f"Credential={self.access_key}/{scope}, SignedHeaders={names}, Signature={signature.hex()}"
        return headers | {"authorization": f"AWS4-HMAC-SHA256 {authorization}"}
