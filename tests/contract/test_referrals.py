"""What every ledger promises of referrals: both sides at once, once, held, and taken back whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.referrals.rule_referral import Verb
from functions.standing.tell_billing import record_billing
from shared.domain.cap import BudgetKey
from shared.domain.counts import REFERRALS
from shared.domain.decision import Wanted
from shared.domain.entry import Entry, MemberId, award_key, clawback_key, of_advocate, referral_key
from shared.domain.errors import IdentityTakenError, MemberUnknownError, ReferralStateError, ReferralUnknownError
from shared.domain.fingerprint import Fingerprint, FingerprintKind
from shared.domain.member import JoinedBy
from shared.domain.membership import BillingEvent
from shared.domain.points import Lot
from shared.domain.subject import Award, Clawback, Referral, Refund
from tests.contract.counter import Counter, days, interrupted
from tests.contract.ledgers import Place
from tests.contract.test_races import Act
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, CAT
from tests.fakes.memory_catalog import FixedPrograms

FAY = MemberId("01HFAY00000000000000000000")
"""A friend."""
POINTS = "points"
TERMS: dict[str, Any] = {
    "qualifies": {"kind": "orders", "net_min": 2500},
    "hold_days": 14,
    "advocate": [{"currency": POINTS, "points": 500}],
    "friend": [{"currency": POINTS, "points": 250}],
}
STORAGE: dict[str, Any] = {
    "currencies": [{"code": POINTS}, {"code": "mb"}],
    "caps": [{"id": "ceiling", "currency": "mb", "scope": "member", "points": 16_000}],
    "referral": {
        "qualifies": {"kind": "enrolment"},
        "hold_days": 0,
        "advocate": [{"currency": "mb", "points": 500, "caps": ["ceiling"]}],
        "friend": [{"currency": "mb", "points": 500}],
    },
}


def terms(**changes: Any) -> dict[str, Any]:
    """The terms of the shop's own example, with changes."""
    return {**TERMS, **changes}


@pytest.fixture
def opened(place: Place) -> Iterator[Callable[..., Counter]]:
    """Opens a counter with this program; at the end of every test all books must balance, by its rules."""
    counters: list[Counter] = []

    def open_counter(**program: Any) -> Counter:
        place.open(CAT, grocer.OPENED)
        counters.append(Counter(place, FixedPrograms(grocer.version(**{"referral": TERMS, **program}))))
        return counters[-1]

    yield open_counter
    for counter in counters:
        assert counter.proven(ADA, BOB, CAT, *friends_of(counter)) == []


@pytest.fixture
def counter(opened: Callable[..., Counter]) -> Counter:
    """The shop's example: 500 points for the advocate and 250 for the friend, from 25.00 on, held for 14 days."""
    return opened()


def friends_of(counter: Counter) -> list[MemberId]:
    """All members of a test but those who are there from the start; of those with a number, few are left out."""
    found, missed = [FAY] if enrolled(counter, FAY) else [], 0
    for friend in map(friend_number, range(100)):
        if enrolled(counter, friend):
            found.append(friend)
        else:
            missed += 1
        if missed == 2:
            break
    return found


def enrolled(counter: Counter, member: MemberId) -> bool:
    """Whether there is such a member."""
    try:
        counter.ledger.view(member)
    except MemberUnknownError:
        return False
    return True


def friend_number(number: int) -> MemberId:
    """One of many friends."""
    return MemberId(f"01HFR1END{number:017d}")


def buy(counter: Counter, order_id: str = "first", amount: int = 6000, friend: MemberId = FAY, **changes: Any) -> Entry:
    """A friend's order of so many cents."""
    return counter.buy(order_id, 0, member_id=friend, lines=(grocer.purchase(amount=amount).lines[0],), **changes)


def told(counter: Counter, member: MemberId, currency: str = POINTS) -> tuple[int, int, int]:
    """A member's active and pending points, and the debt."""
    purse = counter.wallet(member).purse(currency)
    return purse.active, purse.pending, purse.debt


