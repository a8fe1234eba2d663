"""What every ledger promises of seasons, tiers, memberships and merges: an order meets the rules of its own time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.earning.reward_activity import record_activity
from functions.standing.read_standing import Standing, read_standing
from functions.standing.review_tier import review_tier
from functions.standing.tell_billing import record_billing
from functions.transfers.recognize_member import recognize_member
from shared.domain.activity import ActivityReport
from shared.domain.counts import ORDERS, Count
from shared.domain.decision import Wanted
from shared.domain.entry import Entry, EntryKind, MemberId, caller_key, merge_key
from shared.domain.errors import KeyReusedError, LimitReachedError, MemberMergedError, TrialUsedError
from shared.domain.membership import BillingEvent, BillingKind
from shared.domain.recognizing import RecognitionRequest
from shared.domain.subject import Review
from shared.domain.transferring import merge
from tests.contract.counter import Counter, interrupted
from tests.contract.ledgers import Place, dynamo_place, memory_place, store_of
from tests.contract.test_races import Act, at_once, refused
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, CAT, earning_rule
from tests.fakes.memory_catalog import FixedPrograms

HALF_MORE = {"multipliers": [{"currency": "points", "percent": 150}]}
LEVELS: list[dict[str, Any]] = [
    {"id": "bronze", "name": "Bronze", "threshold": 0},
    {"id": "silver", "name": "Silver", "threshold": 500},
    {"id": "gold", "name": "Gold", "threshold": 1000, "benefits": HALF_MORE},
]
TIERS: dict[str, Any] = {
    "metric": "points",
    "currency": "points",
    "period": {"kind": "anniversary"},
    "grace_days": 30,
    "downgrade": "one_step",
    "levels": LEVELS,
}
NOVEMBER = {"id": "november", "time_zone": "America/New_York", "starts": "2026-11-01T00:00", "ends": "2026-11-30T24:00"}
DOUBLE = {"id": "double", "kind": "multiplier", "currency": "points", "percent": 200, "when": {"seasons": ["november"]}}
GIFT = {"id": "gift", "kind": "activity", "currency": "points", "activity": "gift", "points": 10_000}
PRIME: dict[str, Any] = {
    "id": "prime",
    "name": "Prime",
    "price": 13_900,
    "term": {"months": 12},
    "trial_days": 30,
    "benefits": {"multipliers": [{"currency": "points", "percent": 300}]},
}
ENROLLED = datetime(2025, 4, 15, 16, tzinfo=UTC)
"""Noon in New York; each year of Ada's ends on 04-15."""


def shares(entry: Entry) -> dict[str, int]:
    """The points that each rule gave; they add up to what the entry credits."""
    assert sum(share.points for share in entry.why) == sum(credit.points for credit in entry.effect.credits)
    return {share.rule: share.points for share in entry.why}


def counter_of(place: Place, **changes: Any) -> Counter:
    return Counter(place, FixedPrograms(grocer.version(**changes)))


def standing(counter: Counter, member: MemberId = ADA) -> Standing:
    return read_standing(member, ledger=counter.ledger, programs=counter.programs)


def tier(counter: Counter, member: MemberId = ADA) -> str | None:
    level = standing(counter, member).outlook.level
    return level.id if level else None


def job(counter: Counter, member: MemberId = ADA) -> Entry | None:
    """What a daily job does for each member."""
    return review_tier(member, ledger=counter.ledger, programs=counter.programs)


def events(counter: Counter, member: MemberId = ADA) -> list[str | None]:
    """Every tier that an entry told, oldest first."""
    return [entry.effect.stands.tier for entry in counter.entries(member) if entry.effect.stands]


def at(clock: FakeClock, month: int, day: int, hour: int = 12, year: int = 2027) -> datetime:
    """Set the clock to an hour of a local day."""
    clock.instant = _local(year, month, day, hour)
    return clock.instant


def _local(year: int, month: int, day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=ZoneInfo(grocer.ZONE)).astimezone(UTC)


# ---- late arrival


