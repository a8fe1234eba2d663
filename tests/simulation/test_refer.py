"""Referrals keep their promises whatever the network does; and each promise is looked at."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest

from tests.simulation.clients import staff_event
from tests.simulation.invariants import Item
from tests.simulation.plan import FATES, Plan
from tests.simulation.refer import Refer, program_document
from tests.simulation.refer_promises import refer_violations
from tests.simulation.run import simulate
from tests.simulation.service import Answer, Event, Service
from tests.simulation.world import START, World

SEEDS = 30


def test_no_world_awards_a_friend_twice_or_one_side_alone() -> None:
    happened: Counter[str] = Counter()
    for seed in range(SEEDS):
        verdict = simulate(seed, "refer")
        assert not verdict.violations, f"{verdict.violations}\nreplay: {verdict.replay}"
        happened.update(verdict.happened)
    assert len(happened) > len(FATES) - 3


@pytest.mark.parametrize(
    ("without", "seeds", "said"),
    [
        ("fingerprint-condition", 15, "friends had device"),
        ("tally-condition", 20, "in a day"),
        ("budget-condition", 40, "of the budget of"),
        ("update-condition", 3, ""),
        ("put-condition", 3, ""),
    ],
)
def test_without_what_protects_it_some_world_breaks(without: str, seeds: int, said: str) -> None:
    broken = (
        seed for seed in range(seeds) if any(said in what for what in simulate(seed, "refer", without=without).violations)
    )
    assert next(broken, None) is not None, f"{seeds} worlds did not notice that the {without} was gone"


def test_the_same_seed_gives_the_same_trace() -> None:
    for seed in range(2):
        first = simulate(seed, "refer")
        simulate(seed + 100, "refer")
        assert simulate(seed, "refer").trace == first.trace


class QuietDay(Refer):
    """An award that stands, one that is clawed back, and a friend on a shared device who waits for an operator."""

    def begin(self, world: World, service: Service) -> None:
        """Three friends, one after the other."""
        for number, device in enumerate(("device-a", "device-b", "device-a")):
            enrolment = {
                "customer_id": f"friend-{number}",
                "referral": {"code": self.codes[self.advocates[1]]},
                "fingerprints": {"device": device},
            }
            then = partial(self._bought, world, service, number)
            self._send(
                world, service, f"enrols {number}", staff_event("POST", "/v1/members", enrolment), number * 600, then=then
            )

    def _bought(self, world: World, service: Service, number: int, answer: Answer) -> None:
        order = {
            "order_id": f"order-{number}",
            "member_id": json.loads(answer.body)["member_id"],
            "currency": "USD",
            "occurred_at": world.now().isoformat(),
            "lines": [{"sku": "sku", "quantity": 1, "amount": 6_000}],
        }
        refund = {"refund_id": "r", "occurred_at": START.isoformat()}
        event = staff_event("POST", f"/v1/purchases/order-{number}/refunds", refund)
        refunds = partial(self._refunded, world, service, event) if number == 1 else None
        self._send(world, service, f"buys {number}", staff_event("POST", "/v1/purchases", order), 60, then=refunds)

    def _refunded(self, world: World, service: Service, event: Event, _: Answer) -> None:
        self._send(world, service, "refunds", event, 60)


def _generous(world: World) -> dict[str, Any]:
    document = program_document(world)
    terms = document["referral"]
    terms |= {"qualifies": {"kind": "orders", "net_min": 2_500}, "hold_days": 0}
    terms |= {"abuse": {"shared_device": {"verdict": "review"}}}
    caps = [{**cap, "points": 9_000} for cap in document["caps"]]
    return {**document, "caps": caps, "referral": terms}


@pytest.fixture(scope="module")
def at_rest() -> tuple[Any, ...]:
    """Items, answers and world of a quiet day without faults, as its promises are asked about them."""
    asked: list[tuple[Any, ...]] = []

    def keep(*found: Any) -> list[str]:
        asked.append(found)
        return []

    quiet = patch.dict("tests.simulation.run.SCENARIOS", {"refer": QuietDay})
    generous = patch("tests.simulation.refer.program_document", _generous)
    with quiet, generous, patch("tests.simulation.refer.refer_violations", keep):
        assert not simulate(0, "refer", plan=Plan()).violations
    return asked[0]


def _of(items: list[Item], sk: str, pk: str = "", having: str = "sk") -> Item:
    return next(item for item in items if item["sk"]["S"].startswith(sk) and item["pk"]["S"].startswith(pk) and having in item)


def lose_the_advocates_part(items: list[Item], given: list[Any], world: Any) -> None:
    items.remove(_of(items, "AWARD#ADVOCATE"))


def lose_a_clawback(items: list[Item], given: list[Any], world: Any) -> None:
    items.remove(_of(items, "CLAWBACK#ADVOCATE"))


def award_it_later(items: list[Item], given: list[Any], world: Any) -> None:
    award = _of(items, "AWARD#ADVOCATE")
    place = (award["pk"]["S"], award["sk"]["S"])
    world.written_at = {**world.written_at, place: world.written_at[place] + timedelta(seconds=1)}


def bring_it_back(items: list[Item], given: list[Any], world: Any) -> None:
    wallet = next(item for item in items if item["sk"]["S"] == "WALLET" and '"clawed_back"' in json.dumps(item))
    wallet |= json.loads(json.dumps(wallet).replace('"clawed_back"', '"awarded"'))


def list_another_state(items: list[Item], given: list[Any], world: Any) -> None:
    _of(items, "FRIEND#")["state"] = {"S": "nowhere"}


def forget_a_friend(items: list[Item], given: list[Any], world: Any) -> None:
    items.remove(_of(items, "FRIEND#"))


def forget_a_flag(items: list[Item], given: list[Any], world: Any) -> None:
    items.remove(_of(items, "REFERRAL#", "FLAGS"))


def count_a_friend_twice(items: list[Item], given: list[Any], world: Any) -> None:
    tally = _of(items, "TALLY", having="joined")
    tally["joined"] = {"N": str(int(tally["joined"]["N"]) + 1)}


def lose_a_reward_of_the_funnel(items: list[Item], given: list[Any], world: Any) -> None:
    del _of(items, "DAY#", having="rewarded")["rewarded"]


def overdraw(items: list[Item], given: list[Any], world: Any) -> None:
    spent = _of(items, "EVER", "BUDGET#")["spent"]
    spent["N"] = str(int(spent["N"]) + 1)


def answer_otherwise(items: list[Item], given: list[Any], world: Any) -> None:
    event, answer = next(found for found in given if found[0]["rawPath"] == "/v1/members" and found[1].status == 201)
    given.append((event, replace(answer, body=json.dumps({**json.loads(answer.body), "enrolled_at": "never"}))))


def enrol_a_customer_twice(items: list[Item], given: list[Any], world: Any) -> None:
    profile = copy.deepcopy(_of(items, "PROFILE"))
    items.append({**profile, "pk": {"S": "MEMBER#another"}})


def break_down(items: list[Item], given: list[Any], world: Any) -> None:
    event, answer = given[0]
    given.append((event, replace(answer, status=500)))


def test_a_sound_world_breaks_nothing(at_rest: tuple[Any, ...]) -> None:
    assert refer_violations(*at_rest) == []


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (lose_the_advocates_part, ", awarded "),
        (lose_a_clawback, "taken back: None"),
        (award_it_later, "was not written with"),
        (bring_it_back, "due is Life"),
        (list_another_state, "is listed as"),
        (forget_a_friend, "listed are"),
        (forget_a_flag, "queued are"),
        (count_a_friend_twice, "the tally of"),
        (lose_a_reward_of_the_funnel, "the funnel counts"),
        (overdraw, "of the budget"),
        (answer_otherwise, "was answered in 2 ways"),
        (enrol_a_customer_twice, "is 2 members"),
        (break_down, "was answered 500"),
    ],
)
def test_a_broken_promise_is_seen(at_rest: tuple[Any, ...], tamper: Callable[..., None], said: str) -> None:
    items, given, world = at_rest
    items, given, world = copy.deepcopy(items), list(given), copy.copy(world)
    tamper(items, given, world)
    found = refer_violations(items, given, world)
    assert any(said in sentence for sentence in found), json.dumps(found, indent=1)
