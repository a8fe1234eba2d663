"""The proof finds what a campaign could not have given: each promise is broken once here, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.alarm import Alarm
from shared.domain.audit import audit
from shared.domain.boost import Boost
from shared.domain.cap import BudgetKey
from shared.domain.counts import Count
from shared.domain.effect import Correction, Recount, Spend
from shared.domain.entry import Entry, EntryKey, Share
from shared.domain.grant_audit import BOOKED, COUNTED, DUE, GIVES, USED, WINS, WITHIN
from shared.domain.grant_books import AWAKE, BROUGHT, GIFT
from shared.domain.points import Account
from shared.domain.subject import Grant
from shared.domain.tallies import Tallies
from shared.domain.wallet import Wallet
from tests.unit.books import day, noon, reward
from tests.unit.crowd import Crowd, campaign, member_id, program

DAILY = {"kind": "recurrence", "every": "day", "at": "12:00"}
TRIPLE = {"kind": "multiplier", "currency": "points", "percent": 300, "days": 10}
POT = {"id": "pot", "currency": "points", "scope": "program", "points": 1000}
MONTH = {"id": "month", "currency": "points", "scope": "member", "per": "month", "points": 100}
CAMPAIGNS = [
    campaign("birthday", {"kind": "birthday"}, 100),
    campaign("yearly", {"kind": "anniversary"}, 10),
    campaign("silence", {"kind": "silence", "days": 20}, template="miss_you"),
    campaign("points", DAILY, caps=["pot", "month"], grants_max=5),
    campaign("mug", DAILY, {"kind": "reward", "reward": "mug"}),
    campaign("card", DAILY, {"kind": "gift_card", "amount": 500}),
    campaign("note", DAILY, {"kind": "message"}, template="note"),
    campaign("triple", DAILY, TRIPLE),
    campaign("luck", {**DAILY, "draw": {"seed": "s", "chance": {"win": 1, "of": 1}}}),
    campaign("third", {"kind": "purchase_number", "number": 3}, 30, caps=["pot"], grants_max=5),
    campaign("thirds", {"kind": "purchase_number", "every": 3}, {**TRIPLE, "percent": 200}),
    campaign("chance", {"kind": "purchase", "chance": {"win": 1, "of": 1}, "seed": "s", "amount_min": 3000}, 7),
]
FREQUENCY = [{"per": "day", "count": 20}, {"per": "month", "count": 100}]
PROGRAM = program(*CAMPAIGNS, caps=[POT, MONTH], frequency_caps=FREQUENCY, messages={"points_expiring_days": [7]})
ANN = member_id("ann")


@pytest.fixture(scope="module")
def crowd() -> Crowd:
    """Ann is given something by every campaign, uses a multiplier, and has an order refunded that brought three things."""
    crowd = Crowd([PROGRAM], rewards=[reward("mug", 10, lapses=None)])
    crowd.enrol("ann", noon(-30), birth_date=day(1).replace(year=1990))
    crowd.start()
    crowd.tick()
    crowd.goes_on(days=1)
    crowd.tick()
    for id in ("points", "mug", "card", "note", "triple", "luck"):
        assert crowd.gives("ann", id) == "granted"
    for order, amount in (("a", 1000), ("b", 1000), ("c", 5000)):
        crowd.buys("ann", order, amount)
    crowd.refunds("c", 1000)
    crowd.refunds("c", 2000)
    crowd.refunds("c")
    crowd.adjusts("ann", 25, gone_in=4)
    crowd.tick()
    crowd.goes_on(days=10)
    crowd.tick()
    crowd.buys("ann", "d", 500)
    for wait in (325, 31):
        crowd.goes_on(days=wait)
        crowd.tick()
    return crowd


def grant(id: str, period: str | None = None) -> str:
    """The key of a grant of the first day."""
    return f"grant:{id}:{period or day(1).isoformat()}:{ANN}"


def of_order(crowd: Crowd, id: str) -> str:
    """The key of the grant that a campaign gave with the order c."""
    [key] = [key for key in crowd.ledger.entry(EntryKey("purchase:c")).effect.gave if f":{id}:" in key]
    return key


def test_honest_books_have_no_break_and_hold_everything(crowd: Crowd) -> None:
    assert crowd.breaks() == []
    assert {found.campaign for found in crowd.grants("ann")} == {one["id"] for one in CAMPAIGNS}
    kinds = {entry.kind.value for entry in crowd.entries("ann")}
    assert {"grant", "redemption", "purchase", "refund", "notice", "sweep"} <= kinds
    assert any(count.amount < 0 for entry in crowd.entries("ann") for count in entry.effect.counts)


def tampered(crowd: Crowd, key: str, change: Callable[[Entry], Entry]) -> set[str]:
    """The promises that are found broken after one entry was changed."""
    entries = [change(entry) if entry.key == key else entry for entry in crowd.entries("ann")]
    assert entries != crowd.entries("ann")
    return {found.promise for found in audit(crowd.ledger.wallets[ANN], entries, crowd.versions)}


def telling(**changes: Any) -> Callable[[Entry], Entry]:
    """The entry with something else told of what it is about."""

    def change(entry: Entry) -> Entry:
        assert entry.subject is not None
        return replace(entry, subject=replace(entry.subject, **changes))

    return change


def doing(**changes: Any) -> Callable[[Entry], Entry]:
    """The entry with another effect."""
    return lambda entry: replace(entry, told=replace(entry.effect, **changes))


def counting(*more: Count, drop: str = "-") -> Callable[[Entry], Entry]:
    """The entry with more counted, and nothing whose name begins so."""

    def change(entry: Entry) -> Entry:
        counts = tuple(count for count in entry.effect.counts if not count.name.startswith(drop))
        return replace(entry, told=replace(entry.effect, counts=(*counts, *more)))

    return change


def sharing(**changes: Any) -> Callable[[Entry], Entry]:
    """The entry with another first reason."""
    return lambda entry: replace(entry, why=(replace(entry.why[0], **changes), *entry.why[1:]))


# What is given


@pytest.mark.parametrize(
    ("key", "change"),
    [
        (grant("points"), telling(points=51)),
        (grant("points"), telling(currency="stars")),
        (grant("points"), telling(version=2)),
        (grant("points"), telling(campaign="luck")),
        (grant("points"), telling(trigger="silence")),
        (grant("points"), telling(bonus="message")),
        (grant("points"), telling(template="note")),
        (grant("points"), telling(code="ABC")),
        (grant("points"), sharing(points=49)),
        (grant("points"), sharing(rule="base")),
        (grant("points"), sharing(room=None)),
        (grant("points"), sharing(room=49)),
        (grant("luck"), sharing(room=100)),
        (grant("points"), lambda entry: replace(entry, why=())),
        (grant("note"), lambda entry: replace(entry, why=(Share("grant:note", 1, "points", 1),))),
        (grant("points"), lambda entry: replace(entry, request_hash=b"another")),
        (grant("points"), lambda entry: replace(entry, names=EntryKey("purchase:a"))),
        (grant("points"), lambda entry: replace(entry, subject=None)),
        (grant("triple"), telling(percent=400)),
        (grant("triple"), telling(until=day(99))),
        (grant("mug"), telling(reward="cup")),
        (grant("mug"), telling(redemption=None)),
        (grant("card"), telling(amount=501)),
        (grant("card"), telling(money="EUR")),
        (grant("card"), telling(gift_card=None)),
        (grant("note"), telling(template=None)),
    ],
)
def test_a_bonus_that_its_document_does_not_say_is_found(crowd: Crowd, key: str, change: Callable[[Entry], Entry]) -> None:
    assert GIVES in tampered(crowd, key, change)


def test_points_with_other_dates_than_those_of_the_day_are_found(crowd: Crowd) -> None:
    def later(entry: Entry) -> Entry:
        [credit] = entry.effect.credits
        return replace(entry, told=replace(entry.effect, credits=(replace(credit, gone_on=day(999)),)))

    assert GIVES in tampered(crowd, grant("points"), later)


def test_a_grant_to_somebody_in_the_hold_out_or_of_no_campaign_is_found(crowd: Crowd) -> None:
    out = [{**one, "hold_out_percent": 50} for one in CAMPAIGNS]
    there = program(*out, caps=[POT, MONTH], frequency_caps=FREQUENCY)
    found = [b for b in audit(crowd.ledger.wallets[ANN], crowd.entries("ann"), [there]) if b.promise == GIVES]
    assert found
    assert all("hold-out" in one.found for one in found)
    none = program(caps=[POT, MONTH])
    where = {b.where for b in audit(crowd.ledger.wallets[ANN], crowd.entries("ann"), [none]) if b.promise == GIVES}
    assert where == {entry.key for entry in crowd.entries("ann") if isinstance(entry.subject, Grant)}


# When


@pytest.mark.parametrize(
    ("key", "change"),
    [
        (grant("points"), telling(due_at=noon(1) + timedelta(minutes=1))),
        (grant("points"), telling(due_at=noon(0))),
        (grant("points"), telling(due_at=noon(2))),
        (grant("birthday", "2026"), telling(due_at=noon(3))),
        (grant("birthday", "2026"), counting(Count("gifted:birthday", day(400), 1), drop="gifted")),
        (grant("yearly", "2027"), counting(Count("gifted:yearly", day(330), 1), drop="gifted")),
        (grant("silence", noon(-30).date().isoformat()), telling(due_at=noon(-10))),
    ],
)
def test_a_moment_that_the_campaign_does_not_have_is_found(crowd: Crowd, key: str, change: Callable[[Entry], Entry]) -> None:
    assert DUE in tampered(crowd, key, change)


def test_a_bonus_before_it_was_due_is_found(crowd: Crowd) -> None:
    early = lambda entry: replace(entry, recorded_at=entry.recorded_at - timedelta(days=1))  # noqa: E731
    assert DUE in tampered(crowd, grant("points"), early)


def test_a_bonus_of_an_order_from_a_till_whose_clock_is_ahead_is_none_too_early() -> None:
    crowd = Crowd([PROGRAM])
    crowd.enrol("ann", noon(-30))
    crowd.start()
    bought = crowd.buys("ann", "soon", 5_000, at=crowd.clock.now() + timedelta(minutes=4))
    assert len(bought.effect.gave) == 1
    assert crowd.breaks() == []


def test_a_second_gift_too_soon_after_the_first_is_found(crowd: Crowd) -> None:
    """A birthday that was given for, then one in the next January: the first is said to have been 299 days before."""
    second = next(found for found in crowd.grants("ann") if (found.campaign, found.period) == ("birthday", "2027"))
    soon = counting(Count("gifted:birthday", day(366 - 300), 1), drop="gifted")
    assert DUE in tampered(crowd, grant("birthday", "2026"), soon)
    assert second.points == 100


# A draw


@pytest.mark.parametrize("ticket", [None, "0000000000000000", "ffffffffffffffff"])
def test_a_ticket_that_is_not_the_hash_of_the_words_is_found(crowd: Crowd, ticket: str | None) -> None:
    assert WINS in tampered(crowd, grant("luck"), telling(ticket=ticket))
    assert WINS in tampered(crowd, of_order(crowd, "chance"), telling(ticket=ticket))


def test_a_ticket_where_nothing_is_drawn_is_found(crowd: Crowd) -> None:
    assert WINS in tampered(crowd, grant("points"), telling(ticket="0000000000000000"))


def test_a_winner_whose_ticket_loses_is_found(crowd: Crowd) -> None:
    never = {"seed": "s", "chance": {"win": 1, "of": 10**9}}
    other = [{**one, "trigger": {**DAILY, "draw": never}} if one["id"] == "luck" else one for one in CAMPAIGNS]
    there = program(*other, caps=[POT, MONTH], frequency_caps=FREQUENCY)
    found = [b for b in audit(crowd.ledger.wallets[ANN], crowd.entries("ann"), [there]) if b.promise == WINS]
    assert [one.where for one in found] == [grant("luck")]


# What is counted


@pytest.mark.parametrize(
    ("key", "change"),
    [
        (grant("points"), counting(drop="limit:#campaigns:day")),
        (grant("points"), counting(Count("limit:#campaigns:day", day(1), 1))),
        (grant("points"), counting(Count("limit:#campaigns:week", day(0), 1))),
        (grant("points"), counting(drop="cap:")),
        (grant("points"), counting(Count("gifted:points", day(1), 1))),
        (grant("points"), counting(Count("orders", None, 1))),
        (grant("birthday", "2026"), counting(drop="gifted:")),
        (grant("birthday", "2026"), counting(Count("gifted:yearly", day(1), 1), drop="gifted:")),
        (grant("triple"), counting(drop="boost:")),
        (grant("triple"), counting(Boost("triple", "points", 300, day(1), day(10)).count(1))),
    ],
)
def test_a_grant_that_counts_otherwise_than_it_gave_is_found(crowd: Crowd, key: str, change: Callable[[Entry], Entry]) -> None:
    assert COUNTED in tampered(crowd, key, change)


def test_bonuses_beyond_a_frequency_cap_are_found_though_all_of_them_say_the_same(crowd: Crowd) -> None:
    """Here the books are honest, and the program is not the one that was in force."""
    few = [{"per": "day", "count": 3}, {"per": "month", "count": 100}]
    there = program(*CAMPAIGNS, caps=[POT, MONTH], frequency_caps=few)
    assert WITHIN in {b.promise for b in audit(crowd.ledger.wallets[ANN], crowd.entries("ann"), [there])}
    free = [{**one, "frequency_capped": False} for one in CAMPAIGNS]
    there = program(*free, caps=[POT, MONTH], frequency_caps=few)
    assert WITHIN not in {b.promise for b in audit(crowd.ledger.wallets[ANN], crowd.entries("ann"), [there])}


def test_points_beyond_a_members_cap_are_found(crowd: Crowd) -> None:
    there = program(*CAMPAIGNS, caps=[POT, {**MONTH, "points": 49}], frequency_caps=FREQUENCY)
    found = {b.promise for b in audit(crowd.ledger.wallets[ANN], crowd.entries("ann"), [there])}
    assert "no cap or limit of a member is exceeded" in found


# Multipliers


def used(crowd: Crowd) -> Count:
    """The multiplier that the first order used."""
    [count] = [count for count in crowd.ledger.entry(EntryKey("purchase:a")).effect.counts if count.amount < 0]
    return count


def test_a_multiplier_that_is_not_there_or_is_used_twice_is_found(crowd: Crowd) -> None:
    count = used(crowd)
    assert USED in tampered(crowd, "purchase:b", counting(count))
    assert USED in tampered(crowd, "purchase:a", counting(replace(count, amount=-2), drop="boost:"))
    assert USED in tampered(crowd, "purchase:a", counting(drop="boost:"))
    assert USED in tampered(crowd, grant("note"), counting(count))


def test_a_multiplier_of_another_day_or_campaign_is_found(crowd: Crowd) -> None:
    for other in (Boost("triple", "points", 300, day(2), day(11)), Boost("thirds", "points", 200, day(1), day(10))):
        assert USED in tampered(crowd, "purchase:a", counting(other.count(-1), drop="boost:"))


def test_a_share_of_a_multiplier_that_no_campaign_gives_is_found(crowd: Crowd) -> None:
    def another(entry: Entry) -> Entry:
        why = tuple(replace(one, rule="boost:triple:500") if one.rule.startswith("boost:") else one for one in entry.why)
        return replace(entry, why=why)

    assert "rules give what their program version says" in tampered(crowd, "purchase:a", another)


# Orders and their refunds


def test_an_order_that_names_other_bonuses_than_it_brought_is_found(crowd: Crowd) -> None:
    assert BROUGHT in tampered(crowd, "purchase:c", doing(gave=()))
    assert BROUGHT in tampered(crowd, "purchase:a", doing(gave=(grant("points"),)))
    moved = telling(cause="purchase:b")
    assert BROUGHT in tampered(crowd, of_order(crowd, "third"), lambda e: replace(moved(e), names=EntryKey("purchase:b")))
    gone = telling(cause=None)
    assert BROUGHT in tampered(crowd, of_order(crowd, "third"), lambda entry: replace(gone(entry), names=None))


def test_a_bonus_of_an_order_of_another_number_is_found(crowd: Crowd) -> None:
    other = [{**one, "trigger": {"kind": "purchase_number", "number": 2}} if one["id"] == "third" else one for one in CAMPAIGNS]
    there = program(*other, caps=[POT, MONTH], frequency_caps=FREQUENCY)
    found = [b.where for b in audit(crowd.ledger.wallets[ANN], crowd.entries("ann"), [there]) if b.promise == DUE]
    assert found == [of_order(crowd, "third")]


def test_a_refund_takes_back_what_falls_below_its_least_and_no_sooner(crowd: Crowd) -> None:
    """5000, then 4000, then 2000 of which 3000 were asked for by one campaign, then nothing."""
    taken = {
        number: [share.rule for share in crowd.ledger.entry(EntryKey(f"refund:c:{number}")).why if "grant" in share.rule]
        for number in (1, 2, 3)
    }
    assert taken == {1: [], 2: ["grant:chance"], 3: ["grant:third"]}


def _without(kind: str) -> Callable[[Entry], Entry]:
    def change(entry: Entry) -> Entry:
        if kind == "why":
            return replace(entry, why=tuple(share for share in entry.why if not share.rule.startswith("grant:")))
        kept = getattr(entry.effect, kind)[:1]
        return replace(entry, told=replace(entry.effect, **{kind: kept}))

    return change


@pytest.mark.parametrize("kind", ["why", "corrections", "recounts"])
def test_a_refund_that_takes_back_less_than_what_came_along_is_found(crowd: Crowd, kind: str) -> None:
    assert BROUGHT in tampered(crowd, "refund:c:3", _without(kind))


def test_a_refund_that_takes_back_what_stays_or_leaves_a_part_is_found(crowd: Crowd) -> None:
    third = crowd.ledger.entry(EntryKey(of_order(crowd, "third")))
    effect = crowd.ledger.entry(EntryKey("refund:c:1")).effect
    more = doing(recounts=(*effect.recounts, Recount(third.sequence, ())))
    assert BROUGHT in tampered(crowd, "refund:c:1", more)
    more = doing(corrections=(*effect.corrections, Correction(third.sequence, "points", 0)))
    assert BROUGHT in tampered(crowd, "refund:c:1", more)

    def part(entry: Entry) -> Entry:
        corrections = tuple(
            replace(one, points=one.points + (one.sequence == third.sequence)) for one in entry.effect.corrections
        )
        return replace(entry, told=replace(entry.effect, corrections=corrections))

    assert BROUGHT in tampered(crowd, "refund:c:3", part)


def test_a_refund_that_takes_back_a_multiplier_that_was_used_or_leaves_one_that_was_not_is_found(crowd: Crowd) -> None:
    thirds = crowd.ledger.entry(EntryKey(of_order(crowd, "thirds")))
    effect = crowd.ledger.entry(EntryKey("refund:c:3")).effect
    assert thirds.sequence in {recount.sequence for recount in effect.recounts}
    kept = tuple(recount for recount in effect.recounts if recount.sequence != thirds.sequence)
    assert BROUGHT in tampered(crowd, "refund:c:3", doing(recounts=kept))
    held = tuple(
        replace(one, counts=thirds.effect.counts) if one.sequence == thirds.sequence else one for one in effect.recounts
    )
    assert BROUGHT in tampered(crowd, "refund:c:3", doing(recounts=held))


# Gifts


def test_a_gift_that_costs_something_or_has_no_grant_is_found(crowd: Crowd) -> None:
    key = f"gift:mug:{day(1).isoformat()}:{ANN}"
    assert GIFT in tampered(crowd, key, telling(points=10))
    assert GIFT in tampered(crowd, key, doing(spends=(Spend("points", 10),)))
    assert GIFT in tampered(crowd, key, doing(spends=(Spend("points", 0, reward="mug", claims=(None,)),)))
    assert GIFT in tampered(crowd, key, telling(reward="cup"))
    assert GIFT in tampered(crowd, key, lambda entry: replace(entry, names=EntryKey(grant("card"))))
    assert GIFT in tampered(crowd, key, lambda entry: replace(entry, names=None))
    assert GIFT in tampered(crowd, grant("mug"), telling(redemption=f"gift:mug:{day(2).isoformat()}:{ANN}"))


# What dates made due


def test_a_notice_of_other_points_or_another_day_is_found(crowd: Crowd) -> None:
    key = next(entry.key for entry in crowd.entries("ann") if entry.key.startswith("notice:"))
    for change in (telling(points=24), telling(on=day(6)), telling(days=6), telling(currency="stars"), counting(drop="")):
        assert tampered(crowd, key, change) & {BOOKED}
    assert BOOKED in tampered(crowd, key, lambda entry: replace(entry, subject=None))


def test_a_sweep_that_books_nothing_or_gives_something_is_found(crowd: Crowd) -> None:
    key = next(entry.key for entry in crowd.entries("ann") if entry.key.startswith("sweep:"))
    assert BOOKED in tampered(crowd, key, lambda entry: replace(entry, postings=()))
    assert BOOKED in tampered(crowd, key, counting(Count("orders", None, 1)))
    assert BOOKED in tampered(crowd, key, lambda entry: replace(entry, subject=None))


def rings(crowd: Crowd, alarm: Alarm, **changes: Any) -> set[str]:
    """The promises that are broken where the wallet's alarm is another."""
    wallet: Wallet = replace(crowd.ledger.wallets[ANN], alarm=alarm, **changes)
    return {found.promise for found in audit(wallet, crowd.entries("ann"), crowd.versions)}


