"""Members who bring friends, as the real decisions keep their books, with no table: every wallet is proved after every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.domain.audit import audit, unmatched
from shared.domain.awarding import Terms, award_wanted
from shared.domain.billing import tell_billing
from shared.domain.billing import wanted as billing_wanted
from shared.domain.calendar import first_of_period, local_day
from shared.domain.cap import BudgetKey
from shared.domain.decision import BudgetMoved, Change, Decision, Joins, Order, ReferralMoved, ReferralWanted, Sighting, View
from shared.domain.earning import earn, wanted
from shared.domain.effect import Effect, Spend
from shared.domain.entry import Entry, EntryKey, EntryKind, MemberId, purchase_key, refund_key
from shared.domain.fingerprint import Fingerprint
from shared.domain.history import Reason, post, standing
from shared.domain.member import Profile, close
from shared.domain.membership import BillingEvent
from shared.domain.program import ProgramVersion
from shared.domain.purchase import Line
from shared.domain.referral_counts import funnelled, tallied
from shared.domain.referring import Introduction, Joining
from shared.domain.refunding import RefundRequest, referral_wanted, refund
from shared.domain.standing import course_now
from shared.domain.subject import Referral
from shared.domain.transferring import merge
from shared.domain.undoing import Word, leaving, rule, undone_wanted, void_award
from shared.domain.wallet import Wallet
from tests.fakes import grocer

ZONE = grocer.ZONE
START = datetime(2026, 3, 2, 17, tzinfo=UTC)
"""Noon in the program's zone, six days before its clocks go forward."""
WORD = Word(reason="a test", operator="operator", digest=b"word")


def terms(**changes: Any) -> dict[str, Any]:
    """Referral terms of a document: 500 points for the advocate and 250 for the friend, for 25.00, after 14 days."""
    return {
        "qualifies": {"kind": "orders", "net_min": 2500},
        "hold_days": 14,
        "advocate": [{"currency": "points", "points": 500}],
        "friend": [{"currency": "points", "points": 250}],
        **changes,
    }


def version(number: int = 1, since: datetime = grocer.OPENED, referral: Mapping[str, Any] | None = None, **changes: Any) -> Any:
    """A version of the program with these referral terms; points never go by date."""
    fields = {"currencies": [{"code": "points"}], "referral": terms() if referral is None else dict(referral), **changes}
    return grocer.version(number, since, **fields)


def member(name: str) -> MemberId:
    """The id of the member whom a test calls `name`."""
    return MemberId(f"01H{name.upper():X<23}")


