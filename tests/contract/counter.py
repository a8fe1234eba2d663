"""The counter of a shop: what members and tills do with points, by the product's own use cases over any ledger."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from functions.earning.earn_points import record_purchase
from functions.redemption.redeem_reward import cancel_redemption, redeem_reward
from functions.redemption.use_voucher import use_voucher
from functions.referrals.rule_referral import Verb, rule_referral
from shared.domain.audit import Break, audit
from shared.domain.calendar import local_day
from shared.domain.card_decision import issue_card, spend_card, spend_hash, spend_key
from shared.domain.decision import Decision, View, Wanted
from shared.domain.digest import request_hash
from shared.domain.entry import Entry, EntryKey, MemberId, caller_key, closure_key, merge_key, refund_key
from shared.domain.gift_card import CardId, GiftCard, NewCard
from shared.domain.history import standing
from shared.domain.member import Enrolment, Profile, close
from shared.domain.purse import Purse
from shared.domain.redeeming import RedemptionRequest
from shared.domain.referring import Introduction, Joining
from shared.domain.refunding import RefundRequest, refund
from shared.domain.reward import parse_reward
from shared.domain.standing import Course
from shared.domain.subject import Use
from shared.domain.transferring import merge
from shared.domain.undoing import leaving
from shared.domain.voucher import redemption_of
from shared.domain.wallet import Wallet
from shared.ports import Ledger
from tests.contract.ledgers import Place, record
from tests.fakes import grocer
from tests.fakes.grocer import ADA, BOB, purchase
from tests.fakes.memory_catalog import FixedPrograms

TILL = "till-1"
MUG: dict[str, Any] = {
    "id": "mug",
    "name": "A mug",
    "benefit": {"kind": "free_product", "sku": "mug-1"},
    "currency": "points",
    "price": {"points": 50},
}
FIVE_OFF = {**MUG, "id": "five_off", "name": "Five off", "benefit": {"kind": "discount", "amount": 500}}
DONATION = {
    **MUG,
    "id": "trees",
    "name": "Trees",
    "benefit": {"kind": "donation", "charity": "forest", "charity_name": "The Forest", "points": 10, "minor_units": 25},
    "price": {"points_min": 10, "points_max": 1000},
}
GIFT_CARD = {**MUG, "id": "card", "name": "A card", "benefit": {"kind": "gift_card", "amount": 1000, "valid_days": 30}}


def key_of(name: str, caller: str = TILL) -> EntryKey:
    """A caller's own key for a redemption."""
    return caller_key(caller, "redemption", name)


