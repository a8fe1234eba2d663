"""The proof of each grant of a campaign by itself: it is what its document says, when it was due, counted, within its limits.

What has to agree with other entries is proven by shared.domain.grant_books.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from shared.domain.boost import BOOST, Boost, percent_of
from shared.domain.calendar import CLOCK_SKEW_MAX, first_instant, first_of_period, local_day
from shared.domain.campaign import (
    GIFT_DAYS_MIN,
    Alarmed,
    Anniversary,
    Birthday,
    Campaign,
    CardBonus,
    MessageBonus,
    MultiplierBonus,
    PointsBonus,
    PurchaseChance,
    PurchaseNumber,
    RewardBonus,
    Silence,
    TierReached,
)
from shared.domain.counts import GIFTED, ORDERS, Count, gifted_name, told_name
from shared.domain.drawing import held_out, ticket, ticket_text, wins
from shared.domain.effect import Effect
from shared.domain.entry import (
    Entry,
    EntryKind,
    Share,
    gift_key,
    grant_key,
    notice_key,
    purchase_key,
    sweep_key,
)
from shared.domain.granting import digest_of
from shared.domain.moments import occurrences, period_of, yearly
from shared.domain.order_grants import order_period
from shared.domain.program import Program, ProgramVersion
from shared.domain.rating import credits_of
from shared.domain.subject import Grant, Notice, Swept
from shared.domain.wallet import Wallet

Found = tuple[str, str]
"""A promise, and what was found instead."""
Versions = Mapping[int, ProgramVersion]
GIVES = "a campaign gives what its document says, once for a period"
DUE = "a campaign gives nothing before it is due"
WITHIN = "no member is given more bonuses of campaigns than the frequency caps allow"
WINS = "whoever wins a draw has a ticket that wins it"
USED = "a multiplier is used once, by an order of its days"
BOOKED = "what is booked by date, or told ahead, is what was due"
COUNTED = "what an entry counts is what its rules gave"
_ZONES = (timedelta(hours=-15), timedelta(hours=13))
"""Between these lies the midnight of a day in any zone, counted from the one of UTC; an hour of a clock change included."""
_TOLD = ("currency", "points", "percent", "until", "reward", "redemption", "amount", "money")
_NOTHING: Mapping[str, Any] = {**dict.fromkeys(_TOLD), "points": 0}


def campaign_of(grant: Grant, versions: Versions) -> tuple[Campaign, ProgramVersion] | None:
    """The campaign of a grant as its version has it; None where there is none."""
    version = versions.get(grant.version)
    campaign = version.program.campaigns_by_id.get(grant.campaign) if version else None
    return (campaign, version) if campaign and version else None


def grant_breaks(entry: Entry, before: Wallet, versions: Versions) -> Iterator[Found]:
    """What is wrong with what an entry says of campaigns, where `before` is the wallet before it."""
    yield from _multipliers(entry, before)
    match entry.kind:
        case EntryKind.NOTICE:
            yield from _notice(entry, before)
        case EntryKind.SWEEP:
            yield from _sweep(entry)
        case EntryKind.GRANT:
            yield from _grant(entry, before, versions)


def day_of_grant(entry: Entry, grant: Grant, program: Program) -> date:
    """The local day whose caps and budgets a grant uses: of its order, where it came with one."""
    return local_day(grant.due_at, program.time_zone) if grant.cause else entry.recorded_on


def _grant(entry: Entry, before: Wallet, versions: Versions) -> Iterator[Found]:
    grant = entry.subject
    if not isinstance(grant, Grant) or not _in_place(entry, grant):
        yield GIVES, f"{grant} under {entry.key}, names {entry.names}"
        return
    if not versions:
        return
    found = campaign_of(grant, versions)
    if found is None:
        yield GIVES, f"there is no campaign {grant.campaign} in version {grant.version}"
        return
    campaign, version = found
    yield from _bonus(entry, grant, campaign, version)
    yield from _moment(entry, grant, campaign, version.program, before)
    yield from _ticket(entry, grant, campaign)
    yield from _counts(entry, grant, campaign, version.program, before)
    if before.closed:
        yield GIVES, f"given after {entry.member} left"
    if held_out(campaign.id, entry.member, campaign.hold_out_percent):
        yield GIVES, f"{entry.member} is in the hold-out of {campaign.hold_out_percent} %"


def _in_place(entry: Entry, grant: Grant) -> bool:
    """Whether a grant stands under its own key, and names its order where it came with one."""
    key = grant_key(grant.campaign, grant.period, entry.member)
    return entry.key == key and entry.names == grant.cause and entry.request_hash == digest_of(*_named(entry, grant))


def _named(entry: Entry, grant: Grant) -> tuple[str, str, str]:
    return grant.campaign, grant.period, entry.member


def _bonus(entry: Entry, grant: Grant, campaign: Campaign, version: ProgramVersion) -> Iterator[Found]:
    """The bonus is the document's, and the points have the dates of their day."""
    bonus, program, day = campaign.bonus, version.program, day_of_grant(entry, grant, version.program)
    due = {**_NOTHING, **_promised(entry, campaign, program, day)}
    told = {name: getattr(grant, name) for name in _TOLD}
    if told != due:
        yield GIVES, f"{told}, promised {due}"
    kinds = grant.trigger, grant.bonus, grant.template
    if kinds != (campaign.trigger.kind, bonus.kind, campaign.template):
        yield GIVES, f"{kinds} of {campaign}"
    for card in (grant.gift_card, grant.code):
        if (card is not None) != isinstance(bonus, CardBonus):
            yield GIVES, f"a gift card {card} for a bonus of {bonus.kind}"
    why = tuple[Share, ...]()
    if isinstance(bonus, PointsBonus):
        room = entry.why[0].room if entry.why else None
        why = (Share(campaign.rule, version.version, bonus.currency, bonus.points, room),)
        if (room is not None) != bool(campaign.caps) or (room is not None and room < bonus.points):
            yield GIVES, f"{bonus.points} points where {room} were left"
    if entry.why != why:
        yield GIVES, f"explains {entry.why}, promised {why}"
    dates = [(part.currency, part.points, part.spendable_from, part.gone_on) for part in entry.effect.credits]
    if dates != [(part.currency, part.points, part.spendable_from, part.gone_on) for part in credits_of(why, program, day)]:
        yield GIVES, f"gives {entry.effect.credits} on {day}"


