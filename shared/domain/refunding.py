"""Refunds: an order's net is computed anew, and the difference goes back (the rules of points, 10)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from math import floor

from shared.domain.accrual import Basket, Part
from shared.domain.boost import Boost
from shared.domain.calendar import CLOCK_SKEW_MAX, local_day
from shared.domain.card_decision import refund_card
from shared.domain.counts import ONE_ORDER, Count
from shared.domain.decision import BudgetMoved, CardPosted, Change, Decision, Order, ReferralWanted, View
from shared.domain.digest import request_hash
from shared.domain.effect import Correction, Effect, Recount
from shared.domain.entry import Entry, EntryKind, Share, refund_key, use_key
from shared.domain.errors import (
    EntryUnknownError,
    OccurredInFutureError,
    OverRefundError,
    RequestInvalidError,
    TooManyCardsError,
    TryAgainError,
)
from shared.domain.history import Reason, day_of_entry, effective, post, since
from shared.domain.order_grants import TakenBack
from shared.domain.program import Program, ProgramVersion, in_force, version_of
from shared.domain.purchase import Purchase
from shared.domain.rating import basket_of, budgets_returned, counts_of, rate_again, together
from shared.domain.standing import course_now, told
from shared.domain.subject import Refund, RefundLine, Returned
from shared.domain.taking_back import forgiven
from shared.domain.transferring import carried_on
from shared.domain.undoing import Undoing, by_refund, undone, undone_wanted
from shared.domain.voucher import redemption_of

WRITES_MAX = 100
"""Writes that one transaction takes."""
REFERRAL_WRITES_MAX = 20
"""Writes that undoing a referral takes beside wallets and their entries: its list, counters, queue, and budgets."""
CARDS_MAX = 40
"""Gift cards that one refund gives money back to: each takes two of the hundred writes of a transaction."""


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
    """A shop gave money back: for `lines` (number from 1, minor units or None for all that is left of the line), or an
    `amount` off all of them; neither means all that is left of the order.
    """

    order_id: str
    refund_id: str
    occurred_at: datetime
    lines: tuple[tuple[int, int | None], ...] = ()
    amount: int | None = None

    @cached_property
    def digest(self) -> bytes:
        """What tells a repeated request from a changed one."""
        return request_hash("refund", self)


@dataclass(frozen=True, slots=True)
class Net:
    """What is left of an order after `refunds`: minor units that came off each line, and `amount` that came off all."""

    purchase: Purchase
    lines: tuple[int, ...]
    amount: int = 0
    refunds: int = 0

    @classmethod
    def of(cls, purchase: Purchase, refunds: Sequence[Refund]) -> "Net":
        """The net after these refunds; only their totals matter, never their order."""
        net = cls(purchase, (0,) * len(purchase.lines))
        for refund in refunds:
            net = net.less(refund.lines, refund.amount)
        return net

    def less(self, lines: Sequence[RefundLine], amount: int) -> "Net":
        """The net after one more refund."""
        refunded = list(self.lines)
        for part in lines:
            refunded[part.line - 1] += part.amount
        return Net(self.purchase, tuple(refunded), self.amount + amount, self.refunds + 1)

    @property
    def refunded(self) -> int:
        """Minor units of the order that were given back in all."""
        return sum(self.lines) + self.amount

    @property
    def total(self) -> int:
        """Minor units that are left of the order."""
        return self.purchase.amount - self.refunded

    def left_of(self, line: int) -> int:
        """Minor units that can still come off the line with this number: what is left of it and of the order."""
        return min(self.purchase.lines[line - 1].amount - self.lines[line - 1], self.total)

    def amounts(self) -> tuple[Fraction, ...]:
        """What is left of each line, exactly: `amount` takes the same fraction off what the lines' own refunds left."""
        left = [line.amount - taken for line, taken in zip(self.purchase.lines, self.lines, strict=True)]
        share = 1 - Fraction(self.amount, sum(left)) if sum(left) else Fraction(0)
        return tuple(amount * share for amount in left)

    def returned(self, units: int) -> int:
        """What has gone back of `units` that paid a part of the order: the floor of the cumulative share."""
        if not self.purchase.amount:
            # Nothing was left to pay with money, so the first refund is of all.
            return units if self.refunds else 0
        return units * self.refunded // self.purchase.amount


