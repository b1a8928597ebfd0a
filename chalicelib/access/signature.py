"""AWS Signature Version 4, for the two things Rollcall signs without boto3: a small POST, and a URL used as a password.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from chalicelib.server_settings import AwsSettings

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for one service of AWS at one instant (UTC), with the keys of the function's role."""

    aws: AwsSettings
    service: str
    at: datetime

    def headers(self, host: str, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """All headers of a signed POST; those given, and the host, are under the signature."""
        signed = {**headers, "Host": host, "X-Amz-Date": self._instant}
        if self.aws.session_token:
            signed["X-Amz-Security-Token"] = self.aws.session_token
        names, signature = self._sign("POST", path, "", signed, body)
        credential = f"Credential={self.aws.key_id}/{self._scope}"
        return {**signed, "Authorization": f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"}

    def url(self, host: str, query: Mapping[str, str], seconds: int) -> str:
        """`host/?query` with a signature that is good for so many seconds; it is a GET of nothing."""
        whole = {
            **query, "X-Amz-Algorithm": _ALGORITHM, "X-Amz-Credential": f"{self.aws.key_id}/{self._scope}",
            "X-Amz-Date": self._instant, "X-Amz-Expires": str(seconds), "X-Amz-SignedHeaders": "host",
        }  # fmt: skip
        if self.aws.session_token:
            whole["X-Amz-Security-Token"] = self.aws.session_token
        asked = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(whole.items()))
        _, signature = self._sign("GET", "/", asked, {"Host": host}, b"")
        return f"{host}/?{asked}&X-Amz-Signature={signature}"

    def _sign(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
        lower = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
        names = ";".join(name for name, _ in lower)
        lines = [method, path, query, *(f"{name}:{value}" for name, value in lower), "", names, _sha256(body)]
        to_sign = "\n".join([_ALGORITHM, self._instant, self._scope, _sha256("\n".join(lines).encode())])
        key = b"AWS4" + self.aws.secret_key.encode()
        for part in self._scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return names, hmac.digest(key, to_sign.encode(), "sha256").hex()

    @property
    def _instant(self) -> str:
        return f"{self.at:%Y%m%dT%H%M%SZ}"

    @property
    def _scope(self) -> str:
        return f"{self.at:%Y%m%d}/{self.aws.region}/{self.service}/aws4_request"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
