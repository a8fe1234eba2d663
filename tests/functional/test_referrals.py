"""Codes that members share, friends whom they bring, what that costs the shop, and what operators say."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.calendar import instant_text
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB
from tests.functional.api import MEMBER, MEMBER_ISSUER, OPERATOR, POS, Caller, Reply
from tests.functional.conftest import Stage, profile
from tests.functional.explained import why

TERMS: dict[str, Any] = {
    "qualifies": {"kind": "orders", "net_min": 2500},
    "hold_days": 14,
    "advocate": [
        {"currency": "points", "points": 500, "caps": ["thanks"], "steps": [{"referral": 2, "points": 700}]},
        {"currency": "coffee", "points": 1},
    ],
    "friend": [{"currency": "points", "points": 250}],
    "link": "https://shop.example/join?by={code}",
    "abuse": {"shared_device": {"others_max": 0, "verdict": "review"}},
    "campaigns": [
        {
            "id": "spring",
            "qualifies": {"kind": "enrolment"},
            "hold_days": 0,
            "friend": [{"currency": "points", "points": 100}],
            "ends_at": "2026-04-01T04:00:00Z",
        }
    ],
}
COST = {"points": 100, "minor_units": 30}
CURRENCIES = [
    {"code": "points", "expiry": {"after": 365, "rounded_to": "day"}, "cost": COST},
    {"code": "coffee", "cost": {"points": 1, "minor_units": 150}},
]
CAPS = [{"id": "thanks", "currency": "points", "scope": "member", "points": 1500}]
FIRST_HELD_DAY_OVER = "2026-03-16T04:00:00Z"


@pytest.fixture
def stage(bare_stage: Stage) -> Stage:
    """A grocer who thanks members for friends: Ada and Bob can bring some."""
    bare_stage.activate(grocer.version(referral=TERMS, currencies=CURRENCIES, caps=CAPS))
    for member, name in ((ADA, "ada"), (BOB, "bob")):
        bare_stage.wiring.members.enrol(profile(member, name), name.encode() * 8)
    return bare_stage


@pytest.fixture
def shop(till: Caller, operator: Caller, clock: FakeClock) -> Shop:
    """What happens in the shop."""
    return Shop(till, operator, clock)


class Shop:
    """Friends who join and buy, and time that passes."""

    def __init__(self, till: Caller, operator: Caller, clock: FakeClock) -> None:
        self.till, self.operator, self.clock = till, operator, clock

    def join(self, name: str, code: str | None = None, **more: Any) -> str:
        """A friend enrols by a code; their id."""
        login = {"issuer": MEMBER_ISSUER, "subject": f"sub-{name}"}
        body = {"customer_id": name, "login": login, "referral": {"code": code} if code else None, **more}
        reply = self.till.post("/v1/members", {key: value for key, value in body.items() if value is not None})
        assert reply.status == 201, reply.text
        member: str = reply.json["member_id"]
        return member

    def buy(self, member: str, order: str, amount: int = 6000) -> Reply:
        """An order of a member's, now."""
        at = instant_text(self.clock.now())
        reply = self.till.post("/v1/purchases", grocer.order(order, amount, member_id=member, occurred_at=at))
        assert reply.status == 201, reply.text
        return reply

    def refund(self, order: str) -> None:
        """All of an order is given back, now."""
        at = instant_text(self.clock.now())
        reply = self.till.post(f"/v1/purchases/{order}/refunds", {"refund_id": "all", "occurred_at": at})
        assert reply.status == 201, reply.text

    def brought(self, name: str, code: str) -> str:
        """A friend who joined and bought."""
        member = self.join(name, code)
        self.buy(member, f"order-{name}")
        return member

    def suspect(self, name: str, code: str, device: str = "device-1") -> str:
        """A friend at a device that others were seen with."""
        return self.join(name, code, fingerprints={"device": device})

    def rule(self, friend: str, verb: str, reason: str = "seen in the shop") -> Reply:
        """An operator's word."""
        return self.operator.post(f"/v1/referrals/{friend}/{verb}", {"reason": reason})

    def points(self, member: str, currency: str = "points") -> tuple[int, int, int]:
        """Active, pending and owed points of a member."""
        purses = self.till.get(f"/v1/members/{member}/wallet").json["currencies"]
        [found] = [purse for purse in purses if purse["currency"] == currency] or [{"active": 0, "pending": 0, "debt": 0}]
        return found["active"], found["pending"], found["debt"]


