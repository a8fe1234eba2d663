"""A shop moves from another system: its referrals are taken over as they stand, and handed out again."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.referrals.import_models import ImportResult
from functions.referrals.import_referrals import import_row
from shared.adapters.dynamodb.store import Backoff, Store
from shared.domain.entry import MemberId
from shared.domain.member import Profile
from shared.entrypoint import wiring
from shared.entrypoint.settings import Settings
from tests.engines.ministack import ministack_table
from tests.fakes import grocer
from tests.fakes.clients import InterruptedClient, product_client
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB
from tests.functional.api import Caller
from tests.functional.bringing import Bringing
from tests.functional.conftest import Stage
from tests.functional.newcomer import MEMBERS

IMPORT, EXPORT, DOMAINS = "/v1/referrals/import", "/v1/referrals/export", "/v1/referrals/disposable-domains"
YEARLY = {"id": "yearly", "currency": "points", "scope": "member", "per": "year", "points": 1200}
EVER = {"id": "ever", "currency": "points", "scope": "member", "points": 1800}


@pytest.fixture
def shop(stage: Stage) -> Bringing:
    """The grocer, who rewards Ada and her friends."""
    shop = Bringing(stage)
    shop.offer()
    return shop


def row(name: str, by: str = "ada", **changes: Any) -> dict[str, Any]:
    """Somebody whom Ada brought in the old shop; a change to None leaves the field out."""
    told: dict[str, Any] = {
        "friend": {"customer_id": f"customer-{name}"},
        "advocate": {"customer_id": f"customer-{by}"},
        "joined_at": "2026-02-20T09:30:00Z",
        "state": "joined",
        "source": "old shop",
        **changes,
    }
    return {field: value for field, value in told.items() if value is not None}


def rewarded(name: str, by: str = "ada", points: int = 500, **changes: Any) -> dict[str, Any]:
    """One that the old shop has rewarded."""
    return row(name, by, state="rewarded", given={"advocate": {"points": points}}, **changes)


def brings_in(shop: Bringing, *rows: Any) -> list[dict[str, Any]]:
    """The results of an import."""
    reply = shop.operator.post(IMPORT, {"referrals": list(rows)})
    assert reply.status == 200, reply
    results: list[dict[str, Any]] = reply.json["results"]
    return results


def statuses(results: list[dict[str, Any]]) -> list[Any]:
    """Each result's status, and the type of its problem."""
    return [
        (result["status"], result["problem"]["type"].removeprefix("urn:laurel:problem:"))
        if result["problem"]
        else result["status"]
        for result in results
    ]


def test_an_open_referral_is_taken_over_and_rewarded_when_the_friend_qualifies(shop: Bringing) -> None:
    fay = shop.member("fay")
    [result] = brings_in(shop, row("fay"))
    assert result == {
        "status": 201,
        "problem": None,
        "referral": {
            "entry_id": f"referral:{fay}",
            "member_id": fay,
            "advocate_id": ADA,
            "campaign": None,
            "sequence": 1,
            "joined_at": "2026-02-20T09:30:00Z",
            "recorded_at": "2026-03-02T17:00:00Z",
            "state": "joined",
            "source": "old shop",
        },
    }
    assert shop.stands(fay) == ("joined", [])
    assert shop.operator.get(f"{MEMBERS}/{fay}/referral").json["joined_on"] == "2026-02-20"
    shop.buys(fay)
    assert (shop.stands(fay)[0], shop.pending(ADA), shop.pending(fay)) == ("held", 500, 250)


def test_days_count_from_the_day_on_which_the_friend_joined_the_old_shop(stage: Stage, clock: FakeClock) -> None:
    shop = Bringing(stage)
    shop.offer(qualifies={"kind": "orders", "within_days": 10})
    fay, gil = shop.member("fay"), shop.member("gil")
    brings_in(shop, row("fay", joined_at="2026-02-20T23:00:00Z"), row("gil", joined_at="2026-02-20T04:59:00Z"))
    # Late on the 19th in the program's zone, for Gil.
    shop.buys(fay)
    shop.buys(gil)
    assert (shop.stands(fay)[0], shop.stands(gil)[0]) == ("held", "joined")


