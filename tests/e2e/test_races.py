"""Tills that press the button at the same moment, each served by a function of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.laurel import Laurel

pytestmark = pytest.mark.e2e

TILLS = 20


def test_an_order_sent_20_times_at_once_is_one_entry_with_20_identical_answers(laurel: Laurel) -> None:
    member_id = laurel.enrol()
    order = laurel.order(member_id, amount=9_900)
    with ThreadPoolExecutor(TILLS) as tills:
        answers = list(tills.map(lambda _: laurel.pos.call("POST", "/v1/purchases", order), range(TILLS)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len(laurel.pos.expect("GET", f"/v1/members/{member_id}/entries")["entries"]) == 1
    assert laurel.wallet(member_id)["currencies"][0]["balance"] == 99


def test_20_orders_of_one_member_at_once_are_20_entries_in_a_row(laurel: Laurel) -> None:
    member_id = laurel.enrol()
    orders = [laurel.order(member_id, amount=100 * (number + 1)) for number in range(TILLS)]
    with ThreadPoolExecutor(TILLS) as tills:
        answers = list(tills.map(lambda order: laurel.pos.call("POST", "/v1/purchases", order), orders))
    # Who lost every race is told to come again, and then is served.
    for order, answer in zip(orders, answers, strict=True):
        if answer.status_code == 503:
            assert laurel.pos.call("POST", "/v1/purchases", order).status_code == 201
        else:
            assert answer.status_code == 201
    entries = laurel.pos.expect("GET", f"/v1/members/{member_id}/entries")["entries"]
    assert [entry["sequence"] for entry in entries] == list(range(TILLS, 0, -1))
    assert laurel.wallet(member_id)["currencies"][0]["balance"] == sum(range(1, TILLS + 1))


def test_one_order_sent_at_once_for_two_members_credits_one_of_them(laurel: Laurel) -> None:
    order = laurel.order(laurel.enrol(), amount=5_000)
    rival = order | {"member_id": laurel.enrol()}
    with ThreadPoolExecutor(2) as tills:
        answers = list(tills.map(lambda body: laurel.pos.call("POST", "/v1/purchases", body), [order, rival]))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    balances = [sum(purse["balance"] for purse in laurel.wallet(body["member_id"])["currencies"]) for body in (order, rival)]
    assert sorted(balances) == [0, 50]
