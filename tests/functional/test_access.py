"""Every route asks for its scopes, in the document and once more in the code; a foreign path is nobody's."""

from __future__ import annotations

import json
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from functions.wallets.handler import handler
from infra.openapi import make_document
from tests.fakes.grocer import ADA, BOB, document, order
from tests.functional.api import DOCUMENT, MEMBER, OPERATOR, POS, Caller
from tests.functional.conftest import Stage

STAFF = {POS, OPERATOR}
ROUTES: dict[tuple[str, str], set[str]] = {
    ("POST", "/v1/members"): STAFF,
    ("GET", "/v1/members"): STAFF,
    ("GET", "/v1/members/{member_id}"): STAFF,
    ("PATCH", "/v1/members/{member_id}"): STAFF,
    ("POST", "/v1/members/{member_id}/close"): {OPERATOR},
    ("GET", "/v1/members/{member_id}/wallet"): STAFF,
    ("GET", "/v1/members/{member_id}/entries"): STAFF,
    ("GET", "/v1/entries/{entry_id}"): STAFF,
    ("GET", "/v1/me"): {MEMBER},
    ("PATCH", "/v1/me"): {MEMBER},
    ("GET", "/v1/me/wallet"): {MEMBER},
    ("GET", "/v1/me/entries"): {MEMBER},
    ("GET", "/v1/me/entries/{entry_id}"): {MEMBER},
    ("POST", "/v1/purchases"): {POS},
    ("POST", "/v1/purchases/quote"): {POS},
    ("POST", "/v1/purchases/batch"): {POS},
    ("GET", "/v1/purchases/{order_id}"): STAFF,
    ("POST", "/v1/purchases/{order_id}/refunds"): STAFF,
    ("POST", "/v1/members/{member_id}/redemptions"): STAFF,
    ("POST", "/v1/members/{member_id}/redemptions/quote"): STAFF,
    ("GET", "/v1/members/{member_id}/redemptions"): STAFF,
    ("GET", "/v1/redemptions/{redemption_id}"): STAFF,
    ("POST", "/v1/redemptions/{redemption_id}/cancel"): STAFF,
    ("POST", "/v1/me/redemptions"): {MEMBER},
    ("POST", "/v1/me/redemptions/quote"): {MEMBER},
    ("GET", "/v1/me/redemptions"): {MEMBER},
    ("GET", "/v1/me/redemptions/{redemption_id}"): {MEMBER},
    ("POST", "/v1/me/redemptions/{redemption_id}/cancel"): {MEMBER},
    ("POST", "/v1/vouchers/validate"): {POS},
    ("POST", "/v1/vouchers/redeem"): {POS},
    ("POST", "/v1/members/{member_id}/transfers"): {OPERATOR},
    ("POST", "/v1/me/transfers"): {MEMBER},
    ("POST", "/v1/members/{member_id}/merge"): {OPERATOR},
    ("POST", "/v1/activities"): {POS},
    ("POST", "/v1/activities/{activity}/{activity_id}/void"): STAFF,
    ("GET", "/v1/members/{member_id}/tier"): STAFF,
    ("GET", "/v1/me/tier"): {MEMBER},
    ("POST", "/v1/members/{member_id}/tier/reviews"): {OPERATOR},
    ("POST", "/v1/memberships/events"): STAFF,
    ("POST", "/v1/members/{member_id}/recognitions"): {OPERATOR},
    ("POST", "/v1/me/recognitions"): {MEMBER},
    ("GET", "/v1/me/recognitions"): {MEMBER},
    ("GET", "/v1/program/budgets"): {OPERATOR},
    ("POST", "/v1/members/{member_id}/adjustments"): {OPERATOR},
    ("GET", "/v1/adjustments"): {OPERATOR},
    ("GET", "/v1/adjustments/{adjustment_id}"): {OPERATOR},
    ("POST", "/v1/adjustments/{adjustment_id}/approve"): {OPERATOR},
    ("POST", "/v1/adjustments/{adjustment_id}/reject"): {OPERATOR},
    ("GET", "/v1/donations"): STAFF,
    ("GET", "/v1/members/{member_id}/donations"): STAFF,
    ("GET", "/v1/me/donations"): {MEMBER},
    ("GET", "/v1/me/referral-code"): {MEMBER},
    ("PUT", "/v1/me/referral-code"): {MEMBER},
    ("GET", "/v1/members/{member_id}/referral-code"): STAFF,
    ("PUT", "/v1/members/{member_id}/referral-code"): {OPERATOR},
    ("GET", "/v1/me/referral-codes/{code}"): {MEMBER},
    ("GET", "/v1/referral-codes/{code}"): STAFF,
    ("POST", "/v1/me/invitations"): {MEMBER},
    ("GET", "/v1/me/referrals"): {MEMBER},
    ("GET", "/v1/members/{member_id}/referrals"): STAFF,
    ("GET", "/v1/members/{member_id}/referral"): {OPERATOR},
    ("GET", "/v1/referrals/funnel"): {OPERATOR},
    ("GET", "/v1/referrals/advocates"): {OPERATOR},
    ("GET", "/v1/referrals/flags"): {OPERATOR},
    ("POST", "/v1/referrals/{friend_id}/pass"): {OPERATOR},
    ("POST", "/v1/referrals/{friend_id}/reject"): {OPERATOR},
    ("POST", "/v1/referrals/{friend_id}/void"): {OPERATOR},
    ("POST", "/v1/referrals/campaigns/{campaign}/codes"): {OPERATOR},
    ("GET", "/v1/referrals/disposable-domains"): {OPERATOR},
    ("PUT", "/v1/referrals/disposable-domains"): {OPERATOR},
    ("DELETE", "/v1/referrals/disposable-domains/{domain}"): {OPERATOR},
    ("POST", "/v1/referrals/import"): {OPERATOR},
    ("GET", "/v1/referrals/export"): {OPERATOR},
    ("GET", "/v1/rewards"): STAFF,
    ("GET", "/v1/rewards/{reward_id}"): STAFF,
    ("PUT", "/v1/rewards/{reward_id}"): {OPERATOR},
    ("DELETE", "/v1/rewards/{reward_id}"): {OPERATOR},
    ("PUT", "/v1/rewards/{reward_id}/stock"): {OPERATOR},
    ("GET", "/v1/members/{member_id}/rewards"): STAFF,
    ("GET", "/v1/me/rewards"): {MEMBER},
    ("POST", "/v1/gift-cards"): {OPERATOR},
    ("POST", "/v1/gift-cards/balance"): {POS},
    ("POST", "/v1/gift-cards/spend"): {POS},
    ("GET", "/v1/gift-cards/{card_id}"): STAFF,
    ("POST", "/v1/gift-cards/{card_id}/activate"): STAFF,
    ("POST", "/v1/gift-cards/{card_id}/refunds"): {POS},
    ("POST", "/v1/gift-cards/{card_id}/block"): {OPERATOR},
    ("POST", "/v1/gift-cards/{card_id}/unblock"): {OPERATOR},
    ("GET", "/v1/program"): STAFF,
    ("PUT", "/v1/program"): {OPERATOR},
    ("GET", "/v1/program/versions/{version}"): STAFF,
    ("GET", "/v1/program/schema"): STAFF,
    ("POST", "/v1/program/validate"): {OPERATOR},
    ("POST", "/v1/program/diff"): {OPERATOR},
    ("POST", "/v1/program/simulations"): {OPERATOR},
    ("POST", "/v1/program/rollback"): {OPERATOR},
    ("GET", "/v1/campaigns"): {OPERATOR},
    ("GET", "/v1/campaigns/{campaign_id}"): {OPERATOR},
    ("POST", "/v1/campaigns/{campaign_id}/start"): {OPERATOR},
    ("POST", "/v1/campaigns/{campaign_id}/pause"): {OPERATOR},
    ("POST", "/v1/campaigns/{campaign_id}/resume"): {OPERATOR},
    ("POST", "/v1/campaigns/{campaign_id}/cancel"): {OPERATOR},
    ("POST", "/v1/campaigns/{campaign_id}/dry-runs"): {OPERATOR},
    ("GET", "/v1/campaigns/{campaign_id}/dry-runs/{period}"): {OPERATOR},
    ("GET", "/v1/campaigns/{campaign_id}/report"): {OPERATOR},
    ("GET", "/v1/campaigns/{campaign_id}/draws/{period}"): {OPERATOR},
    ("GET", "/v1/test-clock"): {OPERATOR},
    ("PUT", "/v1/test-clock"): {OPERATOR},
    ("GET", "/v1/openapi.json"): STAFF,
}
"""Who may call what: the reference that the code is held to."""

