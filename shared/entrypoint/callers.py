"""Who calls, from the token that the gateway's authorizer has verified."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from shared.domain.entry import MemberId
from shared.domain.errors import ForbiddenError, LoginUnknownError, MemberUnknownError
from shared.domain.member import Login
from shared.ports import Members

MEMBER, POS, OPERATOR = "laurel/member", "laurel/pos", "laurel/operator"
AUTHORIZERS = {MEMBER: "members", POS: "staff", OPERATOR: "staff"}
"""Which user pool may give which scope: a member can never sign in to a client that gives a staff scope."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified token: the login it was given to, and its scopes."""

    login: Login
    scopes: frozenset[str]

    @property
    def digest(self) -> str:
        """The caller as a part of keys: 16 hexadecimal digits that tell nothing of the login."""
        return hashlib.sha256(self.login.identity.value.encode()).hexdigest()[:16]


def caller(app: APIGatewayHttpResolver) -> Caller:
    """The caller of the current request."""
    context = app.current_event.raw_event.get("requestContext", {})
    claims = context.get("authorizer", {}).get("jwt", {}).get("claims", {})
    login = Login(claims.get("iss", ""), claims.get("sub") or claims.get("client_id", ""))
    return Caller(login, frozenset(claims.get("scope", "").split()))


def my_member(app: APIGatewayHttpResolver, members: Members) -> MemberId:
    """The member that the caller's login belongs to. Raises LoginUnknownError, TryAgainError."""
    try:
        return members.find(caller(app).login.identity)
    except MemberUnknownError as error:
        raise LoginUnknownError from error


def for_any(*scopes: str) -> dict[str, Any]:
    """Arguments of a route that any of `scopes` opens: for the gateway by the API's document, and once more in the code."""
    return {
        "security": [{AUTHORIZERS[scopes[0]]: list(scopes)}],
        "middlewares": [_require(frozenset(scopes))],
    }


def _require(scopes: frozenset[str]) -> Callable[..., Response[str]]:
    def check(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[str]:
        if not caller(app).scopes & scopes:
            raise ForbiddenError(scopes_any=sorted(scopes))
        return next_middleware(app)

    return check
