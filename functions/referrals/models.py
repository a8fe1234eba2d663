"""Requests and answers of referrals: codes, invitations, and the friends that a member brought."""

from collections.abc import Iterable
from datetime import date
from typing import Self

from functions.referrals.read_referrals import Brought, ToEarn, advocates_points
from functions.referrals.share_code import CodeToShare, Offer
from shared.api.fields import Answer, Instant, Request, Text
from shared.domain.brought import Friend, Tally
from shared.domain.calendar import first_instant
from shared.domain.entry import Entry
from shared.domain.inviting import InvitationRequest, invitation_of
from shared.domain.referred import ReferralState


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
