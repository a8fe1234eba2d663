"""Who may call what, as deployed: the gateway refuses everyone else before any function runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.routes import Route, RouteError, read_routes
from infra.service_stack import routes_of
from infra.stages import STAGES
from tests.infra.conftest import Synthesized

pytestmark = pytest.mark.infra

POS, OPERATOR, MEMBER = "laurel/pos", "laurel/operator", "laurel/member"
TILL_OR_OPERATOR = ("Staff", {POS, OPERATOR})
OPERATORS = ("Staff", {OPERATOR})
TILLS = ("Staff", {POS})
MEMBERS = ("Members", {MEMBER})

WHO_MAY = {
    "POST /v1/members": TILL_OR_OPERATOR,
    "GET /v1/members": TILL_OR_OPERATOR,
    "GET /v1/members/{member_id}": TILL_OR_OPERATOR,
    "PATCH /v1/members/{member_id}": TILL_OR_OPERATOR,
    "POST /v1/members/{member_id}/close": OPERATORS,
    "GET /v1/members/{member_id}/wallet": TILL_OR_OPERATOR,
    "GET /v1/members/{member_id}/entries": TILL_OR_OPERATOR,
    "GET /v1/me": MEMBERS,
    "PATCH /v1/me": MEMBERS,
    "GET /v1/me/wallet": MEMBERS,
    "GET /v1/me/entries": MEMBERS,
    "GET /v1/me/entries/{entry_id}": MEMBERS,
    "POST /v1/purchases": TILLS,
    "POST /v1/purchases/quote": TILLS,
    "POST /v1/purchases/batch": TILLS,
    "GET /v1/purchases/{order_id}": TILL_OR_OPERATOR,
    "POST /v1/purchases/{order_id}/refunds": TILL_OR_OPERATOR,
    "POST /v1/members/{member_id}/redemptions": TILL_OR_OPERATOR,
    "POST /v1/members/{member_id}/redemptions/quote": TILL_OR_OPERATOR,
    "GET /v1/members/{member_id}/redemptions": TILL_OR_OPERATOR,
    "GET /v1/redemptions/{redemption_id}": TILL_OR_OPERATOR,
    "POST /v1/redemptions/{redemption_id}/cancel": TILL_OR_OPERATOR,
    "POST /v1/me/redemptions": MEMBERS,
    "POST /v1/me/redemptions/quote": MEMBERS,
    "GET /v1/me/redemptions": MEMBERS,
    "GET /v1/me/redemptions/{redemption_id}": MEMBERS,
    "POST /v1/me/redemptions/{redemption_id}/cancel": MEMBERS,
    "POST /v1/vouchers/validate": TILLS,
    "POST /v1/vouchers/redeem": TILLS,
    "POST /v1/members/{member_id}/transfers": OPERATORS,
    "POST /v1/me/transfers": MEMBERS,
    "POST /v1/members/{member_id}/merge": OPERATORS,
    "POST /v1/activities": TILLS,
    "POST /v1/activities/{activity}/{activity_id}/void": TILL_OR_OPERATOR,
    "GET /v1/members/{member_id}/tier": TILL_OR_OPERATOR,
    "GET /v1/me/tier": MEMBERS,
    "POST /v1/members/{member_id}/tier/reviews": OPERATORS,
    "POST /v1/memberships/events": TILL_OR_OPERATOR,
    "POST /v1/members/{member_id}/recognitions": OPERATORS,
    "POST /v1/me/recognitions": MEMBERS,
    "GET /v1/me/recognitions": MEMBERS,
    "GET /v1/program/budgets": OPERATORS,
    "POST /v1/members/{member_id}/adjustments": OPERATORS,
    "GET /v1/adjustments": OPERATORS,
    "GET /v1/adjustments/{adjustment_id}": OPERATORS,
    "POST /v1/adjustments/{adjustment_id}/approve": OPERATORS,
    "POST /v1/adjustments/{adjustment_id}/reject": OPERATORS,
    "GET /v1/donations": TILL_OR_OPERATOR,
    "GET /v1/members/{member_id}/donations": TILL_OR_OPERATOR,
    "GET /v1/me/donations": MEMBERS,
    "GET /v1/entries/{entry_id}": TILL_OR_OPERATOR,
    "GET /v1/me/referral-code": MEMBERS,
    "PUT /v1/me/referral-code": MEMBERS,
    "GET /v1/members/{member_id}/referral-code": TILL_OR_OPERATOR,
    "PUT /v1/members/{member_id}/referral-code": OPERATORS,
    "GET /v1/me/referral-codes/{code}": MEMBERS,
    "GET /v1/referral-codes/{code}": TILL_OR_OPERATOR,
    "POST /v1/me/invitations": MEMBERS,
    "GET /v1/me/referrals": MEMBERS,
    "GET /v1/members/{member_id}/referrals": TILL_OR_OPERATOR,
    "GET /v1/members/{member_id}/referral": OPERATORS,
    "GET /v1/referrals/funnel": OPERATORS,
    "GET /v1/referrals/advocates": OPERATORS,
    "GET /v1/referrals/flags": OPERATORS,
    "POST /v1/referrals/{friend_id}/pass": OPERATORS,
    "POST /v1/referrals/{friend_id}/reject": OPERATORS,
    "POST /v1/referrals/{friend_id}/void": OPERATORS,
    "POST /v1/referrals/campaigns/{campaign}/codes": OPERATORS,
    "GET /v1/referrals/disposable-domains": OPERATORS,
    "PUT /v1/referrals/disposable-domains": OPERATORS,
    "DELETE /v1/referrals/disposable-domains/{domain}": OPERATORS,
    "POST /v1/referrals/import": OPERATORS,
    "GET /v1/referrals/export": OPERATORS,
    "GET /v1/rewards": TILL_OR_OPERATOR,
    "GET /v1/rewards/{reward_id}": TILL_OR_OPERATOR,
    "PUT /v1/rewards/{reward_id}": OPERATORS,
    "DELETE /v1/rewards/{reward_id}": OPERATORS,
    "PUT /v1/rewards/{reward_id}/stock": OPERATORS,
    "GET /v1/members/{member_id}/rewards": TILL_OR_OPERATOR,
    "GET /v1/me/rewards": MEMBERS,
    "POST /v1/gift-cards": OPERATORS,
    "POST /v1/gift-cards/balance": TILLS,
    "POST /v1/gift-cards/spend": TILLS,
    "GET /v1/gift-cards/{card_id}": TILL_OR_OPERATOR,
    "POST /v1/gift-cards/{card_id}/activate": TILL_OR_OPERATOR,
    "POST /v1/gift-cards/{card_id}/refunds": TILLS,
    "POST /v1/gift-cards/{card_id}/block": OPERATORS,
    "POST /v1/gift-cards/{card_id}/unblock": OPERATORS,
    "GET /v1/program": TILL_OR_OPERATOR,
    "PUT /v1/program": OPERATORS,
    "GET /v1/program/versions/{version}": TILL_OR_OPERATOR,
    "GET /v1/program/schema": TILL_OR_OPERATOR,
    "POST /v1/program/validate": OPERATORS,
    "POST /v1/program/diff": OPERATORS,
    "POST /v1/program/simulations": OPERATORS,
    "POST /v1/program/rollback": OPERATORS,
    "GET /v1/campaigns": OPERATORS,
    "GET /v1/campaigns/{campaign_id}": OPERATORS,
    "POST /v1/campaigns/{campaign_id}/start": OPERATORS,
    "POST /v1/campaigns/{campaign_id}/pause": OPERATORS,
    "POST /v1/campaigns/{campaign_id}/resume": OPERATORS,
    "POST /v1/campaigns/{campaign_id}/cancel": OPERATORS,
    "POST /v1/campaigns/{campaign_id}/dry-runs": OPERATORS,
    "GET /v1/campaigns/{campaign_id}/dry-runs/{period}": OPERATORS,
    "GET /v1/campaigns/{campaign_id}/report": OPERATORS,
    "GET /v1/campaigns/{campaign_id}/draws/{period}": OPERATORS,
    "GET /v1/openapi.json": TILL_OR_OPERATOR,
}
WHO_MAY_IN_A_SANDBOX = {"GET /v1/test-clock": OPERATORS, "PUT /v1/test-clock": OPERATORS}


def who_may(stage: Synthesized) -> dict[str, tuple[str, set[str]]]:
    """The authorizer and the scopes of each deployed route."""
    found = {}
    for route in stage.of_type("ApiGatewayV2::Route").values():
        properties = route["Properties"]
        assert properties["AuthorizationType"] == "JWT"
        authorizer = stage.service["Resources"][properties["AuthorizerId"]["Ref"]]
        scopes = properties["AuthorizationScopes"]
        found[properties["RouteKey"]] = (authorizer["Properties"]["Name"].capitalize(), set(scopes))
    return found


def test_each_production_route_asks_for_its_scopes(prod: Synthesized) -> None:
    assert who_may(prod) == WHO_MAY


def test_a_sandbox_has_the_clock_besides(dev: Synthesized, local: Synthesized) -> None:
    assert who_may(dev) == who_may(local) == {**WHO_MAY, **WHO_MAY_IN_A_SANDBOX}


def test_the_two_authorizers_trust_a_pool_and_its_clients_each(prod: Synthesized) -> None:
    authorizers = {
        one["Properties"]["Name"]: json.dumps(one["Properties"]["JwtConfiguration"])
        for one in prod.of_type("ApiGatewayV2::Authorizer").values()
    }
    assert set(authorizers) == {"members", "staff"}
    assert "MembersPool" in authorizers["members"]
    assert "StaffPool" not in authorizers["members"]
    assert "StaffPoolOperator" in authorizers["staff"]
    assert "StaffPoolPos" in authorizers["staff"]
    assert "MembersPool" not in authorizers["staff"]


def test_every_route_reaches_the_function_that_the_document_names(prod: Synthesized) -> None:
    reached = {}
    for route in prod.of_type("ApiGatewayV2::Route").values():
        integration = json.dumps(route["Properties"]["Target"])
        (logical_id,) = (key for key in prod.of_type("ApiGatewayV2::Integration") if key in integration)
        uri = prod.service["Resources"][logical_id]["Properties"]["IntegrationUri"]["Fn::GetAtt"][0]
        handler = prod.service["Resources"][uri]["Properties"]["Handler"]
        reached[route["Properties"]["RouteKey"]] = handler.split(".")[1]
    named = {f"{one.method} {one.path}": one.function for one in read_routes()}
    assert reached == {key: named[key] for key in WHO_MAY}


def document(tmp_path: Path, operation: dict[str, Any]) -> Path:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps({"paths": {"/v1/things": {"get": operation}}}))
    return path


def test_a_document_gives_the_routes(tmp_path: Path) -> None:
    operation = {"tags": ["earning"], "security": [{"staff": [POS]}]}
    expected = (Route("GET", "/v1/things", "earning", "staff", (POS,)),)
    assert read_routes(document(tmp_path, operation)) == expected


@pytest.mark.parametrize(
    "operation",
    [
        {"tags": ["earning"]},
        {"tags": ["earning"], "security": []},
        {"tags": ["earning"], "security": [{"staff": []}]},
        {"tags": ["earning"], "security": [{"strangers": [POS]}]},
        {"tags": ["earning"], "security": [{"staff": [POS]}, {"members": [MEMBER]}]},
        {"tags": [], "security": [{"staff": [POS]}]},
    ],
)
def test_a_route_without_one_function_and_one_scope_is_refused(tmp_path: Path, operation: dict[str, Any]) -> None:
    with pytest.raises(RouteError, match="GET /v1/things"):
        read_routes(document(tmp_path, operation))


def test_a_missing_document_says_how_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(RouteError, match=r"python -m infra\.openapi"):
        read_routes(tmp_path / "openapi.json")


def test_a_route_of_a_function_without_written_permissions_is_refused() -> None:
    stranger = Route("GET", "/v1/things", "things", "staff", (POS,))
    with pytest.raises(RouteError, match=r"infra/permissions\.py"):
        routes_of(STAGES["dev"], [stranger])