@dataclass(frozen=True)
class Counter:
    """A till over a place, with the grocer's program."""

    place: Place
    programs: FixedPrograms = field(default_factory=lambda: FixedPrograms(grocer.version()))
    rng: random.Random = field(default_factory=random.SystemRandom)

    @property
    def ledger(self) -> Ledger:
        """The place's ledger."""
        return self.place.ledger

    @property
    def day(self) -> date:
        """The local day."""
        return local_day(self.place.clock.now(), grocer.ZONE)

    def over(self, ledger: Ledger) -> Counter:
        """The same counter over another way to the same table."""
        return replace(self, place=replace(self.place, ledger=ledger))

    def earn(self, order_id: str, points: int, **changes: Any) -> Entry:
        """An order of so many dollars, now."""
        return record(self.ledger, purchase(order_id, points * 100, **{"occurred_at": self.place.clock.now(), **changes}))

    def buy(self, order_id: str, dollars: int, **changes: Any) -> Entry:
        """An order of so many dollars, now, by the counter's own programs."""
        order = purchase(order_id, dollars * 100, **{"occurred_at": self.place.clock.now(), **changes})
        return record_purchase(order, ledger=self.ledger, programs=self.programs)

    def offer(self, document: dict[str, Any] = MUG, *, stock: int | None = None, **changes: Any) -> None:
        """Put a reward into the catalog, with a stock where it is limited."""
        reward = parse_reward({**document, **changes, "stock_limited": stock is not None})
        self.place.rewards.put(reward, self.place.clock.now())
        if stock is not None:
            self.place.rewards.set_stock(reward.id, stock, self.day)

    def left(self, reward: str = "mug") -> int:
        """How many of a reward can still be had today."""
        return self.place.rewards.stock([reward])[reward].available(self.day)

    def redeem(self, name: str = "one", reward: str = "mug", member: MemberId = ADA, **changes: Any) -> Entry:
        """Take a reward under the till's key `name`."""
        request = RedemptionRequest(member_id=member, reward=reward, **changes)
        return redeem_reward(
            request,
            key_of(name),
            ledger=self.ledger,
            programs=self.programs,
            clock=self.place.clock,
            rng=self.rng,
        )

    def use(self, redemption: Entry, order_id: str = "paid", amount: int | None = None, member: MemberId = ADA) -> Entry:
        """Take a voucher for an order."""
        code = redemption_of(redemption).code or ""
        subject = Use(order_id=order_id, amount=amount)
        return use_voucher(code, subject, member, TILL, ledger=self.ledger, attempts=self.place.codes)[1]

    def cancel(self, redemption: Entry) -> Entry:
        """Take a redemption back."""
        return cancel_redemption(redemption, None, ledger=self.ledger)

    def refund(self, order_id: str, refund_id: str = "r1", **changes: Any) -> Entry:
        """Give money back: all that is left of the order, or `lines`, or an `amount`."""
        request = RefundRequest(order_id=order_id, refund_id=refund_id, **{"occurred_at": self.place.clock.now(), **changes})
        return self.ledger.correct_order(
            order_id,
            refund_key(order_id, refund_id),
            request.digest,
            lambda view, order: refund(view, order, request, self.programs.versions()),
        )

    def join(self, friend: MemberId, by: MemberId | None = None, campaign: str | None = None, **known: Any) -> Enrolment:
        """A friend enrols by a member's code or a campaign's, now; `known` is what else their profile holds."""
        profile = Profile(member=friend, customer_id=f"customer-{friend}", enrolled_at=self.place.clock.now(), **known)
        introduction = Introduction(code=f"CODE-{by or campaign}", advocate=by, campaign=campaign)
        # The same request at another time: as the API has it, which takes the time from its own clock.
        digest = request_hash("enrolment", {"member": friend, "by": by, "campaign": campaign, **known})
        return self.place.enrol(profile, digest, Joining(introduction, self.programs.versions()))

    def say(self, friend: MemberId, verb: Verb, reason: str = "looked at it") -> Entry:
        """An operator's word on a referral."""
        return rule_referral(friend, verb, reason, "operator", ledger=self.ledger, programs=self.programs)

    def leave(self, member: MemberId, into: MemberId | None = None) -> Entry:
        """A member leaves; `into` takes everything over."""

        def decide(view: View) -> Decision:
            if into is None:
                gone = Decision(*close(view.wallet, now=view.now, zone=grocer.ZONE, history=view.history))
                return leaving(view, gone, "left")
            versions = self.programs.versions()
            return leaving(view, merge(view, "twins", digest, grocer.ZONE, Course.by(versions, versions[-1])), "merged")

        key, digest = (merge_key if into else closure_key)(member), member.encode()
        return self.ledger.decide_and_post(key, member, digest, decide, Wanted(other=into))

    def stands(self, friend: MemberId) -> str | None:
        """Where a friend's referral stands today, as people are told it."""
        referred = self.ledger.view(friend).wallet.referral
        return referred.shown(self.day) if referred else None

    def sell_card(self, amount: int, valid_days: int | None = None) -> GiftCard:
        """A gift card that an operator issued."""
        new = NewCard(CardId("01HCARD0000000000000000000"), "0123456789ABCDEF")
        self.place.cards.issue(
            "operator",
            "sale",
            b"s" * 32,
            lambda now: [issue_card(new, amount=amount, currency="USD", now=now, zone=grocer.ZONE, valid_days=valid_days)],
        )
        return self.card(new.id)

    def pay_with(self, card: GiftCard, order_id: str, amount: int) -> None:
        """A gift card pays a part of an order."""
        digest = spend_hash(card.id, order_id, amount, "USD")
        self.place.cards.decide_and_post(
            card.id,
            spend_key(order_id),
            digest,
            lambda found, now: spend_card(found, order_id, amount, "USD", now=now, zone=grocer.ZONE),
        )

    def card(self, card: CardId) -> GiftCard:
        """A gift card as it was posted."""
        return self.place.cards.card(card)[0]

    def wallet(self, member: MemberId = ADA) -> Wallet:
        """A member's wallet as it stands today, booked or not."""
        view = self.ledger.view(member)
        return standing(view.wallet, view.history, self.day)

    def purse(self, member: MemberId = ADA) -> Purse:
        """A member's points as they stand today."""
        return self.wallet(member).purse("points")

    def told(self, member: MemberId = ADA) -> tuple[int, int]:
        """A member's active points and debt."""
        return self.purse(member).active, self.purse(member).debt

    def entries(self, member: MemberId = ADA) -> list[Entry]:
        """All that was posted for a member, oldest first."""
        rows = list(self.ledger.rows(self.ledger.view(member).wallet))
        return [self.ledger.entry(row.key) for row in rows[::-1]]

    def proven(self, *members: MemberId) -> list[Break]:
        """What the proof finds wrong with the members' books, held to the counter's programs too."""
        versions = self.programs.versions()
        books = {member: self.entries(member) for member in members}
        return [found for member in members for found in audit(self.ledger.view(member).wallet, books[member], versions)]

    def breaks(self, *members: MemberId) -> list[Break]:
        """What the proof of the ledger finds wrong with the members' books."""
        return [
            found for member in members or (ADA, BOB) for found in audit(self.ledger.view(member).wallet, self.entries(member))
        ]


def interrupted(ledger: Ledger, happens: Callable[[], object]) -> Any:
    """A ledger that lets something happen right after its next decision read what it decides on, once."""
    return Interrupted(ledger, happens)


class Interrupted:
    """See `interrupted`."""

    def __init__(self, ledger: Ledger, happens: Callable[[], object]) -> None:
        self._ledger = ledger
        self._happens: Callable[[], object] | None = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def decide_and_post(self, key: Any, member: Any, request_hash: Any, decide: Any, *wanted: Any) -> Entry:
        """As the ledger's, stalled between its read and its decision."""
        return self._ledger.decide_and_post(key, member, request_hash, lambda view: self._stalled(decide, view), *wanted)

    def correct_order(self, order_id: Any, key: Any, request_hash: Any, decide: Any) -> Entry:
        """The same."""
        return self._ledger.correct_order(order_id, key, request_hash, lambda *seen: self._stalled(decide, *seen))

    def _stalled(self, decide: Any, *seen: Any) -> Any:
        happens, self._happens = self._happens, None
        if happens is not None:
            happens()
        return decide(*seen)


def days(count: int) -> timedelta:
    """So many days."""
    return timedelta(days=count)