def _promised(entry: Entry, campaign: Campaign, program: Program, day: date) -> dict[str, Any]:
    """What a grant of the day has to tell of the bonus."""
    match campaign.bonus:
        case PointsBonus(currency=currency, points=points):
            return {"currency": currency, "points": points}
        case MultiplierBonus(currency=currency, percent=percent, days=days):
            return {"currency": currency, "percent": percent, "until": day + timedelta(days=days - 1)}
        case RewardBonus(reward=reward):
            return {"reward": reward, "redemption": gift_key(entry.key)}
        case CardBonus(amount=amount):
            return {"amount": amount, "money": program.money_currency}
        case MessageBonus():
            return {}


def _moment(entry: Entry, grant: Grant, campaign: Campaign, program: Program, before: Wallet) -> Iterator[Found]:
    """The period is one that the campaign has, for this member, and it was due."""
    # The clock of a till may be ahead of the one that recorded its order.
    if entry.recorded_at + (CLOCK_SKEW_MAX if grant.cause else timedelta()) < grant.due_at:
        yield DUE, f"given at {entry.recorded_at}, due at {grant.due_at}"
    trigger, zone = campaign.trigger, program.time_zone
    gifted = [count.day for count in entry.effect.counts if count.name == gifted_name(campaign.id)]
    fits = True
    match trigger:
        case Birthday() | Anniversary():
            day = gifted[0] if gifted else None
            fits = day is not None and grant.period == f"{day.year}" and _is_midnight(grant.due_at, day)
            fits = fits and day is not None and _comes_again(trigger, day, before) and _is_apart(campaign, day, before)
        case Silence(days=days):
            last = local_day(before.active_at or before.enrolled_at, zone)
            day = last + timedelta(days=days)
            fits = (grant.period, grant.due_at, gifted) == (last.isoformat(), first_instant(day, zone), [entry.recorded_on])
            name = gifted_name(campaign.id)
            fits = fits and all((day - count.day).days >= days for count in before.counts if count.name == name and count.day)
        case TierReached(tiers=tiers):
            stands = before.standing
            fits = stands is not None and stands.tier in tiers and gifted == [stands.since]
            fits = fits and stands is not None and grant.period == f"{stands.tier}-{stands.since:%Y%m%d}"
            due_on = (gifted[0] or date.min) + timedelta(days=trigger.hold_days)
            fits = fits and grant.due_at == first_instant(due_on, zone)
        case PurchaseNumber() | PurchaseChance():
            fits = _fits_order(grant, before, trigger)
        case _:
            there = list(occurrences(campaign, zone, grant.due_at - timedelta(minutes=1), grant.due_at))
            fits = there == [grant.due_at] and grant.period == period_of(campaign, grant.due_at, zone) and grant.cause is None
    if not fits:
        yield DUE, f"{grant.period} at {grant.due_at}, for {gifted}, of {trigger}"


