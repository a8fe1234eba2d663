"""Answers of wallets and histories."""

from datetime import date
from enum import StrEnum
from typing import Any, Self

from shared.api.answers import BalanceAnswer, EntryAnswer, PostingAnswer, PurchaseAnswer, expires_at, last_day
from shared.api.fields import Answer, Instant
from shared.domain.calendar import first_instant
from shared.domain.entry import HistoryRow
from shared.domain.purse import Purse


class Basis(StrEnum):
    """Which day of an entry `as_of` looks at.

    Recorded: a past answer never changes. Occurred: as if every entry had arrived when it happened.
    """

    RECORDED = "recorded"
    OCCURRED = "occurred"


class DeadlineAnswer(Answer):
    """Active points that are gone at `expires_at`, spendable until the end of `last_day`; None for never."""

    points: int
    expires_at: Instant | None
    last_day: date | None


class PendingAnswer(Answer):
    """Points that become spendable at `spendable_from`."""

    points: int
    spendable_from: Instant | None


class LifetimeAnswer(Answer):
    """Totals since enrolment, net of what was taken back.

    earned = active + pending + redeemed + expired + adjusted + transferred - debt. `transferred` is what went to other members
    less what came from them; `adjusted` what was taken or forfeited less what operators gave or forgave.
    """

    earned: int
    redeemed: int
    expired: int
    adjusted: int
    transferred: int


class PurseAnswer(Answer):
    """One currency of a wallet. `deadlines` sum to `active`; `expiring_soon` are those gone within 30 days."""

    currency: str
    balance: int
    active: int
    pending: int
    debt: int
    expiring_soon: int
    deadlines: list[DeadlineAnswer]
    pending_until: list[PendingAnswer]
    lifetime: LifetimeAnswer

    @classmethod
    def of(cls, purse: Purse, zone: str, soon: date) -> Self:
        """The purse (settled), with points gone on or before `soon` as expiring soon."""
        deadlines = purse.deadlines()
        pending: dict[date, int] = {}
        for lot in purse.lots:
            if lot.spendable_from is not None:
                pending[lot.spendable_from] = pending.get(lot.spendable_from, 0) + lot.count
        return cls(
            currency=purse.currency,
            balance=purse.balance,
            active=purse.active,
            pending=purse.pending,
            debt=purse.debt,
            expiring_soon=sum(points for gone_on, points in deadlines if gone_on and gone_on <= soon),
            deadlines=[
                DeadlineAnswer(points=points, expires_at=expires_at(gone_on, zone), last_day=last_day(gone_on))
                for gone_on, points in deadlines
            ],
            pending_until=[
                PendingAnswer(points=points, spendable_from=first_instant(day, zone)) for day, points in sorted(pending.items())
            ],
            lifetime=LifetimeAnswer(
                earned=purse.issued,
                redeemed=purse.redeemed,
                expired=purse.expired,
                adjusted=purse.adjusted,
                transferred=purse.transferred,
            ),
        )


class OpenRedemptionAnswer(Answer):
    """A redemption that is issued and not used; its points are back from `expires_at` on (None: never)."""

    redemption_id: str
    expires_at: Instant | None


class MultiplierVoucherAnswer(Answer):
    """A multiplier voucher that a campaign gave: the next order up to the end of `last_day` earns `percent` % of its base.

    `count` is how many of the same there are; one order uses one.
    """

    campaign: str
    currency: str
    percent: int
    last_day: date
    count: int


class WalletAnswer(Answer):
    """A member's points. `day` is the local day of the program's `time_zone` that the answer is for.

    `sequence` counts the entries that are in it. `multipliers` are those that an order of the day could use.
    """

    member_id: str
    status: str
    day: date
    time_zone: str
    sequence: int
    currencies: list[PurseAnswer]
    open_redemptions: list[OpenRedemptionAnswer]
    multipliers: list[MultiplierVoucherAnswer]


class ChangeAnswer(Answer):
    """Points that moved between two accounts."""

    debit: str
    credit: str
    currency: str
    points: int


class RowAnswer(Answer):
    """One entry in the history; read the entry for the whole story."""

    entry_id: str
    kind: str
    sequence: int
    occurred_at: Instant
    recorded_at: Instant
    changes: list[ChangeAnswer]
    balances: list[BalanceAnswer]

    @classmethod
    def of(cls, row: HistoryRow) -> Self:
        """The row as the API tells it."""
        return cls(
            entry_id=row.key,
            kind=row.kind,
            sequence=row.sequence,
            occurred_at=row.occurred_at,
            recorded_at=row.recorded_at,
            changes=[ChangeAnswer(debit=p.debit, credit=p.credit, currency=p.currency, points=p.points) for p in row.postings],
            balances=[BalanceAnswer.of(after) for after in row.after],
        )


class HistoryAnswer(Answer):
    """Entries, newest first, and the cursor of the next page (None at the end)."""

    entries: list[RowAnswer]
    cursor: str | None


class TierChangedAnswer(Answer):
    """The member's tier from this entry on (null: none); it was reached or lost on the local day `since`."""

    tier: str | None
    since: date


class ExplainedAnswer(EntryAnswer):
    """An entry with every posting by serial number and the request it came from: all there is to know of it.

    `names_entry_id` is the entry that it corrects, uses or answers; `lapsed` are the sequences of redemptions whose lapse it
    booked; `tier_changed` tells a tier that the entry changed, or that dates had changed before it; `about` is the request of
    any other entry than a purchase's.
    """

    previous_entry_id: str | None
    tier_changed: TierChangedAnswer | None
    names_entry_id: str | None
    lapsed: list[int]
    postings: list[PostingAnswer]
    purchase: PurchaseAnswer | None
    about: dict[str, Any] | None
