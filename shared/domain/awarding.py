"""A referral that qualifies is awarded: both sides get their points, held for the return window (docs/referrals.md).

All of it happens in the transaction of the entry that qualified it: the friend's order, payment or enrolment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from math import floor
from typing import Self

from shared.domain.accrual import Part, SharedRooms
from shared.domain.counts import ONE_REFERRAL, REFERRALS, Count, credit_name
from shared.domain.decision import BudgetMoved, Posted, ReferralWanted, Sighting, View
from shared.domain.digest import request_hash
from shared.domain.effect import Effect
from shared.domain.entry import Entry, EntryKind, MemberId, Share, award_key, of_advocate
from shared.domain.errors import TryAgainError
from shared.domain.history import Reason, day_of_entry, post
from shared.domain.points import Credit
from shared.domain.program import Program, ProgramVersion, version_of
from shared.domain.purchase import Purchase
from shared.domain.rating import basket_of, budgets_drawn, budgets_of, counts_of, rooms_of, shares
from shared.domain.referral import ADVOCATE, FRIEND, Abuse, Campaign, Qualifies, ReferralReward, ReferralTerms, rule_of
from shared.domain.referred import ReferralState, Referred
from shared.domain.standing import Course, course_now, told
from shared.domain.subject import Award
from shared.domain.wallet import Wallet


@dataclass(frozen=True, slots=True)
class Terms:
    """What was promised when the friend joined: the terms of that version, for the campaign's code or a member's."""

    version: ProgramVersion
    referral: ReferralTerms
    campaign: Campaign | None = None

    @classmethod
    def of(cls, referred: Referred, versions: Sequence[ProgramVersion]) -> Self:
        """The terms of a referral. Raises TryAgainError where its version is not seen here yet."""
        version = version_of(versions, referred.version)
        terms = version.program.referral
        campaign = terms.campaign(referred.campaign) if terms and referred.campaign else None
        if terms is None or (campaign is None) != (referred.campaign is None):
            # Only a referral that was rejected as it began names a version without its terms; nothing asks for those.
            raise TryAgainError
        return cls(version, terms, campaign)

    @property
    def program(self) -> Program:
        """The program of that version."""
        return self.version.program

    @property
    def qualifies(self) -> Qualifies:
        """When the friend counts."""
        return self.campaign.qualifies if self.campaign else self.referral.qualifies

    @property
    def hold_days(self) -> int:
        """Days from what counted to points that can be spent."""
        return self.campaign.hold_days if self.campaign else self.referral.hold_days

    @property
    def abuse(self) -> Abuse:
        """What signs of farming lead to."""
        return self.referral.abuse

    def money(self, purchase: Purchase, net: Sequence[Fraction | int]) -> int:
        """Minor units of an order that count, where `net` is left of each line."""
        return floor(basket_of(purchase, net, self.program).money())

    def rewards(self, side: str) -> dict[str, ReferralReward]:
        """What a side gets, by its name among the reasons of an entry."""
        if self.campaign is not None:
            rewards = self.campaign.friend if side == FRIEND else []
        else:
            rewards = self.referral.friend if side == FRIEND else self.referral.advocate
        return {rule_of(side, reward, self.campaign.id if self.campaign else None): reward for reward in rewards}


def award_wanted(view: View, referred: Referred, terms: Terms) -> ReferralWanted:
    """What `award` reads besides."""
    day = day_of_entry(view.wallet, view.now, terms.program.time_zone)
    rules = [rule for side in (ADVOCATE, FRIEND) for rule in terms.rewards(side)]
    return ReferralWanted(
        advocate=MemberId(referred.advocate) if referred.advocate else None,
        budgets=budgets_of(terms.program, rules, day),
        signs=not referred.cleared,
    )


def advocate_of(view: View) -> View | None:
    """The view of the member who gets the advocate's part: whoever took over in the end, None where nobody is left.

    A member who took over from the advocate and is the friend gets none: that would be for bringing themselves.
    """
    found = view.referral.advocate.last() if view.referral and view.referral.advocate else None
    if found is None or found.wallet.closed or found.wallet.member == view.wallet.member:
        return None
    return found


@dataclass(frozen=True, slots=True)
class _Side:
    """One side's parts of an award."""

    side: str
    number: int
    parts: tuple[Part, ...]

    @property
    def given(self) -> tuple[tuple[str, str, int], ...]:
        return tuple((self.side, part.currency, part.points) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Awarded:
    """The entries of both sides, what they draw from budgets, and what was given by side and currency."""

    posted: Posted
    budgets: tuple[BudgetMoved, ...]
    given: tuple[tuple[str, str, int], ...]


def award(
    view: View, referred: Referred, cause: Entry, versions: Sequence[ProgramVersion], drawn: Sequence[BudgetMoved] = ()
) -> Awarded:
    """The entries that give both sides their points, and what they draw from budgets; `view` stands after `cause`.

    `referred` has qualified. `drawn` is what `cause` drew from budgets. A ceiling or
    a budget pays the remainder: an entry is posted also where that is nothing, and tells so.
    """
    terms, sighting = Terms.of(referred, versions), view.referral or Sighting()
    zone, course = terms.program.time_zone, course_now(versions, view.now)
    day = day_of_entry(view.wallet, view.now, zone)
    budgets = dict(sighting.budgets)
    for move in drawn:
        if move.key in budgets:
            budgets[move.key] += move.points
    advocate = advocate_of(view)
    number = 0 if advocate is None else advocate.wallet.counted(REFERRALS) + 1
    held_until = (referred.qualified_on or day) + timedelta(days=terms.hold_days)
    program = _braked(terms.program, course.version.program)
    left = rooms_of(program, view.wallet, budgets, day)
    mine: tuple[Part, ...] = ()
    if advocate is not None:
        rooms = rooms_of(program, advocate.wallet, budgets, day)
        mine = _parts(terms.rewards(ADVOCATE), rooms, number, advocate.wallet)
        _take_budgets(left, mine, program)
    sides = {
        ADVOCATE: _Side(ADVOCATE, number, mine),
        FRIEND: _Side(FRIEND, number, _parts(terms.rewards(FRIEND), left, 1, view.wallet)),
    }
    awarded = replace(
        referred,
        state=ReferralState.AWARDED,
        flagged=False,
        signs=(),
        held_until=held_until,
        award=view.wallet.sequence + 1,
        awarded_to=advocate.wallet.member if advocate else None,
    )
    giving = _Giving(terms, course, held_until, cause, view.wallet.member, day)
    posted = [giving.post(view, sides[FRIEND], awarded)]
    if advocate is not None:
        posted.append(giving.post(advocate, sides[ADVOCATE]))
    parts = [part for side in sides.values() for part in side.parts]
    moves = budgets_drawn(parts, program, view.wallet.member, day, budgets)
    return Awarded(tuple(posted), moves, tuple(one for side in sides.values() for one in side.given if one[2]))


def _braked(promised: Program, now: Program) -> Program:
    """The program of the terms with budgets that a later version has lowered: they are the shop's brake, not a promise."""
    caps = []
    for cap in promised.caps:
        current = now.caps_by_id.get(cap.id)
        shared = current is not None and cap.scope == current.scope == "program" and cap.currency == current.currency
        limit = now.limit_of(current) if current is not None and shared else None
        lower = limit is not None and limit < promised.limit_of(cap)
        caps.append(cap.model_copy(update={"points": limit, "minor_units": None}) if lower else cap)
    return promised if caps == promised.caps else promised.with_caps(caps)


def _parts(rewards: dict[str, ReferralReward], rooms: SharedRooms, number: int, wallet: Wallet) -> tuple[Part, ...]:
    """What a side gets, each reward within its caps and what a wallet holds: a full one is no reason to refuse an order."""
    found = []
    for rule, reward in rewards.items():
        wished, space = reward.for_number(number), wallet.purse(reward.currency).space
        room = min((one for one in (rooms.of(rule), space if space < wished else None) if one is not None), default=None)
        points = wished if room is None else min(wished, room)
        rooms.take(rule, points)
        found.append(Part(rule, reward.currency, Fraction(points), room, points, held=points))
    return tuple(found)


def _take_budgets(rooms: SharedRooms, parts: Sequence[Part], program: Program) -> None:
    """What the other side took of caps that all members share is no longer there."""
    for part in parts:
        for cap in program.caps_of_rules.get(part.rule, ()):
            if program.caps_by_id[cap].scope == "program":
                rooms.left[cap] -= part.points


@dataclass(frozen=True, slots=True)
class _Giving:
    """What the entries of both sides have in common; `day` is the friend's, on which both use caps and budgets."""

    terms: Terms
    course: Course
    held_until: date
    cause: Entry
    friend: MemberId
    day: date

    def post(self, view: View, side: _Side, referred: Referred | None = None) -> tuple[Entry, Wallet]:
        """The entry of one side; the friend's tells where the referral stands."""
        zone = self.terms.program.time_zone
        day = day_of_entry(view.wallet, view.now, zone)
        why = shares(side.parts, self.terms.version.version)
        counts = (*counts_of(side.parts, None, self.terms.program, self.day), *self._counted(side, day))
        effect = Effect(credits=self._credits(why, day), counts=counts, referral=referred)
        friend = side.side == FRIEND
        subject = Award(
            friend=self.friend,
            side=side.side,
            number=side.number or None,
            cause=self.cause.key if friend else None,
            held_until=self.held_until,
            given_on=self.day if self.day != day else None,
        )
        key = award_key(self.friend)
        reason = Reason(
            key=key if friend else of_advocate(key),
            kind=EntryKind.AWARD,
            occurred_at=self.cause.occurred_at,
            request_hash=request_hash("award", self.cause.key),
            why=why,
            subject=subject,
            names=self.cause.key if friend else key,
        )
        effect = told(view.wallet, self.course, day, effect, view.history)
        return post(view.wallet, view.history, effect, reason, now=view.now, zone=zone)

    def _credits(self, why: Sequence[Share], day: date) -> tuple[Credit, ...]:
        """The points, held; their life counts from the day on which they are given."""
        found = []
        for share in why:
            currency = self.terms.program.currency(share.currency)
            if share.points:
                gone_on = currency.expiry.gone_on(day) if currency.expiry else None
                found.append(Credit(share.currency, share.points, max(self.held_until, day), gone_on))
        return tuple(found)

    def _counted(self, side: _Side, day: date) -> tuple[Count, ...]:
        """An advocate's friend counts: as a number for ever, and for the tier where tiers ask for it."""
        if side.side == FRIEND:
            return ()
        tiers = self.course.tiers
        credit = (Count(credit_name(tiers.measure), day, 1),) if tiers and tiers.metric == REFERRALS else ()
        return (ONE_REFERRAL, *credit)
