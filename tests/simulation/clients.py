"""Callers of the API: tills that send an order and send it again, word for word, until they have a real answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from shared.domain.member import Login
from tests.simulation.service import Answer, Event, Service
from tests.simulation.world import World

_ATTEMPTS_MAX = 200
_UNRECORDED = ("urn:laurel:problem:over-refund", "urn:laurel:problem:key-reused")
_PAUSE_SECONDS_MAX = 20
_ASKS_AGAIN_SHARE = 0.25
# A till may ask once more long after it was answered: after DynamoDB has forgotten the transaction's token (10 minutes).
_ASKS_AGAIN_AFTER_SECONDS = (1, 60, 660, 90_000)


def staff_event(
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    scope: str = "laurel/pos",
    client: str = "till",
    key: str | None = None,
) -> Event:
    """An HTTP API event (payload 2.0) as the gateway sends it after its authorizer has let a till through.

    `key` is sent as the Idempotency-Key.
    """
    return _event(method, path, body, {"iss": "staff", "client_id": client, "scope": scope}, key)


def phone_event(method: str, path: str, body: dict[str, Any] | None, *, login: Login, key: str | None = None) -> Event:
    """The same of a member's phone, signed in as `login`."""
    return _event(method, path, body, {"iss": login.issuer, "sub": login.subject, "scope": "laurel/member"}, key)


def _event(method: str, path: str, body: dict[str, Any] | None, claims: dict[str, str], key: str | None) -> Event:
    scope, keys = claims["scope"], {} if key is None else {"idempotency-key": key}
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "api.test", **keys},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "simulation",
            "authorizer": {"jwt": {"claims": claims, "scopes": [scope]}},
            "domainName": "api.test",
            "domainPrefix": "api",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "till",
            },
            "requestId": "simulated",
            "routeKey": f"{method} {path}",
            "stage": "$default",
            "time": "02/Mar/2026:12:00:00 +0000",
            "timeEpoch": 1772452800000,
        },
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def is_final(answer: Answer | None) -> bool:
    """Whether a till may stop: anything but silence, a server's error and "too many"."""
    return answer is not None and answer.status < 500 and answer.status != 429


def told(answer: Answer) -> tuple[int, str]:
    """What must not change of an answer when it is asked for again: all of it, but why a refund is refused.

    That is never recorded: less and less is left of an order, and its number may be given to another refund.
    """
    refusal = json.loads(answer.body).get("type") if answer.status == HTTPStatus.CONFLICT else None
    return (answer.status, "refused") if refusal in _UNRECORDED else (answer.status, answer.body)


def send_until_answered(world: World, service: Service, event: Event) -> Answer | None:
    """Send `event` until it is answered; reports a violation and gives None where that never happens."""
    for _ in range(_ATTEMPTS_MAX):
        answer = service.call(event)
        if is_final(answer):
            return answer
        world.sleep(world.chance.uniform(0, _PAUSE_SECONDS_MAX))
    world.violate(f"no answer to {event['rawPath']} {event['body']} in {_ATTEMPTS_MAX} attempts")
    return None


Firm = Callable[[Answer], bool]
"""Whether an answer must be the same when the same is asked again."""


def always(answer: Answer) -> bool:
    """Every answer is firm."""
    return True


def insist(
    world: World, service: Service, event: Event, then: Callable[[Answer], None] | None = None, firm: Firm = always
) -> None:
    """A caller's whole day with one request: until answered, then what follows, and by chance asked once more, when a
    `firm` answer must be the same.
    """
    first = send_until_answered(world, service, event)
    if first is not None and then is not None:
        then(first)
    if first is None or world.chance.random() >= _ASKS_AGAIN_SHARE:
        return
    world.sleep(world.chance.choice(_ASKS_AGAIN_AFTER_SECONDS))
    again = send_until_answered(world, service, event)
    if again is not None and firm(first) and told(again) != told(first):
        world.violate(f"the same request was answered {first.status} {first.body}, later {again.status} {again.body}")
