"""The API as a caller sees it: API Gateway's event in, the function that the document names, its answer checked and out."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "functions" / "openapi" / "openapi.json").read_text(encoding="utf-8")
)
JSON, PROBLEM_JSON = "application/json", "application/problem+json"
POS, OPERATOR, MEMBER = "laurel/pos", "laurel/operator", "laurel/member"
STAFF_ISSUER, MEMBER_ISSUER = "https://staff.example.com", "https://login.example.com/pool"

_LEAKS = re.compile(
    r"pydantic|traceback|boto|arn:|dynamodb|/var/task|site-packages|\.py\b|powertools|lambda"
    r"|dict|tuple|instance of|raw data|(?-i:[a-z]Request\b)",
    re.IGNORECASE,
)
"""Words that tell a caller what Laurel is made of."""


@dataclass(frozen=True)
class Reply:
    """An answer: its status, its body as it was sent, and parsed."""

    status: int
    text: str
    headers: dict[str, Any] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.text)

    @property
    def problem(self) -> str:
        """The problem's short name, `member-unknown`; "none" where the answer is no problem."""
        kind: str = self.json.get("type", "none")
        return kind.removeprefix("urn:laurel:problem:")

    @property
    def paths(self) -> list[str]:
        """Where the faults are that the problem lists."""
        return [fault["path"] for fault in self.json["faults"]]


_URI = "urn:laurel:openapi"
_REGISTRY: Registry[Any] = Registry().with_resource(_URI, Resource(contents=DOCUMENT, specification=DRAFT202012))


@cache
def _validator(*pointer: str) -> Draft202012Validator:
    """Holds a value to the schema at a place of the document."""
    path = "/".join(part.replace("~", "~0").replace("/", "~1") for part in pointer)
    return Draft202012Validator({"$ref": f"{_URI}#/{path}"}, registry=_REGISTRY, format_checker=FormatChecker())


def operation_of(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """The path template and operation that a request meets; a literal path goes before a template."""
    for template in sorted(DOCUMENT["paths"], key=lambda template: template.count("{")):
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        operation = DOCUMENT["paths"][template].get(method.lower())
        if operation and re.fullmatch(pattern, path):
            return template, operation
    return None


@dataclass
class Caller:
    """Someone with a token: `scope` as the token has it, and the login it was given to."""

    scope: str
    issuer: str = STAFF_ISSUER
    subject: str = "till-1"
    calls: list[Reply] = field(default_factory=list)

    def get(self, path: str, **query: Any) -> Reply:
        """GET with query parameters."""
        return self.send("GET", path, query=urlencode(query))

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Reply:
        """POST a value as JSON; `key` is sent as the Idempotency-Key, `if_match` as If-Match."""
        return self.send("POST", path, _json(body), key=key, headers=headers)

    def put(self, path: str, body: Any, **headers: str) -> Reply:
        """PUT a value as JSON; `if_match='"1"'` is sent as If-Match."""
        return self.send("PUT", path, _json(body), headers=headers)

    def patch(self, path: str, body: Any) -> Reply:
        """PATCH with a value as JSON."""
        return self.send("PATCH", path, _json(body))

    def send(
        self,
        method: str,
        path: str,
        text: str | None = None,
        *,
        query: str = "",
        content_type: str | None = JSON,
        base64: bool = False,
        function: str | None = None,
        key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """One request as API Gateway hands it to the function that has the route (or to `function`)."""
        found = operation_of(method, path)
        template, operation = found or (path, None)
        name = function or (operation["tags"][0] if operation else "earning")
        handler: Callable[..., Any] = importlib.import_module(f"functions.{name}.handler").handler
        event = self._event(method, path, template, text, query, content_type, base64)
        if key is not None:
            # The gateway hands names of headers over in lower case.
            event["headers"]["idempotency-key"] = key
        event["headers"] |= {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        answer = handler(event, None)
        reply = Reply(answer["statusCode"], answer["body"], answer["headers"])
        _check(reply, method.lower(), template if operation else None)
        self.calls.append(reply)
        return reply

    def _event(
        self, method: str, path: str, template: str, text: str | None, query: str, content_type: str | None, base64: bool
    ) -> dict[str, Any]:
        headers = {"content-type": content_type} if content_type is not None else {}
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": f"{method} {template}",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {**headers, "host": "abc123.execute-api.us-east-1.amazonaws.com"},
            "requestContext": {
                "stage": "$default",
                "requestId": "request-1",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
                "authorizer": {"jwt": {"claims": self._claims(), "scopes": None}},
            },
            "isBase64Encoded": base64,
        }
        if query:
            event["queryStringParameters"] = _joined(query)
        if text is not None:
            event["body"] = text
        return event

    def _claims(self) -> dict[str, str]:
        return {"iss": self.issuer, "sub": self.subject, "scope": self.scope}


def _json(body: Any) -> str | None:
    return None if body is None else json.dumps(body)


def _joined(query: str) -> dict[str, str]:
    """API Gateway's form of a query: decoded, repeated names joined by commas."""
    return {name: ",".join(values) for name, values in parse_qs(query, keep_blank_values=True).items()}


def _check(reply: Reply, verb: str, template: str | None) -> None:
    """Every answer is one that the document promises, and tells nothing of the stack."""
    media = PROBLEM_JSON if reply.status >= 400 else JSON
    assert reply.headers["Content-Type"] in (media, [media]), reply
    if template is not None:
        described = DOCUMENT["paths"][template][verb]["responses"]
        answer = str(reply.status) if str(reply.status) in described else "default"
        validator = _validator("paths", template, verb, "responses", answer, "content", media, "schema")
        fault = best_match(validator.iter_errors(reply.json))
        assert fault is None, f"{verb} {template} answers what its document does not promise: {fault.message[:300]}"
    if reply.status >= 400:
        assert not _LEAKS.search(reply.text), reply.text
        document = reply.json
        assert document["status"] == reply.status
        assert list(document)[:4] == ["type", "title", "status", "detail"]
        assert document["title"].strip()
        assert document["detail"].strip()