def twice(counter: Counter, act: Act) -> Entry:
    """Do something twice at once, and once more: one entry is the answer of all three, and nothing else changes."""
    others: list[Entry] = []
    stalled = counter.over(interrupted(counter.ledger, lambda: others.append(act(counter))))
    entry, before = act(stalled), everything(counter)
    assert [*others, act(counter)] == [entry, entry]
    assert everything(counter) == before
    return entry


def everything(counter: Counter) -> list[Any]:
    """All wallets and counters."""
    members = [ADA, BOB, CAT, *friends_of(counter)]
    return [*(counter.ledger.view(member).wallet for member in members), *map(counter.place.tally, members)]


def join_twice(counter: Counter, friend: MemberId = FAY, by: MemberId = ADA) -> None:
    """A friend joins, and the shop sends it again."""
    receipt = counter.join(friend, by)
    assert counter.join(friend, by) == receipt


# ---- the shop's example


def test_a_referral_that_qualifies_gives_both_their_points_held_for_the_return_window(
    counter: Counter, clock: FakeClock
) -> None:
    join_twice(counter)
    assert counter.stands(FAY) == "joined"
    small = twice(counter, lambda till: buy(till, "small", 2499))
    assert (small.effect.referral, counter.stands(FAY)) == (None, "joined")
    order = twice(counter, buy)
    assert (told(counter, ADA), told(counter, FAY)) == ((0, 500, 0), (84, 250, 0))
    given = counter.ledger.entry(award_key(FAY))
    assert (given.names, given.sequence) == (order.key, order.sequence + 1)
    held_until = counter.day + days(14)
    assert given.subject == Award(friend=FAY, side="friend", number=1, cause=order.key, held_until=held_until)
    assert counter.stands(FAY) == "held"
    clock.advance(days=13)
    assert (told(counter, ADA), counter.stands(FAY)) == ((0, 500, 0), "held")
    clock.advance(days=1)
    assert (told(counter, ADA), told(counter, FAY), counter.stands(FAY)) == ((500, 0, 0), (334, 0, 0), "rewarded")
    assert counter.place.tally(ADA) == {
        "joined": 1,
        "qualified": 1,
        "awarded": 1,
        "given:advocate:points": 500,
        "given:friend:points": 250,
    }


def test_a_refund_below_the_minimum_within_the_hold_cancels_both_awards(counter: Counter, clock: FakeClock) -> None:
    join_twice(counter)
    twice(counter, buy)
    clock.advance(days=9)
    refunded = twice(counter, lambda till: till.refund("first", amount=4000))
    assert (told(counter, ADA), told(counter, FAY), counter.stands(FAY)) == ((0, 0, 0), (20, 0, 0), "rejected")
    taken = counter.ledger.entry(of_advocate(clawback_key(FAY)))
    assert taken.subject == Clawback(friend=FAY, side="advocate", reason="refunded", cause=refunded.key)
    assert sum(share.points for share in refunded.why) == -290
    twice(counter, lambda till: buy(till, "second"))
    clock.advance(days=30)
    assert (told(counter, ADA), told(counter, FAY)) == ((0, 0, 0), (80, 0, 0))
    assert counter.place.tally(ADA) == {"joined": 1, "qualified": 1, "awarded": 1, "cancelled": 1}


def test_a_refund_that_leaves_the_minimum_changes_nothing_of_the_awards(counter: Counter, clock: FakeClock) -> None:
    join_twice(counter)
    buy(counter)
    clock.advance(days=9)
    twice(counter, lambda till: till.refund("first", amount=3000))
    assert (told(counter, ADA), told(counter, FAY)) == ((0, 500, 0), (30, 250, 0))
    clock.advance(days=5)
    assert (told(counter, ADA), told(counter, FAY)) == ((500, 0, 0), (280, 0, 0))


