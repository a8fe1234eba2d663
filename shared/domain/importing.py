"""Referrals that another system kept: taken over as they stood there, so that ceilings and numbers go on (docs/referrals.md).

An import gives no points. One that is still open may qualify by the terms in force now; one that the other system has
rewarded counts as the advocate's next friend, and against the caps that its reward would have used.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Literal, NamedTuple

from shared.domain.assessing import PATH_MAX
from shared.domain.awarding import Terms
from shared.domain.calendar import CLOCK_SKEW_MAX, local_day
from shared.domain.counts import ONE_REFERRAL, REFERRALS, Count
from shared.domain.decision import Decision, Posted, ReferralMoved, ReferralWanted, View
from shared.domain.digest import request_hash
from shared.domain.effect import Effect
from shared.domain.entry import EntryKind, MemberId, award_key, of_advocate, referral_key
from shared.domain.errors import OccurredInFutureError, ReferralRingError, RequestInvalidError
from shared.domain.history import Reason, day_of_entry, post
from shared.domain.program import Program, ProgramVersion, in_force
from shared.domain.referral import ADVOCATE, FRIEND, ByEnrolment, ReferralReward
from shared.domain.referred import ReferralState, Referred
from shared.domain.standing import course_now, told
from shared.domain.subject import Award, Referral

ImportState = Literal["joined", "rewarded", "rejected"]
"""How far a referral had come in the other system."""
_STATES: Mapping[ImportState, ReferralState] = {
    "joined": ReferralState.JOINED,
    "rewarded": ReferralState.AWARDED,
    "rejected": ReferralState.REJECTED,
}
IMPORT_STATE_OF: Mapping[ReferralState, ImportState] = {
    ReferralState.JOINED: "joined",
    ReferralState.QUALIFIED: "joined",
    ReferralState.AWARDED: "rewarded",
    ReferralState.REJECTED: "rejected",
    ReferralState.CLAWED_BACK: "rejected",
}
"""What of each state another system would take over."""
LAUREL = "laurel"
"""How an export names the system of what was not imported itself."""


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """A referral as the system `source` tells it: one of `advocate` (a member) and `campaign` (an id) brought the friend.

    `given` are the points that a rewarded one brought, by side and currency.
    """

    friend: MemberId
    advocate: MemberId | None = None
    campaign: str | None = None
    joined_at: datetime
    state: ImportState
    source: str
    given: tuple[tuple[str, str, int], ...] = ()

    @cached_property
    def digest(self) -> bytes:
        """What tells a repeated request from a changed one."""
        return request_hash("import", self)

    @property
    def wanted(self) -> ReferralWanted | None:
        """What `take_over` reads besides the friend's wallet."""
        return ReferralWanted(advocate=self.advocate) if self.advocate else None


def take_over(view: View, request: ImportRequest, chain: Sequence[str], versions: Sequence[ProgramVersion]) -> Decision:
    """The friend's entry, and the advocate's where the referral was rewarded; `view` is of the friend.

    `chain` are the advocate's own advocates, nearest first. Raises MemberMergedError, MemberClosedError (of the friend),
    OccurredInFutureError, RequestInvalidError, ReferralRingError, ProgramMissingError, BeforeProgramError.
    """
    view.wallet.check_open()
    if request.joined_at > view.now + CLOCK_SKEW_MAX:
        raise OccurredInFutureError(occurred_at=request.joined_at, now=view.now)
    advocate = view.referral.advocate if view.referral else None
    if view.wallet.member in {*chain, *(wallet.member for wallet in advocate.wallets())} if advocate else False:
        raise ReferralRingError
    version = in_force(versions, view.now)
    taking = _Taking(view, request, version, versions)
    taking.check()
    heir = advocate.last() if advocate else None
    counted = heir if request.state == "rewarded" and heir is not None and not heir.wallet.closed else None
    referred = taking.referred(counted.wallet.member if counted else None)
    posted = taking.friends(referred, (request.advocate, *chain) if request.advocate else ())
    if counted is not None:
        posted = (*posted, *taking.advocates(counted))
    (entry, wallet), *others = posted
    moved = ReferralMoved(
        friend=entry.member,
        before=None,
        after=referred,
        # Where it happened, as far as that is known: a migration is no day on which a hundred friends joined.
        day=referred.joined_on,
        changed_at=entry.occurred_at,
        given=tuple(one for one in request.given if one[2]),
    )
    return Decision(entry, wallet, (moved,), tuple(others))


