"""A campaign gives a member its bonus: one entry, once for its period, whole or not at all (docs/campaigns.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, Self

from shared.domain.accrual import Part
from shared.domain.boost import Boost
from shared.domain.calendar import first_of_period, local_day
from shared.domain.campaign import (
    Alarmed,
    Campaign,
    CardBonus,
    Dated,
    FrequencyCap,
    MultiplierBonus,
    PointsBonus,
    RewardBonus,
    Silence,
)
from shared.domain.cap import BudgetKey
from shared.domain.card_decision import issue_card
from shared.domain.counts import Count, gifted_name
from shared.domain.decision import BudgetMoved, CardPosted, Change, Decision, GrantCounted, View, Wanted
from shared.domain.digest import request_hash
from shared.domain.drawing import held_out
from shared.domain.effect import Effect
from shared.domain.entry import Entry, EntryKey, EntryKind, MemberId, Share, gift_key, grant_key
from shared.domain.errors import EntryUnknownError, GrantDeclinedError, RefusalError, RewardUnknownError, SoldOutError
from shared.domain.history import Reason, day_of_entry, post
from shared.domain.membership import active_at
from shared.domain.moments import Moment
from shared.domain.program import Program, ProgramVersion
from shared.domain.rating import budgets_drawn, budgets_of, counts_of, credits_of, rooms_of, shares
from shared.domain.redeeming import Issue, gift
from shared.domain.rule import Occasion
from shared.domain.standing import Course, tier_now, told
from shared.domain.subject import Grant

PASSED_OVER = ("budget", "frequency", "held_out", "reward", "sold_out")
"""Reasons to give nothing to a member for whom the campaign came; its report counts them."""
FOR_EVER = "ever"
"""Under which period it is counted what a campaign gives that is of no date."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A campaign, as the program `version` has it, comes for a member at a moment; `course` is the program's up to now.

    `ticket` is what was drawn, `winners` how many can win in all; `cause` is the order, for a campaign that comes with one.
    """

    campaign: Campaign
    version: ProgramVersion
    course: Course
    moment: Moment
    ticket: str | None = None
    winners: int | None = None
    cause: EntryKey | None = None

    def key(self, member: MemberId) -> EntryKey:
        """The key of the grant."""
        return grant_key(self.campaign.id, self.moment.period, member)

    @property
    def tallied(self) -> str:
        """The period under which it is counted what the campaign gave."""
        return self.moment.period if isinstance(self.campaign.trigger, Dated) else FOR_EVER

    @property
    def limits(self) -> dict[BudgetKey, int]:
        """How many bonuses there are: of the campaign, of the draw."""
        campaign, found = self.campaign, dict[BudgetKey, int]()
        if campaign.grants_max is not None:
            found[BudgetKey(f"grants:{campaign.id}", None)] = campaign.grants_max
        if self.winners is not None:
            found[BudgetKey(f"winners:{campaign.id}:{self.moment.period}", None)] = self.winners
        return found


def digest_of(campaign: str, period: str, member: str) -> bytes:
    """A grant is the same whoever asks for it, and whatever the document says by then."""
    return request_hash("grant", [campaign, period, member])


def wanted(offer: Offer, day: date) -> Wanted:
    """What `grant` reads beside the wallet; `day` is the local day of the program's zone."""
    bonus = offer.campaign.bonus
    return Wanted(
        profile=True,
        reward=bonus.reward if isinstance(bonus, RewardBonus) else None,
        budgets=(*budgets_of(offer.version.program, [offer.campaign.rule], day), *offer.limits),
        campaigns=(offer.campaign.id,),
    )


@dataclass(frozen=True, slots=True)
class Given:
    """What a bonus does: points by reason, what it counts, what it draws, what is told of it."""

    parts: tuple[Part, ...] = ()
    counts: tuple[Count, ...] = ()
    moves: tuple[BudgetMoved, ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)
    tally: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """A member as a campaign's audience sees them: the instant that decides, and the tier then."""

    at: datetime
    tier: str | None

    @classmethod
    def now(cls, view: View, course: Course, day: date) -> Self:
        """The member as they are now."""
        level = tier_now(view.wallet, course, day)
        return cls(view.now, level.id if level else None)