def test_a_refund_after_the_hold_claws_back_what_is_left_and_what_was_spent_is_debt(counter: Counter, clock: FakeClock) -> None:
    join_twice(counter)
    buy(counter)
    clock.advance(days=14)
    counter.offer(price={"points": 300})
    counter.use(twice(counter, lambda till: till.redeem()))
    assert told(counter, ADA) == (200, 0, 0)
    clock.advance(days=5)
    twice(counter, lambda till: till.refund("first", amount=4000))
    assert (told(counter, ADA), told(counter, FAY), counter.stands(FAY)) == ((0, 0, 300), (20, 0, 0), "clawed_back")
    twice(counter, lambda till: till.refund("first", "r2", amount=2000))
    twice(counter, lambda till: buy(till, "second"))
    clock.advance(days=30)
    assert (told(counter, ADA), told(counter, FAY)) == ((0, 0, 300), (60, 0, 0))
    assert counter.place.tally(ADA) == {"joined": 1, "qualified": 1, "awarded": 1, "clawed_back": 1}


def test_a_friend_is_claimed_once_whoever_asks(counter: Counter) -> None:
    join_twice(counter)
    with pytest.raises(IdentityTakenError):
        counter.join(FAY, BOB)
    buy(counter)
    assert (told(counter, ADA), told(counter, BOB)) == ((0, 500, 0), (0, 0, 0))
    assert counter.place.tally(BOB) == {}


def test_a_hold_ends_at_local_midnight_also_where_clocks_change_meanwhile(counter: Counter, clock: FakeClock) -> None:
    """Noon on 2 March 2026 in New York; clocks go forward on 8 March."""
    join_twice(counter)
    buy(counter)
    for instant, due in (
        (datetime(2026, 3, 16, 3, 59, 59, tzinfo=UTC), (0, 500, 0)),
        (datetime(2026, 3, 16, 4, tzinfo=UTC), (500, 0, 0)),
    ):
        clock.instant = instant
        assert told(counter, ADA) == due


def test_an_order_that_comes_late_is_held_from_its_own_day(counter: Counter, clock: FakeClock) -> None:
    join_twice(counter)
    occurred_at = clock.now()
    clock.advance(days=10)
    twice(counter, lambda till: buy(till, occurred_at=occurred_at))
    assert told(counter, ADA) == (0, 500, 0)
    clock.advance(days=4)
    assert told(counter, ADA) == (500, 0, 0)


def test_an_order_that_comes_after_its_hold_gives_points_that_can_be_spent_at_once(counter: Counter, clock: FakeClock) -> None:
    join_twice(counter)
    occurred_at = clock.now()
    clock.advance(days=20)
    twice(counter, lambda till: buy(till, occurred_at=occurred_at))
    assert (told(counter, ADA), told(counter, FAY), counter.stands(FAY)) == ((500, 0, 0), (310, 0, 0), "rewarded")
    twice(counter, lambda till: till.refund("first", amount=4000))
    assert (told(counter, ADA), told(counter, FAY), counter.stands(FAY)) == ((0, 0, 0), (20, 0, 0), "clawed_back")


def test_an_order_from_before_the_friend_joined_does_not_count(counter: Counter, clock: FakeClock) -> None:
    occurred_at = clock.now()
    clock.advance(days=1)
    join_twice(counter)
    buy(counter, occurred_at=occurred_at)
    assert (told(counter, ADA), counter.stands(FAY)) == ((0, 0, 0), "joined")


def test_a_program_that_forgives_leaves_no_debt_on_either_side(opened: Callable[..., Counter], clock: FakeClock) -> None:
    counter = opened(clawback="forgive")
    join_twice(counter)
    buy(counter)
    clock.advance(days=14)
    counter.offer(price={"points": 300})
    counter.redeem("adas")
    counter.redeem("fays", member=FAY)
    twice(counter, lambda till: till.refund("first"))
    assert (told(counter, ADA), told(counter, FAY)) == ((0, 0, 0), (0, 0, 0))
    counter.earn("later", 10)
    assert told(counter, ADA) == (10, 0, 0)