@pytest.fixture
def november(place: Place, clock: FakeClock) -> Iterator[Counter]:
    """Double points until the end of November; on 1 December Ada becomes Gold, on the 2nd the campaign is cancelled."""
    clock.instant = datetime(2026, 11, 30, 17, tzinfo=UTC)
    counter = counter_of(place, seasons=[NOVEMBER], earning_rules=[earning_rule(), DOUBLE], tiers=TIERS)
    at(clock, 12, 1, year=2026)
    assert shares(counter.buy("promotion", 1000)) == {"base": 1000}
    assert (tier(counter), tier(counter, BOB)) == ("gold", "bronze")
    at(clock, 12, 2, year=2026)
    cancelled = grocer.version(2, clock.now(), earning_rules=[earning_rule()], tiers=TIERS)
    counter.programs.add(cancelled)
    at(clock, 12, 3, year=2026)
    yield counter
    assert counter.breaks() == []


def test_an_order_half_a_minute_before_the_end_of_double_points_is_doubled_once(november: Counter, clock: FakeClock) -> None:
    before = november.told()[0]
    sent = []
    for _ in range(3):
        sent.append(november.buy("late", 40, occurred_at=_local(2026, 11, 30, 23, 59, 30)))
        clock.advance(hours=5)
    assert shares(sent[0]) == {"base": 40, "double": 40}
    assert sent[0] == sent[1] == sent[2]
    assert november.told()[0] - before == 80
    [credit] = sent[0].effect.credits
    assert (credit.spendable_from, credit.gone_on) == (date(2026, 11, 30), date(2027, 11, 30))
    assert {share.program_version for share in sent[0].why} == {1}


def test_an_order_ten_seconds_after_it_is_not(november: Counter) -> None:
    entry = november.buy("late", 40, occurred_at=_local(2026, 12, 1, 0, 0, 10))
    assert shares(entry) == {"base": 40}
    assert {share.program_version for share in entry.why} == {1}


@pytest.mark.parametrize(("second", "given"), [(-1, 80), (0, 40)])
def test_the_window_is_half_open(november: Counter, second: int, given: int) -> None:
    instant = datetime(2026, 12, 1, 5, tzinfo=UTC).timestamp() + second
    entry = november.buy("edge", 40, occurred_at=datetime.fromtimestamp(instant, UTC))
    assert sum(shares(entry).values()) == given


def test_an_order_after_the_promotion_meets_the_new_tier_and_one_after_the_new_version_that_one(november: Counter) -> None:
    promoted = november.buy("gold", 40, occurred_at=_local(2026, 12, 1, 12, 0, 1))
    assert shares(promoted) == {"base": 40, "tier:gold": 20}
    same = november.buy("same", 40, occurred_at=_local(2026, 12, 1, 12))
    assert shares(same) == {"base": 40}
    assert {share.program_version for share in november.buy("new", 40).why} == {2}


def test_a_refund_of_the_late_order_takes_back_what_it_gave_under_the_rules_it_met(november: Counter) -> None:
    november.buy("late", 40, occurred_at=_local(2026, 11, 30, 23, 59, 30))
    half = november.refund("late", "r1", amount=2000)
    assert {share.rule: share.points for share in half.why} == {"base": -20, "double": -20}
    assert -sum(share.points for share in november.refund("late", "r2").why) == 40
    assert november.told() == (1000, 0)


# ---- tier grace


@pytest.fixture
def graced(place: Place, clock: FakeClock) -> Iterator[Counter]:
    """Ada has been Gold since her first year, and earned 900 in the year that ends on 2027-04-15; a gift of 10,000 beside."""
    place.open(CAT, ENROLLED)
    counter = counter_of(place, tiers=TIERS, earning_rules=[earning_rule(), GIFT])
    at(clock, 3, 1, year=2026)
    counter.buy("first-year", 1000, member_id=CAT)
    at(clock, 1, 10)
    counter.buy("second-year", 900, member_id=CAT)
    report = ActivityReport(activity="gift", activity_id="g1", member_id=CAT, occurred_at=clock.now())
    record_activity(report, ledger=counter.ledger, programs=counter.programs)
    assert events(counter, CAT) == ["gold"]
    yield counter
    assert counter.breaks(CAT) == []


def test_the_year_ends_and_the_tier_stays_through_the_grace(graced: Counter, clock: FakeClock) -> None:
    for month, day in ((4, 14), (4, 15), (5, 10), (5, 14)):
        at(clock, month, day, 23)
        assert (tier(graced, CAT), job(graced, CAT)) == ("gold", None)
    outlook = standing(graced, CAT).outlook
    assert (outlook.falls_on, outlook.falls_to and outlook.falls_to.id) == (date(2027, 5, 15), "silver")


