"""Ledger entries: immutable, append-only, each explained by itself."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NewType

from shared.domain.counts import ONE_ORDER
from shared.domain.effect import Effect
from shared.domain.points import Account, Credit, Lot, Posting, merged
from shared.domain.purchase import Purchase
from shared.domain.subject import Subject

EntryKey = NewType("EntryKey", str)
"""The idempotency key of an entry, and its public id: words joined by colons, safe in a URL path."""

MemberId = NewType("MemberId", str)
"""A ULID: 26 symbols of Crockford's base 32."""


def purchase_key(order_id: str) -> EntryKey:
    """One order is one entry, whoever sends it and however often."""
    return EntryKey(f"purchase:{order_id}")


def refund_key(order_id: str, refund_id: str) -> EntryKey:
    """A refund of an order, under the shop's own number."""
    return EntryKey(f"refund:{order_id}:{refund_id}")


def caller_key(caller: str, operation: str, idempotency_key: str) -> EntryKey:
    """Where no natural key exists: the caller's own `Idempotency-Key`, apart for each caller and operation."""
    return EntryKey(f"key:{caller}:{operation}:{idempotency_key}")


def activity_key(activity: str, activity_id: str) -> EntryKey:
    """One proof of an activity is one entry, whoever sends it and however often."""
    return EntryKey(f"activity:{activity}:{activity_id}")


def void_key(entry: EntryKey) -> EntryKey:
    """An activity is voided once."""
    return EntryKey(f"void:{entry}")


def billing_key(event_id: str) -> EntryKey:
    """A billing event is told once, under the provider's own id."""
    return EntryKey(f"billing:{event_id}")


def review_key(member: MemberId, sequence: int) -> EntryKey:
    """A change of tier that no other entry told; `sequence` is the entry's own, so two reviews at once are one."""
    return EntryKey(f"review:{member}:{sequence}")


def grant_key(campaign: str, period: str, member: MemberId) -> EntryKey:
    """A campaign gives a member its bonus once for a period."""
    return EntryKey(f"grant:{campaign}:{period}:{member}")


def gift_key(grant: EntryKey) -> EntryKey:
    """The redemption, at the price of nothing, of a reward that a campaign gave."""
    return EntryKey(f"gift:{grant.removeprefix('grant:')}")


def notice_key(member: MemberId, what: str) -> EntryKey:
    """A member is told something once."""
    return EntryKey(f"notice:{member}:{what}")


def sweep_key(member: MemberId, sequence: int) -> EntryKey:
    """What was due by date is booked; `sequence` is the entry's own, so two sweeps at once are one."""
    return EntryKey(f"sweep:{member}:{sequence}")


def referral_key(friend: MemberId) -> EntryKey:
    """A member is referred once."""
    return EntryKey(f"referral:{friend}")


def ruling_key(friend: MemberId, *, passed: bool) -> EntryKey:
    """An operator lets a referral pass once, and rejects it once."""
    return EntryKey(f"{'passed' if passed else 'rejected'}:{friend}")


def award_key(friend: MemberId) -> EntryKey:
    """A referral is awarded once; this is the friend's side."""
    return EntryKey(f"award:{friend}")


def clawback_key(friend: MemberId) -> EntryKey:
    """What a referral gave is taken back once; this is the friend's side."""
    return EntryKey(f"clawback:{friend}")


def of_advocate(key: EntryKey) -> EntryKey:
    """The advocate's side of an award or its clawback."""
    return EntryKey(f"{key}:advocate")


def is_callers_own(key: EntryKey) -> bool:
    """Whether a key is a caller's `Idempotency-Key` and not a natural one."""
    return key.startswith("key:")


def use_key(redemption: EntryKey) -> EntryKey:
    """A redemption is used once."""
    return EntryKey(f"use:{redemption}")


def cancel_key(redemption: EntryKey) -> EntryKey:
    """A redemption is cancelled once."""
    return EntryKey(f"cancel:{redemption}")


def arrival_key(departure: EntryKey) -> EntryKey:
    """The other side of an entry that moves points to another member."""
    return EntryKey(f"arrival:{departure}")


def merge_key(member: MemberId) -> EntryKey:
    """A member is merged into another once."""
    return EntryKey(f"merge:{member}")


def approval_key(adjustment: EntryKey) -> EntryKey:
    """An adjustment that waits for a second operator is approved or rejected once."""
    return EntryKey(f"approval:{adjustment}")


def closure_key(member: MemberId) -> EntryKey:
    """A member is closed once."""
    return EntryKey(f"closure:{member}")