# ---- what makes a friend count


@pytest.fixture
def third(opened: Callable[..., Counter]) -> Counter:
    """The third order of at least 25.00 counts."""
    return opened(referral=terms(qualifies={"kind": "orders", "orders": 3, "net_min": 2500}))


def test_the_third_order_counts_and_orders_that_were_given_back_do_not(third: Counter) -> None:
    join_twice(third)
    for order in ("a", "b"):
        buy(third, order)
    twice(third, lambda till: till.refund("a", amount=4000))
    buy(third, "c")
    assert (told(third, ADA), third.stands(FAY)) == ((0, 0, 0), "joined")
    twice(third, lambda till: buy(till, "d"))
    assert (told(third, ADA), third.stands(FAY)) == ((0, 500, 0), "held")


@pytest.mark.parametrize("order", ["a", "b", "c"])
def test_a_refund_of_any_of_the_three_takes_all_back(third: Counter, order: str) -> None:
    join_twice(third)
    for name in ("a", "b", "c", "d"):
        buy(third, name)
    third.refund("d")
    assert told(third, ADA) == (0, 500, 0)
    twice(third, lambda till: till.refund(order, amount=3501))
    assert (told(third, ADA), third.stands(FAY)) == ((0, 0, 0), "rejected")


PLANS = [{"id": plan, "name": plan, "price": 9900, "term": {"months": 12}} for plan in ("prime", "student")]


def bill(counter: Counter, kind: Any, plan: str = "prime", member: MemberId = FAY) -> Entry:
    event = BillingEvent(
        event_id=f"{kind}-{plan}-{member}", member_id=member, plan=plan, kind=kind, occurred_at=counter.place.clock.now()
    )
    return record_billing(event, ledger=counter.ledger, programs=counter.programs)


def test_a_first_payment_counts_and_a_trial_does_not(opened: Callable[..., Counter], clock: FakeClock) -> None:
    counter = opened(
        memberships=[{**plan, "trial_days": 30} for plan in PLANS],
        referral=terms(qualifies={"kind": "membership", "plans": ["prime"]}),
    )
    join_twice(counter)
    bill(counter, "trial_started")
    bill(counter, "started", "student")
    buy(counter)
    assert (told(counter, ADA), counter.stands(FAY)) == ((0, 0, 0), "joined")
    clock.advance(days=3)
    twice(counter, lambda till: bill(till, "started"))
    assert (told(counter, ADA), told(counter, FAY)) == ((0, 500, 0), (60, 250, 0))
    clock.advance(days=14)
    twice(counter, lambda till: bill(till, "refunded"))
    assert (told(counter, ADA), told(counter, FAY), counter.stands(FAY)) == ((0, 0, 0), (60, 0, 0), "clawed_back")


# ---- an operator's word


def test_a_flagged_referral_waits_and_is_awarded_once_it_passes(opened: Callable[..., Counter], clock: FakeClock) -> None:
    counter = flagged(opened)
    twice(counter, buy)
    assert (told(counter, ADA), counter.stands(FAY)) == ((0, 0, 0), "qualified")
    clock.advance(days=3)
    twice(counter, lambda till: till.say(FAY, Verb.PASS))
    assert (told(counter, ADA), told(counter, FAY), counter.stands(FAY)) == ((0, 500, 0), (60, 250, 0), "held")
    clock.advance(days=11)
    assert told(counter, ADA) == (500, 0, 0)
    with pytest.raises(ReferralStateError):
        counter.say(FAY, Verb.REJECT)