def refund(view: View, order: Order, request: RefundRequest, versions: Sequence[ProgramVersion]) -> Decision:
    """The entry that takes back what the refunded part of `order` earned, and returns what paid for it beside money.

    `order` may have been read before the wallet; a refund that came between is seen in the history, and the answer is to
    read again (TryAgainError). Raises OverRefundError, RequestInvalidError, OccurredInFutureError.
    """
    bought, purchase = order.purchase, order.bought
    if request.occurred_at > view.now + CLOCK_SKEW_MAX:
        raise OccurredInFutureError(occurred_at=request.occurred_at, now=view.now)
    _check_complete(view, order)
    before = Net.of(purchase, _subjects(order))
    lines, amount = _resolved(request, before)
    net = before.less(lines, amount)
    rated = _Rated.of(bought, purchase, before, net, versions)
    undoing = Undoing.of(view, by_refund(view, purchase, net.amounts(), versions), versions)
    taken = TakenBack.of(view, bought, rated.money(), versions)
    why = (*rated.clawed_back(), *taken.why, *(undoing.why() if undoing else ()))
    points = list(_points_returned(view, order, net))
    corrections = [*rated.corrections(), *taken.corrections, *(correction for _, correction in points)]
    cards = list(_cards(view, order, net, request))
    changes = (*rated.budgets(), *taken.changes, *(change for _, change in cards))
    _check_writes(view, changes, len(cards))
    subject = Refund(
        order_id=request.order_id,
        refund_id=request.refund_id,
        lines=lines,
        amount=amount,
        total=net.refunded - before.refunded,
        net=net.total,
        returned=(*(returned for returned, _ in points), *(returned for returned, _ in cards)),
    )
    reason = Reason(
        key=refund_key(request.order_id, request.refund_id),
        kind=EntryKind.REFUND,
        occurred_at=request.occurred_at,
        request_hash=request.digest,
        why=why,
        subject=subject,
        names=bought.key,
    )
    recount = Recount(bought.sequence, rated.counts())
    effect = Effect(
        corrections=tuple(corrections),
        recounts=(*((recount,) if set(recount.counts) != set(_counted(view, bought)) else ()), *taken.recounts),
        forgives=forgiven((*rated.clawed_back(), *taken.why), rated.program),
    )
    if undoing is not None:
        effect = undoing.on(effect)
    course = course_now(versions, view.now)
    if not view.wallet.closed:
        effect = told(view.wallet, course, day_of_entry(view.wallet, view.now, bought.zone), effect, view.history)
    entry, wallet = post(view.wallet, view.history, effect, reason, now=view.now, zone=bought.zone)
    decision = undone(undoing, Decision(entry, wallet, changes, carried_on(view, entry, course)), "refunded", versions)
    budgets = [change for change in decision.changes if isinstance(change, BudgetMoved)]
    others = [change for change in decision.changes if not isinstance(change, BudgetMoved)]
    return replace(decision, changes=(*together(budgets), *others))


def referral_wanted(view: View, order: Order) -> ReferralWanted | None:
    """What `refund` reads besides where the member's referral hangs on the order."""
    referred = view.wallet.referral
    return undone_wanted(view) if referred is not None and referred.hangs_on(order.bought.order_id) else None