MUG = {"name": "Mug", "benefit": {"kind": "free_product", "sku": "mug"}, "currency": "points", "price": {"points": 9}}

CODE = "0000-0000-0000-0000"
"""A code whose check symbol fits, and which no card has."""
VOUCHER = "0000-0000-0000"
"""As much of a voucher."""
WHO = ("me", "members/{member_id}")

BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/v1/members"): {"customer_id": "new"},
    ("PATCH", "/v1/members/{member_id}"): {"locale": "en"},
    ("PATCH", "/v1/me"): {"locale": "en"},
    ("POST", "/v1/purchases"): order(),
    ("POST", "/v1/purchases/quote"): order(),
    ("POST", "/v1/purchases/batch"): {"purchases": [order()]},
    ("POST", "/v1/purchases/{order_id}/refunds"): {"refund_id": "refund-1", "occurred_at": "2026-03-02T17:00:00Z"},
    **{("POST", f"/v1/{who}/redemptions{what}"): {"reward_id": "mug"} for who in WHO for what in ("", "/quote")},
    ("POST", "/v1/redemptions/{redemption_id}/cancel"): {},
    ("POST", "/v1/me/redemptions/{redemption_id}/cancel"): {},
    ("POST", "/v1/vouchers/validate"): {"code": VOUCHER, "member_id": ADA},
    ("POST", "/v1/vouchers/redeem"): {"code": VOUCHER, "member_id": ADA, "order_id": "order-2"},
    **{("POST", f"/v1/{who}/transfers"): {"to": BOB, "currency": "points", "points": 1} for who in WHO},
    ("POST", "/v1/activities"): {
        "activity": "review",
        "activity_id": "review-1",
        "member_id": ADA,
        "occurred_at": "2026-03-02T17:00:00Z",
    },
    ("POST", "/v1/activities/{activity}/{activity_id}/void"): {"reason": "spam"},
    ("POST", "/v1/memberships/events"): {
        "event_id": "event-1",
        "member_id": ADA,
        "plan": "prime",
        "kind": "started",
        "occurred_at": "2026-03-02T17:00:00Z",
    },
    **{("POST", f"/v1/{who}/recognitions"): {"recognition": "kudos", "to": BOB, "points": 1} for who in WHO},
    ("POST", "/v1/members/{member_id}/merge"): {"into": BOB, "reason": "one person"},
    ("POST", "/v1/members/{member_id}/adjustments"): {"currency": "points", "points": 1, "reason": "late"},
    ("POST", "/v1/adjustments/{adjustment_id}/reject"): {"reason": "too much"},
    ("PUT", "/v1/me/referral-code"): {"code": "ADAS-CAFE"},
    ("PUT", "/v1/members/{member_id}/referral-code"): {"code": "ADAS-CAFE"},
    ("POST", "/v1/me/invitations"): {"channel": "mail"},
    **{("POST", f"/v1/referrals/{{friend_id}}/{verb}"): {"reason": "a ring"} for verb in ("pass", "reject", "void")},
    ("POST", "/v1/referrals/campaigns/{campaign}/codes"): {},
    ("PUT", "/v1/referrals/disposable-domains"): {"domains": ["mailinator.com"]},
    ("POST", "/v1/referrals/import"): {"referrals": [{}]},
    ("PUT", "/v1/rewards/{reward_id}"): MUG,
    ("PUT", "/v1/rewards/{reward_id}/stock"): {"total": 5},
    ("POST", "/v1/gift-cards"): {"amount": 5000, "currency": "USD"},
    ("POST", "/v1/gift-cards/balance"): {"code": CODE},
    ("POST", "/v1/gift-cards/spend"): {"code": CODE, "order_id": "order-1", "amount": 1, "currency": "USD"},
    ("POST", "/v1/gift-cards/{card_id}/refunds"): {"order_id": "order-1", "refund_id": "r1", "amount": 1},
    ("POST", "/v1/gift-cards/{card_id}/block"): {"reason": "lost"},
    ("POST", "/v1/gift-cards/{card_id}/unblock"): {"reason": "found"},
    ("PUT", "/v1/program"): {"program": document(name="New")},
    ("POST", "/v1/program/validate"): {"program": document(name="New")},
    ("POST", "/v1/program/diff"): {"program": document(name="New")},
    ("POST", "/v1/program/simulations"): {"program": document(name="New")},
    ("POST", "/v1/program/rollback"): {"to_version": 1},
    **{
        ("POST", f"/v1/campaigns/{{campaign_id}}/{act}"): {"reason": "a test"} for act in ("start", "pause", "resume", "cancel")
    },
    ("POST", "/v1/campaigns/{campaign_id}/dry-runs"): {},
    ("PUT", "/v1/test-clock"): {"now": "2030-01-01T00:00:00Z"},
}


