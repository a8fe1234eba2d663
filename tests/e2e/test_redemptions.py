"""Rewards over HTTP: a voucher at a till, the refund of what it paid, and what happens when many want the same at once."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from shared.domain.code import VOUCHER_SYMBOLS, make_code
from tests.e2e.forged import changed
from tests.e2e.laurel import Laurel

pytestmark = pytest.mark.e2e

COST = 500
IN_FLIGHT = 20
"""Requests that the local cloud serves side by side: it starts a process for each, and has a small machine."""
BUSY_MAX = 20
"""How often a caller comes again who was told that the store is busy."""


@pytest.fixture
def rich(laurel: Laurel) -> str:
    """A member with 500 points."""
    return laurel.enrol_with(COST)


def at_once(calls: Sequence[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    """Make all calls at the same time; who is told to come again does, with the same request."""
    with ThreadPoolExecutor(min(len(calls), IN_FLIGHT)) as callers:
        return list(callers.map(served, calls))


def served(call: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer to a call, however often it must come again for it."""
    for _ in range(BUSY_MAX):
        answer = call()
        if not busy(answer):
            break
        time.sleep(0.1)
    return answer


def busy(answer: httpx.Response) -> bool:
    """Whether Laurel says that it is busy, or the gateway itself that no function answered in time."""
    return answer.status_code == 503 or (answer.status_code > 500 and "type" not in answer.json())


def told(answers: list[httpx.Response]) -> dict[str, int]:
    """How many answers were good, and how many met which problem."""
    return dict(Counter("ok" if answer.is_success else short(answer) for answer in answers))


def short(answer: httpx.Response) -> str:
    """A problem's short name, or all of an answer that is none."""
    kind: str = answer.json().get("type", f"{answer.status_code} {answer.text}")
    return kind.removeprefix("urn:laurel:problem:")


def balance(laurel: Laurel, member_id: str) -> int:
    """What a member can spend."""
    points: int = laurel.wallet(member_id)["currencies"][0]["balance"]
    return points