def _is_midnight(at: datetime, day: date) -> bool:
    """Whether a day begins at an instant in some zone."""
    utc = first_instant(day, "UTC")
    return utc + _ZONES[0] <= at <= utc + _ZONES[1]


def _comes_again(trigger: Birthday | Anniversary, day: date, before: Wallet) -> bool:
    """Whether an anniversary is one of the enrolment, in some zone."""
    if isinstance(trigger, Birthday):
        return True
    there = local_day(before.enrolled_at, "UTC")
    enrolled = (there + timedelta(days=days) for days in (-1, 0, 1))
    return any(one.year < day.year and day == yearly(one, day.year, trigger.leap_day) for one in enrolled)


def _is_apart(campaign: Campaign, day: date, before: Wallet) -> bool:
    """Whether the gift before was long enough ago."""
    name = gifted_name(campaign.id)
    return all((day - count.day).days > GIFT_DAYS_MIN for count in before.counts if count.name == name and count.day)


def _fits_order(grant: Grant, before: Wallet, trigger: PurchaseNumber | PurchaseChance) -> bool:
    """Whether a bonus on a purchase is of its order, and that has the number; `before` has counted the order already."""
    order_id = (grant.cause or "").removeprefix(purchase_key(""))
    if grant.cause != purchase_key(order_id) or grant.period != order_period(order_id):
        return False
    if isinstance(trigger, PurchaseChance):
        return True
    number = before.counted(ORDERS)
    return number == trigger.number if trigger.every is None else number % trigger.every == 0


def _ticket(entry: Entry, grant: Grant, campaign: Campaign) -> Iterator[Found]:
    """A draw's ticket is the hash of public words, and wins."""
    trigger = campaign.trigger
    draw = trigger if isinstance(trigger, PurchaseChance) else campaign.draw
    if draw is None:
        if grant.ticket is not None:
            yield WINS, f"{grant.ticket}, though nothing is drawn"
        return
    number = ticket(campaign.id, grant.period, draw.seed, entry.member)
    if grant.ticket != ticket_text(number) or (draw.chance is not None and not wins(number, draw.chance)):
        yield WINS, f"{grant.ticket} of {draw}, drawn {ticket_text(number)}"


def _counts(entry: Entry, grant: Grant, campaign: Campaign, program: Program, before: Wallet) -> Iterator[Found]:
    """A grant counts against the frequency caps, for the day it is for, and the multiplier that it is."""
    day = day_of_grant(entry, grant, program)
    due = list[Count]()
    for cap in program.frequency_caps:
        count = Count(f"limit:#campaigns:{cap.per}", first_of_period(cap.per, day), 1)
        due.append(count)
        used = before.counted(count.name, count.day)
        if campaign.frequency_capped and used >= cap.count:
            yield WITHIN, f"{used} and one more a {cap.per}, the cap is {cap.count}"
    if isinstance(campaign.bonus, MultiplierBonus):
        bonus = campaign.bonus
        due.append(Boost(campaign.id, bonus.currency, bonus.percent, day, grant.until or date.min).count(1))
    told = [count for count in entry.effect.counts if not count.name.startswith("cap:")]
    gifts = [count for count in told if count.name.startswith(GIFTED)]
    alarmed = isinstance(campaign.trigger, Alarmed)
    if [(count.name, count.amount) for count in gifts] != ([(gifted_name(campaign.id), 1)] if alarmed else []):
        yield COUNTED, f"{gifts} for a campaign of {campaign.trigger.kind}"
    rest = [count for count in told if count not in gifts]
    if Counter(rest) != Counter(due):
        yield COUNTED, f"{rest}, due {due}"