def test_a_hundred_more_in_grace_keeps_gold_without_an_event(graced: Counter, clock: FakeClock) -> None:
    at(clock, 5, 10)
    assert shares(graced.buy("grace", 100, member_id=CAT)) == {"base": 100, "tier:gold": 50}
    at(clock, 5, 15, 0)
    assert [job(graced, CAT) for _ in range(3)] == [None] * 3
    assert (tier(graced, CAT), events(graced, CAT)) == ("gold", ["gold"])
    # It counts to the new year too.
    assert standing(graced, CAT).outlook.credited == 100


def test_without_it_the_member_is_silver_on_the_day_and_one_event_tells_it(graced: Counter, clock: FakeClock) -> None:
    at(clock, 5, 15, 0)
    assert tier(graced, CAT) == "silver"
    told = job(graced, CAT)
    assert told is not None
    assert told.kind is EntryKind.REVIEW
    assert isinstance(told.subject, Review)
    assert (told.subject.before, told.subject.after) == ("gold", "silver")
    assert [job(graced, CAT) for _ in range(3)] == [None] * 3
    assert events(graced, CAT) == ["gold", "silver"]


def test_jobs_that_cross_tell_it_once(graced: Counter, clock: FakeClock) -> None:
    at(clock, 5, 15)
    told: list[Entry | None] = []
    crossing = graced.over(interrupted(graced.ledger, lambda: told.append(job(graced, CAT))))
    assert [job(crossing, CAT)] == told
    assert events(graced, CAT) == ["gold", "silver"]


def test_an_order_that_crosses_a_job_tells_the_tier_once(graced: Counter, clock: FakeClock) -> None:
    at(clock, 5, 15)
    crossing = graced.over(interrupted(graced.ledger, lambda: graced.buy("order-1", 10, member_id=CAT)))
    assert job(crossing, CAT) is None
    assert events(graced, CAT) == ["gold", "silver"]
    assert shares(graced.ledger.order("order-1").purchase) == {"base": 10}


def test_redeeming_five_thousand_changes_nothing(graced: Counter, clock: FakeClock) -> None:
    graced.offer(price={"points": 5000})
    at(clock, 4, 20)
    assert graced.purse(CAT).active >= 10_000
    graced.redeem(member=CAT)
    assert (tier(graced, CAT), events(graced, CAT)) == ("gold", ["gold"])
    at(clock, 5, 10)
    graced.buy("grace", 100, member_id=CAT)
    graced.redeem("two", member=CAT)
    at(clock, 5, 15, 0)
    assert (tier(graced, CAT), job(graced, CAT)) == ("gold", None)


def test_refunding_the_grace_order_before_the_review_makes_silver_on_the_day(graced: Counter, clock: FakeClock) -> None:
    at(clock, 5, 10)
    graced.buy("grace", 100, member_id=CAT)
    at(clock, 5, 12)
    graced.refund("grace", "r1")
    assert tier(graced, CAT) == "gold"
    at(clock, 5, 15, 0)
    assert tier(graced, CAT) == "silver"
    assert [told is None for told in (job(graced, CAT), job(graced, CAT), job(graced, CAT))] == [False, True, True]
    assert events(graced, CAT) == ["gold", "silver"]


def test_a_late_order_of_the_grace_lifts_the_past_review_from_today_on(graced: Counter, clock: FakeClock) -> None:
    at(clock, 5, 15, 0)
    assert job(graced, CAT) is not None
    at(clock, 5, 16)
    entry = graced.buy("late", 100, member_id=CAT, occurred_at=_local(2027, 5, 10, 12))
    assert shares(entry) == {"base": 100, "tier:gold": 50}
    assert (tier(graced, CAT), events(graced, CAT)) == ("gold", ["gold", "silver", "gold"])
    graced.refund("late")
    assert (tier(graced, CAT), events(graced, CAT)[-1]) == ("silver", "silver")


def test_a_refund_of_the_order_that_promoted_takes_the_promotion_with_it(graced: Counter, clock: FakeClock) -> None:
    at(clock, 4, 1)
    graced.buy("gold-again", 100, member_id=CAT)
    assert standing(graced, CAT).outlook.credited == 1000
    graced.refund("gold-again")
    graced.refund("first-year")
    # 900 in this year alone: Silver at once, since Gold was never reached.
    assert (tier(graced, CAT), events(graced, CAT)) == ("silver", ["gold", "silver"])