def test_a_voucher_pays_at_a_till_once_and_a_refund_returns_its_share(laurel: Laurel, rich: str) -> None:
    reward = laurel.reward(points=COST)
    path = f"/v1/members/{rich}/redemptions"
    quote = laurel.pos.expect("POST", f"{path}/quote", {"reward_id": reward})
    assert (quote["points"], quote["value"], quote["available"]) == (COST, 500, True)
    issued = laurel.pos.expect("POST", path, {"reward_id": reward}, key=laurel.new_id("wish"))
    assert (issued["state"], balance(laurel, rich)) == ("issued", 0)

    shown = {"code": issued["code"].lower().replace("-", " "), "member_id": rich}
    assert laurel.pos.expect("POST", "/v1/vouchers/validate", shown)["state"] == "issued"
    order = laurel.order(rich, amount=4_000) | {"paid_with_rewards": 500}
    use = shown | {"order_id": order["order_id"], "amount": 500}
    used = [laurel.pos.call("POST", "/v1/vouchers/redeem", use) for _ in range(2)]
    assert [answer.status_code for answer in used] == [200, 200]
    assert used[0].content == used[1].content
    laurel.pos.expect("POST", "/v1/purchases", order)
    assert balance(laurel, rich) == 35

    refund = {"refund_id": "quarter", "occurred_at": order["occurred_at"], "amount": 1_000}
    answers = [laurel.pos.call("POST", f"/v1/purchases/{order['order_id']}/refunds", refund) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    back = answers[0].json()
    # A quarter of the order goes back: 35 points become 26, and 125 of the voucher's 500 return.
    assert ([each["points"] for each in back["clawed_back"]], [each["amount"] for each in back["returned"]]) == ([9], [125])
    assert balance(laurel, rich) == 26 + 125
    over = laurel.pos.call("POST", f"/v1/purchases/{order['order_id']}/refunds", refund | {"refund_id": "x", "amount": 3_001})
    assert (over.status_code, over.json()["refundable"]) == (409, 3_000)


def test_a_cancelled_redemption_gives_points_and_stock_back(laurel: Laurel, rich: str) -> None:
    reward = laurel.reward(points=COST, stock=1)
    issued = laurel.pos.expect("POST", f"/v1/members/{rich}/redemptions", {"reward_id": reward}, key=laurel.new_id("wish"))
    assert (balance(laurel, rich), laurel.stock(reward)["available"]) == (0, 0)
    laurel.pos.expect("POST", f"/v1/redemptions/{issued['redemption_id']}/cancel", {})
    assert (balance(laurel, rich), laurel.stock(reward)["available"]) == (COST, 1)


def test_the_last_one_goes_to_one_of_50_members_and_the_others_are_told_why(laurel: Laurel) -> None:
    reward = laurel.reward(points=COST, stock=1)
    with ThreadPoolExecutor(4) as tills:
        members = list(tills.map(lambda _: laurel.enrol_with(COST), range(50)))
    answers = at_once([wish(laurel, member, reward, "last-one") for member in members])
    assert told(answers) == {"ok": 1, "sold-out": 49}
    left = [balance(laurel, member) for member in members]
    assert (sum(left), sorted(left)[:2]) == (24_500, [0, COST])
    assert laurel.stock(reward) == {"total": 1, "used": 0, "held": 1, "available": 0}


def test_20_wishes_of_one_member_at_once_spend_points_once(laurel: Laurel, rich: str) -> None:
    reward = laurel.reward(points=COST, stock=1_000)
    answers = at_once([wish(laurel, rich, reward, f"wish-{number}") for number in range(20)])
    assert told(answers) == {"ok": 1, "points-short": 19}
    assert {answer.json()["short_by"] for answer in answers if answer.status_code == 409} == {COST}
    assert (balance(laurel, rich), laurel.stock(reward)["held"]) == (0, 1)


def test_one_wish_sent_10_times_at_once_is_one_reward_with_10_identical_answers(laurel: Laurel) -> None:
    member, reward = laurel.enrol_with(10 * COST), laurel.reward(points=COST)
    answers = at_once([wish(laurel, member, reward, "again")] * 10)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert balance(laurel, member) == 9 * COST
    assert len(laurel.pos.expect("GET", f"/v1/members/{member}/redemptions")["redemptions"]) == 1
    another = {"reward_id": reward, "channel": "store"}
    refused = laurel.pos.call("POST", f"/v1/members/{member}/redemptions", another, key=f"again-{member}")
    assert (refused.status_code, told([refused])) == (409, {"key-reused": 1})
    assert balance(laurel, member) == 9 * COST


def test_two_tills_that_scan_one_voucher_at_once_take_it_once(laurel: Laurel, rich: str) -> None:
    reward = laurel.reward(points=COST)
    issued = laurel.pos.expect("POST", f"/v1/members/{rich}/redemptions", {"reward_id": reward}, key=laurel.new_id("wish"))
    uses = [{"code": issued["code"], "member_id": rich, "order_id": laurel.new_id("order")} for _ in range(2)]
    answers = at_once([partial(laurel.pos.call, "POST", "/v1/vouchers/redeem", use) for use in uses])
    assert told(answers) == {"ok": 1, "voucher-used": 1}
    [winner] = [answer.json() for answer in answers if answer.status_code == 200]
    assert laurel.pos.expect("GET", f"/v1/redemptions/{issued['redemption_id']}")["state"] == "redeemed"
    assert winner["order_id"] in {use["order_id"] for use in uses}


def test_who_guesses_codes_is_told_to_wait_while_other_tills_go_on(laurel: Laurel, rich: str) -> None:
    reward = laurel.reward(points=COST)
    issued = laurel.pos.expect("POST", f"/v1/members/{rich}/redemptions", {"reward_id": reward}, key=laurel.new_id("wish"))
    good = {"code": issued["code"], "member_id": rich}
    # A till of another client, as the gateway would let it in: another subject, signed by the same pool.
    guesser = laurel.caller(changed(laurel, laurel.identities.pos_token(), sub="a-till-in-wrong-hands"))
    answers = [guesser.call("POST", "/v1/vouchers/validate", good | {"code": code}) for code in codes(30)]
    assert [answer.status_code for answer in answers] == [404] * 20 + [429] * 10
    last = answers[-1]
    assert last.json()["type"] == "urn:laurel:problem:too-many-attempts"
    assert last.headers["retry-after"] == str(last.json()["retry_after"])
    assert 0 < int(last.headers["retry-after"]) <= 900
    # Not even the right code is looked up any more, at any till of this client; elsewhere all goes on.
    assert guesser.call("POST", "/v1/vouchers/redeem", good | {"order_id": laurel.new_id("order")}).status_code == 429
    assert guesser.call("POST", "/v1/gift-cards/balance", {"code": "0000-0000-0000-0000"}).status_code == 429
    assert laurel.pos.expect("POST", "/v1/vouchers/validate", good)["state"] == "issued"


def test_a_member_redeems_in_the_app_and_nobody_else_sees_it(laurel: Laurel) -> None:
    owner, app = laurel.sign_up("redeems")
    _, curious = laurel.sign_up("looks")
    laurel.pos.expect("POST", "/v1/purchases", laurel.order(owner, amount=COST * 100))
    reward = laurel.reward(points=COST)
    assert reward in {offer["id"] for offer in app.expect("GET", "/v1/me/rewards")["rewards"] if offer["available"]}
    issued = app.expect("POST", "/v1/me/redemptions", {"reward_id": reward}, key="tap-1")
    path = f"/v1/me/redemptions/{issued['redemption_id']}"
    foreign, unknown = curious.call("GET", path), curious.call("GET", "/v1/me/redemptions/key:0:redeem:none")
    assert (foreign.status_code, foreign.text) == (unknown.status_code, unknown.text)
    assert foreign.status_code == 404
    assert curious.call("POST", f"{path}/cancel", {}).status_code == 404
    assert app.expect("POST", f"{path}/cancel", {})["state"] == "cancelled"


def wish(laurel: Laurel, member: str, reward: str, key: str) -> Callable[[], httpx.Response]:
    """A redemption that is still to be asked for; keys are the caller's own, so each member's differs."""
    path = f"/v1/members/{member}/redemptions"
    return partial(laurel.pos.call, "POST", path, {"reward_id": reward}, key=f"{key}-{member}")


def codes(count: int) -> list[str]:
    """Codes whose check symbol fits, and that no voucher has."""
    rng = random.Random(1)
    return [make_code(rng, VOUCHER_SYMBOLS) for _ in range(count)]