def test_an_alarm_that_rings_late_or_never_is_found(crowd: Crowd) -> None:
    honest = crowd.ledger.wallets[ANN].alarm
    assert rings(crowd, honest) == set()
    assert honest.at is not None
    assert rings(crowd, replace(honest, at=honest.at - timedelta(days=9))) == set()
    assert rings(crowd, replace(honest, at=None)) == {AWAKE}
    assert rings(crowd, replace(honest, at=honest.at + timedelta(days=500))) == {AWAKE}


def test_an_alarm_of_somebody_who_left_is_found() -> None:
    crowd = Crowd([PROGRAM])
    crowd.enrol("bob", noon(-30))
    crowd.buys("bob", "a", 1000)
    crowd.leaves("bob")
    wallet = replace(crowd.ledger.wallets[member_id("bob")], alarm=Alarm(noon(3)))
    assert {found.promise for found in audit(wallet, crowd.entries("bob"), crowd.versions)} == {AWAKE}


# What is counted beside the ledger


def tallies(crowd: Crowd) -> Tallies:
    """What the entries come to."""
    return Tallies.of([crowd.entries("ann")], crowd.versions)


def test_budgets_of_campaigns_count_bonuses_and_give_back_what_a_refund_took(crowd: Crowd) -> None:
    found = tallies(crowd)
    assert {key.cap: count for key, count in found.drawn.items() if count} == {"grants:points": 1, "pot": 50}
    for spent in (-1, 0, 2):
        assert found.budget_break(BudgetKey("grants:points", None), spent)
    assert found.budget_break(BudgetKey("grants:third", None), 1)
    assert found.budget_break(BudgetKey("pot", None), 80)
    assert found.budget_break(BudgetKey("winners:luck:once", None), 1)