def code_of(member: Caller) -> str:
    """A member's code."""
    code: str = member.get("/v1/me/referral-code").json["code"]
    return code


# Codes


def test_a_member_has_a_code_and_a_share_link_from_the_first_ask_on(ada: Caller, till: Caller) -> None:
    first = ada.get("/v1/me/referral-code").json
    assert first == {"code": first["code"], "link": f"https://shop.example/join?by={first['code']}", "chosen": False}
    assert ada.get("/v1/me/referral-code").json == till.get(f"/v1/members/{ADA}/referral-code").json == first


def test_a_member_chooses_a_code_once_and_an_operator_as_often_as_asked(ada: Caller, operator: Caller) -> None:
    made = code_of(ada)
    chosen = ada.put("/v1/me/referral-code", {"code": "ada's café"}).json
    assert (chosen["code"], chosen["chosen"]) == ("ADAS-CAFE", True)
    assert ada.put("/v1/me/referral-code", {"code": "ADAS CAFE"}).status == 200
    refused = ada.put("/v1/me/referral-code", {"code": "ADA-AGAIN"})
    assert (refused.status, refused.problem) == (409, "referral-code-fixed")
    path = f"/v1/members/{ADA}/referral-code"
    assert operator.put(path, {"code": "ADA-AGAIN"}).json["code"] == "ADA-AGAIN"
    # Whatever was shared goes on working.
    for code in (made, "adascafe", "ada again"):
        assert ada.get(f"/v1/me/referral-codes/{code.replace(' ', '%20')}").json["kind"] == "member"


def test_nobody_takes_another_members_code(ada: Caller, bob: Caller, operator: Caller) -> None:
    assert ada.put("/v1/me/referral-code", {"code": "ADAS-CAFE"}).status == 200
    taken = bob.put("/v1/me/referral-code", {"code": "adas cafe"})
    assert (taken.status, taken.problem) == (409, "referral-code-taken")
    assert operator.put(f"/v1/members/{BOB}/referral-code", {"code": "ADASCAFE"}).problem == "referral-code-taken"
    invalid = bob.put("/v1/me/referral-code", {"code": "a!"})
    assert (invalid.status, invalid.problem, invalid.json["fault"]) == (422, "referral-code-invalid", "symbol")


def test_a_code_tells_what_a_friend_gets_and_not_whose_it_is(ada: Caller, till: Caller) -> None:
    offer = {"kind": "member", "runs": True, "friend": [{"currency": "points", "points": 250}]}
    assert till.get(f"/v1/referral-codes/{code_of(ada)}").json == offer


def test_a_campaigns_code_tells_whether_it_runs(operator: Caller, till: Caller, clock: FakeClock) -> None:
    made = operator.post("/v1/referrals/campaigns/spring/codes", {"code": "SPRING26"})
    assert made.status in (200, 201), made.text
    offer = {"kind": "campaign", "runs": True, "friend": [{"currency": "points", "points": 100}]}
    assert till.get("/v1/referral-codes/spring26").json == offer
    clock.advance(days=30)
    assert till.get("/v1/referral-codes/spring26").json == {**offer, "runs": False}


def test_the_code_of_a_member_who_left_does_not_run(ada: Caller, till: Caller, operator: Caller) -> None:
    code = code_of(ada)
    assert operator.post(f"/v1/members/{ADA}/close").status == 200
    assert till.get(f"/v1/referral-codes/{code}").json["runs"] is False
    assert operator.get(f"/v1/members/{ADA}/referrals").json["code"] is None
    assert till.get(f"/v1/members/{ADA}/referral-code").problem == "member-closed"