def test_a_rewarded_referral_gives_nothing_and_counts_as_the_advocates_next_friend(stage: Stage) -> None:
    shop = Bringing(stage)
    steps = [{"referral": 2, "points": 700}, {"referral": 3, "points": 900}]
    shop.offer(advocate=[{"currency": "points", "points": 500, "steps": steps}])
    fay, gil = shop.member("fay"), shop.member("gil")
    assert statuses(brings_in(shop, rewarded("fay"), rewarded("gil"))) == [201, 201]
    assert [shop.stands(friend) for friend in (fay, gil)] == [("rewarded", [])] * 2
    assert (shop.pending(ADA), shop.active(ADA), shop.active(fay)) == (0, 0, 0)
    shop.buys(fay)
    assert (shop.pending(ADA), shop.pending(fay)) == (0, 0)
    shop.buys(shop.friend("hal", ADA))
    assert shop.pending(ADA) == 900


def test_what_the_old_shop_gave_uses_up_the_ceilings(stage: Stage) -> None:
    shop = Bringing(stage)
    shop.offer(caps=[YEARLY, EVER], advocate=[{"currency": "points", "points": 500, "caps": ["yearly", "ever"]}])
    for name in ("fay", "gil", "hal"):
        shop.member(name)
    brings_in(
        shop,
        rewarded("fay", joined_at="2025-11-02T12:00:00Z"),
        rewarded("gil", joined_at="2025-12-31T12:00:00Z"),
        rewarded("hal", joined_at="2026-02-02T12:00:00Z"),
    )
    # Of 1,200 a year 500 were given this year; of 1,800 for ever, 1,500: so 300 are left.
    shop.buys(shop.friend("ida", ADA))
    assert shop.pending(ADA) == 300
    shop.buys(shop.friend("jon", ADA))
    assert shop.pending(ADA) == 300


def test_a_friends_own_part_uses_up_their_ceiling(stage: Stage) -> None:
    shop = Bringing(stage)
    both = [{"currency": "points", "points": 500, "caps": ["ever"]}]
    shop.offer(caps=[{**EVER, "points": 700}], advocate=both, friend=both)
    fay = shop.member("fay")
    given = {"advocate": {"points": 500}, "friend": {"points": 500}}
    assert statuses(brings_in(shop, row("fay", state="rewarded", given=given))) == [201]
    shop.buys(shop.friend("gil", fay))
    assert shop.pending(fay) == 200


def test_a_rejected_referral_stays_so(shop: Bringing) -> None:
    fay = shop.member("fay")
    assert brings_in(shop, row("fay", state="rejected"))[0]["referral"]["state"] == "rejected"
    shop.buys(fay)
    assert (shop.stands(fay)[0], shop.pending(ADA)) == ("rejected", 0)


def test_what_another_system_rewarded_cannot_be_voided_here(shop: Bringing) -> None:
    fay = shop.member("fay")
    brings_in(shop, rewarded("fay"))
    before = shop.stage.items()
    reply = shop.rules(fay, "void")
    assert (reply.status, reply.problem) == (409, "referral-state")
    assert shop.stage.items() == before


def test_an_open_one_that_was_taken_over_can_be_rejected(shop: Bringing) -> None:
    fay = shop.member("fay")
    brings_in(shop, row("fay"))
    assert shop.rules(fay, "reject").status == 201
    shop.buys(fay)
    assert shop.pending(ADA) == 0


def test_signs_of_farming_are_looked_for_when_the_friend_qualifies(shop: Bringing) -> None:
    ada = shop.member("lovelace", fingerprints={"device": "one-and-the-same"})
    fay = shop.member("fay", fingerprints={"device": "one-and-the-same"})
    brings_in(shop, row("fay", "lovelace"))
    shop.buys(fay)
    assert shop.stands(fay) == ("rejected", ["same_device"])
    assert shop.pending(ada) == 0


def test_a_refund_takes_back_what_an_open_one_brought_here(shop: Bringing) -> None:
    fay = shop.member("fay")
    brings_in(shop, row("fay"))
    bought = shop.buys(fay).json["entry_id"].removeprefix("purchase:")
    refund = {"refund_id": "all", "occurred_at": "2026-03-02T17:00:00Z", "amount": 6000}
    assert shop.till.post(f"/v1/purchases/{bought}/refunds", refund).status == 201
    assert (shop.stands(fay)[0], shop.pending(ADA), shop.pending(fay)) == ("rejected", 0, 0)


# --- the same and others again -------------------------------------------------------------------------------------------


