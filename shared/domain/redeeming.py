"""Redemptions: what a reward would take, and taking it (docs/redemptions.md; what becomes of it then: voucher.py)."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Self

from shared.domain.card_decision import issue_card
from shared.domain.decision import CardPosted, Change, Decision, Donated, StockMoved, View, VoucherIssued
from shared.domain.digest import request_hash
from shared.domain.effect import Effect, Spend
from shared.domain.entry import Entry, EntryKey, EntryKind
from shared.domain.errors import (
    LimitReachedError,
    RefusalError,
    RewardChangedError,
    RewardNotOfferedError,
    RewardUnknownError,
)
from shared.domain.gift_card import NewCard
from shared.domain.history import Reason, day_of_entry, post, standing
from shared.domain.membership import active_at
from shared.domain.program import Program
from shared.domain.reward import (
    Discount,
    Donation,
    GiftCard,
    PayWithPoints,
    Reward,
    RewardVersion,
    Situation,
    claim_until,
    obstacles,
    points_for,
    value_of,
)
from shared.domain.rule import Occasion
from shared.domain.standing import Course, benefits_at, tier_now
from shared.domain.stock import Stock
from shared.domain.subject import Redemption
from shared.domain.wallet import Wallet

HOLDS_MAX = 50
"""Redemptions that one member may have open: the wallet, which every earn writes, lists them."""


@dataclass(frozen=True, kw_only=True)
class RedemptionRequest:
    """Somebody wants `reward` for a member.

    `points` where the reward lets them choose; `order_amount` minor units of the order that a discount or points pay a part
    of; `version` the reward's version that they saw, if a later one is to be refused.
    """

    member_id: str
    reward: str
    points: int | None = None
    order_amount: int | None = None
    channel: str | None = None
    region: str | None = None
    version: int | None = None

    @cached_property
    def digest(self) -> bytes:
        """What tells a repeated request from a changed one."""
        return request_hash("redemption", self)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a member asks: a reward's channel and region."""

    channel: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """What a redemption would take and be worth now, and every reason why it would be refused."""

    reward: RewardVersion
    points: int
    value: int | None
    lapses_on: date | None
    active: int
    obstacles: list[RefusalError]


@dataclass(frozen=True, slots=True)
class Issue:
    """What the caller brings to a redemption: its key, and unguessable codes where one is needed."""

    key: EntryKey
    code: str
    card: NewCard


def quote(view: View, request: RedemptionRequest, course: Course) -> Quote:
    """What `request` would take now.

    Raises RewardUnknownError, MemberClosedError, PointsNotOfferedError, RequestInvalidError.
    """
    day = day_of_entry(view.wallet, view.now, course.zone)
    return _quoted(view, request, day, standing(view.wallet, view.history, day), course)


def _quoted(view: View, request: RedemptionRequest, day: date, wallet: Wallet, course: Course) -> Quote:
    version = view.reward
    if version is None:
        raise RewardUnknownError
    wallet.check_open()
    reward = version.reward.on(seasons_now(view, course))
    points = points_for(reward, request.points, request.order_amount)
    place = Place(request.channel, request.region)
    asked = Asked.of(view, wallet, day, course, place)
    situation = replace(situation_of(asked, reward, stock_of(view)), points=points)
    found: list[RefusalError] = list(obstacles(reward, situation))
    if len(wallet.holds) >= HOLDS_MAX and not reward.immediate:
        found.append(LimitReachedError(limit="open", count=HOLDS_MAX, until=None))
    if request.version not in (None, version.version):
        found.insert(0, RewardChangedError(version=version.version, points=points))
    return Quote(
        reward=version,
        points=points,
        value=value_of(reward, points, request.order_amount),
        lapses_on=day + timedelta(days=reward.lapse_days) if reward.lapse_days else None,
        active=situation.active,
        obstacles=found,
    )


def seasons_now(view: View, course: Course) -> frozenset[str]:
    """The seasons of the program that it is now; a reward is asked for at no store, so the program's zone holds."""
    return Occasion(at=view.now, zone=course.zone, seasons=course.version.program.seasons_by_id).on


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a reward and where: the member's wallet as it stands on `day`, tier, memberships and early access."""

    view: View
    wallet: Wallet
    day: date
    place: Place
    tier: str | None
    memberships: tuple[str, ...]
    early: timedelta

    @classmethod
    def of(cls, view: View, wallet: Wallet, day: date, course: Course, place: Place) -> Self:
        """What does not depend on the reward."""
        level = tier_now(wallet, course, day)
        benefits = benefits_at(level, wallet, course, view.now).values()
        early = timedelta(hours=max((found.early_access_hours for found in benefits), default=0))
        return cls(view, wallet, day, place, level.id if level else None, active_at(wallet.terms, view.now), early)


def situation_of(asked: Asked, reward: Reward, stock: Stock | None) -> Situation:
    """What decides whether the member may have a reward."""
    view, wallet, day = asked.view, asked.wallet, asked.day
    return Situation(
        now=view.now,
        day=day,
        active=wallet.purse(reward.currency).active,
        taken_ever=wallet.taken(reward.id, None),
        taken_in_period=wallet.taken(reward.id, claim_until(reward.limits, day)),
        available=stock.available(day) if reward.stock_limited and stock else None,
        attributes=view.profile.attributes if view.profile else {},
        channel=asked.place.channel,
        region=asked.place.region,
        tier=asked.tier,
        memberships=asked.memberships,
        early=asked.early,
    )


def stock_of(view: View) -> Stock:
    """The stock of the view's reward; nothing is left of one that nobody stocked."""
    return view.stock or Stock(reward=view.reward.reward.id if view.reward else "", total=0)