def test_the_code_of_a_merged_member_runs_for_whoever_took_over(ada: Caller, till: Caller, operator: Caller) -> None:
    code = code_of(ada)
    assert operator.post(f"/v1/members/{ADA}/merge", {"into": BOB, "reason": "one person"}).status == 200
    assert till.get(f"/v1/referral-codes/{code}").json["runs"] is True


def test_whoever_guesses_codes_is_stopped_and_others_go_on(ada: Caller, bob: Caller, till: Caller) -> None:
    code = code_of(ada)
    misses = [bob.get(f"/v1/me/referral-codes/NOSUCH{number}") for number in range(20)]
    assert {(reply.status, reply.problem) for reply in misses} == {(404, "referral-code-unknown")}
    stopped = bob.get(f"/v1/me/referral-codes/{code}")
    assert (stopped.status, stopped.problem) == (429, "too-many-attempts")
    assert int(stopped.headers["Retry-After"]) > 0
    assert ada.get(f"/v1/me/referral-codes/{code}").status == till.get(f"/v1/referral-codes/{code}").status == 200


# Invitations


def test_sharing_a_code_is_recorded_once_and_counted(ada: Caller, operator: Caller) -> None:
    first = ada.post("/v1/me/invitations", {"channel": "whatsapp"}, key="share-1")
    assert first.status == 201
    assert (first.json["code"], first.json["channel"]) == (code_of(ada), "whatsapp")
    assert ada.post("/v1/me/invitations", {"channel": "whatsapp"}, key="share-1").text == first.text
    assert ada.post("/v1/me/invitations", {"channel": "mail"}, key="share-1").problem == "key-reused"
    assert ada.post("/v1/me/invitations", {"channel": "mail"}, key="share-2").status == 201
    assert ada.get("/v1/me/referrals").json["counts"]["shared"] == 2
    assert operator.get("/v1/referrals/funnel").json["shared"] == 2
    told = ada.get(f"/v1/me/entries/{first.json['entry_id']}").json
    assert (told["kind"], told["earned"], told["about"]) == (
        "invitation",
        [],
        {"code": first.json["code"], "channel": "whatsapp"},
    )


def test_a_member_shares_a_hundred_times_a_day(ada: Caller, clock: FakeClock) -> None:
    for number in range(100):
        assert ada.post("/v1/me/invitations", {"channel": "mail"}, key=f"share-{number}").status == 201
    refused = ada.post("/v1/me/invitations", {"channel": "mail"}, key="share-100")
    assert (refused.status, refused.problem) == (409, "limit-reached")
    assert (refused.json["limit"], refused.json["count"], refused.json["until"]) == ("invitations", 100, "2026-03-03")
    clock.advance(days=1)
    # The refusal is what came of that request; a new one is a new one.
    assert ada.post("/v1/me/invitations", {"channel": "mail"}, key="share-100").problem == "limit-reached"
    assert ada.post("/v1/me/invitations", {"channel": "mail"}, key="share-101").status == 201


# What friends brought


def test_a_friend_goes_from_joined_to_rewarded(ada: Caller, shop: Shop, clock: FakeClock) -> None:
    friend = shop.join("finn", code_of(ada))
    shown = ada.get("/v1/me/referrals").json
    joined = {"joined_on": "2026-03-02", "state": "joined", "held_until": None, "points": None, "because": None}
    assert shown["friends"] == [joined]
    assert shown["earned"] == []
    shop.buy(friend, "order-1")
    got = [{"currency": "coffee", "points": 1}, {"currency": "points", "points": 500}]
    held = {**joined, "state": "held", "held_until": FIRST_HELD_DAY_OVER, "points": got}
    shown = ada.get("/v1/me/referrals").json
    assert [{**row, "points": sorted(row["points"], key=lambda one: one["currency"])} for row in shown["friends"]] == [held]
    assert shown["earned"] == got
    counts = {"shared": 0, "joined": 1, "qualified": 1, "awarded": 1, "rejected": 0, "clawed_back": 0}
    assert shown["counts"] == {**counts, "held": 1, "rewarded": 0}
    assert shop.points(ADA) == (0, 500, 0)
    clock.advance(days=14)
    assert ada.get("/v1/me/referrals").json["counts"] == {**counts, "held": 0, "rewarded": 1}
    assert ada.get("/v1/me/referrals").json["friends"][0]["state"] == "rewarded"
    assert shop.points(ADA) == (500, 0, 0)