QUERIES = {("GET", "/v1/members"): "customer_id=customer-ada", ("GET", "/v1/donations"): "charity=sea_rescue"}


def call(caller: Caller, route: tuple[str, str]) -> Any:
    """A request of the route that would be right for the right caller."""
    method, template = route
    path = template.format(
        member_id=ADA,
        entry_id="purchase:order-1",
        order_id="order-1",
        reward_id="mug",
        card_id="card-1",
        redemption_id="key:0:redeem:wish-1",
        adjustment_id="key:0:adjust:case-1",
        version="1",
        activity="review",
        activity_id="review-1",
        code="N0SUCH0NE",
        friend_id=ADA,
        campaign="spring",
        campaign_id="spring",
        period="2026",
        domain="mailinator.com",
    )
    body = json.dumps(BODIES[route]) if route in BODIES else None
    return caller.send(method, path, body, query=QUERIES.get(route, ""), key="key-1")


def test_the_document_names_every_route_with_its_scopes() -> None:
    told = {
        (verb.upper(), path): {scope for scheme in operation["security"] for scope in next(iter(scheme.values()))}
        for path, operations in DOCUMENT["paths"].items()
        for verb, operation in operations.items()
    }
    assert told == ROUTES


def test_each_scope_is_given_by_its_own_pool_alone() -> None:
    for operations in DOCUMENT["paths"].values():
        for operation in operations.values():
            [(pool, scopes)] = [item for scheme in operation["security"] for item in scheme.items()]
            assert pool == ("members" if scopes == [MEMBER] else "staff")


