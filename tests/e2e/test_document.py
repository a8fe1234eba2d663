"""The served document, the committed document and the deployed gateway are one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.routes import DOCUMENT, read_routes
from tests.e2e.laurel import Laurel

pytestmark = pytest.mark.e2e


def test_the_served_document_is_the_committed_one(laurel: Laurel) -> None:
    committed = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    assert laurel.pos.expect("GET", "/v1/openapi.json") == committed


def test_the_gateway_has_the_routes_scopes_and_authorizers_of_the_document_and_no_others(laurel: Laurel) -> None:
    gateway, api = laurel.cloud.client("apigatewayv2"), {"ApiId": laurel.address.split("/")[-2]}
    names = {each["AuthorizerId"]: each["Name"] for each in gateway.get_authorizers(**api)["Items"]}
    integrations = {each["IntegrationId"]: each["IntegrationUri"] for each in _pages(gateway, "get_integrations", api)}
    deployed = {
        (
            route["RouteKey"],
            route["AuthorizationType"],
            names.get(route.get("AuthorizerId", "")),
            tuple(sorted(route.get("AuthorizationScopes", []))),
            integrations[route["Target"].rpartition("/")[2]].rpartition(":")[2],
        )
        for route in _pages(gateway, "get_routes", api)
    }
    documented = {
        (
            f"{route.method} {route.path}",
            "JWT",
            route.scheme,
            tuple(sorted(route.scopes)),
            f"laurel-local-{route.function.replace('_', '-')}",
        )
        for route in read_routes()
    }
    assert deployed == documented


def test_each_authorizer_trusts_its_own_user_pool_and_clients(laurel: Laurel) -> None:
    gateway, outputs = laurel.cloud.client("apigatewayv2"), laurel.outputs
    authorizers = gateway.get_authorizers(ApiId=laurel.address.split("/")[-2])["Items"]
    trusted = {each["Name"]: each["JwtConfiguration"] for each in authorizers}
    issuer = "https://cognito-idp.us-east-1.amazonaws.com"
    assert trusted == {
        "members": {"Issuer": f"{issuer}/{outputs['MemberPoolId']}", "Audience": [outputs["MemberClientId"]]},
        "staff": {
            "Issuer": f"{issuer}/{outputs['StaffPoolId']}",
            "Audience": [outputs["OperatorClientId"], outputs["PosClientId"]],
        },
    }


def _pages(gateway: Any, operation: str, api: dict[str, str]) -> list[dict[str, Any]]:
    """All items of a listing, however many pages it has."""
    found: list[dict[str, Any]] = gateway.get_paginator(operation).paginate(**api).build_full_result()["Items"]
    return found