def test_what_a_refund_takes_back_is_told_in_general_words(ada: Caller, shop: Shop, clock: FakeClock) -> None:
    shop.brought("finn", code_of(ada))
    clock.advance(days=2)
    shop.brought("fern", code_of(ada))
    clock.advance(days=13)
    shop.refund("order-finn")
    shop.refund("order-fern")
    shown = ada.get("/v1/me/referrals").json
    assert [(row["state"], row["points"], row["because"]) for row in shown["friends"]] == [
        ("rejected", None, "order_returned"),
        ("clawed_back", None, "order_returned"),
    ]
    assert (shown["counts"]["awarded"], shown["counts"]["rejected"], shown["counts"]["clawed_back"]) == (0, 1, 1)
    assert [one["points"] for one in shown["earned"]] == [0, 0]


def test_the_next_friend_is_worth_what_steps_and_ceiling_leave(ada: Caller, shop: Shop) -> None:
    def points() -> tuple[int, int]:
        [found] = [one for one in ada.get("/v1/me/referrals").json["to_earn"] if one["currency"] == "points"]
        return found["next_points"], found["left"]

    assert points() == (500, 1500)
    shop.brought("finn", code_of(ada))
    assert points() == (700, 1000)
    shop.brought("fern", code_of(ada))
    assert points() == (700, 300)
    shop.brought("fred", code_of(ada))
    assert points() == (700, 0)
    assert shop.points(ADA) == (0, 1500, 0)
    coffee = [one for one in ada.get("/v1/me/referrals").json["to_earn"] if one["currency"] == "coffee"]
    assert coffee == [{"currency": "coffee", "next_points": 1, "left": None}]


def test_a_member_sees_no_id_and_no_code_of_a_friend_and_staff_do(ada: Caller, till: Caller, shop: Shop) -> None:
    code = code_of(ada)
    friend = shop.brought("finn", code)
    assert friend not in ada.get("/v1/me/referrals").text
    [row] = till.get(f"/v1/members/{ADA}/referrals").json["friends"]
    assert (row["member_id"], row["advocate_id"], row["flagged"]) == (friend, ADA, False)


def test_a_list_of_friends_goes_on_where_its_cursor_says(ada: Caller, bob: Caller, shop: Shop, clock: FakeClock) -> None:
    code, friends = code_of(ada), []
    for number in range(5):
        friends.append(shop.join(f"friend-{number}", code))
        clock.advance(seconds=1)
    path = f"/v1/members/{ADA}/referrals"
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = shop.till.get(path, limit=2, **cursor).json
        seen += [row["member_id"] for row in page["friends"]]
        cursor = {"cursor": page["cursor"]}
    assert page["cursor"] is None
    assert seen == friends[::-1]
    foreign = ada.get("/v1/me/referrals", limit=2).json["cursor"]
    assert bob.get("/v1/me/referrals", cursor=foreign).problem == "cursor-invalid"


