"""Requests and answers of referrals."""

from collections.abc import Iterable
from datetime import date
from typing import Self

from functions.referrals.read_funnel import FunnelOf
from functions.referrals.read_referrals import Brought, Came, ToEarn, advocates_points
from functions.referrals.rule_referral import word_of
from functions.referrals.share_code import CodeToShare, Offer
from shared.api.fields import Answer, Instant, Request, Text
from shared.domain.brought import Flag, Friend, Tally, acquired, given, is_member
from shared.domain.calendar import first_instant
from shared.domain.entry import Entry
from shared.domain.inviting import InvitationRequest, invitation_of
from shared.domain.referred import ReferralState
from shared.domain.subject import Ruling
from shared.domain.written import Reason


class ReferralCountsAnswer(Answer):
    """What came of sharing a code, and of the codes of members who were merged into this one; all exact.

    `shared` is how often it was shared. Of `joined` friends `qualified` did what counts, and the awards of `awarded` stand:
    `held` still, or `rewarded` for good; these two are null for a member with more than 200 friends. `rejected` ones brought
    nothing in the end, of `clawed_back` ones it was taken back after the hold.
    """

    shared: int
    joined: int
    qualified: int
    awarded: int
    held: int | None
    rewarded: int | None
    rejected: int
    clawed_back: int

    @classmethod
    def of(cls, tallies: Iterable[Tally], held: int | None) -> Self:
        """The sum of the tallies."""
        found = list(tallies)
        awarded = sum(tally.acquired for tally in found)

        def total(*names: str) -> int:
            return sum(tally[name] for tally in found for name in names)

        return cls(
            shared=total("shared"),
            joined=total("joined"),
            qualified=total("qualified"),
            awarded=awarded,
            held=held,
            rewarded=None if held is None else awarded - held,
            rejected=total("rejected", "cancelled"),
            clawed_back=total("clawed_back"),
        )


class ReferralPointsAnswer(Answer):
    """Points of a currency."""

    currency: str
    points: int


class ToEarnAnswer(Answer):
    """The next friend brings `next_points`, but no more than `left`, which the member's own caps leave; null: no such cap."""

    currency: str
    next_points: int
    left: int | None

    @classmethod
    def of(cls, found: ToEarn) -> Self:
        """What a reward of the terms is worth to the member."""
        return cls(currency=found.currency, next_points=found.next_points, left=found.left)


class MyFriendAnswer(Answer):
    """A friend, without a word of who it is. `state` is joined, qualified, held, rewarded, rejected or clawed_back.

    `points` are the advocate's for this friend, from `held_until` on; null where there are none, or none any more: then
    `because` is order_returned, friend_left or not_eligible.
    """

    joined_on: date
    state: str
    held_until: Instant | None
    points: list[ReferralPointsAnswer] | None
    because: str | None


class FriendAnswer(MyFriendAnswer):
    """A friend as staff see them. `code` is the one they came by."""

    member_id: str
    advocate_id: str
    code: str | None
    flagged: bool


_BECAUSE = {"refunded": "order_returned", "left": "friend_left", "merged": "friend_left"}


def _because(friend: Friend) -> str | None:
    """Why nothing came of a friend, in words that tell an advocate nothing of the friend."""
    if friend.state not in (ReferralState.REJECTED, ReferralState.CLAWED_BACK):
        return None
    return _BECAUSE.get(friend.reason or "", "not_eligible")


def _friend(friend: Friend, found: Brought) -> dict[str, object]:
    points = friend.advocates_points()
    return {
        "joined_on": friend.joined_on,
        "state": friend.shown(found.day),
        "held_until": _first(friend.held_until, found.program.time_zone),
        "points": None if points is None else _points(points),
        "because": _because(friend),
    }


def _first(day: date | None, zone: str) -> object:
    return first_instant(day, zone) if day else None


def _points(points: dict[str, int]) -> list[ReferralPointsAnswer]:
    return [ReferralPointsAnswer(currency=currency, points=amount) for currency, amount in points.items()]


