"""Domain events: what an entry tells the world, from the entry alone (docs/events.md).

An entry is immutable, so its events are always the same, under the same ids: whoever is told twice can tell. Every
event carries the member's sequence, by which a consumer sorts, and sees what is missing.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from shared.domain.calendar import first_instant
from shared.domain.entry import Entry, EntryKey, MemberId
from shared.domain.points import Account
from shared.domain.subject import Award, Grant, Notice, Review
from shared.domain.written import Instant

MESSAGE_ONLY = "message"
"""The bonus of a campaign that gives nothing but a message."""


class EventType(StrEnum):
    """What happened; the `detail-type` on the bus."""

    ENTRY_POSTED = "EntryPosted"
    BONUS_GRANTED = "BonusGranted"
    WE_MISS_YOU = "WeMissYou"
    HAPPY_BIRTHDAY = "HappyBirthday"
    HAPPY_ANNIVERSARY = "HappyAnniversary"
    CAMPAIGN_MESSAGE = "CampaignMessage"
    POINTS_EXPIRING_SOON = "PointsExpiringSoon"
    POINTS_ACTIVATED = "PointsActivated"
    POINTS_EXPIRED = "PointsExpired"
    TIER_REACHED = "TierReached"
    VOUCHER_LAPSED = "VoucherLapsed"
    REFERRAL_REWARDED = "ReferralRewarded"


class Told(BaseModel):
    """A part of an event. New fields may come with a new version: whoever reads one ignores what it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Moved(Told):
    """Points that the entry took from the account `debit` to the account `credit`, in all."""

    currency: str
    debit: str
    credit: str
    points: int


class Balance(Told):
    """A currency right after the entry. `balance` is active less debt; pending points are apart."""

    currency: str
    balance: int
    active: int
    pending: int
    debt: int


class PointsOf(Told):
    """Points of a currency."""

    currency: str
    points: int


class EntryPosted(Told):
    """An entry stands in the ledger: its kind, what it moved, and every balance after it.

    `names` is the entry that it corrects, uses or answers, where it does.
    """

    kind: str
    names: str | None
    moved: list[Moved]
    balances: list[Balance]


class Granted(Told):
    """What a campaign gave. `bonus` is `points`, `multiplier`, `reward`, `gift_card` or `message`; fields of others are null.

    A multiplier makes the next order up to the local day `last_day` earn `percent` of its base. A reward's voucher is the entry
    `redemption`; `gift_card` is a card of `amount` minor units. Codes are worth money, hence in no event. `period` is what the
    grant is given once for, `due_at` when it was due; `cause` is the order's entry, for a bonus on a purchase. `template` is
    the campaign's own. `told_as` of BonusGranted is the type of the event by which the same grant is told besides, else null.
    """

    campaign: str
    trigger: str
    period: str
    due_at: Instant
    bonus: str
    currency: str | None
    points: int
    percent: int | None
    last_day: date | None
    reward: str | None
    redemption: str | None
    gift_card: str | None
    amount: int | None
    money_currency: str | None
    cause: str | None
    template: str | None
    told_as: str | None


class PointsExpiringSoon(Told):
    """`points` of `currency` can be spent up to the local day `last_day`, are gone at `expires_at`, `days` after the notice."""

    currency: str
    points: int
    days: int
    last_day: date
    expires_at: Instant


class Activated(PointsOf):
    """`points` can be spent from now on; `repaid` more were due as well and repaid debt."""

    repaid: int


class PointsActivated(Told):
    """Points whose wait is over, by currency."""

    currencies: list[Activated] = Field(min_length=1)


class PointsExpired(Told):
    """Points that are gone by date, by currency; what a correction took back from there in the same entry is taken off."""

    currencies: list[PointsOf] = Field(min_length=1)


class TierBefore(Told):
    """The tier before; null for none."""

    tier: str | None


class TierReached(Told):
    """The tier that the member has from the local day `since` on, null for none: reached from below, or fallen to from above.

    `before` says which where the entry does, for a tier that changed by date alone (kind `review`); elsewhere it is null.
    """

    tier: str | None
    since: date
    before: TierBefore | None


class VoucherLapsed(Told):
    """Vouchers that were not used in time: the sequences of the member's entries that redeemed them. The points are back."""

    redemptions: list[int] = Field(min_length=1)


class ReferralRewarded(Told):
    """What one `side` (`advocate` or `friend`) of a referral got; it can be spent from the local day `held_until` on.

    `friend` is the member who was brought; `number` counts the advocate's friends, null where there is no advocate.
    """

    side: str
    friend: str
    number: int | None
    held_until: date | None
    given: list[PointsOf] = Field(min_length=1)


