"""The books of a dry run: wallets, orders and budgets that live as long as the run, kept by the decisions used in earnest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from shared.domain.accrual import SharedRooms
from shared.domain.activity import ActivityReport, reward_activity
from shared.domain.calendar import local_day
from shared.domain.cap import BudgetKey
from shared.domain.decision import BudgetMoved, Decision, Order, View
from shared.domain.earning import earn
from shared.domain.entry import Entry, EntryKey, HistoryRow, MemberId, activity_key, purchase_key, refund_key
from shared.domain.errors import KeyReusedError, PurchaseUnknownError
from shared.domain.member import Profile
from shared.domain.membership import Term
from shared.domain.program import Program, ProgramVersion
from shared.domain.purchase import Purchase
from shared.domain.rating import day_of, rooms_of
from shared.domain.refunding import RefundRequest, refund
from shared.domain.standing import Course, tier_now
from shared.domain.wallet import Wallet

BEGINNING = datetime(1800, 1, 1, tzinfo=UTC)
"""From when the version of a dry run is in force: before anything that can have occurred."""

Happening = Purchase | RefundRequest | ActivityReport
"""What a dry run can be asked about."""


def always(program: Program, number: int) -> ProgramVersion:
    """The program as if it had been in force ever since."""
    return ProgramVersion(number, BEGINNING, BEGINNING, program)


def key_of(happening: Happening) -> EntryKey:
    """Under which key it would be posted."""
    match happening:
        case Purchase():
            return purchase_key(happening.order_id)
        case RefundRequest():
            return refund_key(happening.order_id, happening.refund_id)
        case ActivityReport():
            return activity_key(happening.activity, happening.activity_id)


@dataclass(frozen=True, slots=True)
class Shopper:
    """A member of a dry run: what rules may ask of them, and the terms of their paid memberships."""

    member: MemberId
    enrolled_at: datetime
    attributes: Mapping[str, str | int | bool] = field(default_factory=dict)
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Posted:
    """An entry, and the points that an order `missed` for want of room, by cap."""

    entry: Entry
    missed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Newest:
    """Rows in order of sequence, as a history: newest first, however often it is looked through."""

    rows: Sequence[HistoryRow]

    def __iter__(self) -> Iterator[HistoryRow]:
        return reversed(self.rows)


class Books:
    """What one version makes of what happens, each thing recorded as it occurs (or as the member enrols, if that is later).

    `spent` are the points that budgets gave, those included which they had given before.
    """

    def __init__(self, version: ProgramVersion, shoppers: Mapping[MemberId, Shopper], spent: Mapping[BudgetKey, int]) -> None:
        self.version = version
        self.shoppers = shoppers
        self.spent = dict(spent)
        self.wallets = {
            shopper.member: Wallet(member=shopper.member, enrolled_at=shopper.enrolled_at, terms=shopper.terms)
            for shopper in shoppers.values()
        }
        self.posted: dict[EntryKey, Entry] = {}
        self._rows: dict[MemberId, list[HistoryRow]] = {member: [] for member in shoppers}
        self._refunds: dict[str, list[Entry]] = {}
        self._uncapped = [_without_caps(version)]

    def post(self, happening: Happening) -> Posted | None:
        """Decide and keep; None where the same was posted before. Raises what the decisions raise, KeyReusedError."""
        key = key_of(happening)
        if (before := self.posted.get(key)) is not None:
            if before.request_hash != happening.digest:
                raise KeyReusedError(key=key)
            return None
        match happening:
            case Purchase():
                view = self._view(MemberId(happening.member_id), happening.occurred_at)
                decision = earn(view, happening, [self.version])
                missed = self._missed(happening, view, decision.entry)
            case RefundRequest():
                order = self._order(happening.order_id)
                view = self._view(order.purchase.member, happening.occurred_at)
                decision, missed = refund(view, order, happening, [self.version]), {}
            case ActivityReport():
                view = self._view(MemberId(happening.member_id), happening.occurred_at)
                decision, missed = reward_activity(view, happening, [self.version]), {}
        self._keep(key, happening, decision)
        return Posted(decision.entry, missed)

    def _keep(self, key: EntryKey, happening: Happening, decision: Decision) -> None:
        entry = self.posted[key] = decision.entry
        self.wallets[entry.member] = decision.wallet
        self._rows[entry.member].append(entry)
        if isinstance(happening, RefundRequest):
            self._refunds.setdefault(happening.order_id, []).append(entry)
        for change in decision.changes:
            if isinstance(change, BudgetMoved):
                self.spent[change.key] = self.spent.get(change.key, 0) + change.points

    def _view(self, member: MemberId, at: datetime) -> View:
        shopper = self.shoppers[member]
        profile = Profile(member=member, customer_id=member, enrolled_at=shopper.enrolled_at, attributes=shopper.attributes)
        return View(
            wallet=self.wallets[member],
            now=max(at, shopper.enrolled_at),
            history=Newest(self._rows[member]),
            profile=profile,
            budgets=self.spent,
        )

    def _order(self, order_id: str) -> Order:
        bought = self.posted.get(purchase_key(order_id))
        if bought is None:
            raise PurchaseUnknownError
        return Order(bought, tuple(self._refunds.get(order_id, ())))

    def _missed(self, purchase: Purchase, before: View, entry: Entry) -> dict[str, int]:
        """See Posted: the difference to what the same decision gives without caps."""
        program = self.version.program
        if not _may_be_cut(entry, program):
            return {}
        free = earn(before, purchase, self._uncapped).entry
        rooms = rooms_of(program, before.wallet, before.budgets, day_of(purchase, program))
        found: dict[str, int] = {}
        for currency in dict.fromkeys(share.currency for share in free.why):
            for cap, points in _split(_given(free, currency), _given(entry, currency), program, rooms):
                found[cap] = found.get(cap, 0) + points
        return {cap: points for cap, points in found.items() if points}

    def tiers(self, day: date) -> dict[str | None, int]:
        """How many of the members who had enrolled by the end of a local day have each tier, by all that was posted so far."""
        zone, course = self.version.program.time_zone, Course.by([self.version], self.version)
        found: dict[str | None, int] = {}
        for wallet in self.wallets.values():
            if local_day(wallet.enrolled_at, zone) <= day:
                level = tier_now(wallet, course, day)
                tier = level.id if level else None
                found[tier] = found.get(tier, 0) + 1
        return found


def _without_caps(version: ProgramVersion) -> ProgramVersion:
    program = version.program
    said = {name: getattr(program, name) for name in program.model_fields_set}
    # Made anew and not copied: a copy would keep what the program has already worked out from its rules.
    rules = [rule.model_copy(update={"caps": []}) for rule in program.earning_rules]
    return always(Program(**{**said, "earning_rules": rules}), version.version)


def _may_be_cut(entry: Entry, program: Program) -> bool:
    if program.stacking == "best" and program.caps:
        return True
    return any(share.room is not None and share.points >= share.room for share in entry.why)


def _given(entry: Entry, currency: str) -> dict[str, int]:
    return {share.rule: share.points for share in entry.why if share.currency == currency}


def _split(
    free: Mapping[str, int], given: Mapping[str, int], program: Program, rooms: SharedRooms
) -> Iterator[tuple[str, int]]:
    """What an order missed of a currency, by cap: of those of a rule that was cut, the one that left least.

    Rules that have no cap may give less as well, where a bonus is on top of another or the one floor takes a point more: that
    goes with the last rule that was cut.
    """
    short, tightest = sum(free.values()) - sum(given.values()), None
    for rule in free:
        if caps := program.caps_of_rules.get(rule):
            cap = min(caps, key=lambda cap: rooms.left[cap])
            if given.get(rule, 0) >= rooms.left[cap] or rule not in given:
                missed = min(max(0, free[rule] - given.get(rule, 0)), short)
                yield cap, missed
                short, tightest = short - missed, cap
            rooms.take(rule, given.get(rule, 0))
    if tightest is not None:
        yield tightest, short