def test_a_member_with_very_many_friends_is_told_page_by_page(ada: Caller, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.referrals.read_referrals.READ_MAX", 2)
    code = code_of(ada)
    for name in ("finn", "fern", "fred"):
        shop.brought(name, code)
    counts = ada.get("/v1/me/referrals").json["counts"]
    assert (counts["awarded"], counts["held"], counts["rewarded"]) == (3, None, None)
    first = ada.get("/v1/me/referrals", limit=2).json
    second = ada.get("/v1/me/referrals", limit=2, cursor=first["cursor"]).json
    assert (len(first["friends"]), len(second["friends"]), second["cursor"]) == (2, 1, None)


def test_friends_of_a_merged_member_are_those_of_whoever_took_over(
    ada: Caller, bob: Caller, shop: Shop, operator: Caller
) -> None:
    code = code_of(ada)
    first, second = shop.brought("finn", code), shop.brought("fern", code_of(bob))
    assert operator.post(f"/v1/members/{ADA}/merge", {"into": BOB, "reason": "one person"}).status == 200
    # A code goes on working after its member is another's.
    third = shop.brought("fred", code)
    found = operator.get(f"/v1/members/{BOB}/referrals").json
    assert [row["member_id"] for row in found["friends"]] == [second, third, first]
    assert (found["counts"]["joined"], found["counts"]["held"]) == (3, 3)
    assert found["earned"] == [{"currency": "coffee", "points": 3}, {"currency": "points", "points": 1500}]
    pages: list[int] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = bob.get("/v1/me/referrals", limit=1, **cursor).json
        pages.append(len(page["friends"]))
        cursor = {"cursor": page["cursor"]}
    assert (pages, page["cursor"]) == ([1, 1, 1], None)


def test_a_program_without_referrals_promises_nothing(ada: Caller, stage: Stage, clock: FakeClock) -> None:
    stage.activate(grocer.version(2, clock.now()))
    shown = ada.get("/v1/me/referrals").json
    assert (shown["link"], shown["to_earn"], shown["friends"]) == (None, [], [])


# How a member came, and entries


def test_an_operator_reads_how_a_member_came(ada: Caller, operator: Caller, shop: Shop, clock: FakeClock) -> None:
    friend = shop.brought("finn", code_of(ada))
    clock.advance(days=15)
    shop.refund("order-finn")
    found = operator.get(f"/v1/members/{friend}/referral").json
    assert found["advocate_id"] == ADA
    assert (found["state"], found["reason"], found["orders"], found["qualified_on"]) == (
        "clawed_back",
        "refunded",
        ["order-finn"],
        "2026-03-02",
    )
    assert {(row["side"], row["currency"]): row["points"] for row in found["given"]} == {
        ("advocate", "points"): 500,
        ("advocate", "coffee"): 1,
        ("friend", "points"): 250,
    }
    assert [(row["entry_id"], row["member_id"]) for row in found["entries"]] == [
        (f"referral:{friend}", friend),
        (f"award:{friend}", friend),
        (f"award:{friend}:advocate", ADA),
        (f"clawback:{friend}:advocate", ADA),
    ]
    assert operator.get(f"/v1/members/{ADA}/referral").problem == "referral-unknown"
    assert operator.get("/v1/members/nobody/referral").problem == "member-unknown"


def test_entries_of_a_referral_explain_themselves_and_tell_neither_side_of_the_other(
    ada: Caller, till: Caller, shop: Shop, clock: FakeClock
) -> None:
    code = code_of(ada)
    friend = shop.brought("finn", code)
    finn = Caller(MEMBER, MEMBER_ISSUER, "sub-finn")
    clock.advance(days=1)
    shop.refund("order-finn")
    mine = ada.get(f"/v1/me/entries/award:{friend}:advocate").json
    assert why(mine) == {"referral:advocate:points": 500}
    assert why(mine, "coffee") == {"referral:advocate:coffee": 1}
    assert mine["about"] == {"side": "advocate", "number": 1, "held_until": "2026-03-16"}
    theirs = finn.get(f"/v1/me/entries/award:{friend}").json
    assert why(theirs) == {"referral:friend:points": 250}
    assert theirs["about"] == {"side": "friend", "held_until": "2026-03-16"}
    assert finn.get(f"/v1/me/entries/referral:{friend}").json["about"] == {"code": code.replace("-", "")}
    back = ada.get(f"/v1/me/entries/clawback:{friend}:advocate")
    assert back.json["about"] == {"side": "advocate"}
    assert "order-finn" not in back.text
    assert why(back) == {"referral:advocate:points": -500}
    # Whose side it is not learns nothing more.
    assert ada.get(f"/v1/me/entries/award:{friend}").problem == "entry-unknown"
    assert finn.get(f"/v1/me/entries/award:{friend}:advocate").problem == "entry-unknown"
    assert ADA not in "".join(reply.text for reply in finn.calls)
    # Staff see all of it.
    told = till.get(f"/v1/entries/clawback:{friend}:advocate").json["about"]
    assert (told["friend"], told["reason"], told["cause"]) == (friend, "refunded", "refund:order-finn:all")
    assert till.get(f"/v1/entries/referral:{friend}").json["about"]["advocate"] == ADA


# Operators


def test_flagged_referrals_wait_in_order_until_an_operator_decides(ada: Caller, operator: Caller, shop: Shop) -> None:
    code = code_of(ada)
    shop.join("first", None, fingerprints={"device": "device-1"})
    friends = [shop.suspect(name, code) for name in ("finn", "fern", "fred")]
    found = operator.get("/v1/referrals/flags").json
    assert [row["member_id"] for row in found["referrals"]] == sorted(friends)
    row = found["referrals"][0]
    assert (row["advocate_id"], row["campaign"], row["state"], row["signs"]) == (ADA, None, "joined", ["shared_device"])
    assert row["flagged_at"] == "2026-03-02T17:00:00Z"
    page = operator.get("/v1/referrals/flags", limit=2).json
    rest = operator.get("/v1/referrals/flags", limit=2, cursor=page["cursor"]).json
    assert [row["member_id"] for row in (*page["referrals"], *rest["referrals"])] == sorted(friends)
    assert rest["cursor"] is None
    assert shop.rule(friends[0], "pass").status == shop.rule(friends[1], "reject").status == 201
    assert [row["member_id"] for row in operator.get("/v1/referrals/flags").json["referrals"]] == [friends[2]]


def test_passing_a_friend_who_qualified_gives_both_sides_their_points_at_once(ada: Caller, shop: Shop) -> None:
    shop.join("first", None, fingerprints={"device": "device-1"})
    friend = shop.suspect("finn", code_of(ada))
    shop.buy(friend, "order-1")
    assert (shop.points(ADA), shop.points(friend)) == ((0, 0, 0), (60, 0, 0))
    ruled = shop.rule(friend, "pass")
    assert (ruled.json["ruling"], ruled.json["awarded"], ruled.json["entry_id"]) == ("passed", True, f"passed:{friend}")
    assert (shop.points(ADA), shop.points(friend)) == ((0, 500, 0), (60, 250, 0))
    assert shop.rule(friend, "pass").text == ruled.text
    other = shop.rule(friend, "pass", "another reason")
    assert (other.status, other.problem) == (409, "key-reused")


def test_passing_a_friend_before_they_bought_waits_for_the_order(ada: Caller, shop: Shop) -> None:
    shop.join("first", None, fingerprints={"device": "device-1"})
    friend = shop.suspect("finn", code_of(ada))
    assert shop.rule(friend, "pass").json["awarded"] is False
    assert shop.points(ADA) == (0, 0, 0)
    shop.buy(friend, "order-1")
    assert shop.points(ADA) == (0, 500, 0)


def test_a_rejected_friend_never_brings_anything(ada: Caller, shop: Shop) -> None:
    friend = shop.join("finn", code_of(ada))
    ruled = shop.rule(friend, "reject", "works here")
    assert (ruled.json["ruling"], ruled.json["awarded"], ruled.json["reason"]) == ("rejected", False, "works here")
    assert shop.rule(friend, "reject", "works here").text == ruled.text
    shop.buy(friend, "order-1")
    shown = ada.get("/v1/me/referrals").json
    assert [(row["state"], row["because"]) for row in shown["friends"]] == [("rejected", "not_eligible")]
    assert "works here" not in ada.get("/v1/me/referrals").text
    for verb in ("pass", "void"):
        refused = shop.rule(friend, verb)
        assert (refused.status, refused.problem, refused.json["state"]) == (409, "referral-state", "rejected")


def test_voiding_takes_points_back_from_both_sides_whenever(ada: Caller, shop: Shop, clock: FakeClock) -> None:
    friend = shop.brought("finn", code_of(ada))
    clock.advance(days=20)
    voided = shop.rule(friend, "void", "a ring")
    assert (voided.json["ruling"], voided.json["entry_id"]) == ("voided", f"clawback:{friend}")
    assert (shop.points(ADA), shop.points(friend)) == ((0, 0, 0), (60, 0, 0))
    assert shop.rule(friend, "void", "a ring").text == voided.text
    assert shop.rule(friend, "void", "another").problem == "key-reused"
    assert shop.rule(friend, "reject").json["state"] == "clawed_back"
    assert ada.get("/v1/me/referrals").json["friends"][0]["because"] == "not_eligible"


@pytest.mark.parametrize("merged", ["friend", "advocate"])
def test_voiding_works_after_a_merge(ada: Caller, operator: Caller, shop: Shop, merged: str) -> None:
    friend = shop.brought("finn", code_of(ada))
    leaver = friend if merged == "friend" else ADA
    assert operator.post(f"/v1/members/{leaver}/merge", {"into": BOB, "reason": "one person"}).status == 200
    assert shop.rule(friend, "void").status == 201
    assert shop.points(BOB)[1] == 0
    assert {shop.points(ADA)[1], shop.points(friend)[1]} == {0}


def test_what_the_policy_rejected_is_rejected(ada: Caller, shop: Shop, operator: Caller) -> None:
    shop.till.patch(f"/v1/members/{ADA}", {"fingerprints": {"device": "device-9"}})
    friend = shop.join("finn", code_of(ada))
    shop.till.patch(f"/v1/members/{friend}", {"fingerprints": {"device": "device-9"}})
    shop.buy(friend, "order-1")
    assert operator.get(f"/v1/members/{friend}/referral").json["state"] == "rejected"
    refused = shop.rule(friend, "reject")
    assert (refused.status, refused.problem, refused.json["state"]) == (409, "referral-state", "rejected")


def test_a_ruling_asks_for_a_friend_and_a_reason(shop: Shop, operator: Caller) -> None:
    for verb in ("pass", "reject", "void"):
        assert shop.rule(ADA, verb).problem == "referral-unknown"
        assert shop.rule("nobody", verb).problem == "member-unknown"
        empty = operator.post(f"/v1/referrals/{ADA}/{verb}", {})
        assert (empty.status, empty.paths) == (422, ["reason"])


# The shop's own questions


def test_the_funnel_counts_each_step_on_its_day_and_what_a_friend_costs(
    ada: Caller, operator: Caller, shop: Shop, clock: FakeClock
) -> None:
    code = code_of(ada)
    ada.post("/v1/me/invitations", {"channel": "mail"}, key="share-1")
    shop.brought("finn", code)
    shop.join("fern", code)
    clock.advance(days=3)
    shop.brought("fred", code)
    found = operator.get("/v1/referrals/funnel").json
    steps = {"shared": 1, "joined": 3, "flagged": 0, "rejected": 0, "qualified": 2, "awarded": 2}
    steps |= {"rewarded": 0, "cancelled": 0, "clawed_back": 0, "acquired": 2}
    assert {name: found[name] for name in steps} == steps
    assert (found["first_day"], found["last_day"], found["money_currency"]) == ("2026-02-04", "2026-03-05", "USD")
    assert found["points"] == [
        {"side": "advocate", "currency": "coffee", "points": 2, "cost": 300},
        {"side": "advocate", "currency": "points", "points": 1200, "cost": 360},
        {"side": "friend", "currency": "points", "points": 500, "cost": 150},
    ]
    assert (found["cost"], found["cost_per_acquired"]) == (810, 405)
    first_day = operator.get("/v1/referrals/funnel", **{"from": "2026-03-02", "to": "2026-03-02"}).json
    assert (first_day["joined"], first_day["awarded"], first_day["acquired"]) == (2, 1, 1)
    clock.advance(days=5)
    shop.refund("order-fred")
    clock.advance(days=20)
    found = operator.get("/v1/referrals/funnel", **{"from": "2026-03-01"}).json
    assert (found["rewarded"], found["cancelled"], found["acquired"]) == (1, 1, 1)
    assert (found["cost"], found["cost_per_acquired"]) == (150 + 150 + 75, 375)


def test_a_funnel_without_friends_or_costs_tells_no_cost(
    ada: Caller, operator: Caller, shop: Shop, stage: Stage, clock: FakeClock
) -> None:
    empty = operator.get("/v1/referrals/funnel").json
    assert (empty["acquired"], empty["points"], empty["cost"], empty["cost_per_acquired"]) == (0, [], 0, None)
    shop.brought("finn", code_of(ada))
    bare = [{key: value for key, value in one.items() if key != "cost"} for one in CURRENCIES]
    stage.activate(grocer.version(2, clock.now(), referral=TERMS, currencies=bare, caps=CAPS))
    found = operator.get("/v1/referrals/funnel").json
    assert (found["acquired"], found["cost"], found["cost_per_acquired"]) == (1, None, None)
    assert {row["cost"] for row in found["points"]} == {None}


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"from": "2026-03-03", "to": "2026-03-02"}, "query.to"),
        ({"from": "2025-03-01", "to": "2026-03-02"}, "query.to"),
        ({"from": "2026-3-1"}, "query.from"),
        ({"until": "2026-03-01"}, "query.until"),
    ],
)
def test_a_wrong_time_is_refused(operator: Caller, query: dict[str, str], path: str) -> None:
    refused = operator.get("/v1/referrals/funnel", **query)
    assert (refused.status, refused.paths) == (422, [path])


