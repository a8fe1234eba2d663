"""What every ledger promises of caps and budgets: exact to the point, also in a race, and given back by refunds."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import pytest

from functions.earning.earn_points import quote_purchase
from functions.earning.reward_activity import record_activity, undo_activity
from shared.domain.activity import ActivityReport
from shared.domain.cap import SHARDS_MAX, BudgetKey
from shared.domain.counts import ORDERS
from shared.domain.decision import Wanted
from shared.domain.entry import Entry, MemberId
from shared.domain.errors import KeyReusedError, LaurelError, LimitReachedError, OverRefundError, TryAgainError
from shared.domain.purchase import Line
from shared.domain.subject import Void
from tests.contract.counter import Counter, interrupted
from tests.contract.ledgers import Place, dynamo_place, memory_place, store_of
from tests.contract.test_program_rules import merged
from tests.contract.test_races import Act, at_once, refused
from tests.engines.engine import Engine
from tests.engines.faults import Fault, faulty
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, CAT, earning_rule
from tests.fakes.memory_catalog import FixedPrograms

LONG_AGO = grocer.OPENED.replace(year=2026, month=2)
"""Before the campaign, in the year in which members became Gold."""
CAMPAIGN: dict[str, Any] = {"id": "campaign", "kind": "multiplier", "currency": "points", "percent": 200}
BUDGET = tuple(BudgetKey("campaign_budget", None, shard) for shard in range(SHARDS_MAX))


def campaign(shards: int = 1, budget: int = 1000, **changes: Any) -> FixedPrograms:
    """One point a dollar, Gold 1.5x from 1,000 points, 2x in March with at most 500 points a member and `budget` in all."""
    caps: list[dict[str, Any]] = [
        {"id": "campaign_member", "currency": "points", "scope": "member", "points": 500},
        {"id": "campaign_budget", "currency": "points", "scope": "program", "points": budget, "shards": shards},
    ]
    gold = {"multipliers": [{"currency": "points", "percent": 150}]}
    document: dict[str, Any] = {
        "seasons": [{"id": "march", "months": [3]}],
        "caps": caps,
        "earning_rules": [
            earning_rule(),
            {**CAMPAIGN, "when": {"seasons": ["march"]}, "caps": [cap["id"] for cap in caps]},
        ],
        "tiers": {
            "metric": "points",
            "currency": "points",
            "period": {"kind": "anniversary"},
            "levels": [
                {"id": "silver", "name": "Silver", "threshold": 0},
                {"id": "gold", "name": "Gold", "threshold": 1000, "benefits": gold},
            ],
        },
        **changes,
    }
    return FixedPrograms(grocer.version(**document))


@pytest.fixture(params=[1, 3], ids=["one item", "three shards"])
def shards(request: pytest.FixtureRequest) -> int:
    """A budget is exact however many items it is kept in."""
    found: int = request.param
    return found


@pytest.fixture
def counter(place: Place, shards: int) -> Iterator[Counter]:
    """A counter where Ada and Cat are Gold; at the end of every test the books must balance."""
    place.open(CAT, grocer.OPENED)
    counter = Counter(place, campaign(shards))
    make_gold(counter, ADA, CAT)
    yield counter
    assert counter.breaks(ADA, BOB, CAT) == []


def make_gold(counter: Counter, *members: MemberId) -> None:
    for member in members:
        assert shares(counter.buy(f"gold-{member}", 1000, member_id=member, occurred_at=LONG_AGO)) == {"base": 1000}


def shares(entry: Entry) -> dict[str, int]:
    """The points that each rule gave; they add up to what the entry credits."""
    assert sum(share.points for share in entry.why) == sum(credit.points for credit in entry.effect.credits)
    return {share.rule: share.points for share in entry.why}


def bonus(entry: Entry) -> int:
    return shares(entry).get("campaign", 0)


def spent(counter: Counter) -> int:
    """The points that were given of the budget."""
    return sum(counter.ledger.view(ADA, Wanted(budgets=BUDGET)).budgets.values())


def leave(counter: Counter, points: int) -> None:
    """Let Bob and others draw on the budget of 1,000 until so many points are left."""
    drawn, number = spent(counter), 0
    while drawn < 1000 - points:
        member = MemberId(f"01HDRAWER{number:017d}")
        counter.place.open(member, grocer.OPENED)
        drawn += bonus(counter.buy(f"draw-{number}", min(265, 1000 - points - drawn), member_id=member))
        number += 1
    assert spent(counter) == 1000 - points


# ---- the example of the rules, step by step


def test_bonuses_are_added_on_the_base(counter: Counter) -> None:
    entry = counter.buy("order-1", 200)
    assert shares(entry) == {"base": 200, "campaign": 200, "tier:gold": 100}
    assert counter.buy("order-1", 200) == entry
    assert counter.told() == (1500, 0)


def test_a_member_with_150_of_the_cap_left_gets_450_in_all(counter: Counter) -> None:
    assert bonus(counter.buy("before", 350)) == 350
    entry = counter.buy("order-1", 200)
    assert shares(entry) == {"base": 200, "campaign": 150, "tier:gold": 100}
    assert {share.rule: share.room for share in entry.why} == {"base": None, "campaign": 150, "tier:gold": None}
    assert counter.buy("order-1", 200) == entry
    assert bonus(counter.buy("order-2", 200)) == 0
    assert bonus(counter.buy("cats", 200, member_id=CAT)) == 200


def test_with_120_of_the_budget_left_it_is_420(counter: Counter) -> None:
    assert bonus(counter.buy("before", 350)) == 350
    leave(counter, 120)
    entry = counter.buy("order-1", 200)
    assert shares(entry) == {"base": 200, "campaign": 120, "tier:gold": 100}
    assert counter.buy("order-1", 200) == entry
    assert spent(counter) == 1000


def test_two_such_orders_of_two_members_that_cross_share_exactly_120(counter: Counter) -> None:
    leave(counter, 120)
    crossing = counter.over(interrupted(counter.ledger, lambda: counter.buy("cats", 200, member_id=CAT)))
    late = crossing.buy("adas", 200)
    early = counter.ledger.order("cats").purchase
    assert shares(early) == {"base": 200, "campaign": 120, "tier:gold": 100}
    assert shares(late) == {"base": 200, "campaign": 0, "tier:gold": 100}
    assert spent(counter) == 1000
    for order, member, first in (("cats", CAT, early), ("adas", ADA, late)):
        assert counter.buy(order, 200, member_id=member) == first


def test_two_such_orders_of_one_member_that_cross_share_exactly_120(counter: Counter) -> None:
    leave(counter, 120)
    crossing = counter.over(interrupted(counter.ledger, lambda: counter.buy("first", 50)))
    assert bonus(crossing.buy("second", 200)) == 70
    assert bonus(counter.ledger.order("first").purchase) == 50
    assert spent(counter) == 1000


def test_orders_that_cross_and_both_fit_are_not_decided_again(counter: Counter) -> None:
    leave(counter, 500)
    crossing = counter.over(interrupted(counter.ledger, lambda: counter.buy("cats", 200, member_id=CAT)))
    entry = crossing.buy("adas", 200)
    # The room that it was offered, before Cat's order took some: its own share is exact all the same.
    assert (bonus(entry), {share.rule: share.room for share in entry.why}["campaign"]) == (200, 500)
    assert spent(counter) == 900


def test_a_refund_gives_its_share_back_and_only_later_orders_use_it(counter: Counter) -> None:
    leave(counter, 120)
    full, empty = counter.buy("full", 200), counter.buy("empty", 200, member_id=CAT)
    assert (bonus(full), bonus(empty)) == (120, 0)
    refunded = counter.refund("full")
    assert -sum(share.points for share in refunded.why) == 420
    assert (spent(counter), counter.told(CAT)) == (880, (1300, 0))
    # The order before stays as it was, however often it is sent, and so does its refund.
    assert counter.buy("empty", 200, member_id=CAT) == empty
    assert counter.refund("full") == refunded
    assert spent(counter) == 880
    assert bonus(counter.buy("later", 200, member_id=CAT)) == 120
    # What the order without a share gives back is no share either.
    assert -sum(share.points for share in counter.refund("empty").why) == 300
    assert spent(counter) == 1000


def test_a_part_that_is_refunded_comes_off_the_share_only_below_the_room_it_had(counter: Counter) -> None:
    leave(counter, 120)
    counter.buy("order-1", 200)
    counter.refund("order-1", "r1", amount=8000)
    assert spent(counter) == 1000
    counter.refund("order-1", "r2", amount=2000)
    assert spent(counter) == 980
    counter.refund("order-1", "r3")
    assert spent(counter) == 880


def test_a_members_cap_gets_its_share_back_too(counter: Counter) -> None:
    counter.buy("before", 350)
    counter.buy("order-1", 200)
    assert bonus(counter.buy("none-left", 200)) == 0
    counter.refund("order-1")
    entry = counter.buy("later", 200)
    assert shares(entry) == {"base": 200, "campaign": 150, "tier:gold": 100}


def test_a_refund_and_an_order_that_cross_never_overdraw(counter: Counter) -> None:
    leave(counter, 120)
    counter.buy("full", 200)
    crossing = counter.over(interrupted(counter.ledger, lambda: counter.refund("full")))
    assert bonus(crossing.buy("cats", 200, member_id=CAT)) == 0
    assert spent(counter) == 880


def test_what_a_quote_shows_draws_nothing(counter: Counter) -> None:
    order = grocer.purchase("order-1", 20_000)
    quoted = quote_purchase(order, ledger=counter.ledger, programs=counter.programs)
    assert (shares(quoted), spent(counter)) == ({"base": 200, "campaign": 200, "tier:gold": 100}, 0)
    assert counter.ledger.view(ADA).wallet.sequence == 1


def test_an_order_that_is_refused_draws_nothing(counter: Counter, clock: FakeClock) -> None:
    with pytest.raises(LaurelError):
        counter.buy("order-1", 200, currency="EUR")
    with pytest.raises(LaurelError):
        counter.buy("order-1", 200, occurred_at=clock.now().replace(year=2027))
    assert spent(counter) == 0


def test_each_period_of_a_budget_has_its_own_room_by_the_orders_own_day(place: Place, clock: FakeClock) -> None:
    """23:59:30 on Monday and 00:00:10 on Tuesday in New York, sent the wrong way round."""
    caps = [{"id": "campaign_budget", "currency": "points", "scope": "program", "per": "day", "points": 100}]
    rules = [earning_rule(), {**CAMPAIGN, "caps": ["campaign_budget"]}]
    counter = Counter(place, FixedPrograms(grocer.version(caps=caps, earning_rules=rules)))
    clock.advance(days=1)
    monday, tuesday = (grocer.NOON.replace(day=3, hour=4, minute=59), grocer.NOON.replace(day=3, hour=5))
    assert bonus(counter.buy("t1", 70, occurred_at=tuesday)) == 70
    assert bonus(counter.buy("m1", 70, occurred_at=monday, member_id=BOB)) == 70
    assert bonus(counter.buy("t2", 70, occurred_at=tuesday, member_id=BOB)) == 30
    assert bonus(counter.buy("m2", 70, occurred_at=monday)) == 30
    counter.refund("m1")
    assert bonus(counter.buy("t3", 70, occurred_at=tuesday)) == 0
    assert bonus(counter.buy("m3", 90, occurred_at=monday)) == 70
    assert counter.breaks() == []


def test_a_budget_in_money_allows_what_points_cost(place: Place) -> None:
    """Three points cost two cents: 100 cents pay for 150 points, and not one more."""
    currency = {"code": "points", "cost": {"points": 3, "minor_units": 2}}
    caps = [{"id": "campaign_budget", "currency": "points", "scope": "program", "minor_units": 100}]
    rules = [earning_rule(), {**CAMPAIGN, "caps": ["campaign_budget"]}]
    counter = Counter(place, FixedPrograms(grocer.version(currencies=[currency], caps=caps, earning_rules=rules)))
    assert [bonus(counter.buy(f"order-{number}", 60)) for number in range(4)] == [60, 60, 30, 0]


def test_a_new_version_that_lowers_a_budget_takes_nothing_back_and_gives_no_more(counter: Counter, shards: int) -> None:
    counter.buy("before", 300)
    [smaller] = campaign(shards, budget=200).versions()
    counter.programs.add(grocer.version(2, grocer.NOON, **_parts(smaller)))
    assert bonus(counter.buy("order-2", 100, member_id=CAT)) == 0
    assert (spent(counter), counter.told(CAT)) == (300, (1150, 0))
    # What comes back makes room under the new limit only below it.
    counter.refund("before", amount=15_000)
    assert spent(counter) == 150
    assert bonus(counter.buy("order-3", 100, member_id=CAT)) == 50


def _parts(version: Any) -> dict[str, Any]:
    document: dict[str, Any] = version.program.model_dump(mode="json", exclude_none=True)
    return {name: document[name] for name in ("seasons", "caps", "earning_rules", "tiers")}


def test_activities_draw_on_the_same_budget_and_give_it_back(place: Place, shards: int) -> None:
    review = {"id": "campaign", "kind": "activity", "currency": "points", "activity": "review", "points": 60}
    caps = [{"id": "campaign_budget", "currency": "points", "scope": "program", "points": 100, "shards": shards}]
    programs = FixedPrograms(grocer.version(caps=caps, earning_rules=[earning_rule(), {**review, "caps": ["campaign_budget"]}]))
    counter = Counter(place, programs)

    def told(proof: str, ledger: Any = counter.ledger) -> int:
        report = ActivityReport(activity="review", activity_id=proof, member_id=ADA, occurred_at=grocer.NOON)
        return bonus(record_activity(report, ledger=ledger, programs=programs))

    # The second one crosses the first: together they get exactly what there is.
    assert told("two", interrupted(counter.ledger, lambda: told("one"))) == 40
    assert (told("one"), told("three"), spent(counter)) == (60, 0, 100)
    void = Void(reason="not a review")
    for _ in range(2):
        undo_activity("review", "two", void, ledger=counter.ledger, programs=programs)
        assert spent(counter) == 60
    assert (told("two"), told("four"), spent(counter)) == (40, 40, 100)
    assert counter.told() == (100, 0)
    assert counter.breaks() == []


@pytest.mark.parametrize("fault", [Fault.RESPONSE_LOST, Fault.SERVER_ERROR_AFTER, Fault.CONFLICT, Fault.REQUEST_LOST])
def test_a_write_that_failed_or_was_not_heard_of_draws_once(ministack_engine: Engine, clock: FakeClock, fault: Fault) -> None:
    counter = Counter(dynamo_place(store_of(ministack_engine), clock), campaign())
    counter.place.open(ADA, grocer.OPENED)
    with faulty(ministack_engine) as wire:
        wire.next("TransactWriteItems", fault)
        assert bonus(counter.buy("order-1", 200)) == 200
    assert spent(counter) == 200


# ---- real races


@pytest.fixture(params=["memory", "ministack"])
def busy(request: pytest.FixtureRequest, clock: FakeClock, shards: int) -> Counter:
    """A counter over a ledger that threads can use at once."""
    if request.param == "memory":
        place = memory_place(clock)
    else:
        place = dynamo_place(store_of(request.getfixturevalue("ministack_engine")), clock)
    for member in (ADA, BOB, CAT):
        place.open(member, grocer.OPENED)
    return Counter(place, campaign(shards))


def buying(order_id: str, dollars: int, member: MemberId) -> Act:
    return lambda counter: counter.buy(order_id, dollars, member_id=member)


def refunding(order_id: str) -> Act:
    return lambda counter: counter.refund(order_id)


@pytest.mark.parametrize("other", [ADA, CAT])
def test_two_such_orders_at_once_share_exactly_120_and_each_sender_hears_the_same_again(busy: Counter, other: MemberId) -> None:
    make_gold(busy, ADA, CAT)
    leave(busy, 120)
    acts = [buying("first", 200, ADA), buying("second", 200, other)]
    answers = at_once(busy, *acts)
    assert at_once(busy, acts[0]) + at_once(busy, acts[1]) == answers
    both = [busy.ledger.order(order).purchase for order in ("first", "second")]
    assert sorted(sum(shares(entry).values()) for entry in both) == [300, 420]
    assert spent(busy) == 1000
    [full] = [entry for entry in both if bonus(entry)]
    busy.refund(full.key.removeprefix("purchase:"))
    assert spent(busy) == 880
    assert busy.breaks(ADA, CAT) == []


def test_of_fifty_members_at_once_a_budget_of_1000_serves_exactly_ten_in_full(busy: Counter) -> None:
    members = [MemberId(f"01HMEMBER{number:017d}") for number in range(50)]
    for member in members:
        busy.place.open(member, grocer.OPENED)
    answers = at_once(busy, *[buying(f"order-{member}", 100, member) for member in members])
    assert refused(answers) == {}
    bonuses = [bonus(busy.ledger.order(f"order-{member}").purchase) for member in members]
    assert (sorted(bonuses), spent(busy)) == ([0] * 40 + [100] * 10, 1000)
    assert busy.breaks(*members) == []


def test_of_fifty_members_at_once_the_last_one_gets_what_is_left(busy: Counter) -> None:
    members = [MemberId(f"01HMEMBER{number:017d}") for number in range(50)]
    for member in members:
        busy.place.open(member, grocer.OPENED)
    assert refused(at_once(busy, *[buying(f"order-{member}", 30, member) for member in members])) == {}
    bonuses = [bonus(busy.ledger.order(f"order-{member}").purchase) for member in members]
    assert (sorted(bonuses), spent(busy)) == ([0] * 16 + [10] + [30] * 33, 1000)


def test_one_order_sent_ten_times_at_once_draws_once(busy: Counter) -> None:
    answers = at_once(busy, *[buying("order-1", 200, ADA)] * 10)
    assert (len(set(answers)), refused(answers), spent(busy)) == (1, {}, 200)


def test_refunds_beside_orders_leave_the_budget_exact(busy: Counter) -> None:
    leave(busy, 0)
    drawn = [(f"draw-{number}", MemberId(f"01HDRAWER{number:017d}")) for number in range(4)]
    acts = [refunding(order) for order, _ in drawn[:2]]
    acts += [buying(f"new-{number}", 100, member) for number, (_, member) in enumerate(drawn)]
    acts += [buying("adas", 100, ADA), buying("cats", 100, CAT)]
    tried_again = refused(at_once(busy, *acts))
    assert set(tried_again) <= {TryAgainError.__name__}
    held = 0
    for _, member in [*drawn, ("", ADA), ("", CAT)]:
        counts = busy.ledger.view(member).wallet.counts
        held += sum(count.amount for count in counts if count.name == "cap:campaign_member:ever")
    # Whatever was served before or after the refunds: the budget and the members' own counts tell the same.
    assert spent(busy) == held <= 1000
    assert busy.breaks(ADA, CAT, *(member for _, member in drawn)) == []


def reviewing(proof: str, programs: FixedPrograms, member: MemberId = ADA) -> Act:
    report = ActivityReport(activity="review", activity_id=proof, member_id=member, occurred_at=grocer.NOON)
    return lambda counter: record_activity(report, ledger=counter.ledger, programs=programs)


def test_one_proof_sent_twenty_times_at_once_is_rewarded_once_and_of_many_as_many_as_the_limit_allows(busy: Counter) -> None:
    review = {"id": "review", "kind": "activity", "currency": "points", "activity": "review", "points": 20}
    limited = FixedPrograms(grocer.version(earning_rules=[{**review, "limits": [{"per": "month", "count": 3}]}]))
    same = at_once(busy, *[reviewing("r-1", limited)] * 20)
    assert (len(set(same)), refused(same), busy.told()) == (1, {}, (20, 0))
    others = at_once(busy, *[reviewing(f"r-{number}", limited) for number in range(2, 14)])
    assert refused(others) == {LimitReachedError.__name__: 10}
    assert busy.told() == (60, 0)
    # A proof is one member's: whoever comes first has it.
    rivals = at_once(busy, *[reviewing("shared", limited, member) for member in (BOB, CAT)])
    assert refused(rivals) == {KeyReusedError.__name__: 1}
    assert busy.told(BOB)[0] + busy.told(CAT)[0] == 20
    assert busy.breaks(ADA, BOB, CAT) == []


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_budgets_and_caps_hold_what_the_entries_say(clock: FakeClock, seed: int) -> None:
    """Random orders, refunds by amount and by line, and merges: the sum of all shares is what was drawn, to the point."""
    chance = random.Random(seed)
    place = memory_place(clock)
    half = {**CAMPAIGN, "percent": 150 + chance.randrange(3), "caps": ["campaign_member", "campaign_budget"]}
    coffee = {**half, "id": "coffee", "percent": 333, "when": {"categories": ["coffee"]}}
    base = {**earning_rule(points=chance.choice([1, 3]), minor_units=700), "caps": chance.choice([[], ["campaign_member"]])}
    stacking = chance.choice(["additive", "multiplicative", "best"])
    caps = (
        campaign(shards=chance.choice([1, 3]), budget=60)
        .versions()[0]
        .program.model_dump(mode="json", exclude_none=True)["caps"]
    )
    caps[0]["points"] = 25
    counter = Counter(place, FixedPrograms(grocer.version(caps=caps, earning_rules=[base, half, coffee], stacking=stacking)))
    members = [ADA, BOB, CAT]
    for member in members:
        place.open(member, grocer.OPENED)
    open_orders: dict[str, list[int]] = {}
    for number in range(60):
        if open_orders and chance.random() < 0.45:
            order = chance.choice(sorted(open_orders))
            left = open_orders[order]
            if chance.random() < 0.5:
                line = chance.randrange(2)
                amount = chance.randint(0, left[line])
                changes: dict[str, Any] = {"lines": ((line + 1, amount),)}
            else:
                changes = {"amount": chance.randint(0, sum(left))}
            with contextlib.suppress(OverRefundError):
                counter.refund(order, f"r-{number}", **changes)
        elif len(members) > 1 and chance.random() < 0.04:
            merged(counter, members.pop(0), members[0])
        else:
            order, amounts = f"order-{number}", [chance.randint(0, 9000), chance.randint(0, 9000)]
            lines = (Line("tea", 1, amounts[0], "tea"), Line("coffee", 1, amounts[1], "coffee"))
            counter.buy(order, 0, member_id=chance.choice(members), lines=lines)
            open_orders[order] = amounts
        check(counter, members, base["caps"])
    for order in sorted(open_orders):
        counter.refund(order, "all")
    check(counter, members, base["caps"])
    assert spent(counter) == 0
    # All that is left is the number of orders there were.
    assert {count.name for member in members for count in counter.ledger.view(member).wallet.counts} <= {ORDERS}
    assert counter.breaks(ADA, BOB, CAT) == []


def check(counter: Counter, members: list[MemberId], of_base: list[str]) -> None:
    """Budget and caps against the reasons of all entries."""
    given = [
        (share.rule, share.points) for member in (ADA, BOB, CAT) for entry in counter.entries(member) for share in entry.why
    ]
    bonuses = sum(points for rule, points in given if rule != "base")
    assert 0 <= bonuses == spent(counter) <= 60
    used = [counter.ledger.view(member).wallet.counted("cap:campaign_member:ever") for member in members]
    if of_base:
        # A base share may be a point more after a refund than after the one before: its cap keeps that room for it.
        assert sum(used) >= bonuses + sum(points for rule, points in given if rule == "base")
    else:
        assert sum(used) == bonuses