# ---- paid memberships


@pytest.fixture
def plans(place: Place, clock: FakeClock) -> Iterator[Counter]:
    """A program with a membership that trebles points; at the end of every test the books must balance."""
    at(clock, 1, 1)
    counter = counter_of(place, memberships=[PRIME])
    yield counter
    assert counter.breaks() == []


def bill(counter: Counter, kind: BillingKind, event: str, occurred_at: datetime, member: MemberId = ADA, **more: Any) -> Entry:
    told = BillingEvent(event_id=event, member_id=member, plan="prime", kind=kind, occurred_at=occurred_at, **more)
    return record_billing(told, ledger=counter.ledger, programs=counter.programs)


def test_a_membership_multiplies_orders_of_its_time_whenever_either_arrives(plans: Counter, clock: FakeClock) -> None:
    starts, during, after = _local(2027, 1, 10, 0), _local(2027, 1, 20, 12), _local(2027, 2, 20, 12)
    at(clock, 2, 21)
    early = plans.buy("before-the-event", 10, occurred_at=during)
    assert shares(early) == {"base": 10}
    event = bill(plans, "started", "e1", starts, ends_at=_local(2027, 2, 10, 0))
    assert bill(plans, "started", "e1", starts, ends_at=_local(2027, 2, 10, 0)) == event
    with pytest.raises(KeyReusedError):
        bill(plans, "started", "e1", starts, ends_at=_local(2027, 2, 11, 0))
    assert shares(plans.buy("during", 10, occurred_at=during)) == {"base": 10, "membership:prime": 20}
    assert shares(plans.buy("before", 10, occurred_at=_local(2027, 1, 9, 23, 59, 59))) == {"base": 10}
    assert shares(plans.buy("edge", 10, occurred_at=_local(2027, 2, 10, 0))) == {"base": 10}
    assert shares(plans.buy("after", 10, occurred_at=after)) == {"base": 10}
    # The order before the event is never rated again.
    assert plans.buy("before-the-event", 10, occurred_at=during) == early
    refunded = plans.refund("during")
    assert {share.rule: share.points for share in refunded.why} == {"base": -10, "membership:prime": -20}


def test_the_set_of_events_decides_never_their_order(plans: Counter, clock: FakeClock) -> None:
    first, second, third = _local(2027, 1, 1, 0), _local(2028, 1, 1, 0), _local(2028, 7, 1, 0)
    at(clock, 8, 1, year=2028)
    told: list[tuple[BillingKind, str, datetime, dict[str, Any]]] = [
        ("started", "e1", first, {}),
        ("renewed", "e2", second, {"starts_at": second}),
        ("lapsed", "e3", third, {"ends_at": third}),
    ]
    for member, order in ((ADA, told), (BOB, told[::-1])):
        for kind, event, occurred_at, more in order:
            bill(plans, kind, f"{member}-{event}", occurred_at, member, **more)
    terms = {member: plans.ledger.view(member).wallet.terms for member in (ADA, BOB)}
    assert [term.ends for term in terms[ADA]] == [term.ends for term in terms[BOB]]
    for member in (ADA, BOB):
        for number, (day, given) in enumerate(((_local(2028, 6, 30, 23), 30), (_local(2028, 7, 1, 0), 10))):
            assert sum(shares(plans.buy(f"{member}-{number}", 10, member_id=member, occurred_at=day)).values()) == given


def test_a_second_trial_is_refused_and_stays_refused_after_a_merge(plans: Counter, clock: FakeClock) -> None:
    at(clock, 1, 10)
    bill(plans, "trial_started", "t1", clock.now())
    with pytest.raises(TrialUsedError):
        bill(plans, "trial_started", "t2", clock.now())
    merged(plans, ADA, BOB)
    with pytest.raises(TrialUsedError):
        bill(plans, "trial_started", "t3", clock.now(), BOB)
    assert shares(plans.buy("bobs", 10, member_id=BOB)) == {"base": 10, "membership:prime": 20}


def test_an_order_that_crosses_a_billing_event_meets_it(plans: Counter, clock: FakeClock) -> None:
    crossing = plans.over(interrupted(plans.ledger, lambda: bill(plans, "started", "e1", clock.now())))
    assert shares(crossing.buy("order-1", 10)) == {"base": 10, "membership:prime": 20}