def _multipliers(entry: Entry, before: Wallet) -> Iterator[Found]:
    """Multipliers that an order used were there and good on its day, and are used; no other entry uses one."""
    used = [count for count in entry.effect.counts if count.amount < 0 and Boost.of(count)]
    shares = {(share.rule, share.currency): share.points for share in entry.why if share.rule.startswith(BOOST)}
    if entry.kind is not EntryKind.PURCHASE:
        if used:
            yield USED, f"{entry.kind} uses {used}"
        return
    left = dict(shares)
    for count in used:
        boost = Boost.of(count)
        there = before.counted(count.name, count.day)
        if boost is None or count.amount != -1 or there < 1 or left.pop((boost.rule, boost.currency), None) is None:
            yield USED, f"{count}, of which {there} are there, among {list(shares)}"
        elif not boost.since <= local_day(entry.occurred_at, entry.zone) <= boost.until:
            yield USED, f"{count} for an order of {entry.occurred_at}"
        elif any(other.percent > boost.percent for other in _others(before, boost, entry)):
            yield USED, f"{count}, though there is a better one"
    for (rule, currency), points in left.items():
        if points:
            yield USED, f"{points} {currency} by {rule}, which is not used"


def _others(before: Wallet, boost: Boost, entry: Entry) -> Iterator[Boost]:
    """The multipliers of the same currency that were good for an order."""
    day = local_day(entry.occurred_at, entry.zone)
    for count in before.counts:
        other = Boost.of(count) if count.amount > 0 else None
        if other and other.currency == boost.currency and other.since <= day <= other.until:
            yield other


def multiplier_of(share: Share, versions: Versions) -> bool:
    """Whether a reason of an order is a multiplier that some version of the campaign gives."""
    if not share.rule.startswith(BOOST):
        return False
    campaign, percent = share.rule.split(":")[1], percent_of(share.rule)
    found = (version.program.campaigns_by_id.get(campaign) for version in versions.values())
    bonuses = [one.bonus for one in found if one and isinstance(one.bonus, MultiplierBonus)]
    return any((bonus.percent, bonus.currency) == (percent, share.currency) for bonus in bonuses)


def _notice(entry: Entry, before: Wallet) -> Iterator[Found]:
    """A notice tells the points that will be gone within so many days, and the first of these; and counts that it was told."""
    notice = entry.subject
    if not isinstance(notice, Notice):
        yield BOOKED, f"{notice}"
        return
    key = notice_key(entry.member, f"expiring-{notice.currency}-{notice.on:%Y%m%d}-{notice.days}")
    left = (notice.on - entry.recorded_on).days
    told = Count(told_name(notice.currency, notice.days), entry.recorded_on, 1)
    if entry.key != key or not 0 < left <= notice.days or not _moves_nothing(entry, told):
        yield BOOKED, f"{notice} under {entry.key}, {left} days ahead: {entry.effect}"
    if not before.lapsed(entry.recorded_on):
        purse = before.settled(entry.recorded_on)[0].purse(notice.currency)
        ahead = [(on, points) for on, points in purse.deadlines() if on and 0 < (on - entry.recorded_on).days <= notice.days]
        first, due = (ahead[0][0] if ahead else None), sum(points for _, points in ahead)
        if (notice.on, notice.points) != (first, due):
            yield BOOKED, f"{notice.points} are gone from {notice.on} on, due {due} from {first} on"


def _sweep(entry: Entry) -> Iterator[Found]:
    """What is booked by date is under its own key, and is something."""
    if entry.key != sweep_key(entry.member, entry.sequence) or not isinstance(entry.subject, Swept):
        yield BOOKED, f"{entry.subject} under {entry.key}"
    if not (entry.postings or entry.lapsed) or not _moves_nothing(entry):
        yield BOOKED, f"nothing was due, {entry.effect}"


def _moves_nothing(entry: Entry, *counts: Count) -> bool:
    """Whether an entry does nothing but to tell a tier, or to forget what is over, and to count what it must."""
    effect = entry.effect
    told = Effect(counts=counts, stands=effect.stands, forgets=effect.forgets, drops=effect.drops)
    return effect == told and not entry.why