def test_more_bonuses_than_there_are_is_found(crowd: Crowd) -> None:
    """Eleven members' books that are honest, of a campaign of which there are five."""
    books = [crowd.entries("ann")] * 6
    found = Tallies.of(books, crowd.versions)
    broken = found.budget_break(BudgetKey("grants:points", None), 6)
    assert broken is not None
    assert "the limit is 5" in broken.found


def test_counters_of_a_campaign_are_held_to_the_entries(crowd: Crowd) -> None:
    found = tallies(crowd)
    place = ("points", day(1).isoformat())
    assert found.campaign_break(*place, {"granted": 1, "points:points": 50}) is None
    for told in (
        {},
        {"granted": 2, "points:points": 50},
        {"granted": 1},
        {"granted": 1, "points:points": 50, "multipliers": 1},
    ):
        assert found.campaign_break(*place, told)
    back = {"granted": 1, "points:points": 30, "taken_back": 1, "points_back:points": 30}
    assert found.campaign_break("third", "ever", back) is None
    assert found.campaign_break("third", "ever", {**back, "taken_back": 0})
    found.pass_over("points", day(1).isoformat(), "budget")
    assert found.campaign_break(*place, {"granted": 1, "points:points": 50})
    assert found.campaign_break(*place, {"granted": 1, "points:points": 50, "passed:budget": 1}) is None


