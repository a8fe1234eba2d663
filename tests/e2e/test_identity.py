"""Who can sign in where, and whose points they see."""

from __future__ import annotations

import pytest

from infra.local_cloud.errors import LocalCloudError
from tests.e2e.forged import claims_of
from tests.e2e.laurel import Laurel

pytestmark = pytest.mark.e2e


def test_members_read_their_own_wallet_and_entries_with_their_own_token(laurel: Laurel) -> None:
    member_id, app = laurel.sign_up("own")
    entry = laurel.pos.expect("POST", "/v1/purchases", laurel.order(member_id, amount=4_200))
    assert app.expect("GET", "/v1/me/wallet") == laurel.wallet(member_id)
    assert app.expect("GET", "/v1/me/wallet")["currencies"][0]["balance"] == 42
    assert app.expect("GET", f"/v1/me/entries/{entry['entry_id']}")["member_id"] == member_id


def test_another_members_entry_answers_as_an_unknown_one(laurel: Laurel) -> None:
    owner, _ = laurel.sign_up("owner")
    _, curious = laurel.sign_up("curious")
    entry = laurel.pos.expect("POST", "/v1/purchases", laurel.order(owner))
    foreign = curious.call("GET", f"/v1/me/entries/{entry['entry_id']}")
    unknown = curious.call("GET", "/v1/me/entries/purchase:there-is-none")
    assert (foreign.status_code, foreign.text) == (unknown.status_code, unknown.text)
    assert foreign.status_code == 404


def test_a_login_that_belongs_to_no_member_is_told_so(laurel: Laurel) -> None:
    app = laurel.caller(laurel.identities.member_token("nobody@example.com"))
    answer = app.call("GET", "/v1/me")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:laurel:problem:login-unknown")


def test_a_member_cannot_sign_in_to_the_operators_client(laurel: Laurel) -> None:
    laurel.identities.member("climber@example.com")
    with pytest.raises(LocalCloudError, match="could not sign in"):
        laurel.identities.sign_in("StaffPoolId", "OperatorClientId", "climber@example.com", "laurel/operator")


def test_the_members_client_gives_no_scope_of_the_staff(laurel: Laurel) -> None:
    laurel.identities.member("climber@example.com")
    with pytest.raises(LocalCloudError, match="could not sign in"):
        laurel.identities.sign_in("MemberPoolId", "MemberClientId", "climber@example.com", "laurel/operator")


def test_the_staffs_user_pool_is_closed_to_self_sign_up(laurel: Laurel) -> None:
    cognito = laurel.cloud.client("cognito-idp")
    # The local cloud keeps this setting and does not act on it, so the setting itself is looked at.
    pools = {
        name: cognito.describe_user_pool(UserPoolId=laurel.outputs[name])["UserPool"]
        for name in ("MemberPoolId", "StaffPoolId")
    }
    assert {name: pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] for name, pool in pools.items()} == {
        "MemberPoolId": False,
        "StaffPoolId": True,
    }


def test_a_till_gets_no_scope_of_an_operator(laurel: Laurel) -> None:
    assert claims_of(laurel.identities.pos_token())["scope"] == "laurel/pos"
