"""Requests and answers of referrals that only operators see: how members came, the funnel, the best, flags and rulings."""

from collections.abc import Iterable
from datetime import date
from typing import Self

from functions.referrals.read_funnel import FunnelOf
from functions.referrals.read_referrals import Came
from functions.referrals.rule_referral import word_of
from shared.api.fields import Answer, Instant, Request
from shared.domain.brought import Flag, Tally, acquired, given, is_member
from shared.domain.calendar import first_instant
from shared.domain.entry import Entry
from shared.domain.referred import ReferralState
from shared.domain.subject import Ruling
from shared.domain.written import Reason


class GivenPointsAnswer(Answer):
    """Points of a currency that a side got: `advocate` or `friend`."""

    side: str
    currency: str
    points: int


def _given(found: Iterable[tuple[str, str, int]]) -> list[GivenPointsAnswer]:
    return [GivenPointsAnswer(side=side, currency=currency, points=points) for side, currency, points in found]


class ReferralEntryAnswer(Answer):
    """An entry about a referral, and whose it is."""

    entry_id: str
    kind: str
    member_id: str
    recorded_at: Instant


class ReferralAnswer(Answer):
    """How a member came: by `advocate_id` or by a `campaign`, under the terms of `program_version`.

    `state` is joined, qualified, held, rewarded, rejected or clawed_back; a `flagged` one waits for an operator, a `cleared`
    one was let pass. `signs` are the last ones of farming, `reason` is why it was rejected or undone. `orders` counted so far
    (or the event of the payment). `given` is what both sides got, also where it was taken back since.
    """

    member_id: str
    state: str
    flagged: bool
    cleared: bool
    signs: list[str]
    reason: str | None
    advocate_id: str | None
    campaign: str | None
    code: str | None
    program_version: int
    joined_on: date
    orders: list[str]
    qualified_on: date | None
    held_until: Instant | None
    given: list[GivenPointsAnswer]
    entries: list[ReferralEntryAnswer]

    @classmethod
    def of(cls, member: str, found: Came) -> Self:
        """The referral as it stands."""
        referred, listed = found.referred, found.friend
        return cls(
            member_id=member,
            state=referred.shown(found.day),
            flagged=referred.flagged,
            cleared=referred.cleared,
            signs=list(listed.signs if listed else referred.signs),
            reason=listed.reason if listed else None,
            advocate_id=referred.advocate,
            campaign=referred.campaign,
            code=listed.code if listed else None,
            program_version=referred.version,
            joined_on=referred.joined_on,
            orders=list(referred.orders),
            qualified_on=referred.qualified_on,
            held_until=first_instant(referred.held_until, found.zone) if referred.held_until else None,
            given=_given(listed.given if listed else ()),
            entries=[
                ReferralEntryAnswer(entry_id=entry.key, kind=entry.kind, member_id=entry.member, recorded_at=entry.recorded_at)
                for entry in found.entries
            ],
        )


class CostedPointsAnswer(GivenPointsAnswer):
    """Points that a side got, less what was taken back; `cost` in minor units, null where the currency has none."""

    cost: int | None


class FunnelAnswer(Answer):
    """What referrals did from the local day `first_day` to `last_day`, each step counted on its own day.

    `shared` codes, `joined` friends; of these `flagged` for an operator, `rejected`, `qualified`, `awarded` (both sides have
    their points, held); `rewarded` on the day on which the hold ends, `cancelled` within the hold, `clawed_back` after it.
    `acquired` are friends whose award stands: awarded less cancelled less clawed back. `cost` is that of all `points` in minor
    units of `money_currency`, at the costs of the program in force, null where some currency has none; `cost_per_acquired` is
    rounded up, null where nobody was acquired.
    """

    first_day: date
    last_day: date
    shared: int
    joined: int
    flagged: int
    rejected: int
    qualified: int
    awarded: int
    rewarded: int
    cancelled: int
    clawed_back: int
    acquired: int
    points: list[CostedPointsAnswer]
    money_currency: str
    cost: int | None
    cost_per_acquired: int | None

    @classmethod
    def of(cls, found: FunnelOf) -> Self:
        """The funnel as the API tells it."""
        funnel = found.funnel
        return cls(
            first_day=found.first,
            last_day=found.last,
            **_counted(funnel.counts),
            rewarded=funnel.counts["rewarded"],
            points=[
                CostedPointsAnswer(side=side, currency=currency, points=points, cost=funnel.cost_of(currency, points))
                for side, currency, points in given(funnel.counts)
            ],
            money_currency=funnel.program.money_currency,
            cost=funnel.cost,
            cost_per_acquired=funnel.cost_per_acquired,
        )