def test_the_same_rows_again_have_the_same_results(shop: Bringing, clock: FakeClock) -> None:
    for name in ("fay", "gil", "hal"):
        shop.member(name)
    rows = [row("fay"), rewarded("gil"), row("hal", state="rejected"), row("nobody"), row("fay", "bob")]
    first = shop.operator.post(IMPORT, {"referrals": rows})
    assert statuses(first.json["results"]) == [201, 201, 201, (404, "member-unknown"), (409, "referral-state")]
    clock.advance(days=3)
    before = shop.stage.items()
    assert shop.operator.post(IMPORT, {"referrals": rows}).text == first.text
    assert shop.stage.items() == before


def test_a_row_names_members_by_either_id(shop: Bringing) -> None:
    fay = shop.member("fay")
    by_customer, by_member = row("fay"), row("fay", friend={"member_id": fay}, advocate={"member_id": ADA})
    [first, again] = brings_in(shop, by_customer, by_member)
    assert first == again


def test_who_was_referred_before_is_not_referred_again(shop: Bringing) -> None:
    fay = shop.friend("fay", ADA)
    [result] = brings_in(shop, row("fay", "bob"))
    assert (result["status"], result["problem"]["state"]) == (409, "joined")
    shop.buys(fay)
    assert brings_in(shop, row("fay", "bob"))[0]["problem"]["state"] == "awarded"


def test_a_referral_of_a_member_who_left_is_refused(shop: Bringing) -> None:
    fay, gil = shop.member("fay"), shop.member("gil")
    shop.operator.post(f"{MEMBERS}/{fay}/close")
    shop.operator.post(f"{MEMBERS}/{gil}/merge", {"into": BOB, "reason": "one person"})
    assert statuses(brings_in(shop, row("fay"), row("gil"))) == [(409, "member-closed"), (409, "member-merged")]


def test_the_number_goes_to_whoever_took_over_from_the_advocate_and_to_nobody_for_one_who_left(stage: Stage) -> None:
    shop = Bringing(stage)
    shop.offer(advocate=[{"currency": "points", "points": 500, "steps": [{"referral": 2, "points": 700}]}])
    old, gone, heir = shop.member("old"), shop.member("gone"), shop.member("heir")
    shop.operator.post(f"{MEMBERS}/{old}/merge", {"into": heir, "reason": "two accounts"})
    shop.operator.post(f"{MEMBERS}/{gone}/close")
    fay, gil = shop.member("fay"), shop.member("gil")
    assert statuses(brings_in(shop, rewarded("fay", advocate={"member_id": old}))) == [201]
    assert statuses(brings_in(shop, rewarded("gil", advocate={"member_id": gone}))) == [201]
    assert [shop.stands(friend)[0] for friend in (fay, gil)] == ["rewarded"] * 2
    assert shop.operator.get(f"/v1/entries/award:{fay}:advocate").json["member_id"] == heir
    assert shop.operator.get(f"/v1/entries/award:{gil}:advocate").problem == "entry-unknown"
    shop.buys(shop.friend("hal", heir))
    assert shop.pending(heir) == 700


def test_two_operators_who_bring_in_the_same_at_once_bring_it_in_once(shop: Bringing, make_stage: Any) -> None:
    fay, calm = shop.member("fay"), shop.stage.wiring
    first: list[ImportResult] = []

    def elsewhere() -> None:
        first.append(import_row(rewarded("fay"), ledger=calm.ledger, members=calm.members, programs=calm.programs))

    make_stage(client=InterruptedClient(shop.stage.store.client, elsewhere))
    assert brings_in(shop, rewarded("fay")) == [result.model_dump(mode="json") for result in first]
    assert shop.stands(fay)[0] == "rewarded"
    assert shop.operator.get("/v1/referrals/advocates").json["advocates"][0]["acquired"] == 1


def test_two_operators_who_list_the_same_domain_at_once_both_succeed(shop: Bringing, make_stage: Any) -> None:
    named, calm = {"domains": ["a.example.com", "b.example.com"]}, shop.stage.wiring
    make_stage(client=InterruptedClient(shop.stage.store.client, lambda: calm.mail_domains.add(["b.example.com"])))
    assert shop.operator.put(DOMAINS, named).json == named
    assert shop.operator.get(DOMAINS).json["domains"] == named["domains"]


def test_two_operators_who_take_the_same_domain_off_at_once_both_succeed(shop: Bringing, make_stage: Any) -> None:
    calm = shop.stage.wiring
    calm.mail_domains.add(["a.example.com"])
    make_stage(client=InterruptedClient(shop.stage.store.client, lambda: calm.mail_domains.remove("a.example.com")))
    assert shop.operator.send("DELETE", f"{DOMAINS}/a.example.com").json == {"domain": "a.example.com", "listed": False}
    assert shop.operator.get(DOMAINS).json["domains"] == []


