"""What the gateway answers before any function runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from infra.local_cloud.api import Caller
from infra.routes import Route, read_routes
from tests.e2e.forged import changed, claims_of, in_seconds, signed_by_another
from tests.e2e.laurel import Laurel

pytestmark = pytest.mark.e2e

ROUTES = read_routes()
POS, OPERATOR = "laurel/pos", "laurel/operator"


def _name(value: object) -> str:
    return f"{value.method} {value.path}" if isinstance(value, Route) else str(value)


def _request(caller: Caller, route: Route) -> httpx.Response:
    return caller.call(route.method, route.path.replace("{", "").replace("}", ""), {} if route.method != "GET" else None)


def _refused(answer: httpx.Response, status: int, message: str) -> None:
    assert (answer.status_code, answer.json()) == (status, {"message": message})


@pytest.fixture(scope="module")
def member(laurel: Laurel) -> Caller:
    """A signed-in member."""
    return laurel.caller(laurel.identities.member_token("gateway@example.com"))


@pytest.mark.parametrize("route", ROUTES, ids=_name)
def test_every_route_refuses_a_stranger(laurel: Laurel, route: Route) -> None:
    _refused(_request(laurel.stranger, route), 401, "Unauthorized")


@pytest.mark.parametrize("route", ROUTES, ids=_name)
def test_every_route_refuses_tokens_of_the_other_user_pool(laurel: Laurel, member: Caller, route: Route) -> None:
    callers = [member] if route.scheme == "staff" else [laurel.pos, laurel.operator]
    for caller in callers:
        _refused(_request(caller, route), 401, "Unauthorized")


@pytest.mark.parametrize("route", [route for route in ROUTES if route.scheme == "staff"], ids=_name)
@pytest.mark.parametrize("scope", [POS, OPERATOR])
def test_a_staff_route_opens_to_its_scopes_and_to_no_other(laurel: Laurel, route: Route, scope: str) -> None:
    answer = _request({POS: laurel.pos, OPERATOR: laurel.operator}[scope], route)
    if scope in route.scopes:
        # The function answers for itself now: it asks for a body, or knows no such member.
        assert answer.status_code not in (401, 403)
    else:
        _refused(answer, 403, "Forbidden")


def test_an_expired_token_is_refused(laurel: Laurel) -> None:
    token = laurel.identities.pos_token()
    valid = changed(laurel, token, iat=in_seconds(-7_200), exp=in_seconds(60))
    expired = changed(laurel, token, iat=in_seconds(-7_200), exp=in_seconds(-1))
    # Both are signed with the pool's own key: time makes all the difference.
    assert laurel.caller(valid).call("GET", "/v1/program").status_code == 200
    _refused(laurel.caller(expired).call("GET", "/v1/program"), 401, "Unauthorized")


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"client_id": "somebody-elses-app"}, id="another audience"),
        pytest.param({"aud": "somebody-elses-app"}, id="another audience, as other issuers write it"),
        pytest.param({"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_another"}, id="another issuer"),
        pytest.param({"nbf": in_seconds(3_600)}, id="not valid yet"),
    ],
)
def test_a_token_with_one_wrong_claim_is_refused(laurel: Laurel, claims: dict[str, Any]) -> None:
    wrong = changed(laurel, laurel.identities.pos_token(), **claims)
    _refused(laurel.caller(wrong).call("GET", "/v1/program"), 401, "Unauthorized")


def test_a_token_that_somebody_else_signed_is_refused(laurel: Laurel) -> None:
    forged = signed_by_another(laurel.identities.pos_token())
    _refused(laurel.caller(forged).call("GET", "/v1/program"), 401, "Unauthorized")


def test_another_client_of_the_same_user_pool_is_a_wrong_audience(laurel: Laurel) -> None:
    cognito, pool = laurel.cloud.client("cognito-idp"), laurel.outputs["StaffPoolId"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="another",
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=[POS],
        AllowedOAuthFlowsUserPoolClient=True,
    )["UserPoolClient"]
    others = replace(laurel.identities, outputs=laurel.outputs | {"PosClientId": client["ClientId"]})
    token = others.pos_token()
    assert claims_of(token)["scope"] == POS
    _refused(laurel.caller(token).call("GET", "/v1/program"), 401, "Unauthorized")


def test_the_gateway_knows_no_other_route(laurel: Laurel) -> None:
    _refused(laurel.operator.call("GET", "/v1/nothing"), 404, "Not Found")
    _refused(laurel.operator.call("DELETE", "/v1/program"), 404, "Not Found")
