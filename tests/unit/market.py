"""One member among rules, caps, budgets, tiers and memberships, by the real decisions with no table.

Where tests/unit/books.py shares beginnings, a market goes on: each call changes it. Days are counted from 1 June 2026, in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from shared.domain import activity, earning
from shared.domain.activity import ActivityReport, reward_activity, void_activity
from shared.domain.audit import Break, audit
from shared.domain.billing import tell_billing
from shared.domain.cap import BudgetKey
from shared.domain.decision import BudgetMoved, Decision, Order, View, Wanted
from shared.domain.earning import earn
from shared.domain.entry import Entry, EntryKey, activity_key, purchase_key, refund_key
from shared.domain.gift_card import CardId, NewCard
from shared.domain.history import fold
from shared.domain.membership import BillingEvent
from shared.domain.program import ProgramVersion
from shared.domain.purchase import Line, Purchase
from shared.domain.redeeming import Issue, RedemptionRequest, redeem
from shared.domain.refunding import RefundRequest, refund
from shared.domain.reviewing import review
from shared.domain.reward import RewardVersion
from shared.domain.standing import Course
from shared.domain.subject import Cancellation, Void
from shared.domain.tallies import Tallies
from shared.domain.voucher import cancel
from shared.domain.wallet import Wallet
from tests.fakes.grocer import ADA
from tests.unit.books import CODE, noon, redemption


def plain_line(number: int, amount: int, *, category: str | None = None, quantity: int = 1) -> Line:
    """A line of an order; its sku tells its number."""
    return Line(f"sku-{number}", quantity, amount, category)


@dataclass
class Market:
    """A member's wallet and entries, and the budgets of the program."""

    versions: Sequence[ProgramVersion]
    rewards: dict[str, RewardVersion] = field(default_factory=dict)
    wallet: Wallet = field(default_factory=lambda: Wallet(member=ADA, enrolled_at=noon(-30)))
    entries: list[Entry] = field(default_factory=list)
    budgets: dict[BudgetKey, int] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: noon(0))

    def view(self, wanted: Wanted | None = None) -> View:
        """What a ledger reads for a decision."""
        wanted = wanted or Wanted()
        return View(
            wallet=self.wallet,
            now=self.now,
            history=self.entries[::-1],
            reward=self.rewards.get(wanted.reward or ""),
            entries={entry.key: entry for entry in self.entries},
            budgets={key: self.budgets.get(key, 0) for key in wanted.budgets},
        )

    def bought(self, order_id: str, lines: Iterable[Line], *, at: datetime | None = None, **changes: Any) -> Entry:
        """An order is recorded."""
        order = Purchase(
            order_id=order_id, member_id=ADA, currency="USD", occurred_at=at or self.now, lines=tuple(lines), **changes
        )
        return self._post(earn(self.view(earning.wanted(order, self.versions)), order, self.versions))

    def refunded(self, order_id: str, **asked: Any) -> Entry:
        """An order is refunded; all that is left of it, unless lines or an amount are told."""
        refunds = tuple(entry for entry in self.entries if entry.key.startswith(refund_key(order_id, "")))
        order = Order(self.entry(purchase_key(order_id)), refunds)
        request = RefundRequest(order_id=order_id, refund_id=str(len(refunds) + 1), occurred_at=self.now, **asked)
        return self._post(refund(self.view(), order, request, self.versions))

    def did(self, name: str, proof: str, at: datetime | None = None) -> Entry:
        """An activity is rewarded."""
        report = ActivityReport(activity=name, activity_id=proof, member_id=ADA, occurred_at=at or self.now)
        return self._post(reward_activity(self.view(activity.wanted(report, self.versions)), report, self.versions))

    def voided(self, name: str, proof: str) -> Entry:
        """An activity is taken back."""
        rewarded = self.entry(activity_key(name, proof))
        return self._post(void_activity(self.view(), rewarded, Void(reason="a test"), self.versions, b"void"))

    def billed(self, event: BillingEvent) -> Entry:
        """A billing provider tells something."""
        return self._post(tell_billing(self.view(), event, self.versions))

    def reviewed(self) -> Entry:
        """A job tells the tier, if it changed."""
        return self._post(review(self.view(), self.versions))

    def redeemed(self, name: str, reward: str = "mug") -> Entry:
        """A reward is taken."""
        request = RedemptionRequest(member_id=ADA, reward=reward)
        issue = Issue(redemption(name), CODE, NewCard(CardId(name), CODE))
        return self._post(redeem(self.view(Wanted(reward=reward)), request, issue, Course.by(self.versions, self.versions[-1])))

    def cancelled(self, name: str, reward: str = "mug") -> Entry:
        """A redemption is cancelled."""
        issued = self.entry(redemption(name))
        return self._post(cancel(self.view(Wanted(reward=reward)), issued, Cancellation(), digest=b"cancel"))

    def entry(self, key: EntryKey) -> Entry:
        """The entry with this key."""
        return next(entry for entry in self.entries if entry.key == key)

    def fold(self) -> Wallet:
        """The wallet from nothing but the entries."""
        return fold(replace(Wallet(member=ADA, enrolled_at=self.wallet.enrolled_at)), self.entries)

    def breaks(self) -> list[Break]:
        """What the proof of the ledger finds, and that of the budgets."""
        tallies, spent = Tallies.of([self.entries], self.versions), self.spent()
        drawn = {key for key, points in tallies.drawn.items() if points} | {BudgetKey(*place) for place in spent}
        miscounts = [tallies.budget_break(key, spent.get((key.cap, key.since), 0)) for key in drawn]
        return [*audit(self.wallet, self.entries, self.versions), *filter(None, miscounts)]

    def spent(self) -> dict[tuple[str, date | None], int]:
        """Points that were given of each budget and period, all shards together."""
        found: dict[tuple[str, date | None], int] = {}
        for key, points in self.budgets.items():
            found[key.cap, key.since] = found.get((key.cap, key.since), 0) + points
        return {place: points for place, points in found.items() if points}

    def points(self, currency: str = "points") -> int:
        """Points of a currency that the member was given, net of refunds."""
        return self.wallet.purse(currency).issued

    def _post(self, decision: Decision) -> Entry:
        for change in decision.changes:
            if isinstance(change, BudgetMoved):
                spent = self.budgets.get(change.key, 0) + change.points
                # Nobody else draws here, so the condition of the write must hold.
                assert change.limit is None or spent <= change.limit
                self.budgets[change.key] = spent
        self.budgets = {key: spent for key, spent in self.budgets.items() if spent}
        assert min(self.spent().values(), default=0) >= 0
        self.wallet = decision.wallet
        self.entries.append(decision.entry)
        return decision.entry