_COUNTED = ("shared", "joined", "flagged", "rejected", "qualified", "awarded", "cancelled", "clawed_back")


def _counted(counts: dict[str, int]) -> dict[str, int]:
    return {**{name: counts.get(name, 0) for name in _COUNTED}, "acquired": acquired(counts)}


class AdvocateAnswer(Answer):
    """A member or a campaign and what came of their codes; see FunnelAnswer for the counters. One of both ids is null."""

    member_id: str | None
    campaign: str | None
    shared: int
    joined: int
    flagged: int
    rejected: int
    qualified: int
    awarded: int
    cancelled: int
    clawed_back: int
    acquired: int
    points: list[GivenPointsAnswer]

    @classmethod
    def of(cls, tally: Tally) -> Self:
        """What was counted of a source."""
        member = is_member(tally.source)
        return cls(
            member_id=tally.source if member else None,
            campaign=None if member else tally.source,
            **_counted(dict(tally.counts)),
            points=_given(tally.given()),
        )


class AdvocatesAnswer(Answer):
    """Those who acquired the most friends, the first of all.

    A member who was merged into another keeps a row of their own: a row counts what came by the codes of one id.
    """

    advocates: list[AdvocateAnswer]


class FlagAnswer(Answer):
    """A referral that waits for an operator since `flagged_at`, with the signs of farming."""

    member_id: str
    advocate_id: str | None
    campaign: str | None
    code: str | None
    state: str
    signs: list[str]
    orders: list[str]
    joined_on: date
    flagged_at: Instant

    @classmethod
    def of(cls, flag: Flag) -> Self:
        """The flag as the API tells it."""
        friend = flag.friend
        member = is_member(friend.source)
        return cls(
            member_id=friend.friend,
            advocate_id=friend.source if member else None,
            campaign=None if member else friend.source,
            code=friend.code,
            state=friend.state,
            signs=list(friend.signs),
            orders=list(friend.orders),
            joined_on=friend.joined_on,
            flagged_at=flag.flagged_at,
        )


class FlagsAnswer(Answer):
    """Referrals that wait for an operator: who enrolled first comes first. `cursor` leads to the next page."""

    referrals: list[FlagAnswer]
    cursor: str | None


class RulingRequest(Request):
    """Why an operator lets a referral pass, rejects it, or takes back what it gave."""

    reason: Reason


class RulingAnswer(Answer):
    """An operator's word on the referral of the friend `member_id`, as it was recorded.

    `awarded` tells that letting it pass gave both sides their points at once, because the friend had qualified. `ruled_by` is a
    digest that tells nothing of the operator's login.
    """

    entry_id: str
    member_id: str
    ruling: str
    reason: str
    awarded: bool
    ruled_by: str | None
    recorded_at: Instant

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The answer that the entry stands for."""
        word, stands = word_of(entry), entry.effect.referral
        passed = isinstance(word, Ruling) and word.passed
        ruling = "voided"
        if isinstance(word, Ruling):
            ruling = "passed" if word.passed else "rejected"
        return cls(
            entry_id=entry.key,
            member_id=entry.member,
            ruling=ruling,
            reason=word.reason,
            awarded=passed and stands is not None and stands.state is ReferralState.QUALIFIED,
            ruled_by=word.operator,
            recorded_at=entry.recorded_at,
        )