@dataclass
class Circle:
    """All members' wallets and entries, budgets, and what is listed and counted of referrals.

    `disposable` are members whose mail domain is on the list, `seen` who else was seen with a fingerprint.
    """

    versions: Sequence[ProgramVersion] = field(default_factory=lambda: [version()])
    now: datetime = START
    wallets: dict[MemberId, Wallet] = field(default_factory=dict)
    entries: dict[MemberId, list[Entry]] = field(default_factory=dict)
    profiles: dict[MemberId, Profile] = field(default_factory=dict)
    seen: dict[Fingerprint, tuple[str, ...]] = field(default_factory=dict)
    disposable: set[MemberId] = field(default_factory=set)
    budgets: Counter[BudgetKey] = field(default_factory=Counter)
    tally: dict[str, Counter[str]] = field(default_factory=dict)
    funnel: dict[date, Counter[str]] = field(default_factory=dict)
    joins: dict[str, Joins] = field(default_factory=dict)
    last: Decision | None = None
    proved: bool = True

    # What members do.

    def enrols(self, name: str, by: str | None = None, *, campaign: str | None = None, **profile: Any) -> MemberId:
        """A member enrols; `by` the code of another, or a campaign's."""
        id = member(name)
        fields: dict[str, Any] = {"member": id, "customer_id": name, "enrolled_at": self.now, **profile}
        self.profiles[id] = Profile(**fields)
        opened = Wallet(member=id, enrolled_at=self.now)
        self.wallets[id], self.entries[id] = opened, []
        if by is not None or campaign is not None:
            joining = Joining(Introduction(code=name, advocate=member(by) if by else None, campaign=campaign), self.versions)
            view = View(wallet=opened, now=self.now)
            view = replace(view, referral=self._sighting(view, joining.wanted(view), joining=True))
            self._post(joining.decide(view))
        return id

    def buys(self, name: str, order_id: str, *amounts: int, at: datetime | None = None, **changes: Any) -> None:
        """An order with lines of these minor units, now or `at` another time."""
        lines = tuple(Line(f"line-{number}", 1, amount) for number, amount in enumerate(amounts, start=1))
        fields = {"order_id": order_id, "member_id": member(name), "occurred_at": at or self.now, "lines": lines, **changes}
        purchase = grocer.purchase(**fields)
        self._post(earn(self.view(member(name), wanted(purchase, self.versions)), purchase, self.versions))

    def refunds(self, order_id: str, amount: int | None = None, lines: tuple[tuple[int, int | None], ...] = ()) -> None:
        """Money of an order goes back; all that is left of it where nothing is told."""
        order = self.order(order_id)
        request = RefundRequest(
            order_id=order_id, refund_id=str(len(order.refunds)), occurred_at=self.now, amount=amount, lines=lines
        )
        view = self.view(order.purchase.member)
        view = replace(view, referral=self._sighting(view, referral_wanted(view, order)))
        self._post(refund(view, order, request, self.versions))

    def pays(self, name: str, event_id: str, kind: str, plan: str = "gold", at: datetime | None = None, **changes: Any) -> None:
        """A billing provider tells something of a membership."""
        fields = {"event_id": event_id, "member_id": member(name), "plan": plan, "kind": kind, **changes}
        event = BillingEvent(occurred_at=at or self.now, **fields)
        view = self.view(member(name), billing_wanted(event, self.versions))
        self._post(tell_billing(view, event, self.versions))

    def spends(self, name: str, points: int, currency: str = "points") -> None:
        """Points are spent for good."""
        wallet = self.wallets[member(name)]
        key = EntryKey(f"key:till:redemption:{wallet.member}:{wallet.sequence}")
        reason = Reason(key, EntryKind.TRANSFER, self.now, b"spend")
        history = self.entries[wallet.member][::-1]
        effect = Effect(spends=(Spend(currency, points),))
        self._post(Decision(*post(wallet, history, effect, reason, now=self.now, zone=ZONE)))

    def passes(self, name: str) -> None:
        """An operator lets a friend pass."""
        self._ruled(name, passed=True)

    def rejects(self, name: str) -> None:
        """An operator rejects a friend."""
        self._ruled(name, passed=False)

    def voids(self, name: str) -> None:
        """An operator takes back what a friend was given for."""
        view = self.view(member(name))
        view = replace(view, referral=self._sighting(view, undone_wanted(view)))
        self._post(void_award(view, WORD, self.versions))

    def closes(self, name: str) -> None:
        """A member leaves."""
        view = self.view(member(name))
        decision = Decision(*close(view.wallet, now=view.now, zone=ZONE, history=view.history))
        self._post(leaving(view, decision, "left"))

    def merges(self, name: str, into: str) -> None:
        """One member takes over from another."""
        view = replace(self.view(member(name)), other=self.view(member(into)))
        decision = merge(view, "one person", b"merge", ZONE, course_now(self.versions, self.now))
        self._post(leaving(view, decision, "merged"))

    def passes_time(self, **by: int) -> None:
        """Time passes."""
        self.now += timedelta(**by)

    # What there is to see.

    @property
    def today(self) -> date:
        """The local day."""
        return local_day(self.now, ZONE)

    def standing(self, name: str, at: datetime | None = None) -> Wallet:
        """A wallet as the dates up to now, or another time, have made it."""
        wallet = self.wallets[member(name)]
        return standing(wallet, self.entries[wallet.member][::-1], local_day(at or self.now, ZONE))

    def points(self, name: str, at: datetime | None = None, currency: str = "points") -> tuple[int, int, int]:
        """Active, pending and owed points."""
        purse = self.standing(name, at).purse(currency)
        return purse.active, purse.pending, purse.debt

    def state(self, name: str) -> str:
        """How far a friend's referral has come, as people are told it."""
        referred = self.wallets[member(name)].referral
        return "none" if referred is None else referred.shown(self.today)

    def kinds(self, name: str) -> list[str]:
        """The kinds of a member's entries."""
        return [entry.kind.value for entry in self.entries[member(name)]]

    def entry(self, key: str) -> Entry:
        """The entry with this key."""
        return next(entry for entries in self.entries.values() for entry in entries if entry.key == key)

    def order(self, order_id: str) -> Order:
        """An order with its refunds."""
        bought = self.entry(purchase_key(order_id))
        prefix = refund_key(order_id, "")
        return Order(bought, tuple(e for e in self.entries[bought.member] if e.key.startswith(prefix)))

    # What a ledger does.

    def view(self, id: MemberId, wanted: Any = None) -> View:
        """What a ledger reads for a decision."""
        wallet = self.wallets[id]
        other = self.view(wallet.merged_into) if wallet.merged_into else None
        budgets = {key: self.budgets[key] for key in wanted.budgets} if wanted else {}
        view = View(wallet=wallet, now=self.now, history=self.entries[id][::-1], budgets=budgets, other=other)
        if wanted is not None and wanted.referral is not None:
            view = replace(view, referral=self._sighting(view, wanted.referral(view)))
        return view

    def _sighting(self, view: View, wanted: ReferralWanted | None, joining: bool = False) -> Sighting | None:
        if wanted is None:
            return None
        friend = self.profiles[view.wallet.member] if wanted.signs else None
        found = {entry.key: entry for entries in self.entries.values() for entry in entries}
        return Sighting(
            friend=friend,
            advocate=self._with_profiles(self.view(wanted.advocate), wanted.signs) if wanted.advocate else None,
            entries={key: found[key] for key in wanted.entries if key in found},
            budgets={key: self.budgets[key] for key in wanted.budgets},
            path=self._path(wanted.advocate),
            seen={one: self.seen.get(one, ()) for one in friend.fingerprints()} if friend else {},
            joins=self.joins.get(wanted.advocate or "", Joins()) if wanted.joins else None,
            disposable=joining and view.wallet.member in self.disposable,
        )

    def _with_profiles(self, view: View, signs: bool) -> View:
        other = self._with_profiles(view.other, signs) if view.other else None
        return replace(view, profile=self.profiles[view.wallet.member] if signs else None, other=other)

    def _path(self, advocate: MemberId | None) -> tuple[str, ...]:
        came = [e.subject.path for e in self.entries[advocate] if isinstance(e.subject, Referral)] if advocate else []
        return came[0] if came else ()

    def _ruled(self, name: str, *, passed: bool) -> None:
        view = self.view(member(name))
        referred = view.wallet.referral
        if passed and referred is not None and referred.open:
            asked = award_wanted(view, replace(referred, cleared=True), Terms.of(referred, self.versions))
            view = replace(view, referral=self._sighting(view, asked))
        self._post(rule(view, WORD, passed, self.versions))

    def _post(self, decision: Decision) -> None:
        keys = {entry.key for entries in self.entries.values() for entry in entries}
        for entry, wallet in decision.posted:
            assert entry.key not in keys, f"{entry.key} is posted twice"
            assert entry.sequence == self.wallets[entry.member].sequence + 1
            keys.add(entry.key)
            self.entries[entry.member].append(entry)
            self.wallets[entry.member] = wallet
        moved = [change.key for change in decision.changes if isinstance(change, BudgetMoved)]
        assert len(moved) == len(set(moved)), "a budget is moved twice in a transaction"
        for change in decision.changes:
            self._changed(change)
        self.last = decision
        if self.proved:
            for id in {entry.member for entry, _ in decision.posted}:
                broken = list(audit(self.wallets[id], self.entries[id], self.versions))
                assert not broken, broken
            assert not list(unmatched(entry for entries in self.entries.values() for entry in entries))

    def _changed(self, change: Change) -> None:
        match change:
            case BudgetMoved():
                self.budgets[change.key] += change.points
                assert change.limit is None or self.budgets[change.key] <= change.limit, f"{change} cannot be written"
            case ReferralMoved():
                self.tally.setdefault(change.after.source, Counter()).update(tallied(change))
                for day, counts in funnelled(change).items():
                    self.funnel.setdefault(day, Counter()).update(counts)
                if change.joins is not None:
                    self.joins[change.after.source] = Joins(_joined(change))


def _joined(moved: ReferralMoved) -> dict[str, tuple[date, int]]:
    """How many joined in each running period, with the one who joins now."""
    before = moved.joins.by_period if moved.joins else {}
    found = {}
    for per in ("day", "week", "month", "year"):
        first = first_of_period(per, moved.day)
        since, count = before.get(per, (date.min, 0))
        found[per] = (first, count + 1 if since == first else 1)
    return found
