"""Random years of a member with tiers, caps, limits and memberships.

The wallet is the fold of its entries at every time, and what it forgets changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from shared.domain import standing
from shared.domain.counts import Count, added
from shared.domain.entry import Entry
from shared.domain.errors import InvalidError, RefusedError
from shared.domain.membership import BillingEvent
from shared.domain.program import ProgramVersion
from shared.domain.standing import course_now, tier_now
from shared.domain.tier import Level, Tiers
from shared.domain.tier_course import tier_on
from shared.domain.wallet import Wallet
from tests.fakes.grocer import ADA, document, version
from tests.unit.books import ZONE, noon, reward
from tests.unit.market import Market, plain_line
from tests.unit.test_tier_properties import tiers

EXAMPLES = int(os.environ.get("LAUREL_EXAMPLES", "40"))
"""Histories per promise; LAUREL_EXAMPLES asks for more."""
Step = tuple[str, int, int, int]
CHANGED = 300
"""The day on which a second version of the program takes effect."""
BILLS = ("started", "trial_started", "renewed", "cancelled", "lapsed", "refunded")
MULTIPLIER = {"id": "more", "kind": "multiplier", "currency": "points", "percent": 150, "caps": ["weekly", "yearly"]}


def program(policy: Tiers, late_days: int, protects: bool) -> dict[str, Any]:
    """A program with these tiers, and with all that a wallet counts. A bonus of one point tells the tier that an order met."""
    levels = [level.id for level in policy.levels]
    metric = {"metric": "points", "currency": "points"} if policy.metric == "spend" else {"metric": policy.metric}
    plan = {"id": "prime", "name": "Prime", "price": 1, "term": {"days": 40}, "trial_days": 7, "protects_tier": protects}
    limits = [{"per": "week", "count": 1}, {"per": "year", "count": 5}]
    return {
        "currencies": [{"code": "points", "expiry": {"after": 90, "rounded_to": "day"}}],
        "caps": [
            {"id": "weekly", "currency": "points", "scope": "member", "per": "week", "points": 2},
            {"id": "yearly", "currency": "points", "scope": "program", "per": "year", "points": 9},
        ],
        "earning_rules": [
            {"id": "base", "kind": "purchase", "currency": "points", "per_amount": {"points": 1, "minor_units": 100}},
            MULTIPLIER,
            {"id": "review", "kind": "activity", "currency": "points", "activity": "review", "points": 3, "limits": limits},
            *(
                {"id": f"met_{level}", "kind": "bonus", "currency": "points", "points": 1, "when": {"tiers": [level]}}
                for level in levels
            ),
        ],
        "tiers": {**policy.model_dump(mode="json"), **metric},
        "memberships": [plan],
        "late_days_max": late_days,
        "claim_days": 366,
    }


@dataclass
class Member:
    """Plays steps, and looks after each whether all still holds."""

    market: Market
    orders: list[str] = field(default_factory=list)
    proofs: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    @property
    def versions(self) -> Sequence[ProgramVersion]:
        return self.market.versions

    def play(self, step: Step) -> None:
        name, *numbers = step
        before = self.market.wallet
        try:
            getattr(self, name)(*numbers)
        except (RefusedError, InvalidError) as refusal:
            event(f"{name}: {type(refusal).__name__}")
            assert self.market.wallet is before
        assert self.market.fold() == self.market.wallet

    def wait(self, days: int, minutes: int, _: int) -> None:
        self.market.now += timedelta(days=days % 5 * (days % 20), minutes=minutes % 400)

    def buy(self, back: int, amount: int, _: int) -> None:
        at = (
            self.market.now
            + [
                timedelta(minutes=4),
                timedelta(),
                -timedelta(minutes=amount % 50),
                -timedelta(minutes=back),
                -timedelta(days=back % 70),
            ][back % 5]
        )
        order = f"order-{len(self.orders)}"
        due = self.tier_before(at)
        bought = self.market.bought(order, [plain_line(1, amount % 700), plain_line(2, 100)], at=at)
        self.orders.append(order)
        assert [share.rule for share in bought.why if share.rule.startswith("met_")] == ([f"met_{due.id}"] if due else [])

    def refund(self, which: int, share: int, _: int) -> None:
        if self.orders:
            order = self.orders[which % len(self.orders)]
            self.market.refunded(order, **({} if share % 2 else {"amount": share % 300}))

    def review(self, back: int, _: int, __: int) -> None:
        proof = f"proof-{len(self.market.entries)}"
        self.market.did("review", proof, self.market.now - timedelta(days=back % 30))
        self.proofs.append(proof)

    def void(self, which: int, _: int, __: int) -> None:
        if self.proofs:
            self.market.voided("review", self.proofs.pop(which % len(self.proofs)))

    def bill(self, kind: int, start: int, length: int) -> None:
        now, name = self.market.now, BILLS[kind % len(BILLS)]
        # A provider may tell a term late, or in advance.
        starts = now + timedelta(days=start % 90 - 60 if start % 2 else start % 500 - 460)
        edges: dict[str, Any] = {"starts_at": starts}
        if kind % 3 == 0:
            edges["ends_at"] = starts + timedelta(days=length % 60 + 1)
        self.market.billed(
            BillingEvent(
                event_id=f"bill-{len(self.market.entries)}", member_id=ADA, plan="prime", kind=name, occurred_at=now, **edges
            )
        )

    def tell(self, _: int, __: int, ___: int) -> None:
        self.market.reviewed()

    def redeem(self, _: int, __: int, ___: int) -> None:
        name = f"take-{len(self.market.entries)}"
        self.market.redeemed(name)
        self.taken.append(name)

    def cancel(self, which: int, _: int, __: int) -> None:
        if self.taken:
            self.market.cancelled(self.taken.pop(which % len(self.taken)))

    def counts(self) -> dict[int, tuple[Count, ...]]:
        """What each entry counts by now, by sequence."""
        found = {entry.sequence: entry.effect.counts for entry in self.market.entries}
        for entry in self.market.entries:
            found.update({recount.sequence: recount.counts for recount in entry.effect.recounts})
        return found

    def remembering(self, entries: Sequence[Entry] | None = None) -> Wallet:
        """The wallet with the counts of these entries, all of them if none are given, as if it forgot nothing."""
        counts: tuple[Count, ...] = ()
        found = self.counts()
        for entry in self.market.entries if entries is None else entries:
            counts = added(counts, found[entry.sequence])
        return replace(self.market.wallet, counts=counts, forgotten=None)

    def tier_before(self, at: datetime) -> Level | None:
        """The tier that an order of this instant meets, by what occurred before."""
        found = [v for v in self.versions if v.effective_from <= at]
        course = standing.Course.by(self.versions, found[-1])
        wallet = self.remembering([entry for entry in self.market.entries if entry.occurred_at < at])
        return tier_on(course.record(wallet), course.policies, at.date())

    def check_tiers(self, days: Sequence[int]) -> None:
        """Today and later, the wallet's tier is that of the whole history."""
        today = self.market.now.date()
        whole = self.remembering()
        course = course_now(self.versions, self.market.now)
        for number in days:
            day = today + timedelta(days=number)
            assert tier_now(self.market.wallet, course, day) == tier_now(whole, course, day)