def test_an_event_sent_again_while_it_is_posted_is_one(plans: Counter, clock: FakeClock) -> None:
    first: list[Entry] = []
    crossing = plans.over(interrupted(plans.ledger, lambda: first.append(bill(plans, "started", "e1", clock.now()))))
    assert [bill(crossing, "started", "e1", clock.now())] == first
    assert len(plans.entries()) == 1


def test_two_trials_that_cross_are_one(plans: Counter, clock: FakeClock) -> None:
    crossing = plans.over(interrupted(plans.ledger, lambda: bill(plans, "trial_started", "t1", clock.now())))
    with pytest.raises(TrialUsedError):
        bill(crossing, "trial_started", "t2", clock.now())
    assert len(plans.entries()) == 1


# ---- merges


def merged(counter: Counter, member: MemberId, into: MemberId) -> Entry:
    return counter.ledger.decide_and_post(
        merge_key(member),
        member,
        member.encode(),
        lambda view: merge(view, "twins", member.encode(), grocer.ZONE),
        Wanted(other=into),
    )


@pytest.fixture
def twins(place: Place, clock: FakeClock) -> Iterator[Counter]:
    """Ada has 600 points of credit and Bob 450, a cap of 500 and a bonus on each fourth order."""
    caps = [{"id": "cap", "currency": "points", "scope": "member", "per": "year", "points": 500}]
    double = {"id": "double", "kind": "multiplier", "currency": "points", "percent": 200, "caps": ["cap"]}
    fourth = {"id": "fourth", "kind": "bonus", "currency": "points", "points": 7, "when": {"order_number": 4}}
    at(clock, 3, 1, year=2026)
    counter = counter_of(place, tiers=TIERS, caps=caps, memberships=[PRIME], earning_rules=[earning_rule(), double, fourth])
    assert shares(counter.buy("ada-1", 300)) == {"base": 300, "double": 300}
    assert shares(counter.buy("ada-2", 300)) == {"base": 300, "double": 200}
    assert shares(counter.buy("bob-1", 450, member_id=BOB)) == {"base": 450, "double": 450}
    yield counter
    assert counter.breaks() == []


def test_credit_orders_caps_and_memberships_come_over(twins: Counter, clock: FakeClock) -> None:
    bill(twins, "started", "e1", clock.now())
    clock.advance(minutes=1)
    merged(twins, ADA, BOB)
    assert (tier(twins, BOB), standing(twins, BOB).outlook.credited) == ("gold", 1050)
    assert [plan.id for plan, _ in standing(twins, BOB).memberships] == ["prime"]
    clock.advance(minutes=1)
    fourth = twins.buy("bob-2", 100, member_id=BOB)
    assert shares(fourth) == {"base": 100, "double": 0, "fourth": 7, "tier:gold": 50, "membership:prime": 200}
    with pytest.raises(MemberMergedError):
        twins.buy("ada-3", 10)


def test_a_refund_of_the_merged_members_order_restates_the_survivors_credit(twins: Counter, clock: FakeClock) -> None:
    merged(twins, ADA, BOB)
    assert tier(twins, BOB) == "gold"
    refunded = twins.refund("ada-1")
    assert twins.refund("ada-1") == refunded
    assert (tier(twins, BOB), standing(twins, BOB).outlook.credited) == ("silver", 750)
    assert twins.told(BOB) == (500 + 900, 0)
    # The cap has no room yet, since 650 were given of it.
    clock.advance(minutes=1)
    assert shares(twins.buy("bob-2", 10, member_id=BOB)) == {"base": 10, "double": 0, "fourth": 7}
    twins.refund("ada-2")
    assert standing(twins, BOB).outlook.credited == 460
    assert twins.told(BOB) == (917, 0)
    assert shares(twins.buy("bob-3", 100, member_id=BOB)) == {"base": 100, "double": 50}


def test_credit_of_years_gone_by_makes_no_tier_of_a_newer_survivor(place: Place, clock: FakeClock) -> None:
    """400 points a year are Bronze; so they are after a merge into a member who enrolled yesterday."""
    began = datetime(2020, 1, 1, tzinfo=UTC)
    counter = Counter(place, FixedPrograms(grocer.version(1, began, tiers=TIERS)))
    old, new = MemberId("01H0LD00000000000000000000"), MemberId("01HNEW00000000000000000000")
    place.open(old, began)
    for year in (2021, 2022, 2023):
        at(clock, 3, 1, year=year)
        counter.buy(f"order-{year}", 400, member_id=old)
    place.open(new, at(clock, 6, 1, year=2023))
    clock.advance(days=1)
    assert tier(counter, old) == "bronze"
    merged(counter, old, new)
    assert tier(counter, new) == "bronze"