@dataclass(frozen=True, slots=True)
class _Taking:
    """What the entries of both sides have in common."""

    view: View
    request: ImportRequest
    version: ProgramVersion
    versions: Sequence[ProgramVersion]

    @property
    def program(self) -> Program:
        return self.version.program

    @property
    def joined_on(self) -> date:
        return local_day(self.request.joined_at, self.program.time_zone)

    def terms(self) -> Terms | None:
        """The terms in force now, for whoever brought the friend; None where there are none."""
        offer, campaign = self.program.referral, self.request.campaign
        if offer is None or (campaign is not None and offer.campaign(campaign) is None):
            return None
        return Terms.of(self.referred(None), self.versions)

    def referred(self, awarded_to: MemberId | None) -> Referred:
        """Where the referral stands from now on."""
        found = Referred(
            version=self.version.version,
            joined_on=self.joined_on,
            advocate=self.request.advocate,
            campaign=self.request.campaign,
            state=_STATES[self.request.state],
            awarded_to=awarded_to,
        )
        if found.state is not ReferralState.AWARDED:
            return found
        return replace(found, qualified_on=self.joined_on, held_until=self.joined_on)

    def check(self) -> None:
        """Refuse what could never be right. Raises RequestInvalidError."""
        if faults := [{"path": path, "reason": reason} for path, reason in self._faults()]:
            raise RequestInvalidError(faults=faults)

    def _faults(self) -> Iterator[tuple[str, str]]:
        if self.request.state == "joined":
            terms = self.terms()
            if terms is None:
                yield "state", "nobody can qualify: the program in force has no such terms"
            elif isinstance(terms.qualifies, ByEnrolment):
                yield "state", "the program in force rewards the enrolment itself: import it as rewarded or rejected"
        if self.request.given and self.request.state != "rewarded":
            yield "given", "only a rewarded referral gave something"
        codes = {currency.code for currency in self.program.currencies}
        for side, currency, _ in self.request.given:
            if side == ADVOCATE and self.request.campaign:
                yield f"given.{side}", "a campaign has no advocate"
            if currency not in codes:
                yield f"given.{side}.{currency}", f"no currency is called {currency}: there are {', '.join(sorted(codes))}"

    def _used(self, side: str) -> Iterator[Count]:
        """What the points that a side was given count against caps of its own."""
        terms = self.terms()
        rewards: dict[str, ReferralReward] = terms.rewards(side) if terms else {}
        given = {currency: points for of, currency, points in self.request.given if of == side}
        for rule, reward in rewards.items():
            for name in self.program.caps_of_rules.get(rule, ()):
                cap, points = self.program.caps_by_id[name], given.get(reward.currency, 0)
                if cap.scope == "member" and points:
                    yield Count(cap.count_name, cap.since(self.joined_on), points)

    def friends(self, referred: Referred, path: Sequence[str]) -> Posted:
        """The entry that says who brought the friend."""
        subject = Referral(
            advocate=self.request.advocate,
            campaign=self.request.campaign,
            path=tuple(path[:PATH_MAX]),
            imported=self.request.source,
            given=self.request.given,
        )
        reason = Reason(
            key=referral_key(self.request.friend),
            kind=EntryKind.REFERRAL,
            occurred_at=self.request.joined_at,
            request_hash=self.request.digest,
            subject=subject,
        )
        return self._post(self.view, Effect(counts=tuple(self._used(FRIEND)), referral=referred), reason)

    def advocates(self, view: View) -> Posted:
        """The entry by which the friend counts for the advocate, and uses up caps."""
        subject = Award(
            friend=self.request.friend,
            side=ADVOCATE,
            number=view.wallet.counted(REFERRALS) + 1,
            given_on=self.joined_on,
            imported=self.request.source,
        )
        reason = Reason(
            key=of_advocate(award_key(self.request.friend)),
            kind=EntryKind.AWARD,
            occurred_at=self.request.joined_at,
            request_hash=self.request.digest,
            subject=subject,
            names=referral_key(self.request.friend),
        )
        return self._post(view, Effect(counts=(ONE_REFERRAL, *self._used(ADVOCATE))), reason)

    def _post(self, view: View, effect: Effect, reason: Reason) -> Posted:
        zone, course = self.program.time_zone, course_now(self.versions, view.now)
        day = day_of_entry(view.wallet, view.now, zone)
        effect = told(view.wallet, course, day, effect, view.history)
        return (post(view.wallet, view.history, effect, reason, now=view.now, zone=zone),)


class ExportPlace(NamedTuple):
    """How far an export has come: the part of the ranking, the source in it by rank and id, and its friend; None for before."""

    shard: int
    rank: int = 0
    source: str | None = None
    friend: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedReferral:
    """A referral as another system would import it: members by the shop's own ids. `given` as of an ImportRequest."""

    friend: str
    advocate: str | None
    campaign: str | None
    joined_at: datetime
    state: ImportState
    source: str
    given: tuple[tuple[str, str, int], ...]