def test_one_that_passes_before_it_qualifies_waits_for_its_order(opened: Callable[..., Counter]) -> None:
    counter = flagged(opened)
    counter.say(FAY, Verb.PASS)
    assert told(counter, ADA) == (0, 0, 0)
    twice(counter, buy)
    assert told(counter, ADA) == (0, 500, 0)


@pytest.mark.parametrize("qualified", [True, False])
def test_a_rejected_referral_never_gives_anything(opened: Callable[..., Counter], qualified: bool) -> None:
    counter = flagged(opened)
    if qualified:
        buy(counter)
    twice(counter, lambda till: till.say(FAY, Verb.REJECT))
    buy(counter, "second")
    assert (told(counter, ADA), counter.stands(FAY)) == ((0, 0, 0), "rejected")
    assert counter.place.tally(ADA)["rejected"] == 1
    with pytest.raises(ReferralStateError):
        counter.say(FAY, Verb.PASS)


def flagged(opened: Callable[..., Counter]) -> Counter:
    """A friend joins on the device of a friend of Bob's, which an operator is to look at."""
    counter, device = opened(), Fingerprint(FingerprintKind.DEVICE, "the-same-device")
    counter.join(friend_number(0), BOB, seen_with=(device,))
    assert counter.join(FAY, ADA, seen_with=(device,)).referral == JoinedBy("joined", True)
    return counter


def test_a_refund_of_what_would_count_rejects_what_an_operator_has_not_seen(opened: Callable[..., Counter]) -> None:
    counter = flagged(opened)
    buy(counter)
    twice(counter, lambda till: till.refund("first"))
    assert counter.stands(FAY) == "rejected"
    with pytest.raises(ReferralStateError):
        counter.say(FAY, Verb.PASS)


@pytest.mark.parametrize(("day", "state"), [(13, "rejected"), (14, "clawed_back"), (200, "clawed_back")])
def test_an_operator_takes_back_what_was_given_whenever_that_was(
    counter: Counter, clock: FakeClock, day: int, state: str
) -> None:
    join_twice(counter)
    with pytest.raises(ReferralStateError):
        counter.say(FAY, Verb.VOID)
    buy(counter)
    clock.advance(days=day)
    twice(counter, lambda till: till.say(FAY, Verb.VOID))
    assert (told(counter, ADA), told(counter, FAY), counter.stands(FAY)) == ((0, 0, 0), (60, 0, 0), state)
    buy(counter, "second")
    counter.refund("first")
    assert (told(counter, ADA), told(counter, FAY), counter.stands(FAY)) == ((0, 0, 0), (60, 0, 0), state)
    with pytest.raises(ReferralStateError):
        counter.say(FAY, Verb.PASS)
    with pytest.raises(ReferralUnknownError):
        counter.say(ADA, Verb.VOID)


def test_what_looks_like_one_person_is_rejected_at_once_and_by_what_is_seen_until_it_counts(
    opened: Callable[..., Counter],
) -> None:
    counter = opened()
    counter.join(friend_number(0), BOB, email="f.ay@gmail.com")
    receipt = counter.join(FAY, ADA, email="fay+new@gmail.com")
    assert receipt.referral is not None
    assert receipt.referral.state == "rejected"
    buy(counter)
    subject = counter.ledger.entry(referral_key(FAY)).subject
    assert isinstance(subject, Referral)
    assert (subject.signs, subject.verdict, told(counter, ADA)) == (("known_person",), "reject", (0, 0, 0))


# ---- ceilings, steps and budgets


def test_a_ceiling_for_ever_pays_the_32nd_friend_and_not_the_33rd(opened: Callable[..., Counter]) -> None:
    counter = opened(**STORAGE)
    for number in range(33):
        counter.join(friend_number(number), ADA)
    join_twice(counter, friend_number(32))
    last, beyond = (counter.ledger.entry(of_advocate(award_key(friend_number(number)))) for number in (31, 32))
    assert [(share.points, share.room) for share in last.why] == [(500, 500)]
    assert [(share.points, share.room) for share in beyond.why] == [(0, 0)]
    assert isinstance(beyond.subject, Award)
    assert beyond.subject.number == 33
    assert (told(counter, ADA, "mb"), told(counter, friend_number(32), "mb")) == ((16_000, 0, 0), (500, 0, 0))