def test_a_tier_that_a_merge_changes_is_told(twins: Counter) -> None:
    merged(twins, ADA, BOB)
    told = job(twins, BOB)
    assert (events(twins, BOB)[-1], [job(twins, BOB), job(twins, BOB)]) == ("gold", [None, None])
    assert told is None or told.kind is EntryKind.REVIEW


def test_a_merge_undone_by_refunds_leaves_nothing(twins: Counter) -> None:
    merged(twins, ADA, BOB)
    for order in ("ada-1", "ada-2", "bob-1"):
        twins.refund(order)
    wallet = twins.ledger.view(BOB).wallet
    assert (twins.told(BOB), wallet.counts) == ((0, 0), (Count(ORDERS, None, 3),))
    assert tier(twins, BOB) == "bronze"


# ---- recognitions

KUDOS = {"id": "kudos", "currency": "points", "allowance": {"points": 500, "per": "month"}, "points_max": 200}


def give(counter: Counter, points: int, name: str, giver: MemberId = ADA, taker: MemberId = BOB) -> Entry:
    request = RecognitionRequest(member_id=giver, to=taker, recognition="kudos", points=points)
    key = caller_key(giver, "recognition", name)
    return recognize_member(request, key, ledger=counter.ledger, programs=counter.programs, clock=counter.place.clock)


def giving(points: int, name: str, giver: MemberId = ADA, taker: MemberId = BOB) -> Act:
    return lambda counter: give(counter, points, name, giver, taker)


@pytest.fixture
def team(place: Place) -> Iterator[Counter]:
    """Ada and Bob may give 500 points a month."""
    counter = counter_of(place, recognitions=[KUDOS])
    yield counter
    assert counter.breaks() == []


def test_points_of_an_allowance_are_in_the_takers_wallet_and_on_nobodys_bill(team: Counter) -> None:
    left = give(team, 200, "one")
    assert give(team, 200, "one") == left
    arrived = team.entries(BOB)[0]
    assert (arrived.names, shares(arrived)) == (left.key, {"recognition:kudos": 200})
    assert (team.told(), team.told(BOB), left.postings) == ((0, 0), (200, 0), ())


def test_gifts_that_cross_never_exceed_the_allowance_and_a_refusal_stays_refused(team: Counter) -> None:
    give(team, 200, "one")
    crossing = team.over(interrupted(team.ledger, lambda: give(team, 200, "two")))
    for _ in range(2):
        with pytest.raises(LimitReachedError):
            give(crossing, 200, "three")
    assert team.told(BOB) == (400, 0)
    assert give(team, 100, "four").sequence == 3
    with pytest.raises(LimitReachedError):
        give(team, 1, "five")


def test_members_who_thank_each_other_at_the_same_moment_both_have_points(team: Counter) -> None:
    crossing = team.over(interrupted(team.ledger, lambda: give(team, 50, "back", BOB, ADA)))
    give(crossing, 80, "there")
    assert (team.told(), team.told(BOB)) == ((50, 0), (80, 0))


@pytest.mark.parametrize("kind", ["memory", "ministack"])
def test_twenty_gifts_at_once_never_exceed_the_allowance(request: pytest.FixtureRequest, clock: FakeClock, kind: str) -> None:
    if kind == "memory":
        place = memory_place(clock)
    else:
        place = dynamo_place(store_of(request.getfixturevalue("ministack_engine")), clock)
    for member in (ADA, BOB):
        place.open(member, grocer.OPENED)
    counter = counter_of(place, recognitions=[KUDOS])
    acts = [giving(60, f"k-{number}") for number in range(20)]
    answers = at_once(counter, *acts)
    assert refused(answers) == {LimitReachedError.__name__: 12}
    assert counter.told(BOB) == (480, 0)
    # Each key meets its own answer again, the refusals too.
    assert at_once(counter, *acts) == answers
    assert counter.told(BOB) == (480, 0)
    assert counter.breaks() == []