def _check_writes(view: View, changes: Sequence[Change], cards: int) -> None:
    """Refuse more than one transaction takes: each wallet is two writes, each gift card too, each budget one."""
    wallets = len(list(view.wallets()))
    others = len(changes) - cards + (REFERRAL_WRITES_MAX if view.referral else 0)
    cards_max = min(CARDS_MAX, (WRITES_MAX - 2 * wallets - others) // 2)
    if cards > cards_max:
        raise TooManyCardsError(cards_max=cards_max)


def refund_of(entry: Entry) -> Refund:
    """What a refund's entry keeps of it. Raises EntryUnknownError for any other entry."""
    if not isinstance(entry.subject, Refund):
        raise EntryUnknownError
    return entry.subject


def _subjects(order: Order) -> list[Refund]:
    return [refund_of(entry) for entry in order.refunds]


def _check_complete(view: View, order: Order) -> None:
    """What the member's history says of the order was read with it: its refunds and its vouchers. Raises TryAgainError."""
    rows, order_id = since(view.history, order.purchase.sequence), order.bought.order_id
    posted = {row.key for row in rows if row.kind is EntryKind.REFUND and row.key.startswith(_prefix(order.purchase))}
    used = {row.key for row in rows if row.effect.pays == order_id}
    if posted - {entry.key for entry in order.refunds} or used - {use_key(key) for key in order.redemptions}:
        raise TryAgainError


def _prefix(purchase: Entry) -> str:
    return refund_key(purchase.key.partition(":")[2], "")


def _resolved(request: RefundRequest, before: Net) -> tuple[tuple[RefundLine, ...], int]:
    """The minor units that the refund takes, line by line and off all lines. Raises OverRefundError, RequestInvalidError."""
    if not request.lines:
        amount = before.total if request.amount is None else request.amount
        if amount > before.total:
            raise OverRefundError(refundable=before.total)
        return (), amount
    taken: list[RefundLine] = []
    net = before
    for number, (line, wanted) in enumerate(request.lines):
        if not 1 <= line <= len(before.purchase.lines):
            reason = f"the order has lines 1 to {len(before.purchase.lines)}"
            raise RequestInvalidError(faults=[{"path": f"lines.{number}.line", "reason": reason}])
        left = net.left_of(line)
        if wanted is not None and wanted > left:
            raise OverRefundError(refundable=left)
        taken.append(RefundLine(line, left if wanted is None else wanted))
        net = net.less(taken[-1:], 0)
    return tuple(taken), 0


@dataclass(frozen=True, slots=True)
class _Rated:
    """What the rules that an order met gave for what was left of it before a refund, and give after it."""

    bought: Entry
    version: ProgramVersion
    before: tuple[Part, ...]
    after: tuple[Part, ...]
    basket_before: Basket
    basket: Basket

    @classmethod
    def of(cls, bought: Entry, purchase: Purchase, before: Net, net: Net, versions: Sequence[ProgramVersion]) -> "_Rated":
        version = _version(bought, versions)
        left = [basket_of(purchase, there.amounts(), version.program) for there in (before, net)]
        gave, gives = rate_again(purchase, bought, version, left)
        return cls(bought, version, gave, gives, *left)

    @property
    def program(self) -> Program:
        return self.version.program

    @property
    def _day(self) -> date:
        return local_day(self.bought.occurred_at, self.program.time_zone)

    def clawed_back(self) -> tuple[Share, ...]:
        """By rule, the points that the refund takes back, as negative shares."""
        gave, gives = _points(self.before), _points(self.after)
        return tuple(
            Share(share.rule, share.program_version, share.currency, gives.get(place, 0) - gave.get(place, 0))
            for share in self.bought.why
            for place in ((share.rule, share.currency),)
        )

    def corrections(self) -> Iterator[Correction]:
        """What is left of the order's points, of each currency that changes."""
        gave, gives = _by_currency(self.before), _by_currency(self.after)
        for currency in sorted(gave):
            if gave[currency] != gives.get(currency, 0):
                yield Correction(self.bought.sequence, currency, gives.get(currency, 0))

    def counts(self) -> tuple[Count, ...]:
        """What the order counts from now on. It keeps its number: one that was given again would earn its bonus again.

        A multiplier voucher that it used stays used.
        """
        used = [count for count in self.bought.effect.counts if Boost.of(count)]
        return (ONE_ORDER, *counts_of(self.after, self.basket, self.program, self._day), *used)

    def money(self) -> tuple[int, int]:
        """Minor units of the order that counted before, and count now."""
        return floor(self.basket_before.money()), floor(self.basket.money())

    def budgets(self) -> tuple[BudgetMoved, ...]:
        """What comes back to budgets."""
        return budgets_returned(self.before, self.after, self.program, self.bought.member, self._day)


def _version(bought: Entry, versions: Sequence[ProgramVersion]) -> ProgramVersion:
    if not bought.why:
        return in_force(versions, min(bought.occurred_at, bought.recorded_at))
    return version_of(versions, bought.why[0].program_version)


def _points(parts: Iterable[Part]) -> dict[tuple[str, str], int]:
    return {(part.rule, part.currency): part.points for part in parts}


def _by_currency(parts: Iterable[Part]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in parts:
        found[part.currency] = found.get(part.currency, 0) + part.points
    return found


def _counted(view: View, bought: Entry) -> tuple[Count, ...]:
    """What the order counts as its refunds so far leave it."""
    rows = since(view.history, bought.sequence)
    effects = effective(rows, view.wallet.recorded_on or bought.recorded_on)
    return next(effect.counts for row, effect in zip(rows, effects, strict=True) if row.sequence == bought.sequence)


def _redemptions(view: View, order: Order) -> Iterator[Entry]:
    """Redemptions of the same member that paid a part of the order."""
    for key in order.redemptions:
        found = view.entries.get(key)
        if found is not None and found.member == order.purchase.member:
            yield found


def _points_returned(view: View, order: Order, net: Net) -> Iterator[tuple[Returned, Correction]]:
    """Points of redemptions that go back, each with the correction that frees them."""
    for redemption in _redemptions(view, order):
        found = redemption_of(redemption)
        # Counted from what did go back: a voucher may have been used after a part of its order was refunded.
        before = sum(
            part.amount for subject in _subjects(order) for part in subject.returned if part.reference == redemption.key
        )
        after = net.returned(found.points)
        if after > before:
            correction = Correction(redemption.sequence, found.currency, found.points - after)
            yield Returned(kind="points", reference=redemption.key, amount=after - before), correction


def _cards(view: View, order: Order, net: Net, request: RefundRequest) -> Iterator[tuple[Returned, Change]]:
    """Money that goes back onto gift cards, each with the entry of its own ledger."""
    for card_id in order.cards:
        card = view.cards[card_id]
        tender = card.order(request.order_id)
        # What the shop gave back onto the card by itself counts.
        back = net.returned(tender.spent) - tender.refunded
        if back > 0:
            entry, after = refund_card(
                card,
                amount=back,
                order_id=request.order_id,
                refund_id=request.refund_id,
                now=view.now,
                zone=order.purchase.zone,
                digest=request.digest,
            )
            yield Returned(kind="gift_card", reference=card.id, amount=back), CardPosted(entry, card, after)