def test_a_token_without_the_scope_is_refused_and_nothing_is_written(stage: Stage) -> None:
    before = stage.items()
    nearly = {"laurel/admin", "pos", "LAUREL/POS", "laurel/po", "laurel/pos2", "", "laurel/pos,laurel/operator"}
    for route, opening in ROUTES.items():
        for scope in sorted(({MEMBER, POS, OPERATOR} | nearly) - opening):
            reply = call(Caller(scope), route)
            assert (route, scope, reply.status, reply.problem) == (route, scope, 403, "forbidden")
            assert set(reply.json["scopes_any"]) == opening
    assert stage.items() == before


def test_each_scope_that_the_document_names_opens_the_route(stage: Stage) -> None:
    for route, opening in ROUTES.items():
        for scope in opening:
            for claim in (scope, f"openid {scope} profile"):
                assert call(Caller(claim), route).problem != "forbidden", (route, claim)


def test_a_request_without_an_authorizer_is_refused(stage: Stage) -> None:
    """Should a route ever be deployed without its authorizer, the code still asks."""
    event = Caller(POS)._event("GET", "/v1/me/wallet", "/v1/me/wallet", None, "", None, False)
    for context in ({"authorizer": {}}, {"authorizer": {"jwt": {"claims": {}}}}, {}):
        stripped = {key: value for key, value in event["requestContext"].items() if key != "authorizer"}
        answer = handler({**event, "requestContext": {**stripped, **context}}, None)
        assert answer["statusCode"] == 403


def test_a_path_that_is_no_route_is_unknown(till: Caller) -> None:
    strangers = ["GET /", "GET /v1/nothing", "GET /v1/purchases/a/b", "GET /v2/purchases/a", "POST /v1/purchases/order-1"]
    strangers += [f"{method} /v1/purchases" for method in ("DELETE", "PUT", "OPTIONS", "HEAD", "PATCH", "TRACE")]
    for stranger in strangers:
        method, path = stranger.split(" ")
        reply = till.send(method, path, function="earning")
        assert (stranger, reply.status, reply.problem) == (stranger, 404, "route-unknown")


def test_the_committed_document_is_the_one_that_the_code_makes() -> None:
    assert make_document() == DOCUMENT, "run python -m infra.openapi and commit what it writes"


def test_the_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(DOCUMENT).validate()  # type: ignore[arg-type]


def test_the_document_is_served_as_it_is_committed(till: Caller, operator: Caller) -> None:
    assert till.get("/v1/openapi.json").json == DOCUMENT
    assert operator.get("/v1/openapi.json").status == 200


def test_the_document_tells_nothing_of_the_framework() -> None:
    text = json.dumps(DOCUMENT)
    for word in ("HTTPValidationError", "powertools", "Powertools", "pydantic"):
        assert word not in text


def test_every_operation_has_a_name_of_its_own_and_a_summary() -> None:
    operations = [operation for operations in DOCUMENT["paths"].values() for operation in operations.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation["summary"].strip() for operation in operations)