def redeem(view: View, request: RedemptionRequest, issue: Issue, course: Course) -> Decision:
    """Take the points and the stock for a reward and issue its voucher; gift cards and donations are fulfilled at once.

    Raises as `quote`, and the first of its obstacles: RewardChangedError, RewardNotOfferedError, LimitReachedError,
    SoldOutError, PointsShortError.
    """
    zone, program = course.zone, course.version.program
    day = day_of_entry(view.wallet, view.now, zone)
    quoted = _quoted(view, request, day, standing(view.wallet, view.history, day), course)
    if quoted.obstacles:
        raise quoted.obstacles[0]
    subject = _subject(quoted, request, issue, program)
    entry, wallet = post(
        view.wallet,
        view.history,
        Effect(spends=(_spend(quoted, day),)),
        Reason(
            key=issue.key,
            kind=EntryKind.REDEMPTION,
            occurred_at=view.now,
            request_hash=request.digest,
            subject=subject,
        ),
        now=view.now,
        zone=zone,
    )
    return Decision(entry, wallet, tuple(_changes(view, quoted, subject, issue, entry)))


def gift(view: View, issue: Issue, course: Course, digest: bytes, names: EntryKey) -> Decision:
    """The redemption, for nothing, of a reward that a campaign gives: `names` is the grant. Limits and audience do not count.

    Raises RewardUnknownError, RewardNotOfferedError for an archived one, SoldOutError, LimitReachedError.
    """
    version = view.reward
    if version is None:
        raise RewardUnknownError
    reward = version.reward
    if reward.archived or isinstance(reward.benefit, Donation | PayWithPoints):
        # What depends on the points that are paid for it is worth nothing for nothing.
        raise RewardNotOfferedError(reason="archived" if reward.archived else "points")
    if len(view.wallet.holds) >= HOLDS_MAX and not reward.immediate:
        raise LimitReachedError(limit="open", count=HOLDS_MAX, until=None)
    day = day_of_entry(view.wallet, view.now, course.zone)
    quoted = Quote(
        reward=version,
        points=0,
        value=value_of(reward, 0, None),
        lapses_on=day + timedelta(days=reward.lapse_days) if reward.lapse_days else None,
        active=0,
        obstacles=[],
    )
    request = RedemptionRequest(member_id=view.wallet.member, reward=reward.id)
    subject = _subject(quoted, request, issue, course.version.program)
    spend = Spend(currency=reward.currency, points=0, held=not reward.immediate, lapses_on=quoted.lapses_on)
    entry, wallet = post(
        view.wallet,
        view.history,
        Effect(spends=(spend,)),
        Reason(
            key=issue.key,
            kind=EntryKind.REDEMPTION,
            occurred_at=view.now,
            request_hash=digest,
            subject=subject,
            names=names,
        ),
        now=view.now,
        zone=course.zone,
    )
    return Decision(entry, wallet, tuple(_changes(view, quoted, subject, issue, entry)))


def _spend(quoted: Quote, day: date) -> Spend:
    reward = quoted.reward.reward
    claims: list[date | None] = [None] if reward.limits.ever else []
    if reward.limits.per_period:
        claims.append(claim_until(reward.limits, day))
    return Spend(
        currency=reward.currency,
        points=quoted.points,
        held=not reward.immediate,
        lapses_on=quoted.lapses_on,
        reward=reward.id if claims else None,
        claims=tuple(claims),
    )


def _subject(quoted: Quote, request: RedemptionRequest, issue: Issue, program: Program) -> Redemption:
    reward = quoted.reward.reward
    return Redemption(
        reward=reward.id,
        reward_version=quoted.reward.version,
        name=reward.name,
        benefit=reward.benefit.model_dump(mode="json", exclude_none=True),
        currency=reward.currency,
        points=quoted.points,
        money=program.money_currency,
        value=None if _depends_on_the_order(reward) else quoted.value,
        immediate=reward.immediate,
        code=_code(reward, issue),
        lapses_on=quoted.lapses_on,
        gift_card=issue.card.id if isinstance(reward.benefit, GiftCard) else None,
        stocked=reward.stock_limited,
        channel=request.channel,
        region=request.region,
    )


def _depends_on_the_order(reward: Reward) -> bool:
    """Whether only the till, which knows the order, can tell what it is worth: whoever redeems may name any order."""
    return isinstance(reward.benefit, Discount) and reward.benefit.percent is not None


def _code(reward: Reward, issue: Issue) -> str | None:
    if isinstance(reward.benefit, GiftCard):
        return issue.card.code
    return None if reward.immediate else issue.code


def _changes(view: View, quoted: Quote, subject: Redemption, issue: Issue, entry: Entry) -> list[Change]:
    """What changes beside the wallet."""
    reward, day, changes = quoted.reward.reward, entry.recorded_on, list[Change]()
    if reward.stock_limited:
        stock = stock_of(view)
        after = stock.taken_for_good(day) if reward.immediate else stock.taken(quoted.lapses_on, day)
        changes.append(StockMoved(stock, after))
    if not reward.immediate:
        changes.append(VoucherIssued(issue.code, entry.key, entry.member))
    if subject.charity:
        changes.append(Donated(subject.charity, day, subject.points, subject.value or 0, subject.money))
    if isinstance(reward.benefit, GiftCard):
        posted, card = issue_card(
            issue.card,
            amount=reward.benefit.amount,
            currency=subject.money,
            now=view.now,
            zone=entry.zone,
            source=entry.key,
            member=entry.member,
            valid_days=reward.benefit.valid_days,
        )
        changes.append(CardPosted(posted, None, card))
    return changes
