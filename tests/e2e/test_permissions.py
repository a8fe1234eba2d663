"""Functions have the rights in their role and no others, because the local cloud enforces IAM policies as AWS does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.laurel import Laurel

pytestmark = pytest.mark.e2e


@contextmanager
def without(laurel: Laurel, function: str, action: str) -> Iterator[None]:
    """Take one action out of a running function's role, and put it back."""
    role = laurel.cloud.client("lambda").get_function_configuration(FunctionName=f"laurel-local-{function}")["Role"]
    name, iam = role.rpartition("/")[2], laurel.cloud.client("iam")
    policy = {"RoleName": name, "PolicyName": "table"}
    document = iam.get_role_policy(**policy)["PolicyDocument"]
    seeded = {**document, "Statement": [_less(statement, action) for statement in document["Statement"]]}
    assert seeded != document, f"the role of {function} has no {action} to take away"
    iam.put_role_policy(**policy, PolicyDocument=json.dumps(seeded))
    try:
        yield
    finally:
        iam.put_role_policy(**policy, PolicyDocument=json.dumps(document))


def _less(statement: dict[str, Any], action: str) -> dict[str, Any]:
    actions = statement["Action"]
    listed = [actions] if isinstance(actions, str) else actions
    # A statement must allow something: an action that the function never uses.
    return {**statement, "Action": [each for each in listed if each != f"dynamodb:{action}"] or ["dynamodb:DescribeLimits"]}


@pytest.mark.parametrize("action", ["BatchGetItem", "PutItem", "UpdateItem"])
def test_a_function_whose_role_lacks_a_right_fails_and_writes_nothing(laurel: Laurel, action: str) -> None:
    member_id = laurel.enrol()
    order = laurel.order(member_id, amount=1_234)
    with without(laurel, "earning", action):
        answer = laurel.pos.call("POST", "/v1/purchases", order)
        assert (answer.status_code, answer.json()["type"]) == (500, "urn:laurel:problem:fault")
        assert answer.headers["content-type"] == "application/problem+json"
    assert laurel.pos.call("GET", f"/v1/purchases/{order['order_id']}").status_code == 404
    assert laurel.wallet(member_id)["sequence"] == 0
    # Nothing was claimed either: with the right back, the same order is recorded.
    assert laurel.pos.call("POST", "/v1/purchases", order).status_code == 201
    assert laurel.wallet(member_id)["currencies"][0]["balance"] == 12


@pytest.mark.parametrize("action", ["BatchGetItem", "PutItem", "UpdateItem"])
def test_a_redemption_without_a_right_takes_neither_points_nor_stock(laurel: Laurel, action: str) -> None:
    member_id, reward = laurel.enrol_with(500), laurel.reward(points=500, stock=1)
    path, wish, key = f"/v1/members/{member_id}/redemptions", {"reward_id": reward}, laurel.new_id("wish")
    with without(laurel, "redemption", action):
        answer = laurel.pos.call("POST", path, wish, key=key)
        assert (answer.status_code, answer.json()["type"]) == (500, "urn:laurel:problem:fault")
    assert laurel.wallet(member_id)["currencies"][0]["balance"] == 500
    assert laurel.stock(reward)["available"] == 1
    # The key is free as well.
    assert laurel.pos.call("POST", path, wish, key=key).status_code == 201
    assert (laurel.wallet(member_id)["currencies"][0]["balance"], laurel.stock(reward)["available"]) == (0, 0)