DATA: Mapping[EventType, type[Told]] = {
    EventType.ENTRY_POSTED: EntryPosted,
    EventType.BONUS_GRANTED: Granted,
    EventType.WE_MISS_YOU: Granted,
    EventType.HAPPY_BIRTHDAY: Granted,
    EventType.HAPPY_ANNIVERSARY: Granted,
    EventType.CAMPAIGN_MESSAGE: Granted,
    EventType.POINTS_EXPIRING_SOON: PointsExpiringSoon,
    EventType.POINTS_ACTIVATED: PointsActivated,
    EventType.POINTS_EXPIRED: PointsExpired,
    EventType.TIER_REACHED: TierReached,
    EventType.VOUCHER_LAPSED: VoucherLapsed,
    EventType.REFERRAL_REWARDED: ReferralRewarded,
}
"""What the events of each type tell."""


class Detail(Told):
    """The `detail` of an event on the bus. `id` is the same however often the event is delivered.

    `sequence` counts the member's entries from 1 with no gap. All events of one entry have the same. `entry_id` is
    the one of `GET /v1/entries/{entry_id}`. `occurred_at` is when it happened, `recorded_at` when it was recorded, never before
    the member's entry before it.
    """

    id: str
    member_id: str
    sequence: int
    entry_id: str
    occurred_at: Instant
    recorded_at: Instant
    data: Any


DETAILS: Mapping[EventType, type[Detail]] = {
    type: create_model(f"{type}Event", __base__=Detail, __doc__=Detail.__doc__, data=(data, ...)) for type, data in DATA.items()
}
"""The `detail` of the events of each type."""


