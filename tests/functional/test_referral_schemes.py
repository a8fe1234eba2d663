"""Schemes to be paid for oneself, mishaps that must not cost an honest friend, and events that come in any order."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain import purse
from shared.domain.calendar import instant_text
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.functional.api import POS, Caller
from tests.functional.bringing import TERMS, Bringing
from tests.functional.conftest import Stage
from tests.functional.newcomer import MEMBERS

PRIME = {"id": "prime", "name": "Prime", "price": 1500, "term": {"months": 1}}
KNOWN = ("rejected", ["known_person"])


@pytest.fixture
def shop(stage: Stage) -> Bringing:
    """A shop whose members bring friends."""
    shop = Bringing(stage)
    shop.offer()
    return shop


# --- who was there before is no new customer -------------------------------------------------------------------------------


def test_a_customer_from_before_there_were_referrals_brings_nobody_as_themselves(stage: Stage) -> None:
    shop = Bringing(stage)
    shop.member("anna", email="anna.l@gmail.com")
    shop.offer()
    again = shop.friend("anna-again", shop.member("cleo"), email="anna.l+1@gmail.com")
    assert shop.stands(again) == KNOWN


def test_who_left_before_there_were_referrals_and_comes_back_is_known(stage: Stage) -> None:
    shop = Bringing(stage)
    old = shop.member("old", email="anna.l@gmail.com", phone="+12015550177")
    assert shop.operator.post(f"{MEMBERS}/{old}/close").status == 200
    shop.offer()
    assert shop.stands(shop.friend("new", shop.member("cleo"), email="anna.l@gmail.com", phone="+12015550177")) == KNOWN


def test_an_advocate_who_gives_their_mailbox_away_is_known_by_it(shop: Bringing) -> None:
    advocate = shop.member("anna", email="anna.l@gmail.com")
    shop.till.patch(f"{MEMBERS}/{advocate}", {"email": "anna.new@example.com"})
    assert shop.stands(shop.friend("fay", advocate, email="anna.l@gmail.com")) == ("rejected", ["same_mailbox"])


def test_the_eleventh_device_tells_as_much_as_the_first(shop: Bringing) -> None:
    advocate = shop.member("anna")
    for number in range(11):
        told = {"fingerprints": {"device": f"a-device-of-anna-{number}"}}
        assert shop.till.patch(f"{MEMBERS}/{advocate}", told).status == 200
    for name, number in (("fay", 0), ("gil", 10)):
        friend = shop.friend(name, advocate, fingerprints={"device": f"a-device-of-anna-{number}"})
        assert shop.stands(friend) == ("rejected", ["same_device"])


# --- what others do later is no reason against a friend --------------------------------------------------------------------


def test_nobody_spoils_a_referral_by_enrolling_with_the_friends_mailbox_later(shop: Bringing) -> None:
    friend = shop.friend("fay", shop.member("anna"), email="fay@gmail.com")
    shop.member("somebody", email="fay+x@gmail.com")
    shop.buys(friend)
    assert shop.stands(friend) == ("held", [])


def test_an_own_later_duplicate_that_is_merged_spoils_nothing(shop: Bringing) -> None:
    friend = shop.friend("fay", shop.member("anna"), email="fay@gmail.com")
    twin = shop.member("fay-again", email="f.ay@gmail.com")
    assert shop.operator.post(f"{MEMBERS}/{twin}/merge", {"into": friend, "reason": "the same person"}).status == 200
    shop.buys(friend)
    assert shop.stands(friend) == ("held", [])


# --- a full wallet refuses nobody's order ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["orders", "enrolment"])
def test_an_advocate_whose_wallet_is_full_gets_what_it_still_takes(stage: Stage, monkeypatch: Any, kind: str) -> None:
    shop = Bringing(stage)
    shop.offer(qualifies={"kind": kind, **({"net_min": 2500} if kind == "orders" else {})})
    advocate = shop.member("anna")
    monkeypatch.setattr(purse, "BALANCE_MAX", 1000)
    shop.buys(advocate, 80_000)
    friend = shop.friend("fay", advocate)
    shop.buys(friend)
    assert shop.stands(friend) == ("held", [])
    assert (shop.active(advocate), shop.pending(advocate)) == (800, 199)


# --- billing events come in any order --------------------------------------------------------------------------------------


def told(member: str, event: str, kind: str, at: datetime, **more: Any) -> None:
    body = {"event_id": event, "member_id": member, "plan": "prime", "kind": kind, "occurred_at": instant_text(at), **more}
    reply = Caller(POS).post("/v1/memberships/events", body)
    assert reply.status == 201, reply


def paying(stage: Stage) -> tuple[Bringing, str, str]:
    """A shop whose friends count by paying for prime, an advocate, and a friend who has not paid yet."""
    terms = {**TERMS, "qualifies": {"kind": "membership"}}
    stage.activate(grocer.version(2, grocer.OPENED, referral=terms, memberships=[PRIME]))
    shop = Bringing(stage)
    advocate = shop.member("anna")
    return shop, advocate, shop.friend("fay", advocate)


def test_a_payment_that_is_told_after_its_refund_gives_nothing(stage: Stage, clock: FakeClock) -> None:
    shop, advocate, friend = paying(stage)
    paid_at = clock.now()
    clock.advance(days=1)
    told(friend, "e2", "refunded", clock.now(), starts_at=instant_text(paid_at))
    told(friend, "e1", "started", paid_at, starts_at=instant_text(paid_at))
    assert shop.stands(friend)[0] == "joined"
    assert shop.pending(advocate) == shop.pending(friend) == 0


def test_a_payment_that_is_told_after_its_regular_end_counts(stage: Stage, clock: FakeClock) -> None:
    shop, _, friend = paying(stage)
    paid_at = clock.now()
    ends = instant_text(paid_at + timedelta(days=31))
    clock.advance(days=1)
    told(friend, "e2", "cancelled", clock.now(), starts_at=instant_text(paid_at), ends_at=ends)
    told(friend, "e1", "started", paid_at, starts_at=instant_text(paid_at))
    assert shop.stands(friend)[0] == "held"


def test_a_refund_of_a_term_that_is_to_come_takes_the_award_back(stage: Stage, clock: FakeClock) -> None:
    shop, advocate, friend = paying(stage)
    told(friend, "e1", "started", clock.now(), starts_at=instant_text(clock.now() + timedelta(days=30)))
    assert shop.pending(advocate) == 500
    clock.advance(days=1)
    told(friend, "e2", "refunded", clock.now())
    assert shop.stands(friend)[0] == "rejected"
    assert shop.pending(advocate) == shop.pending(friend) == 0


def test_a_refund_that_names_no_term_and_is_told_first_takes_its_payment_along(stage: Stage, clock: FakeClock) -> None:
    shop, advocate, friend = paying(stage)
    paid_at = clock.now()
    clock.advance(days=1)
    told(friend, "e2", "refunded", clock.now())
    told(friend, "e1", "started", paid_at, starts_at=instant_text(paid_at))
    assert shop.stands(friend)[0] == "joined"
    assert shop.pending(advocate) == 0


def test_a_term_that_lapsed_was_paid_whichever_is_told_first(stage: Stage, clock: FakeClock) -> None:
    shop, _, friend = paying(stage)
    paid_at = clock.now()
    clock.advance(days=1)
    told(friend, "e2", "lapsed", clock.now(), starts_at=instant_text(paid_at))
    told(friend, "e1", "started", paid_at, starts_at=instant_text(paid_at))
    assert shop.stands(friend)[0] == "held"


@pytest.mark.parametrize(("plans", "state"), [([], "joined"), (["prime"], "held")])
def test_a_plan_that_costs_nothing_counts_only_where_it_is_named(
    stage: Stage, clock: FakeClock, plans: list[str], state: str
) -> None:
    terms = {**TERMS, "qualifies": {"kind": "membership", "plans": plans}}
    stage.activate(grocer.version(2, grocer.OPENED, referral=terms, memberships=[{**PRIME, "price": 0}]))
    shop = Bringing(stage)
    friend = shop.friend("fay", shop.member("anna"))
    told(friend, "e1", "started", clock.now())
    assert shop.stands(friend)[0] == state


# --- whoever turns out to be the same person --------------------------------------------------------------------------------


def merged(shop: Bringing, leaver: str, survivor: str) -> None:
    reply = shop.operator.post(f"{MEMBERS}/{leaver}/merge", {"into": survivor, "reason": "the same person"})
    assert reply.status == 200, reply


def flagged(shop: Bringing) -> list[str]:
    return [one["member_id"] for one in shop.operator.get("/v1/referrals/flags").json["referrals"]]


@pytest.mark.parametrize("takes_over", ["advocate", "friend"])
def test_an_advocate_who_turns_out_to_be_the_friend_is_looked_at(shop: Bringing, takes_over: str) -> None:
    advocate = shop.member("anna")
    friend = shop.friend("fay", advocate)
    shop.buys(friend)
    assert flagged(shop) == []
    survivor = advocate if takes_over == "advocate" else friend
    merged(shop, friend if survivor == advocate else advocate, survivor)
    assert shop.stands(friend) == ("held", ["same_person"])
    assert flagged(shop) == [friend]
    assert shop.pending(survivor) == 750
    assert shop.rules(friend, "void").status == 201
    assert (shop.pending(survivor), flagged(shop)) == (0, [])


def test_two_friends_who_turn_out_to_be_one_are_looked_at_and_may_pass(shop: Bringing) -> None:
    advocate = shop.member("anna")
    one, other = shop.friend("fay", advocate), shop.friend("fox", advocate)
    shop.buys(one)
    shop.buys(other)
    merged(shop, one, other)
    assert flagged(shop) == [one]
    assert shop.rules(one, "pass").status == 201
    assert (shop.stands(one)[0], flagged(shop)) == ("held", [])
    assert shop.pending(advocate) == 1000


# --- brakes and books ------------------------------------------------------------------------------------------------------


def test_a_budget_that_is_lowered_brakes_also_for_those_who_joined_before(stage: Stage) -> None:
    budget = {"id": "friends", "currency": "points", "scope": "program"}
    reward = [{"currency": "points", "points": 500, "caps": ["friends"]}]
    shop = Bringing(stage)
    shop.offer(2, caps=[{**budget, "points": 10_000}], advocate=reward)
    advocate = shop.member("anna")
    friends = [shop.friend(f"friend-{number}", advocate) for number in range(3)]
    shop.buys(friends[0])
    shop.offer(3, caps=[{**budget, "points": 700}], advocate=reward)
    shop.buys(friends[1])
    shop.buys(friends[2])
    assert shop.pending(advocate) == 700


def test_sharing_every_day_leaves_no_more_in_the_wallet_than_sharing_once(shop: Bringing, clock: FakeClock) -> None:
    member = shop.member("anna", login={"issuer": "https://members.example.com", "subject": "anna"})
    app = Caller("laurel/member", subject="anna", issuer="https://members.example.com")
    sizes = set()
    for day in range(3):
        assert app.post("/v1/me/invitations", {"channel": "mail"}, key=f"share-{day}").status == 201
        sizes.add(len(shop.stage.wiring.ledger.view(member).wallet.counts))
        clock.advance(days=1)
    assert sizes == {1}