STEPS = [{"referral": 3, "points": 700}, {"referral": 4, "points": 100}]


def test_steps_go_by_the_number_of_the_friend_and_are_paid_once(opened: Callable[..., Counter]) -> None:
    counter = opened(referral=terms(advocate=[{"currency": POINTS, "points": 500, "steps": STEPS}]))

    def brings(number: int) -> int:
        counter.join(friend_number(number), ADA)
        buy(counter, f"order-{number}", friend=friend_number(number))
        award = counter.ledger.entry(of_advocate(award_key(friend_number(number))))
        assert isinstance(award.subject, Award)
        return sum(share.points for share in award.why)

    assert [brings(number) for number in range(3)] == [500, 500, 700]
    twice(counter, lambda till: till.refund("order-2"))
    assert told(counter, ADA) == (0, 1000, 0)
    # The third friend was the third, though nothing is left of it.
    assert [brings(number) for number in (3, 4)] == [100, 100]
    assert counter.ledger.view(ADA).wallet.counted(REFERRALS) == 5


def test_both_sides_use_caps_of_the_friends_day_where_servers_clocks_differ_at_midnight(
    opened: Callable[..., Counter], clock: FakeClock
) -> None:
    """The advocate's wallet has seen April already when a server on which it is still March records the order."""
    counter = opened(
        caps=[{"id": "monthly", "currency": POINTS, "scope": "member", "per": "month", "points": 800}],
        referral=terms(advocate=[{"currency": POINTS, "points": 500, "caps": ["monthly"]}]),
    )
    for number in range(3):
        counter.join(friend_number(number), ADA)
    buy(counter, "march", friend=friend_number(0))
    clock.instant = datetime(2026, 4, 1, 4, 1, tzinfo=UTC)
    counter.earn("adas", 1)
    clock.instant = datetime(2026, 4, 1, 3, 59, tzinfo=UTC)
    twice(counter, lambda till: buy(till, "midnight", friend=friend_number(1)))
    award = counter.ledger.entry(of_advocate(award_key(friend_number(1))))
    assert [share.points for share in award.why] == [300]
    clock.instant = datetime(2026, 4, 1, 4, 2, tzinfo=UTC)
    buy(counter, "april", friend=friend_number(2))
    # March's 500 can be spent by now; 300 and 500 are held.
    assert told(counter, ADA) == (501, 800, 0)
    twice(counter, lambda till: till.refund("midnight"))
    assert told(counter, ADA) == (501, 500, 0)


@pytest.fixture(params=[1, 3], ids=["one item", "three shards"])
def budgeted(request: pytest.FixtureRequest, opened: Callable[..., Counter]) -> Counter:
    """1,300 points in all, for the double points of an order and for both sides of a referral."""
    budget = {"id": "all", "currency": POINTS, "scope": "program", "points": 1300, "shards": request.param}
    double = {"id": "double", "kind": "multiplier", "currency": POINTS, "percent": 200, "caps": ["all"]}
    return opened(
        caps=[budget],
        earning_rules=[grocer.earning_rule(), double],
        referral=terms(
            advocate=[{"currency": POINTS, "points": 500, "caps": ["all"]}],
            friend=[{"currency": POINTS, "points": 250, "caps": ["all"]}],
        ),
    )


def spent(counter: Counter) -> int:
    """Points that were given of the budget."""
    shards = tuple(BudgetKey("all", None, shard) for shard in range(3))
    return sum(counter.ledger.view(ADA, Wanted(budgets=shards)).budgets.values())


