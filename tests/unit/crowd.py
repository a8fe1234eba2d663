"""Members of a program with campaigns, the sweep and the proof, over a ledger in memory: fast enough for random histories."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from functions.bonuses.visit_member import Giver, visit_wanted
from shared.domain.alarm import SHARDS
from shared.domain.audit import Break, audit, unmatched
from shared.domain.calendar import local_day
from shared.domain.cap import BudgetKey
from shared.domain.control import Act, Step
from shared.domain.decision import Decision, View, Wanted
from shared.domain.earning import earn
from shared.domain.earning import wanted as purchase_wanted
from shared.domain.effect import Effect, Spend
from shared.domain.entry import (
    Entry,
    EntryKey,
    EntryKind,
    MemberId,
    cancel_key,
    closure_key,
    merge_key,
    purchase_key,
    refund_key,
    use_key,
)
from shared.domain.gift_card import CardId, NewCard
from shared.domain.granting import FOR_EVER, Offer
from shared.domain.history import Reason, post, standing
from shared.domain.member import Consent, Profile, close
from shared.domain.moments import Moment, occurrences, period_of
from shared.domain.points import Account, Credit
from shared.domain.program import ProgramVersion, in_force
from shared.domain.purchase import Line, Purchase
from shared.domain.redeeming import Issue, RedemptionRequest, redeem
from shared.domain.refunding import RefundRequest, refund
from shared.domain.reward import RewardVersion
from shared.domain.run import RunKind
from shared.domain.running import drawn, runs_due
from shared.domain.standing import course_now
from shared.domain.subject import Adjustment, Cancellation, Grant, Use
from shared.domain.tallies import Tallies
from shared.domain.transferring import merge
from shared.domain.visiting import Visit
from shared.domain.voucher import cancel, use
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import document, version
from tests.fakes.memory_campaigns import MemoryAlarms, MemoryCampaigns
from tests.fakes.memory_ledger import MemoryLedger
from tests.fakes.memory_members import MemoryMembers
from tests.unit.books import CODE, ZONE, noon, redemption

SWEEPS_MAX = 20
"""Sweeps in a row after which nothing may be due any more."""


def campaign(id: str, trigger: dict[str, Any], bonus: int | dict[str, Any] = 50, **more: Any) -> dict[str, Any]:
    """A campaign's document; a number is a bonus of points."""
    gives = {"kind": "points", "currency": "points", "points": bonus} if isinstance(bonus, int) else bonus
    return {"id": id, "name": id, "owner": "crm", "reason": "a test", "trigger": trigger, "bonus": gives, **more}


def program(*campaigns: dict[str, Any], number: int = 1, since: datetime | None = None, **fields: Any) -> ProgramVersion:
    """A version of a program in UTC with these campaigns, in force for 400 days on 1 June 2026."""
    told = {"time_zone": ZONE, **fields}
    return version(number, since or noon(-400), **document(campaigns=list(campaigns), **told))


def member_id(name: str) -> MemberId:
    """The id of the member that a test calls `name`."""
    return MemberId("01H" + f"{name.upper()}X".ljust(23, "0")[:23])