class EntryKind(StrEnum):
    """What an entry records."""

    PURCHASE = "purchase"
    REFUND = "refund"
    REDEMPTION = "redemption"
    USE = "use"
    CANCELLATION = "cancellation"
    ADJUSTMENT = "adjustment"
    TRANSFER = "transfer"
    ARRIVAL = "arrival"
    MERGE = "merge"
    CLOSURE = "closure"
    ACTIVITY = "activity"
    VOID = "void"
    BILLING = "billing"
    REVIEW = "review"
    RECOGNITION = "recognition"
    REFERRAL = "referral"
    RULING = "ruling"
    AWARD = "award"
    CLAWBACK = "clawback"
    INVITATION = "invitation"
    GRANT = "grant"
    NOTICE = "notice"
    SWEEP = "sweep"


def is_activity(kind: EntryKind, key: EntryKey) -> bool:
    """Whether an entry ends the member's silence: they bought or redeemed, whatever became of it (the rules of points, 22)."""
    return kind is EntryKind.PURCHASE or (kind is EntryKind.REDEMPTION and not key.startswith("gift:"))


@dataclass(frozen=True, slots=True)
class Share:
    """Why an entry gave points: `points` by `rule` of the program's `program_version`.

    `room` is what its caps left for it, None where it has none. Rules are named by their ids; a tier's multiplier is
    `tier:<level>`, a membership's `membership:<plan>`, a recognition `recognition:<id>`, a referral's reward
    `referral:<side>:<currency>` or `campaign:<id>:<currency>`, a campaign's bonus `grant:<campaign>`, a multiplier voucher
    `boost:<campaign>:<percent>`.
    """

    rule: str
    program_version: int
    currency: str
    points: int
    room: int | None = None


@dataclass(frozen=True, slots=True)
class BalanceAfter:
    """A currency's points right after an entry."""

    currency: str
    active: int
    pending: int
    debt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """What the history lists of an entry, and all that the fold needs of it.

    `sequence` counts the member's entries from 1 with no gap; `previous` is the key of the one before. `recorded_on` is the
    local day of the program's zone on which the entry counts. `lapsed` are the sequences of redemptions whose lapse the entry
    booked; `told` is its effect where the postings alone do not tell it.
    """

    key: EntryKey
    kind: EntryKind
    member: MemberId
    sequence: int
    previous: EntryKey | None
    occurred_at: datetime
    recorded_at: datetime
    recorded_on: date
    postings: tuple[Posting, ...]
    after: tuple[BalanceAfter, ...]
    lapsed: tuple[int, ...] = ()
    told: Effect | None = None

    @property
    def effect(self) -> Effect:
        """What the entry does to the wallet; a purchase's points are read from the serials it gave."""
        if self.kind is not EntryKind.PURCHASE:
            told = self.told or Effect()
            return replace(told, active_at=self.occurred_at) if is_activity(self.kind, self.key) else told
        credits = tuple(
            Credit(
                currency, lot.count, lot.spendable_from or self.recorded_on, lot.gone_on, Account.ISSUED, lot.first, lot.count
            )
            for currency, lots in self.minted().items()
            for lot in lots
        )
        told = self.told or Effect()
        return replace(told, credits=credits, counts=(ONE_ORDER, *told.counts), active_at=self.occurred_at)

    def corrects(self) -> frozenset[int]:
        """Sequences of the entries whose place in effective history this one changes, by itself or by a lapse it booked."""
        told = self.told or Effect()
        found = {*self.lapsed, *(correction.sequence for correction in told.corrections)}
        found |= {recount.sequence for recount in told.recounts} | {reopening.sequence for reopening in told.reopens}
        return frozenset(found)

    def minted(self) -> dict[str, tuple[Lot, ...]]:
        """The lots this entry gave serial numbers to, by currency; for a purchase, what it earned."""
        by_currency: dict[str, list[Lot]] = {}
        for posting in self.postings:
            if posting.debit is Account.ISSUED:
                by_currency.setdefault(posting.currency, []).extend(posting.lots)
        return {currency: merged(lots) for currency, lots in by_currency.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(HistoryRow):
    """A whole entry: its row, why it gave what it gave, and the request it answers.

    `zone` is the program's zone, so that the entry's days can be told as instants from the entry alone. `subject` is what the
    request was about. `names` is the entry that this one corrects, uses or answers.
    """

    zone: str
    request_hash: bytes
    why: tuple[Share, ...] = ()
    subject: Subject | None = None
    names: EntryKey | None = None

    @property
    def purchase(self) -> Purchase | None:
        """The order that the entry records, where it records one."""
        return self.subject if isinstance(self.subject, Purchase) else None