def test_a_budget_is_shared_by_an_order_and_both_sides_of_what_it_qualified(budgeted: Counter) -> None:
    join_twice(budgeted)
    twice(budgeted, buy)
    assert (told(budgeted, FAY), told(budgeted, ADA), spent(budgeted)) == ((120, 250, 0), (0, 500, 0), 810)
    budgeted.join(friend_number(1), ADA)
    twice(budgeted, lambda till: buy(till, "second", friend=friend_number(1)))
    # Of 490 that were left the order took 60, the advocate the rest, and nothing was left for the friend.
    assert (told(budgeted, friend_number(1)), told(budgeted, ADA)) == ((120, 0, 0), (0, 930, 0))
    assert spent(budgeted) == 1300
    twice(budgeted, lambda till: till.refund("first"))
    assert (told(budgeted, FAY), told(budgeted, ADA), spent(budgeted)) == ((0, 0, 0), (0, 430, 0), 490)
    twice(budgeted, lambda till: till.say(friend_number(1), Verb.VOID))
    assert (told(budgeted, ADA), spent(budgeted)) == ((0, 0, 0), 60)


# ---- members who left


def test_an_advocate_who_was_merged_before_the_order_leaves_the_award_to_whoever_took_over(counter: Counter) -> None:
    join_twice(counter)
    counter.leave(ADA, BOB)
    counter.leave(BOB, CAT)
    twice(counter, buy)
    assert (told(counter, CAT), told(counter, FAY)) == ((0, 500, 0), (60, 250, 0))
    assert counter.place.tally(ADA)["given:advocate:points"] == 500
    twice(counter, lambda till: till.refund("first", amount=4000))
    assert (told(counter, CAT), told(counter, FAY)) == ((0, 0, 0), (20, 0, 0))


def test_an_advocate_who_was_merged_after_the_award_has_it_taken_back_where_it_went(counter: Counter, clock: FakeClock) -> None:
    join_twice(counter)
    buy(counter)
    counter.leave(ADA, BOB)
    clock.advance(days=14)
    counter.leave(BOB, CAT)
    assert told(counter, CAT) == (500, 0, 0)
    twice(counter, lambda till: till.refund("first"))
    assert (told(counter, CAT), told(counter, BOB), told(counter, ADA)) == ((0, 0, 0), (0, 0, 0), (0, 0, 0))
    # The number is handed over and stays.
    counter.join(friend_number(1), CAT)
    buy(counter, "next", friend=friend_number(1))
    award = counter.ledger.entry(of_advocate(award_key(friend_number(1)))).subject
    assert isinstance(award, Award)
    assert award.number == 2


def test_a_friend_who_was_merged_into_the_advocate_gives_both_sides_back_from_one_wallet(
    counter: Counter, clock: FakeClock
) -> None:
    join_twice(counter)
    buy(counter)
    clock.advance(days=14)
    counter.leave(FAY, ADA)
    assert told(counter, ADA) == (810, 0, 0)
    refunded = twice(counter, lambda till: till.refund("first", amount=4000))
    assert isinstance(refunded.subject, Refund)
    assert (told(counter, ADA), counter.stands(FAY)) == ((20, 0, 0), "clawed_back")
    posted = [entry.kind.value for entry in counter.entries(ADA)]
    assert posted == ["award", "arrival", "arrival", "clawback"]


def test_a_friend_who_was_merged_into_the_advocate_before_it_counted_brings_nothing(counter: Counter) -> None:
    join_twice(counter)
    buy(counter, "small", 1000)
    counter.leave(FAY, ADA)
    assert counter.stands(FAY) == "rejected"
    buy(counter, "adas", friend=ADA)
    assert told(counter, ADA) == (70, 0, 0)


def test_an_advocate_who_was_merged_into_the_friend_has_brought_themselves_and_gets_nothing(counter: Counter) -> None:
    join_twice(counter)
    counter.leave(ADA, FAY)
    twice(counter, buy)
    assert told(counter, FAY) == (60, 0, 0)
    twice(counter, lambda till: till.refund("first"))
    assert told(counter, FAY) == (0, 0, 0)


