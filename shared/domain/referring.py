"""Who brought whom: fixed once, when the friend joins (docs/referrals.md)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.assessing import PATH_MAX, Sign, assess_joining, names_of, worst
from shared.domain.awarding import Terms, award_wanted
from shared.domain.decision import Decision, FingerprintsSeen, ReferralWanted, Sighting, View
from shared.domain.digest import request_hash
from shared.domain.effect import Effect
from shared.domain.entry import Entry, EntryKind, MemberId, referral_key
from shared.domain.errors import EntryUnknownError
from shared.domain.history import Reason, day_of_entry, post
from shared.domain.program import Program, ProgramVersion, in_force
from shared.domain.qualifying import Progress, settle
from shared.domain.referral import ByEnrolment, Campaign
from shared.domain.referred import ReferralState, Referred
from shared.domain.subject import Referral


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """By whom a friend comes: `code` in its stored form, and whose it is: a member's or a campaign's."""

    code: str
    advocate: MemberId | None = None
    campaign: str | None = None


@dataclass(frozen=True, slots=True)
class Joining:
    """A friend who enrols by somebody's code."""

    introduction: Introduction
    versions: Sequence[ProgramVersion]

    def wanted(self, view: View) -> ReferralWanted:
        """What `decide` reads besides. Raises ProgramMissingError, BeforeProgramError."""
        return join_wanted(view, self.introduction, self.versions)

    def decide(self, view: View) -> Decision:
        """See `join`."""
        return join(view, self.introduction, self.versions)


def join(view: View, introduction: Introduction, versions: Sequence[ProgramVersion]) -> Decision:
    """The entry that fixes who brought a friend, and the award where joining is what counts.

    `view` is of the friend, as they enrol. A friend who may not count joins all the same: the referral is rejected, and the
    entry tells why. Raises ProgramMissingError, BeforeProgramError.
    """
    version = in_force(versions, view.now)
    program, sighting = version.program, view.referral or Sighting()
    day = day_of_entry(view.wallet, view.now, program.time_zone)
    signs = _hindrances(introduction, program, sighting, view.now)
    campaign = _campaign(program, introduction)
    if not signs and program.referral is not None and sighting.friend is not None:
        signs = assess_joining(sighting.friend, sighting, program.referral.abuse, day)
    verdict = worst(signs)
    referred = Referred(
        version=version.version,
        joined_on=day,
        advocate=introduction.advocate,
        campaign=introduction.campaign,
        state=ReferralState.REJECTED if verdict == "reject" else ReferralState.JOINED,
        flagged=verdict == "review",
        signs=names_of(signs),
    )
    terms = campaign or program.referral
    if referred.open and terms is not None and isinstance(terms.qualifies, ByEnrolment):
        referred = replace(referred, state=ReferralState.QUALIFIED, qualified_on=day)
    subject = Referral(
        code=introduction.code,
        advocate=introduction.advocate,
        campaign=introduction.campaign,
        path=_path(introduction, sighting),
        signs=referred.signs,
        verdict=verdict,
    )
    reason = Reason(
        key=referral_key(view.wallet.member),
        kind=EntryKind.REFERRAL,
        occurred_at=view.now,
        request_hash=request_hash("referral", introduction),
        subject=subject,
    )
    entry, wallet = post(view.wallet, view.history, Effect(referral=referred), reason, now=view.now, zone=program.time_zone)
    decision = Decision(entry, wallet, (FingerprintsSeen(view.wallet.member, sighting.seen),))
    return settle(view, decision, Progress(referred, verdict), versions, introduction.code)


def join_wanted(view: View, introduction: Introduction, versions: Sequence[ProgramVersion]) -> ReferralWanted:
    """What `join` reads besides. Raises ProgramMissingError, BeforeProgramError."""
    version = in_force(versions, view.now)
    unknown = introduction.campaign is not None and _campaign(version.program, introduction) is None
    if version.program.referral is None or unknown:
        return ReferralWanted(advocate=introduction.advocate, signs=True)
    referred = Referred(
        version=version.version, joined_on=view.now.date(), advocate=introduction.advocate, campaign=introduction.campaign
    )
    terms = Terms.of(referred, versions)
    joins = introduction.advocate is not None and bool(terms.abuse.velocity)
    return replace(award_wanted(view, referred, terms), signs=True, joins=joins)


def _campaign(program: Program, introduction: Introduction) -> Campaign | None:
    if program.referral is None or introduction.campaign is None:
        return None
    return program.referral.campaign(introduction.campaign)


def _hindrances(introduction: Introduction, program: Program, sighting: Sighting, now: datetime) -> list[Sign]:
    """Why nobody can be brought by this code at all."""
    if program.referral is None:
        return [Sign("not_offered", "reject")]
    if introduction.campaign is None:
        left = sighting.advocate is None or sighting.advocate.last().wallet.closed
        return [Sign("advocate_left", "reject")] if left else []
    campaign = _campaign(program, introduction)
    running = campaign is not None and campaign.runs_at(now)
    return [] if running else [Sign("campaign_over", "reject")]


def _path(introduction: Introduction, sighting: Sighting) -> tuple[str, ...]:
    """Those who brought the advocate, the advocate first."""
    return (introduction.advocate, *sighting.path)[:PATH_MAX] if introduction.advocate else ()


def referral_of(entry: Entry) -> Referral:
    """What a referral's entry tells. Raises EntryUnknownError for any other entry."""
    if not isinstance(entry.subject, Referral):
        raise EntryUnknownError
    return entry.subject
