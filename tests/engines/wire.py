"""DynamoDB's wire, as far as a test must speak it: a prepared request in, a response out, and the seam between.

The seam is botocore's `before-send` event: what a handler returns there is taken as the response, what it
raises as the failure of the transport, so retries, time-outs and error parsing above it are the real ones.
botocore calls *all* handlers of the event even when one has answered, so a client has one transport only.
"""

from __future__ import annotations

import base64
import json
import weakref
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Transport = Callable[[AWSPreparedRequest], "AWSResponse | None"]
_UNIQUE_ID = "laurel-test-transport"
_transports: weakref.WeakKeyDictionary[Any, Transport] = weakref.WeakKeyDictionary()
_EVENT = "before-send.dynamodb"
_TARGET_PREFIX = "DynamoDB_20120810."


def set_transport(client: DynamoDBClient, transport: Transport) -> None:
    """Let `transport` answer every request of `client`; it replaces an earlier one. None sends it to the network."""
    clear_transport(client)

    def send(request: AWSPreparedRequest, **_: object) -> Any:
        return transport(request)

    client.meta.events.register(_EVENT, send, unique_id=_UNIQUE_ID)
    _transports[client] = transport


def clear_transport(client: DynamoDBClient) -> None:
    """Give `client` back to the network (or to whatever transport comes next)."""
    client.meta.events.unregister(_EVENT, unique_id=_UNIQUE_ID)
    _transports.pop(client, None)


def given_transport(client: DynamoDBClient) -> Transport | None:
    """The transport set on `client`, None if it goes to the network."""
    return _transports.get(client)


def network_transport(client: DynamoDBClient) -> Transport:
    """The client's own way to the network, for a transport that passes requests on."""
    send: Transport = client._endpoint.http_session.send  # type: ignore[attr-defined]
    return send


def operation_of(request: AWSPreparedRequest) -> str:
    """The operation's name, e.g. `TransactWriteItems`."""
    target = request.headers["X-Amz-Target"]
    text = target.decode("ascii") if isinstance(target, bytes) else str(target)
    return text.removeprefix(_TARGET_PREFIX)


def payload_of(request: AWSPreparedRequest) -> dict[str, Any]:
    """The request's JSON body as low-level attribute values."""
    payload: dict[str, Any] = json.loads(body_of(request))
    return payload


def body_of(request: AWSPreparedRequest) -> bytes:
    """The request's body; DynamoDB's are never streams."""
    body = request.body
    if isinstance(body, str):
        return body.encode()
    assert isinstance(body, bytes), f"a DynamoDB request carries {type(body)}"
    return body


def parse_items(text: bytes) -> Any:
    """A JSON answer with its binaries as bytes, as the SDK gives them: on the wire they are base64."""
    return json.loads(text, object_hook=_decoded)


def binaries(value: Any) -> Any:
    """A parsed body with its binaries as bytes."""
    return parse_items(json.dumps(value).encode())


def _decoded(value: dict[str, Any]) -> dict[str, Any]:
    # An attribute that happens to be named B or BS holds an object, never text or a list.
    match value:
        case {"B": str(encoded)} if len(value) == 1:
            return {"B": base64.b64decode(encoded)}
        case {"BS": [str(), *_] as encoded} if len(value) == 1:
            return {"BS": [base64.b64decode(part) for part in encoded]}
    return value


def with_payload(request: AWSPreparedRequest, payload: dict[str, Any]) -> AWSPreparedRequest:
    """The same request with another body (its signature no longer fits; no test engine checks one)."""
    body = json.dumps(payload).encode()
    headers = dict(request.headers) | {"Content-Length": str(len(body))}
    return AWSPreparedRequest(request.method, request.url, HTTPHeaders.from_dict(headers), body, request.stream_output)


class _Socket:
    """A body that has arrived in one piece, as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: object) -> Iterator[bytes]:
        """The body's chunks."""
        yield self._body


def respond(status: int, body: bytes, *, url: str = "https://dynamodb.test/") -> AWSResponse:
    """A response as DynamoDB frames it: JSON 1.0 with its CRC-32 header."""
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "Content-Length": str(len(body)),
        "x-amz-crc32": str(zlib.crc32(body) & 0xFFFFFFFF),
    }
    return AWSResponse(url, status, HTTPHeaders.from_dict(headers), _Socket(body))


def answer(payload: dict[str, Any]) -> AWSResponse:
    """A successful response."""
    return respond(200, json.dumps(payload).encode())


def error(code: str, message: str, *, status: int = 400, **fields: Any) -> AWSResponse:
    """An error response; `fields` go beside the message (a cancelled transaction's CancellationReasons)."""
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message, **fields}
    return respond(status, json.dumps(body).encode())


def cancelled(reasons: list[str]) -> AWSResponse:
    """TransactionCanceledException with one code for each write, `None` where that write was not to blame."""
    return error(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{', '.join(reasons)}]",
        Message="Transaction cancelled",
        CancellationReasons=[
            {"Code": code} if code == "None" else {"Code": code, "Message": f"{code} (injected by a test)"} for code in reasons
        ],
    )