# Each by itself


def broken(crowd: Crowd, entries: list[Entry], versions: Any = None, wallet: Wallet | None = None) -> list[tuple[str, str]]:
    """The promises that are broken, and where."""
    found = audit(wallet or crowd.ledger.wallets[ANN], entries, versions or crowd.versions)
    return [(one.promise, one.where) for one in found]


def test_a_bonus_after_its_member_left_is_found(crowd: Crowd) -> None:
    entries = crowd.entries("ann")
    first = next(number for number, entry in enumerate(entries) if isinstance(entry.subject, Grant))
    left = replace(entries[first], told=replace(entries[first].effect, empties=Account.EXPIRED))
    found = broken(crowd, [*entries[:first], left, *entries[first + 1 :]])
    later = [entry.key for entry in entries[first + 1 :] if isinstance(entry.subject, Grant)]
    assert set(later) <= {where for promise, where in found if promise == GIVES}


def test_a_multiplier_that_something_else_than_an_order_uses_is_found(crowd: Crowd) -> None:
    found = broken(crowd, [counting(used(crowd))(e) if e.key == "refund:c:1" else e for e in crowd.entries("ann")])
    assert (USED, "refund:c:1") in found


@pytest.mark.parametrize("days_later", [-1, 10])
def test_a_multiplier_used_by_an_order_of_another_day_is_found(crowd: Crowd, days_later: int) -> None:
    def later(entry: Entry) -> Entry:
        return replace(entry, occurred_at=entry.occurred_at + timedelta(days=days_later))

    found = broken(crowd, [later(entry) if entry.key == "purchase:a" else entry for entry in crowd.entries("ann")])
    assert (USED, "purchase:a") in found


