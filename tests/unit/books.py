"""One member's books as the real decisions keep them, with no table: a value, so that histories can share their beginnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from shared.domain.audit import Break, audit
from shared.domain.card_decision import issue_card, spend_card
from shared.domain.decision import CardPosted, Change, Decision, Order, OrderPaid, StockMoved, View
from shared.domain.effect import Effect, Spend
from shared.domain.entry import Entry, EntryKey, EntryKind, caller_key, purchase_key, refund_key
from shared.domain.gift_card import CardId, GiftCard, NewCard
from shared.domain.history import Reason, fold, post, standing
from shared.domain.member import close
from shared.domain.points import Account, Credit
from shared.domain.program import ProgramVersion
from shared.domain.purchase import Line, Purchase
from shared.domain.purse import Purse
from shared.domain.redeeming import Issue, RedemptionRequest, redeem
from shared.domain.refunding import RefundRequest, refund
from shared.domain.reward import RewardVersion, parse_reward
from shared.domain.standing import Course
from shared.domain.stock import Stock
from shared.domain.subject import Adjustment, Cancellation, Use
from shared.domain.voucher import cancel, use
from shared.domain.wallet import Wallet
from tests.fakes.grocer import ADA, document, earn, earning_rule, version

DAY_0 = date(2026, 6, 1)
"""Tests count local days from here."""
ZONE = "UTC"
CODE = "0123456789ABCDEF"


def day(number: int) -> date:
    """The local day with this number."""
    return DAY_0 + timedelta(days=number)


def noon(number: int) -> datetime:
    """Noon of the local day with this number."""
    return datetime.combine(day(number), time(12), UTC)


OPENED = Wallet(member=ADA, enrolled_at=noon(-30))
"""A wallet before its first entry."""


def terms(number: int = 1, since: int = -400, *, lives: int | None = 365, pending: int = 0, **changes: Any) -> ProgramVersion:
    """A version of the program in force from the start of day `since`: points live `lives` days, `pending` of them unripe."""
    expiry = None if lives is None else {"after": lives, "rounded_to": "day"}
    currency = {"code": "points", "pending_days": pending, "expiry": expiry}
    fields = {"currencies": [currency], "time_zone": ZONE, "earning_rules": [earning_rule()], **changes}
    start = datetime.combine(day(since), time(0), UTC)
    return version(number, start, **document(**fields))


def reward(id: str = "mug", points: int = 120, *, lapses: int | None = 30, number: int = 1, **changes: Any) -> RewardVersion:
    """A reward for `points` that lapses after so many days; None: never."""
    fields = {
        "id": id,
        "name": id,
        "benefit": {"kind": "discount", "amount": 1000},
        "currency": "points",
        "price": {"points": points},
        "lapse_days": lapses,
        **changes,
    }
    return RewardVersion(number, noon(-400), parse_reward(fields))


@dataclass(frozen=True, kw_only=True)
class Books:
    """A member's wallet and entries at noon of the day `today`, and what a ledger keeps beside them.

    `changes` are what the last decision changed beside the wallet.
    """

    versions: Sequence[ProgramVersion] = (terms(),)
    rewards: Mapping[str, RewardVersion] = field(default_factory=dict)
    today: int = 0
    wallet: Wallet = OPENED
    entries: tuple[Entry, ...] = ()
    stock: Mapping[str, Stock] = field(default_factory=dict)
    cards: Mapping[CardId, GiftCard] = field(default_factory=dict)
    paid: Mapping[str, tuple[EntryKey, ...]] = field(default_factory=dict)
    paid_by_card: Mapping[str, tuple[CardId, ...]] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()

    @property
    def purse(self) -> Purse:
        """The points as they stand today."""
        return self.standing().purse("points")

    @property
    def opened(self) -> Wallet:
        """The wallet before the first entry."""
        return Wallet(member=self.wallet.member, enrolled_at=self.wallet.enrolled_at)

    def standing(self, today: int | None = None) -> Wallet:
        """The wallet as all dates up to today, or a later day, have made it."""
        return standing(self.wallet, self.entries[::-1], day(self.today if today is None else today))

    def fold(self, today: int | None = None) -> Wallet:
        """The same, from nothing but the entries."""
        return fold(self.opened, self.entries, None if today is None else day(today))

    def breaks(self) -> list[Break]:
        """What the proof of the ledger finds."""
        return list(audit(self.wallet, self.entries))

    def entry(self, key: EntryKey) -> Entry:
        """The entry with this key."""
        return next(entry for entry in self.entries if entry.key == key)

    def on(self, today: int) -> Books:
        """The books on a later day."""
        return replace(self, today=today)

    def view(self, reward: str | None = None) -> View:
        """What a ledger reads for a decision."""
        return View(
            wallet=self.wallet,
            now=noon(self.today),
            history=self.entries[::-1],
            reward=self.rewards.get(reward or ""),
            stock=self.stock.get(reward or ""),
            entries={entry.key: entry for entry in self.entries},
            cards=self.cards,
        )

    def bought(self, order_id: str, *amounts: int, occurred: int | None = None, paid_with_rewards: int | None = None) -> Books:
        """An order with lines of these minor units is recorded."""
        purchase = Purchase(
            order_id=order_id,
            member_id=self.wallet.member,
            currency="USD",
            occurred_at=noon(self.today if occurred is None else occurred),
            lines=tuple(Line(f"line-{number}", 1, amount) for number, amount in enumerate(amounts, start=1)),
            paid_with_rewards=paid_with_rewards,
        )
        entry, wallet = earn(self.wallet, purchase, self.versions, now=noon(self.today), history=self.entries[::-1])
        return self._posted(Decision(entry, wallet))

    def redeemed(self, name: str, reward: str = "mug", **asked: Any) -> Books:
        """A reward is taken; `name` is the redemption's own."""
        request = RedemptionRequest(member_id=self.wallet.member, reward=reward, **asked)
        issue = Issue(redemption(name), CODE, NewCard(CardId(f"card-{name}"), CODE))
        return self._posted(redeem(self.view(reward), request, issue, Course.by(self.versions, self.versions[-1])))

    def used(self, name: str, order_id: str = "till", amount: int | None = None) -> Books:
        """The voucher of a redemption is taken at a till."""
        issued = self.entry(redemption(name))
        view = self.view(issued.subject.reward)
        return self._posted(use(view, issued, Use(order_id=order_id, amount=amount), member_id=ADA, digest=b"use"))

    def cancelled(self, name: str) -> Books:
        """A redemption is cancelled."""
        issued = self.entry(redemption(name))
        view = self.view(issued.subject.reward)
        return self._posted(cancel(view, issued, Cancellation(), digest=b"cancel"))

    def refunded(
        self,
        order_id: str,
        refund_id: str | None = None,
        *,
        amount: int | None = None,
        lines: tuple[tuple[int, int | None], ...] = (),
    ) -> Books:
        """An order is refunded, in full where neither amount nor lines are told."""
        number = refund_id or str(len(self.refunds(order_id)) + 1)
        request = RefundRequest(order_id=order_id, refund_id=number, occurred_at=noon(self.today), amount=amount, lines=lines)
        return self._posted(refund(self.view(), self.order(order_id), request, self.versions))

    def order(self, order_id: str) -> Order:
        """An order as one read of its partition brings it."""
        bought = self.entry(purchase_key(order_id))
        paid, cards = self.paid.get(order_id, ()), self.paid_by_card.get(order_id, ())
        return Order(bought, self.refunds(order_id), paid, cards)

    def refunds(self, order_id: str) -> tuple[Entry, ...]:
        """The refunds of an order."""
        return tuple(entry for entry in self.entries if entry.key.startswith(refund_key(order_id, "")))

    def adjusted(self, name: str, points: int, *, gone_on: int | None = None) -> Books:
        """An operator gives points, or takes them."""
        effect = Effect(spends=(Spend("points", -points, Account.ADJUSTED),))
        if points > 0:
            gone = None if gone_on is None else day(gone_on)
            effect = Effect(credits=(Credit("points", points, day(self.today), gone, Account.ADJUSTED),))
        why = Adjustment(currency="points", points=points, reason="a test", operator="operator")
        reason = Reason(EntryKey(f"adjustment:{name}"), EntryKind.ADJUSTMENT, noon(self.today), b"adjust", subject=why)
        entry, wallet = post(self.wallet, self.entries[::-1], effect, reason, now=noon(self.today), zone=ZONE)
        return self._posted(Decision(entry, wallet))

    def closed(self) -> Books:
        """The member leaves."""
        entry, wallet = close(self.wallet, now=noon(self.today), zone=ZONE, history=self.entries[::-1])
        return self._posted(Decision(entry, wallet))

    def with_card(self, id: str, amount: int) -> Books:
        """A gift card is issued."""
        _, card = issue_card(
            NewCard(CardId(id), CODE), amount=amount, currency="USD", now=noon(self.today), zone=ZONE, valid_days=10
        )
        return replace(self, cards={**self.cards, card.id: card})

    def paid_with_card(self, id: str, order_id: str, amount: int) -> Books:
        """A gift card pays a part of an order."""
        _, card = spend_card(self.cards[CardId(id)], order_id, amount, "USD", now=noon(self.today), zone=ZONE)
        known = self.paid_by_card.get(order_id, ())
        return replace(
            self, cards={**self.cards, card.id: card}, paid_by_card={**self.paid_by_card, order_id: (*known, card.id)}
        )

    def _posted(self, decision: Decision) -> Books:
        books = replace(self, wallet=decision.wallet, entries=(*self.entries, decision.entry), changes=decision.changes)
        for change in decision.changes:
            books = books._changed(change)
        return books

    def _changed(self, change: Change) -> Books:
        match change:
            case StockMoved():
                return replace(self, stock={**self.stock, change.after.reward: change.after})
            case CardPosted():
                return replace(self, cards={**self.cards, change.after.id: change.after})
            case OrderPaid():
                known = self.paid.get(change.order_id, ())
                return replace(self, paid={**self.paid, change.order_id: (*known, change.redemption)})
        return self


def redemption(name: str) -> EntryKey:
    """The key of the redemption that a test calls `name`."""
    return caller_key("till", "redemption", name)