class _BroughtAnswer(Answer):
    """What both answers of a member's friends have in common."""

    code: str | None
    link: str | None
    counts: ReferralCountsAnswer
    earned: list[ReferralPointsAnswer]
    to_earn: list[ToEarnAnswer]


def _brought(found: Brought, code: str | None) -> dict[str, object]:
    terms = found.program.referral
    return {
        "code": code,
        "link": terms.link_for(code) if terms and code else None,
        "counts": ReferralCountsAnswer.of(found.tallies, found.held),
        "earned": _points(advocates_points(found.tallies)),
        "to_earn": [ToEarnAnswer.of(one) for one in found.to_earn],
        "cursor": found.following,
    }


class MyReferralsAnswer(_BroughtAnswer):
    """What the caller's friends brought: `code` as it is shown, the share `link`, what was earned and what is still to earn.

    `earned` is net of what was taken back. `friends` are a page, the last who joined first, and `cursor` leads to the next.
    """

    friends: list[MyFriendAnswer]
    cursor: str | None

    @classmethod
    def of(cls, found: Brought, code: str | None) -> Self:
        """The answer for the member themselves."""
        friends = [MyFriendAnswer.model_validate(_friend(friend, found)) for friend in found.friends]
        return cls.model_validate({**_brought(found, code), "friends": friends})


class ReferralsAnswer(_BroughtAnswer):
    """What a member's friends brought, as MyReferralsAnswer, with the friends' ids.

    `code` and `link` are null for a member who left.
    """

    friends: list[FriendAnswer]
    cursor: str | None

    @classmethod
    def of(cls, found: Brought, code: str | None) -> Self:
        """The answer for staff."""
        friends = [
            FriendAnswer.model_validate(
                {
                    **_friend(friend, found),
                    "member_id": friend.friend,
                    "advocate_id": friend.source,
                    "code": friend.code,
                    "flagged": friend.flagged,
                }
            )
            for friend in found.friends
        ]
        return cls.model_validate({**_brought(found, code), "friends": friends})


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


class ReferralCodeBody(Request):
    """The code that a member chose, as they wrote it: 5 to 20 letters and digits, with what parts words."""

    code: str


class ReferralCodeAnswer(Answer):
    """A member's referral code, as it is shown; `link` is null where the program has none. `chosen` by somebody, or made."""

    code: str
    link: str | None
    chosen: bool

    @classmethod
    def of(cls, found: CodeToShare) -> Self:
        """The code as the API tells it."""
        return cls(code=found.own.shown, link=found.link, chosen=found.own.chosen)


class OfferedCodeAnswer(Answer):
    """What a referral code promises, and not whose it is. `kind` is member or campaign.

    `friend` is what a friend gets who joins by it now, before caps and budgets; one who joins while it does not run (`runs`)
    gets nothing.
    """

    kind: str
    runs: bool
    friend: list[ReferralPointsAnswer]

    @classmethod
    def of(cls, found: Offer) -> Self:
        """The offer as the API tells it."""
        friend = [ReferralPointsAnswer(currency=reward.currency, points=reward.points) for reward in found.friend]
        return cls(kind=found.kind, runs=found.runs, friend=friend)


class InvitationBody(Request):
    """The caller shared their code by `channel`: a messenger, mail, a printed card."""

    channel: Text

    def request(self) -> InvitationRequest:
        """The domain's request."""
        return InvitationRequest(channel=self.channel)


class InvitationAnswer(Answer):
    """An invitation as it was recorded, with the code as it was shown then."""

    entry_id: str
    member_id: str
    code: str
    channel: str
    recorded_at: Instant

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The answer that the entry stands for."""
        told = invitation_of(entry)
        return cls(
            entry_id=entry.key,
            member_id=entry.member,
            code=told.code,
            channel=told.channel,
            recorded_at=entry.recorded_at,
        )
