"""A campaign's bonus: within audience, hold-out, frequency and budget, whole or not at all; and rewards that are given."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from shared.domain.control import Act
from shared.domain.drawing import held_out, ticket, ticket_text
from shared.domain.entry import EntryKey, gift_key
from shared.domain.errors import RefusedError
from shared.domain.stock import Stock
from shared.domain.subject import Redemption
from tests.unit.books import day, noon, redemption, reward
from tests.unit.crowd import Crowd, campaign, member_id, program

EXAMPLES = int(os.environ.get("LAUREL_EXAMPLES", "60"))
"""Histories per promise; LAUREL_EXAMPLES asks for more."""
DAILY = {"kind": "recurrence", "every": "day", "at": "12:00"}
MUG = {"kind": "reward", "reward": "mug"}
CARD = {"kind": "gift_card", "amount": 500, "valid_days": 30}
TRIPLE = {"kind": "multiplier", "currency": "points", "percent": 300, "days": 3}
MESSAGE = {"kind": "message"}


def crowd(*campaigns: dict[str, Any], rewards: Any = (), **fields: Any) -> Crowd:
    """Ann, a day before whose first noon all campaigns were started: each comes at noon."""
    found = Crowd([program(*campaigns, **fields)], rewards=rewards)
    found.enrol("ann", noon(-30))
    found.start()
    found.goes_on(days=1)
    return found


# Whole or not at all


def test_points_have_the_dates_of_points_of_the_day() -> None:
    currencies = [{"code": "points", "pending_days": 3, "expiry": {"after": 30, "rounded_to": "day"}}]
    shop = crowd(campaign("it", DAILY), currencies=currencies)
    assert shop.gives("ann", "it") == "granted"
    [lot] = shop.ledger.wallets[member_id("ann")].purse("points").lots
    assert (lot.count, lot.spendable_from, lot.gone_on) == (50, day(4), day(31))
    assert shop.breaks() == []


@pytest.mark.parametrize("bonus", [50, TRIPLE, MUG, CARD, MESSAGE])
def test_a_bonus_is_given_once_for_its_period_whatever_it_is(bonus: Any) -> None:
    shop = crowd(campaign("it", DAILY, bonus, template="hello"), rewards=[reward("mug", 10)])
    assert [shop.gives("ann", "it") for _ in range(3)] == ["granted"] * 3
    assert len(shop.grants("ann")) == 1
    shop.goes_on(days=1)
    assert shop.gives("ann", "it") == "granted"
    assert len(shop.grants("ann")) == 2
    assert shop.campaigns.tallies("it")[day(2).isoformat()]["granted"] == 1
    assert shop.breaks() == []


def test_a_budget_gives_whole_bonuses_alone() -> None:
    pot = {"id": "pot", "currency": "points", "scope": "program", "points": 120, "shards": 3}
    shop = crowd(campaign("it", DAILY, caps=["pot"]), caps=[pot])
    names = ["ann", *(f"m{number}" for number in range(3))]
    for name in names[1:]:
        shop.enrol(name)
    assert [shop.gives(name, "it") for name in names] == ["granted", "granted", "budget", "budget"]
    assert sum(shop.ledger.budgets.values()) == 100
    assert shop.campaigns.tallies("it") == {day(1).isoformat(): {"granted": 2, "points:points": 100}}
    assert shop.breaks() == []


def test_a_members_cap_gives_the_whole_bonus_or_nothing() -> None:
    month = {"id": "month", "currency": "points", "scope": "member", "per": "month", "points": 70}
    shop = crowd(campaign("it", DAILY, caps=["month"]), caps=[month])
    assert shop.gives("ann", "it") == "granted"
    shop.goes_on(days=1)
    assert shop.gives("ann", "it") == "budget"
    shop.goes_on(days=30)
    assert shop.gives("ann", "it") == "granted"
    assert shop.breaks() == []


@pytest.mark.parametrize(("per", "again"), [("day", 1), ("week", 6), ("month", 29)])
def test_a_frequency_cap_counts_all_campaigns_of_a_calendar_period(per: str, again: int) -> None:
    """1 June 2026 is a Monday; the first bonus comes on 2 June."""
    shop = crowd(
        campaign("one", DAILY),
        campaign("two", DAILY, MESSAGE, template="x"),
        campaign("free", DAILY, frequency_capped=False),
        frequency_caps=[{"per": per, "count": 2}],
    )
    assert [shop.gives("ann", id) for id in ("free", "one", "two", "free")] == ["granted", "granted", "frequency", "granted"]
    shop.goes_on(days=again)
    assert shop.gives("ann", "two") == "granted"
    assert shop.breaks() == []


def test_a_pause_and_a_cancel_hold_from_the_next_grant_on() -> None:
    shop = crowd(campaign("it", DAILY))
    shop.act("it", Act.PAUSE)
    assert shop.gives("ann", "it") == "not_running"
    shop.act("it", Act.RESUME)
    assert shop.gives("ann", "it") == "granted"
    shop.act("it", Act.CANCEL)
    shop.goes_on(days=1)
    assert shop.gives("ann", "it") == "not_running"
    assert shop.breaks() == []


# Whom


AUDIENCES: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({"consent": "marketing"}, {}, False),
    ({"consent": "marketing"}, {"consents": ["marketing"]}, True),
    ({"consent": "marketing"}, {"consents": ["other"]}, False),
    ({"segments": ["vip"]}, {"attributes": {"vip": True}}, True),
    ({"segments": ["vip"]}, {"attributes": {"vip": False}}, False),
    ({"segments": ["vip"]}, {}, False),
    ({"attributes": {"city": ["bern", "rome"]}}, {"attributes": {"city": "rome"}}, True),
    ({"attributes": {"city": ["bern", "rome"]}}, {"attributes": {"city": "oslo"}}, False),
    ({"consent": "marketing", "segments": ["vip"]}, {"consents": ["marketing"]}, False),
    ({"enrolled_days_min": 2}, {}, False),
    ({"enrolled_days_min": 1}, {}, True),
]


@pytest.mark.parametrize(("audience", "known", "is_in"), AUDIENCES)
def test_a_campaign_is_for_its_audience(audience: dict[str, Any], known: dict[str, Any], is_in: bool) -> None:
    shop = crowd(campaign("it", DAILY, audience=audience))
    shop.enrol("bob", noon(0), **known)
    assert shop.gives("bob", "it") == ("granted" if is_in else "audience")
    # Whom it is not for is told to nobody: that is no bonus which was passed over.
    assert not shop.ledger.passed
    assert shop.breaks() == []


def test_an_audience_of_tiers_asks_for_the_tier_of_now() -> None:
    levels = [{"id": "silver", "name": "Silver", "threshold": 1}, {"id": "gold", "name": "Gold", "threshold": 2}]
    tiers = {"metric": "orders", "period": {"kind": "rolling", "days": 10}, "levels": levels}
    shop = crowd(campaign("it", DAILY, audience={"tiers": ["gold"]}), tiers=tiers)
    assert shop.gives("ann", "it") == "audience"
    for number in range(2):
        shop.buys("ann", f"o{number}", 1000)
    assert shop.gives("ann", "it") == "granted"
    shop.goes_on(days=60)
    assert shop.gives("ann", "it") == "audience"
    assert shop.breaks() == []


def test_whoever_is_held_out_is_given_nothing_for_as_long_as_the_campaign_lasts() -> None:
    shop = crowd(campaign("it", DAILY, hold_out_percent=50))
    names = [f"m{number}" for number in range(40)]
    for name in names:
        shop.enrol(name)
    for _ in range(2):
        answers = {name: shop.gives(name, "it") for name in names}
        out = {name for name in names if held_out("it", member_id(name), 50)}
        assert {name for name, answer in answers.items() if answer == "held_out"} == out
        assert 5 < len(out) < 35
        shop.goes_on(days=1)
    assert shop.breaks() == []


def test_a_chance_gives_to_those_whose_ticket_wins_and_tells_it() -> None:
    shop = crowd(campaign("it", {**DAILY, "draw": {"seed": "s", "chance": {"win": 1, "of": 4}}}))
    names = [f"m{number}" for number in range(60)]
    for name in names:
        shop.enrol(name)
    answers = Counter(shop.gives(name, "it") for name in names)
    assert set(answers) == {"granted", "lost"}
    for name in names:
        number = ticket("it", day(1).isoformat(), "s", member_id(name))
        assert [grant.ticket for grant in shop.grants(name)] == ([ticket_text(number)] if number < 2**62 else [])
    assert shop.breaks() == []


def test_whoever_left_is_given_nothing() -> None:
    shop = crowd(campaign("it", DAILY))
    shop.leaves("ann")
    assert shop.gives("ann", "it") == "closed"
    assert shop.breaks() == []


# Rewards that are given


def gifted(name: str, at: int = 1) -> EntryKey:
    """The key of the redemption that the campaign `it` gave on a day."""
    return gift_key(EntryKey(f"grant:it:{day(at).isoformat()}:{member_id(name)}"))


def test_a_gift_costs_nothing_and_ends_no_silence() -> None:
    shop = crowd(campaign("it", DAILY, MUG), rewards=[reward("mug", 1000, limits={"ever": 1})])
    for _ in range(2):
        assert shop.gives("ann", "it") == "granted"
        shop.goes_on(days=1)
    wallet = shop.ledger.wallets[member_id("ann")]
    assert (len(wallet.holds), wallet.claims, wallet.active_at) == (2, (), None)
    assert shop.points("ann") == 0
    assert shop.breaks() == []


def test_a_gift_that_is_sold_out_or_gone_gives_no_grant() -> None:
    shop = crowd(campaign("it", DAILY, MUG), rewards=[reward("mug", 10, lapses=None, stock_limited=True)])
    shop.enrol("bob")
    shop.ledger.stocks["mug"] = Stock("mug", total=1)
    assert [shop.gives(name, "it") for name in ("ann", "bob")] == ["granted", "sold_out"]
    shop.ledger.rewards = {}
    shop.goes_on(days=1)
    assert shop.gives("bob", "it") == "reward"
    assert shop.grants("bob") == []
    assert [entry.kind.value for entry in shop.entries("bob")] == []
    shop.cancels(gifted("ann"))
    assert shop.ledger.stocks["mug"].available(day(2)) == 1
    assert shop.breaks() == []


@dataclass
class Pair:
    """Ann and Bob, who do the same, but that Ann is given mugs."""

    shop: Crowd
    own: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    done: int = 0

    def both(self, what: Callable[[str], object]) -> bool:
        """Each does it, or neither can; whether they could."""
        refused = []
        for name in ("ann", "bob"):
            try:
                what(name)
            except RefusedError as error:
                refused.append(type(error))
        assert len(refused) in (0, 2)
        return not refused

    def buys(self, which: int) -> None:
        """An order."""
        self.done += 1
        self.orders.append(str(self.done))
        self.both(lambda name: self.shop.buys(name, f"{name}{self.orders[-1]}", 1000 + which))

    def redeems(self, which: int) -> None:
        """A mug for points."""
        self.done += 1
        if self.both(lambda name: self.shop.redeems(name, f"{name}{self.done}")):
            self.own.append(str(self.done))

    def ends(self, which: int, how: Callable[[EntryKey], object]) -> None:
        """A gift, or a mug of one's own, is cancelled or used."""
        gifts = [e.key for e in self.shop.entries("ann") if e.key.startswith("gift:") and isinstance(e.subject, Redemption)]
        if gifts and which % 2:
            with suppress(RefusedError):
                how(gifts[which // 2 % len(gifts)])
        elif self.own:
            one = self.own[which // 2 % len(self.own)]
            keys = {name: redemption(f"{name}{one}") for name in ("ann", "bob")}
            self.both(lambda name: how(keys[name]))

    def refunds(self, which: int) -> None:
        """A part of an order, or all of it."""
        if self.orders:
            order = self.orders[which % len(self.orders)]
            self.both(lambda name: self.shop.refunds(name + order, None if which % 3 else 300))

    def plays(self, act: str, which: int) -> None:
        """One of these."""
        match act:
            case "gift":
                assert self.shop.gives("ann", "it") == "granted"
            case "cancel":
                self.ends(which, self.shop.cancels)
            case "use":
                self.ends(which, self.shop.uses)
            case "wait":
                self.shop.goes_on(days=which % 12)
            case _:
                {"buy": self.buys, "redeem": self.redeems, "refund": self.refunds}[act](which)


acts = st.sampled_from(["gift", "gift", "buy", "redeem", "cancel", "use", "refund", "wait"])


@settings(max_examples=EXAMPLES)
@given(st.lists(st.tuples(acts, st.integers(0, 60)), min_size=5, max_size=40))
def test_gifts_fold_among_other_redemptions_and_never_move_a_point(history: list[tuple[str, int]]) -> None:
    """At any time both have the same points, and the books of both balance."""
    shop = crowd(campaign("it", DAILY, MUG), rewards=[reward("mug", 10, lapses=9)])
    shop.enrol("bob", noon(-30))
    pair = Pair(shop)
    for act, which in history:
        pair.plays(act, which)
        assert shop.points("ann") == shop.points("bob")
    assert shop.breaks() == []
    ended = [e for e in shop.entries("ann") if e.names and e.names.startswith("gift:")]
    event(f"{len(ended)} gifts cancelled or used, {sum(len(e.lapsed) for e in shop.entries('ann'))} lapses")


def test_a_gift_that_lapsed_is_booked_by_the_next_entry_and_gives_nothing_back() -> None:
    shop = crowd(campaign("it", DAILY, MUG), rewards=[reward("mug", 10, lapses=5)])
    shop.gives("ann", "it")
    shop.goes_on(days=6)
    with pytest.raises(RefusedError):
        shop.uses(gifted("ann"))
    shop.buys("ann", "a", 1000)
    assert shop.points("ann") == 10
    assert shop.entries("ann")[-1].lapsed == (2,)
    assert not shop.ledger.wallets[member_id("ann")].holds
    assert shop.breaks() == []