# --- rings ---------------------------------------------------------------------------------------------------------------


def test_nobody_is_taken_over_as_their_own_advocate(shop: Bringing) -> None:
    before = shop.stage.items()
    assert statuses(brings_in(shop, row("ada"))) == [(409, "referral-ring")]
    assert shop.stage.items() == before


@pytest.mark.parametrize("members", [2, 3, 10])
@pytest.mark.parametrize("backwards", [False, True])
def test_rows_that_would_close_a_ring_are_refused_in_whatever_order_they_come(
    shop: Bringing, members: int, backwards: bool
) -> None:
    names = [f"member-{number}" for number in range(members)]
    for name in names:
        shop.member(name)
    rows = [row(friend, advocate) for advocate, friend in zip(names, [*names[1:], names[0]], strict=True)]
    found = statuses(brings_in(shop, *(rows[::-1] if backwards else rows)))
    assert found == [201] * (members - 1) + [(409, "referral-ring")]


def test_a_friend_who_took_over_from_the_advocate_is_not_their_own(shop: Bringing) -> None:
    ada, fay = shop.member("lovelace"), shop.member("fay")
    shop.operator.post(f"{MEMBERS}/{ada}/merge", {"into": fay, "reason": "one person"})
    assert statuses(brings_in(shop, row("fay", "lovelace"))) == [(409, "referral-ring")]


def test_who_was_brought_here_by_one_who_was_taken_over_is_part_of_the_ring(shop: Bringing) -> None:
    shop.member("fay")
    brings_in(shop, row("fay", "ada"))
    gil = shop.friend("gil", shop.till.get(MEMBERS, customer_id="customer-fay").json["members"][0]["member_id"])
    assert statuses(brings_in(shop, row("ada", advocate={"member_id": gil}))) == [(409, "referral-ring")]


def test_a_ring_of_fingerprints_is_found_across_one_who_was_taken_over(shop: Bringing) -> None:
    told = {"fingerprints": {"device": "one-and-the-same"}}
    shop.member("lovelace", **told)
    fay = shop.member("fay")
    brings_in(shop, row("fay", "lovelace"))
    assert shop.stands(shop.friend("gil", fay, **told)) == ("rejected", ["ring", "shared_device"])


# --- what cannot be right ------------------------------------------------------------------------------------------------

BAD: list[tuple[dict[str, Any], list[str]]] = [
    (row("fay", friend={}), ["friend"]),
    (row("fay", friend={"customer_id": "customer-fay", "member_id": "x"}), ["friend"]),
    (row("fay", friend=None), ["friend"]),
    (row("fay", advocate=None), ["$"]),
    (row("fay", campaign="spring"), ["$"]),
    (row("fay", state="held"), ["state"]),
    (row("fay", state="rewarded", given={"advocate": {"points": -1}}), ["given.advocate.points"]),
    (row("fay", state="rewarded", given={"advocate": {"points": True}}), ["given.advocate.points"]),
    (row("fay", state="rewarded", given={"nobody": {}}), ["given.nobody"]),
    (row("fay", state="rewarded", given={"advocate": {"stars": 5}}), ["given.advocate.stars"]),
    (row("fay", state="joined", given={"advocate": {"points": 5}}), ["given"]),
    (row("fay", joined_at="2026-02-20"), ["joined_at"]),
    (row("fay", source=""), ["source"]),
    (row("fay", source=None), ["source"]),
    (row("fay", points=5), ["points"]),
    (row("fay", advocate=None, campaign="autumn"), ["state"]),
    (row("fay", advocate=None, campaign="autumn", state="rewarded", given={"advocate": {"points": 5}}), ["given.advocate"]),
]


@pytest.mark.parametrize(("sent", "paths"), BAD)
def test_a_row_that_cannot_be_right_is_refused_alone(shop: Bringing, sent: dict[str, Any], paths: list[str]) -> None:
    shop.member("fay")
    shop.member("gil")
    before = shop.stage.items()
    [result] = brings_in(shop, sent)
    assert statuses([result]) == [(422, "request-invalid")]
    assert [fault["path"] for fault in result["problem"]["faults"]] == paths
    assert shop.stage.items() == before
    assert statuses(brings_in(shop, sent, row("gil")))[1] == 201