def test_a_whole_year_is_one_question(operator: Caller) -> None:
    assert operator.get("/v1/referrals/funnel", **{"from": "2025-03-02", "to": "2026-03-02"}).status == 200


def test_advocates_are_ranked_by_friends_whose_awards_stand(ada: Caller, bob: Caller, operator: Caller, shop: Shop) -> None:
    assert operator.post("/v1/referrals/campaigns/spring/codes", {"code": "SPRING26"}).status in (200, 201)
    for name in ("s1", "s2", "s3"):
        shop.join(name, "SPRING26")
    for name in ("a1", "a2"):
        shop.brought(name, code_of(ada))
    shop.brought("b1", code_of(bob))
    carol = shop.join("carol")
    Caller(MEMBER, MEMBER_ISSUER, "sub-carol").post("/v1/me/invitations", {"channel": "mail"}, key="share-1")

    def ranked(**query: Any) -> list[tuple[str, int]]:
        rows = operator.get("/v1/referrals/advocates", **query).json["advocates"]
        return [(row["member_id"] or row["campaign"], row["acquired"]) for row in rows]

    assert ranked() == [("spring", 3), (ADA, 2), (BOB, 1), (carol, 0)]
    assert ranked(limit=2) == [("spring", 3), (ADA, 2)]
    first = operator.get("/v1/referrals/advocates", limit=1).json["advocates"][0]
    assert (first["member_id"], first["campaign"]) == (None, "spring")
    assert first["points"] == [{"side": "friend", "currency": "points", "points": 300}]
    shop.refund("order-a1")
    shop.refund("order-a2")
    assert ranked() == [("spring", 3), (BOB, 1), (ADA, 0), (carol, 0)]


def test_the_first_of_many_advocates_are_exact(operator: Caller, shop: Shop, clock: FakeClock) -> None:
    due = {}
    for number in range(12):
        member = shop.join(f"advocate-{number}")
        code = shop.till.get(f"/v1/members/{member}/referral-code").json["code"]
        for friend in range(number % 4):
            shop.brought(f"friend-{number}-{friend}", code)
        due[member] = number % 4
    clock.advance(days=1)
    rows = operator.get("/v1/referrals/advocates", limit=5).json["advocates"]
    expected = sorted(due.items(), key=lambda item: (-item[1], item[0]))[:5]
    assert [(row["member_id"], row["acquired"]) for row in rows] == expected


def test_what_is_asked_with_another_scope_is_refused(stage: Stage) -> None:
    assert Caller(POS).get("/v1/referrals/funnel").status == 403
    assert Caller(MEMBER, MEMBER_ISSUER, "sub-ada").get("/v1/referrals/flags").status == 403
    assert Caller(OPERATOR).get("/v1/me/referrals").status == 403