def given(view: View, offer: Offer, day: date, budgets: Mapping[BudgetKey, int], seen: Seen | None = None) -> Given:
    """What the campaign gives the member, whether or not it runs. Raises GrantDeclinedError with the first reason why nothing.

    The reasons, in this order: closed, audience, held_out, frequency, budget.
    """
    campaign = offer.campaign
    if view.wallet.closed:
        raise GrantDeclinedError(campaign=campaign.id, reason="closed")
    if not in_audience(view, campaign, offer.course, seen or Seen.now(view, offer.course, day)):
        raise GrantDeclinedError(campaign=campaign.id, reason="audience")
    if held_out(campaign.id, view.wallet.member, campaign.hold_out_percent):
        raise GrantDeclinedError(campaign=campaign.id, reason="held_out")
    return _within_limits(view, offer, day, budgets)


def in_audience(view: View, campaign: Campaign, course: Course, seen: Seen) -> bool:
    """Whether the campaign is for the member."""
    audience, profile = campaign.audience, view.profile
    if audience.consent is not None:
        consent = profile.consents.get(audience.consent) if profile else None
        if consent is None or not consent.granted:
            return False
    enrolled_on = min(filter(None, (local_day(view.wallet.enrolled_at, course.zone), view.wallet.since)))
    if (local_day(seen.at, course.zone) - enrolled_on).days < audience.enrolled_days_min:
        return False
    when = audience.when
    if not when.asks_member:
        return True
    occasion = Occasion(
        at=seen.at,
        zone=course.zone,
        tier=seen.tier,
        memberships=active_at(view.wallet.terms, seen.at),
        attributes=profile.attributes if profile else {},
    )
    return occasion.meets(when)


def _within_limits(view: View, offer: Offer, day: date, budgets: Mapping[BudgetKey, int]) -> Given:
    campaign, program = offer.campaign, offer.version.program
    frequency = _frequency(view, campaign, program, day)
    for key, most in offer.limits.items():
        if budgets.get(key, 0) >= most:
            raise GrantDeclinedError(campaign=campaign.id, reason="budget")
    moves = tuple(BudgetMoved(key, 1, most) for key, most in offer.limits.items())
    bonus, counts = campaign.bonus, frequency
    if isinstance(campaign.trigger, Alarmed):
        # The next silence begins no sooner than with this gift, however late it came.
        given_for = day if isinstance(campaign.trigger, Silence) else offer.moment.day
        counts = (*counts, Count(gifted_name(campaign.id), given_for, 1))
    match bonus:
        case PointsBonus(currency=currency, points=points):
            part = _whole(view, offer, bonus, day, budgets)
            counts = (*counts, *counts_of([part], None, program, day))
            drawn = budgets_drawn([part], program, view.wallet.member, day, budgets)
            told = {"currency": currency, "points": points}
            return Given((part,), counts, (*moves, *drawn), told, {f"points:{currency}": points})
        case MultiplierBonus(currency=currency, percent=percent, days=days):
            boost = Boost(campaign.id, currency, percent, day, day + timedelta(days=days - 1))
            told = {"currency": currency, "percent": percent, "until": boost.until}
            return Given((), (*counts, boost.count(1)), moves, told, {"multipliers": 1})
        case RewardBonus(reward=reward):
            return Given((), counts, moves, {"reward": reward}, {f"reward:{reward}": 1})
        case CardBonus(amount=amount):
            money = program.money_currency
            return Given((), counts, moves, {"amount": amount, "money": money}, {f"money:{money}": amount})
    return Given((), counts, moves)


def frequency_count(cap: FrequencyCap, day: date) -> tuple[str, date]:
    """Under which name and day a wallet counts what campaigns gave in the period of `day`."""
    return f"limit:#campaigns:{cap.per}", first_of_period(cap.per, day)


def _frequency(view: View, campaign: Campaign, program: Program, day: date) -> tuple[Count, ...]:
    counts = []
    for cap in program.frequency_caps:
        count = Count(*frequency_count(cap, day), 1)
        if campaign.frequency_capped and view.wallet.counted(count.name, count.day) >= cap.count:
            raise GrantDeclinedError(campaign=campaign.id, reason="frequency")
        counts.append(count)
    return tuple(counts)


def _whole(view: View, offer: Offer, bonus: PointsBonus, day: date, budgets: Mapping[BudgetKey, int]) -> Part:
    """The points of a bonus: all that were promised, or none."""
    campaign, program = offer.campaign, offer.version.program
    room = rooms_of(program, view.wallet, budgets, day).of(campaign.rule)
    space = view.wallet.purse(bonus.currency).space
    if (room is not None and room < bonus.points) or space < bonus.points:
        raise GrantDeclinedError(campaign=campaign.id, reason="budget")
    return Part(campaign.rule, bonus.currency, Fraction(bonus.points), room, bonus.points, held=bonus.points)