class EventUnreadableError(ValueError):
    """An event from the bus is of no known type, or does not tell what its type tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """Something that an entry tells of its member."""

    type: EventType
    id: str
    member: MemberId
    sequence: int
    entry: EntryKey
    occurred_at: datetime
    recorded_at: datetime
    detail: Told

    @classmethod
    def of(cls, entry: Entry, type: EventType, detail: Told) -> Self:
        """An event of the entry; there is one of a type at most."""
        return cls(
            type=type,
            id=f"{entry.key}/{type}",
            member=entry.member,
            sequence=entry.sequence,
            entry=entry.key,
            occurred_at=entry.occurred_at,
            recorded_at=entry.recorded_at,
            detail=detail,
        )

    @classmethod
    def parse(cls, type: str, detail: object) -> Self:
        """The event that the bus delivered as `type` with `detail`. Raises EventUnreadableError."""
        try:
            found = DETAILS[EventType(type)].model_validate(detail)
        except ValidationError as error:
            raise EventUnreadableError(f"{type}: {error.error_count()} faults") from None
        except ValueError:
            raise EventUnreadableError(f"{type} is no type of event") from None
        return cls(
            type=EventType(type),
            id=found.id,
            member=MemberId(found.member_id),
            sequence=found.sequence,
            entry=EntryKey(found.entry_id),
            occurred_at=found.occurred_at,
            recorded_at=found.recorded_at,
            detail=found.data,
        )

    def told(self) -> dict[str, Any]:
        """The `detail` on the bus, as JSON knows it."""
        detail = DETAILS[self.type](
            id=self.id,
            member_id=self.member,
            sequence=self.sequence,
            entry_id=self.entry,
            occurred_at=self.occurred_at,
            recorded_at=self.recorded_at,
            data=self.detail,
        )
        return detail.model_dump(mode="json")


def announced(entry: Entry) -> tuple[DomainEvent, ...]:
    """All that an entry tells, in a fixed order."""
    return tuple(DomainEvent.of(entry, type, detail) for tell in _TELLERS for type, detail in tell(entry).items())


_Events = dict[EventType, Told]


def _posted(entry: Entry) -> _Events:
    moved: Counter[tuple[str, Account, Account]] = Counter()
    for posting in entry.postings:
        moved[posting.currency, posting.debit, posting.credit] += posting.points
    data = EntryPosted(
        kind=entry.kind,
        names=entry.names,
        moved=[Moved(currency=c, debit=debit, credit=credit, points=points) for (c, debit, credit), points in moved.items()],
        balances=[
            Balance(
                currency=after.currency,
                balance=after.active - after.debt,
                active=after.active,
                pending=after.pending,
                debt=after.debt,
            )
            for after in entry.after
        ],
    )
    return {EventType.ENTRY_POSTED: data}


_OCCASIONS = {
    "silence": EventType.WE_MISS_YOU,
    "birthday": EventType.HAPPY_BIRTHDAY,
    "anniversary": EventType.HAPPY_ANNIVERSARY,
}
"""Triggers of campaigns that have an event of their own, whatever the campaign gives."""


def _granted(entry: Entry) -> _Events:
    grant = entry.subject
    if not isinstance(grant, Grant):
        return {}
    occasion = _OCCASIONS.get(grant.trigger, EventType.CAMPAIGN_MESSAGE if grant.template else None)
    events: _Events = {}
    if grant.bonus != MESSAGE_ONLY:
        events[EventType.BONUS_GRANTED] = _grant_data(grant, occasion)
    if occasion is not None:
        events[occasion] = _grant_data(grant, None)
    return events


def _grant_data(grant: Grant, told_as: EventType | None) -> Granted:
    return Granted(
        campaign=grant.campaign,
        trigger=grant.trigger,
        period=grant.period,
        due_at=grant.due_at,
        bonus=grant.bonus,
        currency=grant.currency,
        points=grant.points,
        percent=grant.percent,
        last_day=grant.until,
        reward=grant.reward,
        redemption=grant.redemption,
        gift_card=grant.gift_card,
        amount=grant.amount,
        money_currency=grant.money,
        cause=grant.cause,
        template=grant.template,
        told_as=told_as,
    )


def _expiring(entry: Entry) -> _Events:
    notice = entry.subject
    if not isinstance(notice, Notice):
        return {}
    data = PointsExpiringSoon(
        currency=notice.currency,
        points=notice.points,
        days=notice.days,
        last_day=notice.on - timedelta(days=1),
        expires_at=first_instant(notice.on, entry.zone),
    )
    return {EventType.POINTS_EXPIRING_SOON: data}


def _activated(entry: Entry) -> _Events:
    found = [
        Activated(
            currency=currency,
            points=max(0, _net(entry, currency, Account.PENDING, Account.ACTIVE)),
            repaid=max(0, _net(entry, currency, Account.PENDING, Account.DEBT)),
        )
        for currency in _currencies(entry)
    ]
    told = [one for one in found if one.points or one.repaid]
    return {EventType.POINTS_ACTIVATED: PointsActivated(currencies=told)} if told else {}


def _expired(entry: Entry) -> _Events:
    points = {currency: _net(entry, currency, None, Account.EXPIRED) for currency in _currencies(entry)}
    told = [PointsOf(currency=currency, points=gone) for currency, gone in points.items() if gone > 0]
    return {EventType.POINTS_EXPIRED: PointsExpired(currencies=told)} if told else {}


def _currencies(entry: Entry) -> list[str]:
    return sorted({posting.currency for posting in entry.postings})


def _net(entry: Entry, currency: str, source: Account | None, target: Account) -> int:
    """Points of a currency that went from `source` (None: from anywhere) to `target`, less those that went back."""
    mine = [posting for posting in entry.postings if posting.currency == currency]
    there = sum(p.points for p in mine if p.credit is target and source in (None, p.debit))
    back = sum(p.points for p in mine if p.debit is target and source in (None, p.credit))
    return there - back


def _tier(entry: Entry) -> _Events:
    stands = entry.told.stands if entry.told else None
    if stands is None:
        return {}
    review = entry.subject
    before = TierBefore(tier=review.before) if isinstance(review, Review) else None
    return {EventType.TIER_REACHED: TierReached(tier=stands.tier, since=stands.since, before=before)}


def _lapsed(entry: Entry) -> _Events:
    return {EventType.VOUCHER_LAPSED: VoucherLapsed(redemptions=list(entry.lapsed))} if entry.lapsed else {}


def _rewarded(entry: Entry) -> _Events:
    award = entry.subject
    if not isinstance(award, Award):
        return {}
    points: Counter[str] = Counter()
    for share in entry.why:
        points[share.currency] += share.points
    given = [PointsOf(currency=currency, points=sum_) for currency, sum_ in points.items() if sum_]
    # A ceiling may have left nothing, and what another system gave is told by nobody here: the entry says so.
    if not given:
        return {}
    data = ReferralRewarded(side=award.side, friend=award.friend, number=award.number, held_until=award.held_until, given=given)
    return {EventType.REFERRAL_REWARDED: data}


_TELLERS: tuple[Callable[[Entry], _Events], ...] = (
    _posted,
    _granted,
    _expiring,
    _activated,
    _expired,
    _tier,
    _lapsed,
    _rewarded,
)