@contextmanager
def forgetful(days: int = 1) -> Iterator[None]:
    """Wallets forget as soon as so many counts are old."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(standing, "FORGET_AT", days)
        yield


numbers = st.integers(0, 999)
names = ["buy"] * 5 + ["refund"] * 2 + ["wait"] * 4 + ["review", "void", "bill", "bill", "tell", "redeem", "cancel"]
steps = st.lists(st.tuples(st.sampled_from(names), numbers, numbers, numbers), min_size=20, max_size=45)
looks = st.lists(st.integers(0, 900), min_size=1, max_size=6).map(lambda found: [0, *found])


@settings(max_examples=EXAMPLES)
@given(tiers(), st.sampled_from([0, 7, 60]), st.booleans(), steps, looks)
def test_what_a_wallet_forgets_changes_no_tier_and_it_is_the_fold_of_its_entries_at_every_time(
    policy: Tiers, late_days: int, protects: bool, history: list[Step], days: list[int]
) -> None:
    member = Member(Market([version(1, noon(-400), **document(time_zone=ZONE, **program(policy, late_days, protects)))]))
    member.market.rewards["mug"] = reward("mug", 2, lapses=9, limits={"ever": 4})
    with forgetful():
        for step in history:
            member.play(step)
            member.check_tiers(days)
    event(f"forgotten: {member.market.wallet.forgotten is not None}")
    assert member.market.breaks() == []


@settings(max_examples=EXAMPLES // 2)
@given(tiers(), tiers(), st.booleans(), steps, looks)
def test_what_is_forgotten_changes_no_tier_when_the_program_changes(
    one: Tiers, other: Tiers, protects: bool, history: list[Step], days: list[int]
) -> None:
    """Where late orders are taken for two years, a new policy finds all the credit that it looks back to."""
    versions = [
        version(number, noon(since), **document(time_zone=ZONE, **program(policy, 731, protects)))
        for number, since, policy in ((1, -400, one), (2, CHANGED, other))
    ]
    member = Member(Market(versions))
    member.market.rewards["mug"] = reward("mug", 2, lapses=9)
    with forgetful():
        for step in history:
            member.play(("wait", 119, 0, 0) if step[0] == "wait" else step)
            member.market.now += timedelta(days=60 if step[0] == "wait" else 0)
            member.check_tiers(days)
    event(f"forgotten: {member.market.wallet.forgotten is not None}")
    assert member.market.breaks() == []


YEARLY = Tiers.model_validate(
    {
        "metric": "orders",
        "period": {"kind": "anniversary"},
        "levels": [{"id": "low", "name": "Low", "threshold": 0}, {"id": "high", "name": "High", "threshold": 3}],
    }
)


def test_a_membership_that_is_told_late_protects_a_tier_that_was_forgotten_meanwhile() -> None:
    """A year ends on day 701; a plan since day 680 protects the tier, and the provider tells it on day 715 only."""
    member = Member(Market([version(1, noon(-400), **document(time_zone=ZONE, **program(YEARLY, 0, True)))]))
    with forgetful():
        for day in (0, 1, 2, 400, 702, 703):
            member.market.now = noon(day)
            member.buy(1, 0, 0)
        assert member.market.wallet.forgotten is not None
        assert member.market.wallet.standing.tier == "low"  # type: ignore[union-attr]
        member.market.now = noon(715)
        told = BillingEvent(
            event_id="late", member_id=ADA, plan="prime", kind="started", occurred_at=noon(680), starts_at=noon(680)
        )
        member.market.billed(told)
    member.check_tiers([0, 1, 4, 5, 6, 400])
    assert member.market.wallet.standing.tier == "high"  # type: ignore[union-attr]
    assert member.market.fold() == member.market.wallet
    assert member.market.breaks() == []