def test_an_advocate_who_was_merged_into_the_friend_after_the_award_has_both_parts_taken_back(counter: Counter) -> None:
    join_twice(counter)
    buy(counter)
    counter.leave(ADA, FAY)
    assert told(counter, FAY) == (60, 750, 0)
    twice(counter, lambda till: till.refund("first", amount=4000))
    assert told(counter, FAY) == (20, 0, 0)


def test_an_advocate_who_left_before_the_order_gets_nothing_and_the_friend_does(counter: Counter) -> None:
    join_twice(counter)
    counter.leave(ADA)
    twice(counter, buy)
    assert (told(counter, ADA), told(counter, FAY)) == ((0, 0, 0), (60, 250, 0))
    twice(counter, lambda till: till.refund("first"))
    assert told(counter, FAY) == (0, 0, 0)


def test_an_advocate_who_left_after_the_award_is_corrected_all_the_same(counter: Counter) -> None:
    join_twice(counter)
    buy(counter)
    counter.leave(ADA)
    twice(counter, lambda till: till.refund("first"))
    assert (told(counter, ADA), told(counter, FAY)) == ((0, 0, 0), (0, 0, 0))
    assert counter.ledger.entry(of_advocate(clawback_key(FAY))).member == ADA


def test_a_friend_who_leaves_before_it_counts_is_rejected_and_after_it_what_was_given_stays(counter: Counter) -> None:
    join_twice(counter)
    join_twice(counter, friend_number(1))
    buy(counter)
    for friend in (FAY, friend_number(1)):
        counter.leave(friend)
    assert (counter.stands(FAY), counter.stands(friend_number(1))) == ("held", "rejected")
    assert told(counter, ADA) == (0, 500, 0)
    assert counter.place.tally(ADA)["rejected"] == 1
    twice(counter, lambda till: till.refund("first"))
    assert (told(counter, ADA), told(counter, FAY)) == ((0, 0, 0), (0, 0, 0))


def test_nobody_is_brought_by_a_member_who_left(counter: Counter) -> None:
    counter.leave(ADA)
    join_twice(counter)
    assert counter.stands(FAY) == "rejected"
    subject = counter.ledger.entry(referral_key(FAY)).subject
    assert isinstance(subject, Referral)
    assert subject.signs == ("advocate_left",)


def test_a_campaigns_code_gives_the_friend_alone_what_the_campaign_promises(opened: Callable[..., Counter]) -> None:
    campaign = {"id": "spring", "qualifies": TERMS["qualifies"], "hold_days": 3, "friend": [{"currency": POINTS, "points": 40}]}
    ended = {**campaign, "id": "winter", "ends_at": "2026-03-01T00:00:00Z"}
    counter = opened(referral=terms(campaigns=[campaign, ended]))
    counter.join(FAY, campaign="spring")
    counter.join(friend_number(1), campaign="winter")
    for friend in (FAY, friend_number(1)):
        twice(counter, lambda till, one=friend: buy(till, f"order-{one}", friend=one))  # type: ignore[misc]
    assert (told(counter, FAY), told(counter, friend_number(1))) == ((60, 40, 0), (60, 0, 0))
    assert counter.place.tally("spring")["given:friend:points"] == 40
    twice(counter, lambda till: till.refund(f"order-{FAY}"))
    assert told(counter, FAY) == (0, 0, 0)


def test_points_of_a_referral_live_from_the_day_they_are_given(counter: Counter, clock: FakeClock) -> None:
    join_twice(counter)
    buy(counter)
    given_on = counter.day
    assert counter.purse(ADA).lots == (Lot(1, 500, given_on + days(14), given_on + timedelta(days=365)),)
    clock.advance(days=365)
    assert told(counter, ADA) == (0, 0, 0)