def grant(view: View, offer: Offer, issue: Issue) -> Decision:
    """The entry that gives the bonus, with the redemption or the gift card that it is; `view` has what is `wanted`.

    `issue` brings unguessable codes. Raises GrantDeclinedError: not_running; as `given`; and for a reward that is not there,
    reward or sold_out.
    """
    check_running(view, offer)
    # A date's run was begun by another server, whose clock may be ahead: what is due is given when it is due.
    view = replace(view, now=max(view.now, offer.moment.due_at))
    day = day_of_entry(view.wallet, view.now, offer.version.program.time_zone)
    return posted(view, offer, given(view, offer, day, view.budgets), issue)


def check_running(view: View, offer: Offer) -> None:
    """Raises GrantDeclinedError, not_running, where the campaign does not run now."""
    campaign, control = offer.campaign, view.controls.get(offer.campaign.id)
    # Whatever was done was done before now, however the clocks of two servers differ.
    if control is None or not control.runs(campaign, offer.version.program.time_zone, control.as_of(view.now)):
        raise GrantDeclinedError(campaign=campaign.id, reason="not_running")


def posted(view: View, offer: Offer, bonus: Given, issue: Issue | None = None) -> Decision:
    """The decision that posts what was found to be given. Raises GrantDeclinedError: reward, sold_out."""
    campaign, version, member = offer.campaign, offer.version, view.wallet.member
    zone, key = version.program.time_zone, offer.key(member)
    today = day_of_entry(view.wallet, view.now, zone)
    # What comes with an order has its day.
    day = offer.moment.day if offer.cause else today
    told_of, changes = dict(bonus.told), list[Change](bonus.moves)
    if isinstance(campaign.bonus, CardBonus) and issue is not None:
        card_entry, card = issue_card(
            issue.card,
            amount=campaign.bonus.amount,
            currency=version.program.money_currency,
            now=view.now,
            zone=zone,
            source=key,
            member=member,
            valid_days=campaign.bonus.valid_days,
        )
        told_of |= {"gift_card": issue.card.id, "code": issue.card.code}
        changes.append(CardPosted(card_entry, None, card))
    if isinstance(campaign.bonus, RewardBonus):
        told_of["redemption"] = gift_key(key)
    why = shares(bonus.parts, version.version)
    effect = Effect(credits=credits_of(why, version.program, day), counts=bonus.counts)
    effect = told(view.wallet, offer.course, today, effect, view.history)
    reason = _reason(view, offer, why, told_of)
    entry, wallet = post(view.wallet, view.history, effect, reason, now=view.now, zone=zone)
    changes.append(GrantCounted(campaign.id, offer.tallied, member, {"granted": 1, **bonus.tally}))
    if not isinstance(campaign.bonus, RewardBonus) or issue is None:
        return Decision(entry, wallet, tuple(changes))
    redeemed = _redeemed(view.after(((entry, wallet),)), offer, replace(issue, key=gift_key(key)), entry)
    return Decision(entry, wallet, (*changes, *redeemed.changes), redeemed.posted)


def _reason(view: View, offer: Offer, why: tuple[Share, ...], told_of: Mapping[str, Any]) -> Reason:
    campaign, member = offer.campaign, view.wallet.member
    subject = Grant(
        campaign=campaign.id,
        version=offer.version.version,
        trigger=campaign.trigger.kind,
        period=offer.moment.period,
        due_at=offer.moment.due_at,
        bonus=campaign.bonus.kind,
        template=campaign.template,
        cause=offer.cause,
        ticket=offer.ticket,
        **told_of,
    )
    return Reason(
        key=offer.key(member),
        kind=EntryKind.GRANT,
        occurred_at=offer.moment.due_at if offer.cause else view.now,
        request_hash=digest_of(campaign.id, offer.moment.period, member),
        why=why,
        subject=subject,
        names=offer.cause,
    )


def _redeemed(view: View, offer: Offer, issue: Issue, entry: Entry) -> Decision:
    try:
        return gift(view, issue, offer.course, entry.request_hash, entry.key)
    except SoldOutError as error:
        raise GrantDeclinedError(campaign=offer.campaign.id, reason="sold_out") from error
    except (RefusalError, RewardUnknownError) as error:
        raise GrantDeclinedError(campaign=offer.campaign.id, reason="reward") from error


def grant_of(entry: Entry) -> Grant:
    """What a grant's entry tells. Raises EntryUnknownError for any other entry."""
    if not isinstance(entry.subject, Grant):
        raise EntryUnknownError
    return entry.subject