def test_a_friend_cannot_have_joined_tomorrow(shop: Bringing) -> None:
    shop.member("fay")
    [result] = brings_in(shop, row("fay", joined_at="2026-03-03T00:00:00Z"))
    assert statuses([result]) == [(422, "occurred-in-future")]


def test_an_open_one_needs_terms_that_it_can_qualify_by(stage: Stage, clock: FakeClock) -> None:
    shop = Bringing(stage)
    shop.member("fay")
    refused = (422, "request-invalid")
    assert statuses(brings_in(shop, row("fay"))) == [refused]
    shop.offer(2, clock.advance(minutes=1), qualifies={"kind": "enrolment"})
    assert statuses(brings_in(shop, row("fay"))) == [refused]
    assert statuses(brings_in(shop, rewarded("fay"))) == [201]
    shop.member("gil")
    shop.offer(3, clock.advance(minutes=1))
    assert statuses(brings_in(shop, row("gil"))) == [201]


@pytest.mark.parametrize("rows", [[], None, {}, [row(f"fay-{number}") for number in range(26)], [1], [[]]])
def test_an_import_of_the_wrong_shape_is_refused_whole(shop: Bringing, rows: Any) -> None:
    assert shop.operator.post(IMPORT, {"referrals": rows}).problem == "request-invalid"