def test_a_multiplier_that_is_used_though_there_is_a_better_one_is_found() -> None:
    better = {**TRIPLE, "percent": 400}
    shop = Crowd([program(campaign("triple", DAILY, TRIPLE), campaign("more", DAILY, better))])
    shop.enrol("ann", noon(-30))
    shop.start()
    shop.goes_on(days=1)
    assert [shop.gives("ann", id) for id in ("triple", "more")] == ["granted", "granted"]
    shop.buys("ann", "a", 1000)
    assert shop.breaks() == []

    def worse(entry: Entry) -> Entry:
        why = tuple(replace(share, rule=share.rule.replace("more:400", "triple:300")) for share in entry.why)
        count = Boost("triple", "points", 300, day(1), day(10)).count(-1)
        return replace(entry, why=why, told=replace(entry.effect, counts=(*entry.effect.counts[:-1], count)))

    entries = [worse(entry) if entry.key == "purchase:a" else entry for entry in shop.entries("ann")]
    assert (USED, "purchase:a") in broken(shop, entries)


def test_a_bonus_that_came_with_an_order_that_is_not_there_is_found(crowd: Crowd) -> None:
    key = of_order(crowd, "third")
    moved = telling(cause="purchase:nobodys")
    entries = [replace(moved(e), names=EntryKey("purchase:nobodys")) if e.key == key else e for e in crowd.entries("ann")]
    assert (BROUGHT, key) in broken(crowd, entries)