@dataclass
class Crowd:
    """Members, whom a test names; the clock stands at noon of 1 June 2026 until it is moved."""

    versions: list[ProgramVersion]
    clock: FakeClock = field(default_factory=lambda: FakeClock(noon(0)))
    rewards: Sequence[RewardVersion] = ()
    adjustments: int = 0

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger(self.clock)
        self.campaigns = MemoryCampaigns(self.ledger)
        self.alarms = MemoryAlarms(self.ledger)
        self.members = MemoryMembers(self.ledger)
        self.ledger.rewards = {found.reward.id: found for found in self.rewards}
        self.begun: set[str] = set()

    # What people do

    def enrol(self, name: str, at: datetime | None = None, **told: Any) -> MemberId:
        """Somebody enrols, now unless it is told when; `consents` are purposes that they agree to."""
        consents = {purpose: Consent(True, self.clock.now()) for purpose in told.pop("consents", ())}
        enrolled_at = at or self.clock.now()
        member = member_id(name)
        profile = Profile(member=member, customer_id=name, enrolled_at=enrolled_at, consents=consents, **told)
        self.members.enrol(profile, name.encode())
        return member

    def changes(self, name: str, **told: Any) -> None:
        """A profile is changed."""
        self.members.update(member_id(name), lambda before: replace(before, **told, version=before.version + 1))

    def buys(self, name: str, order_id: str, *amounts: int, at: datetime | None = None, **told: Any) -> Entry:
        """An order with lines of these minor units is recorded."""
        lines = tuple(Line(f"sku-{number}", 1, amount) for number, amount in enumerate(amounts, start=1))
        fields = {"lines": lines, "occurred_at": at or self.clock.now(), **told}
        order = Purchase(order_id=order_id, member_id=member_id(name), currency="USD", **fields)
        wanted = purchase_wanted(order, self.versions)
        return self.ledger.decide_and_post(
            purchase_key(order_id), order.member_id, b"order", lambda view: earn(view, order, self.versions), wanted
        )

    def refunds(self, order_id: str, amount: int | None = None) -> Entry:
        """An order is refunded, whole where no amount is told."""
        number = str(len(self.ledger.order(order_id).refunds) + 1)
        request = RefundRequest(order_id=order_id, refund_id=number, occurred_at=self.clock.now(), amount=amount)
        return self.ledger.correct_order(
            order_id,
            refund_key(order_id, number),
            request.digest,
            lambda view, order: refund(view, order, request, self.versions),
        )

    def redeems(self, name: str, as_: str, reward: str = "mug") -> Entry:
        """A reward is taken; `as_` is the redemption's own name."""
        request = RedemptionRequest(member_id=member_id(name), reward=reward)
        issue = Issue(redemption(as_), CODE + as_, NewCard(CardId(as_), CODE))
        course = course_now(self.versions, self.clock.now())
        return self.ledger.decide_and_post(
            issue.key, request.member_id, b"redeem", lambda view: redeem(view, request, issue, course), Wanted(reward=reward)
        )

    def cancels(self, key: EntryKey) -> Entry:
        """A redemption, by its key, is cancelled."""
        issued = self.ledger.entry(key)
        return self.ledger.decide_and_post(
            cancel_key(key),
            issued.member,
            b"cancel",
            lambda view: cancel(view, issued, Cancellation(), digest=b"cancel"),
            Wanted(reward=issued.subject.reward, entries=(use_key(key), cancel_key(key))),  # type: ignore[union-attr]
        )

    def uses(self, key: EntryKey, order_id: str = "till") -> Entry:
        """The voucher of a redemption, by its key, is taken at a till."""
        issued = self.ledger.entry(key)
        return self.ledger.decide_and_post(
            use_key(key),
            issued.member,
            b"use",
            lambda view: use(view, issued, Use(order_id=order_id), member_id=issued.member, digest=b"use"),
            Wanted(reward=issued.subject.reward, entries=(use_key(key), cancel_key(key))),  # type: ignore[union-attr]
        )

    def merges(self, leaver: str, survivor: str) -> Entry:
        """One member is merged into another."""
        member, into = member_id(leaver), member_id(survivor)
        course = course_now(self.versions, self.clock.now())
        return self.members.close(
            member, merge_key(member), b"merge", lambda view: merge(view, "a test", b"merge", course.zone, course), into
        )

    def leaves(self, name: str) -> Entry:
        """A member leaves."""
        member = member_id(name)

        def decide(view: View) -> Decision:
            return Decision(*close(view.wallet, now=view.now, zone=self.zone, history=view.history))

        return self.members.close(member, closure_key(member), b"close", decide)

    def adjusts(self, name: str, points: int, gone_in: int | None = None) -> Entry:
        """An operator gives points that are gone after so many days, or takes some."""
        member, today = member_id(name), local_day(self.clock.now(), self.zone)
        effect = Effect(spends=(Spend("points", -points, Account.ADJUSTED),))
        if points > 0:
            gone_on = None if gone_in is None else today + days(gone_in)
            effect = Effect(credits=(Credit("points", points, today, gone_on, Account.ADJUSTED),))
        self.adjustments += 1
        key = EntryKey(f"key:operator:adjustment:{self.adjustments}")
        why = Adjustment(currency="points", points=points, reason="a test", operator="operator")

        def decide(view: View) -> Decision:
            reason = Reason(key, EntryKind.ADJUSTMENT, view.now, b"adjust", subject=why)
            return Decision(*post(view.wallet, view.history, effect, reason, now=view.now, zone=self.zone))

        return self.ledger.decide_and_post(key, member, b"adjust", decide)

    # What operators do

    def act(self, id: str, act: Act = Act.START) -> None:
        """Something is done with a campaign."""
        now = self.clock.now()
        found = in_force(self.versions, now).program
        step = Step(act, now, "operator", "a test")
        self.campaigns.change(id, lambda control: control.after(step, found.campaigns_by_id[id], found.time_zone))

    def start(self, *ids: str) -> None:
        """These campaigns are started; all that there are, where none is named."""
        for id in ids or in_force(self.versions, self.clock.now()).program.campaigns_by_id:
            self.act(id)

    # What the machinery does

    @property
    def zone(self) -> str:
        """The program's."""
        return self.versions[-1].program.time_zone

    @property
    def giver(self) -> Giver:
        """What gives what is due now."""
        return Giver(self.ledger, self.campaigns, self.alarms, lambda: self.versions, self.clock.now(), random.Random(1))

    def sweep(self) -> int:
        """Everybody whose alarm rang is visited, until no alarm rings; how many visits it took."""
        visits = 0
        for _ in range(SWEEPS_MAX):
            due = [member for shard in range(SHARDS) for member in self.alarms.due(shard, self.clock.now(), 10_000)[0]]
            if not due:
                return visits
            for member in due:
                self.giver.visit(member)
            visits += len(due)
        raise AssertionError(f"still due: {due}")

    def tick(self) -> int:
        """As the standing tick: visit runs that are due look at everybody, once; then the sweep."""
        program = in_force(self.versions, self.clock.now()).program
        controls = self.campaigns.controls(list(program.campaigns_by_id))
        for run in runs_due(self.versions, controls, self.clock.now()):
            if run.kind is RunKind.VISIT and run.name not in self.begun:
                self.begun.add(run.name)
                self.visit()
        return self.sweep()

    def pending(self) -> list[tuple[EntryKey, str]]:
        """What is due for anybody by date alone and was not done: its key, and what it is."""
        found, now = [], self.clock.now()
        for member in self.ledger.wallets:
            seen = Visit(self.ledger.view(member, visit_wanted(self.versions, now)), self.versions)
            steps = self.giver._steps(seen)
            found += [(step.key, step.name) for step in steps if step.key not in self.ledger.posted]
        return found

    def visit(self) -> None:
        """Everybody is visited, whether their alarm rang or not."""
        for member in list(self.ledger.wallets):
            self.giver.visit(member)

    def goes_on(self, **by: int) -> None:
        """Time passes."""
        self.clock.advance(**by)

    def gives(self, name: str, id: str, winners: int | None = None) -> str:
        """The last moment of a dated campaign comes for a member, as a run's worker does it; "granted", or why nothing is."""
        now, found = self.clock.now(), in_force(self.versions, self.clock.now())
        campaign = found.program.campaigns_by_id[id]
        at = max(occurrences(campaign, self.zone, now - days(40), now))
        moment = Moment(period_of(campaign, at, self.zone), at, local_day(at, self.zone))
        offer = Offer(campaign, found, course_now(self.versions, now), moment, winners=winners)
        won = drawn(offer, member_id(name))
        if won is None:
            return "lost"
        return self.giver.give(member_id(name), replace(offer, ticket=won or None), local_day(now, self.zone))

    # What there is

    def entries(self, name: str) -> list[Entry]:
        """A member's entries, the oldest first."""
        wallet = self.ledger.wallets[member_id(name)]
        return [self.ledger.entry(row.key) for row in self.ledger.rows(wallet)][::-1]

    def grants(self, name: str) -> list[Grant]:
        """What campaigns gave a member."""
        return [entry.subject for entry in self.entries(name) if isinstance(entry.subject, Grant)]

    def periods(self, name: str, id: str) -> list[str]:
        """For which periods a campaign gave a member something."""
        return [grant.period for grant in self.grants(name) if grant.campaign == id]

    def points(self, name: str) -> int:
        """A member's points."""
        wallet = self.ledger.wallets[member_id(name)]
        return standing(wallet, self.entries(name)[::-1], local_day(self.clock.now(), self.zone)).purse("points").balance

    def breaks(self) -> list[Break]:
        """What the proof of the ledger finds."""
        books = {member: self._book(member) for member in self.ledger.wallets}
        found = [one for member, wallet in self.ledger.wallets.items() for one in audit(wallet, books[member], self.versions)]
        found += unmatched(entry for entries in books.values() for entry in entries)
        tallies = Tallies.of(books.values(), self.versions)
        for (id, period, _), reason in self.ledger.passed.items():
            dated = any(one.id == id for found in self.versions for one in found.program.dated_campaigns)
            tallies.pass_over(id, period if dated else FOR_EVER, reason)
        spent: Counter[BudgetKey] = Counter()
        for key, points in self.ledger.budgets.items():
            spent[key._replace(shard=0)] += points
        given: dict[tuple[str, str], Counter[str]] = {}
        for (id, period, _), counts in self.ledger.given.items():
            given.setdefault((id, period), Counter()).update(counts)
        counted = [tallies.budget_break(budget, spent[budget]) for budget in spent.keys() | tallies.drawn.keys()]
        counted += [tallies.campaign_break(*place, given.get(place, {})) for place in given.keys() | tallies.campaigns.keys()]
        return [*found, *filter(None, counted)]

    def _book(self, member: MemberId) -> list[Entry]:
        return [self.ledger.entry(row.key) for row in self.ledger.rows(self.ledger.wallets[member])][::-1]


def days(number: int) -> timedelta:
    """So many days."""
    return timedelta(days=number)