OPERATORS_OWN: list[tuple[str, str, Any]] = [
    ("POST", IMPORT, {"referrals": [row("fay")]}),
    ("GET", EXPORT, None),
    ("GET", DOMAINS, None),
    ("PUT", DOMAINS, {"domains": ["example.com"]}),
    ("DELETE", f"{DOMAINS}/example.com", None),
    ("POST", "/v1/referrals/campaigns/spring/codes", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATORS_OWN)
def test_only_operators_bring_in_and_take_out(shop: Bringing, ada: Caller, method: str, path: str, body: Any) -> None:
    before = shop.stage.items()
    for caller in (shop.till, ada):
        reply = caller.send(method, path, None if body is None else json.dumps(body))
        assert (reply.status, reply.problem) == (403, "forbidden")
    assert shop.stage.items() == before


# --- what an operator sees afterwards ------------------------------------------------------------------------------------


def test_lists_and_the_funnel_tell_it_on_the_days_on_which_it_happened(shop: Bringing) -> None:
    for name in ("fay", "gil", "hal"):
        shop.member(name)
    brings_in(
        shop,
        row("fay", joined_at="2026-01-05T12:00:00Z"),
        rewarded("gil", joined_at="2026-01-06T12:00:00Z"),
        row("hal", state="rejected"),
    )
    funnel = shop.operator.get("/v1/referrals/funnel", **{"from": "2026-01-01", "to": "2026-01-31"}).json
    assert (funnel["joined"], funnel["rewarded"]) == (2, 1)
    today = shop.operator.get("/v1/referrals/funnel", **{"from": "2026-03-02", "to": "2026-03-02"}).json
    assert (today["joined"], today["rewarded"]) == (0, 0)
    [top] = shop.operator.get("/v1/referrals/advocates").json["advocates"]
    assert (top["member_id"], top["joined"], top["acquired"]) == (ADA, 3, 1)


def _exported(operator: Caller, limit: int = 25) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = operator.get(EXPORT, limit=limit, **({"cursor": cursor} if cursor else {})).json
        rows += page["referrals"]
        cursor = page["cursor"]
        if cursor is None:
            return rows


def _known(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda one: str(one["friend"]["customer_id"]))


@pytest.fixture
def busy(stage: Stage, clock: FakeClock) -> Bringing:
    """A shop with referrals in every state, of several advocates, a campaign, and another system."""
    shop = Bringing(stage)
    spring = {"id": "spring", "qualifies": {"kind": "orders"}, "friend": [{"currency": "points", "points": 300}]}
    shop.offer(campaigns=[spring], abuse={"same_device": "review"})
    bob = shop.member("builder", fingerprints={"device": "one-and-the-same"})
    shop.member("quiet")
    shop.code(shop.till.get(MEMBERS, customer_id="customer-quiet").json["members"][0]["member_id"])
    friends = [shop.friend(f"of-ada-{number}", ADA) for number in range(5)]
    clock.advance(hours=1)
    flagged = shop.friend("of-bob", bob, fingerprints={"device": "one-and-the-same"})
    shop.buys(flagged)
    shop.friend("of-friend", friends[0])
    campaign = shop.operator.post("/v1/referrals/campaigns/spring/codes", {}).json["code"]
    shop.joins("of-spring", campaign)
    for friend in friends[:3]:
        shop.buys(friend)
    shop.rules(friends[1], "void")
    shop.rules(friends[4], "reject")
    old = shop.member("old")
    shop.friend("of-old", old)
    shop.operator.post(f"{MEMBERS}/{old}/merge", {"into": bob, "reason": "two accounts"})
    shop.member("taken-over")
    brings_in(shop, rewarded("taken-over", "builder", joined_at="2025-06-01T12:00:00.25Z"))
    return shop


def test_all_referrals_are_handed_out_page_by_page(busy: Bringing) -> None:
    rows = _exported(busy.operator)
    found = {one["friend"]["customer_id"].removeprefix("customer-"): one for one in rows}
    assert len(found) == len(rows) == 10
    assert {name: (one["state"], one["source"]) for name, one in found.items()} == {
        "of-ada-0": ("rewarded", "laurel"),
        "of-ada-1": ("rejected", "laurel"),
        "of-ada-2": ("rewarded", "laurel"),
        "of-ada-3": ("joined", "laurel"),
        "of-ada-4": ("rejected", "laurel"),
        "of-bob": ("joined", "laurel"),
        "of-friend": ("joined", "laurel"),
        "of-spring": ("joined", "laurel"),
        "of-old": ("joined", "laurel"),
        "taken-over": ("rewarded", "old shop"),
    }
    assert found["of-ada-0"] == {
        "friend": {"customer_id": "customer-of-ada-0"},
        "advocate": {"customer_id": "customer-ada"},
        "campaign": None,
        "joined_at": "2026-03-02T17:00:00Z",
        "state": "rewarded",
        "source": "laurel",
        "given": {"advocate": {"points": 500}, "friend": {"points": 250}},
    }
    assert (found["of-spring"]["advocate"], found["of-spring"]["campaign"]) == (None, "spring")
    # Whoever took over has the friends of the other.
    assert found["of-old"]["advocate"] == {"customer_id": "customer-builder"}
    for limit in (1, 2, 3, 100):
        assert _known(_exported(busy.operator, limit)) == _known(rows)


def test_a_cursor_of_another_list_is_no_cursor_of_the_export(busy: Bringing) -> None:
    cursor = busy.operator.get(EXPORT, limit=1).json["cursor"]
    assert busy.operator.get(DOMAINS, cursor=cursor).problem == "cursor-invalid"
    assert busy.operator.get(EXPORT, cursor=cursor[:-2]).problem == "cursor-invalid"


def test_an_empty_stage_has_nothing_to_hand_out(shop: Bringing) -> None:
    assert shop.operator.get(EXPORT).json == {"referrals": [], "cursor": None}


@pytest.fixture
def elsewhere(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Stage]]:
    """Another stage, with nothing in it; from when it is made on the API is its."""
    with ministack_table(product_client) as engine:

        def make() -> Stage:
            backoff = Backoff(sleep=lambda _: None, rng=random.Random(2))
            settings = Settings(table=engine.table, stage="local", sandbox=False)
            wired = wiring.wire(settings, engine.client, clock, backoff)
            monkeypatch.setattr(wiring, "wired", lambda: wired)
            return Stage(wired, Store(engine.client, engine.table, backoff))

        yield make


def test_what_was_handed_out_and_taken_over_by_another_stage_is_handed_out_the_same(
    busy: Bringing, elsewhere: Callable[[], Stage]
) -> None:
    rows = _exported(busy.operator)
    names = {one[side]["customer_id"] for one in rows for side in ("friend", "advocate") if one[side]}
    stage = elsewhere()
    stage.activate(grocer.version())
    shop = Bringing(stage)
    spring = {"id": "spring", "qualifies": {"kind": "orders"}, "friend": [{"currency": "points", "points": 300}]}
    shop.offer(campaigns=[spring])
    for number, name in enumerate(sorted(names)):
        member = MemberId(f"01HZZ{number:021}")
        profile = Profile(member=member, customer_id=name, enrolled_at=grocer.OPENED)
        stage.wiring.members.enrol(profile, name.encode())
    assert _exported(shop.operator) == []
    results = [result for one in rows for result in brings_in(shop, one)]
    assert statuses(results) == [201] * len(rows)
    assert _known(_exported(shop.operator)) == _known(rows)
    assert stage.breaks() == []