def test_a_reward_that_was_given_and_is_not_there_is_found(crowd: Crowd) -> None:
    entries = [entry for entry in crowd.entries("ann") if not entry.key.startswith("gift:")]
    assert (GIFT, grant("mug")) in broken(crowd, entries)


def test_as_many_win_as_were_promised_and_no_more() -> None:
    draw = {"kind": "date", "at": "2026-06-02T12:00", "draw": {"seed": "s", "winners": 2}}
    shop = Crowd([program(campaign("raffle", draw))])
    names = ["ann", "bob", "cat"]
    for name in names:
        shop.enrol(name, noon(-30))
    shop.start()
    shop.goes_on(days=1)
    assert [shop.gives(name, "raffle", winners=2) for name in names] == ["granted", "granted", "budget"]
    assert shop.breaks() == []
    place = BudgetKey("winners:raffle:once", None)
    found = Tallies.of([shop.entries(name) for name in names], shop.versions)
    assert found.budget_break(place, 2) is None
    assert found.budget_break(place, 1) is not None
    twice = Tallies.of([shop.entries(name) for name in (*names, *names)], shop.versions)
    assert "the limit is 2" in twice.budget_break(place, 4).found  # type: ignore[union-attr]


def test_each_date_of_a_wallet_has_its_alarm() -> None:
    """What matures, what is told ahead, what is gone, what lapses: an alarm a quarter of an hour late for each is found."""
    currency = {"code": "points", "pending_days": 2, "expiry": {"after": 40, "rounded_to": "day"}}
    ahead = {"points_expiring_days": [7]}
    shop = Crowd([program(currencies=[currency], messages=ahead)], rewards=[reward("mug", 1, lapses=9)])
    shop.enrol("ann", noon(-30))
    shop.tick()

    def next_is(on: int) -> None:
        [member] = shop.ledger.wallets
        wallet, start = shop.ledger.wallets[member], noon(on) - timedelta(hours=12)
        assert wallet.alarm.at == start
        late = replace(wallet, alarm=replace(wallet.alarm, at=start + timedelta(minutes=15)))
        assert [found.promise for found in audit(late, shop.entries("ann"), shop.versions)][:1] == [AWAKE]
        assert shop.breaks() == []

    shop.buys("ann", "a", 1000)
    next_is(2)
    shop.goes_on(days=2)
    shop.tick()
    next_is(33)
    shop.redeems("ann", "one")
    next_is(11)
    shop.goes_on(days=9)
    shop.tick()
    next_is(33)
    shop.goes_on(days=22)
    shop.tick()
    next_is(40)
    shop.goes_on(days=7)
    shop.tick()
    assert shop.ledger.wallets[ANN].alarm.at is None
    assert shop.breaks() == []
