"""The deployed HTTP API, called as its clients call it: over HTTP, with a bearer token."""

import re
from dataclasses import dataclass
from typing import Any

import httpx

from infra.local_cloud.cloud import Cloud
from infra.local_cloud.errors import LocalCloudError

_SECONDS_MAX = 60
_API_ID = re.compile(r"/_aws/execute-api/(?P<id>[^/]+)/")


def api_address(cloud: Cloud, outputs: dict[str, str]) -> str:
    """Where the API answers now; the stack's own output names the port it was deployed on."""
    found = _API_ID.search(outputs["ApiUrl"])
    if found is None:
        raise LocalCloudError(f"the stack's ApiUrl {outputs['ApiUrl']} is not one of this cloud: run `make reset`")
    return f"{cloud.endpoint}/_aws/execute-api/{found['id']}/$default"


@dataclass(frozen=True)
class Caller:
    """One client of the API with its token. Threads may share it."""

    http: httpx.Client

    @classmethod
    def at(cls, address: str, token: str | None = None) -> "Caller":
        """A caller of the API at that address; without a token it is a stranger."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        # Base URLs end in "/" and paths do not start with one: `$default` is part of the path.
        return cls(httpx.Client(base_url=f"{address}/", headers=headers, trust_env=False, timeout=_SECONDS_MAX))

    def call(self, method: str, path: str, body: object = None, *, key: str | None = None) -> httpx.Response:
        """Call `/v1/...` and take whatever comes; `key` is sent as the Idempotency-Key."""
        headers = {"idempotency-key": key} if key else {}
        return self.http.request(method, path.lstrip("/"), json=body, headers=headers)

    def expect(self, method: str, path: str, body: object = None, *, key: str | None = None) -> dict[str, Any]:
        """Call and insist on success; the answer's JSON.

        Raises LocalCloudError with the API's own words for it.
        """
        answer = self.call(method, path, body, key=key)
        if not answer.is_success:
            raise LocalCloudError(
                f"{method} {path} answered {answer.status_code}: {answer.text[:300]} (put it right and run `make up` again)"
            )
        document: dict[str, Any] = answer.json()
        return document
