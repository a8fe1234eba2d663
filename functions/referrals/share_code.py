"""Use cases: a member's referral code, what a code promises to a friend, and that a member shared theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.entry import Entry, EntryKey, MemberId
from shared.domain.inviting import InvitationRequest, invite
from shared.domain.program import in_force
from shared.domain.referral import ReferralReward
from shared.domain.referral_code import OwnCode
from shared.domain.referring import Introduction
from shared.ports import Clock, Guesser, Ledger, Programs, ReferralCodes

MEMBERS_MISSES_MAX = 20
"""Codes that do not exist which a member may ask for in a window."""
TILLS_MISSES_MAX = 1000
"""The same for a till or shop server, which asks for many people, some of whom mistype."""


@dataclass(frozen=True, slots=True)
class CodeToShare:
    """A member's code, and its share link where the program in force has one."""

    own: OwnCode
    link: str | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What a code promises: `kind` is member or campaign, `friend` what a friend gets, `runs` whether it counts now."""

    kind: str
    friend: Sequence[ReferralReward]
    runs: bool


def read_code(member: MemberId, *, codes: ReferralCodes, programs: Programs, clock: Clock) -> CodeToShare:
    """The member's code, made at the first ask. Raises as `ReferralCodes.own`, ProgramMissingError, BeforeProgramError."""
    return _to_share(codes.own(member), programs, clock)


def choose_code(
    member: MemberId, text: str, *, freely: bool, codes: ReferralCodes, programs: Programs, clock: Clock
) -> CodeToShare:
    """The member's code from now on. Raises as `ReferralCodes.change`, ProgramMissingError, BeforeProgramError."""
    return _to_share(codes.change(member, text, freely=freely), programs, clock)


def _to_share(own: OwnCode, programs: Programs, clock: Clock) -> CodeToShare:
    terms = in_force(programs.versions(), clock.now()).program.referral
    return CodeToShare(own, terms.link_for(own.shown) if terms else None)


def look_up_code(
    text: str, guesser: Guesser, *, codes: ReferralCodes, ledger: Ledger, programs: Programs, clock: Clock
) -> Offer:
    """What a friend who joined by the code now would get, before caps and budgets. At most 2 round trips, and one for a merge.

    Raises as `ReferralCodes.find`, ProgramMissingError, BeforeProgramError.
    """
    found, now = codes.find(text, [guesser]), clock.now()
    terms = in_force(programs.versions(), now).program.referral
    if found.advocate is not None:
        return Offer("member", terms.friend if terms else (), terms is not None and _stays(found, ledger))
    campaign = terms.campaign(found.campaign or "") if terms else None
    return Offer("campaign", campaign.friend if campaign else (), campaign is not None and campaign.runs_at(now))


def _stays(found: Introduction, ledger: Ledger) -> bool:
    """Whether the advocate, or whoever took over from them, is still a member."""
    member = found.advocate
    while member is not None:
        wallet = ledger.view(member).wallet
        if wallet.merged_into is None:
            return not wallet.closed
        member = wallet.merged_into
    return False


def share_code(
    member: MemberId,
    request: InvitationRequest,
    key: EntryKey,
    *,
    codes: ReferralCodes,
    ledger: Ledger,
    programs: Programs,
) -> Entry:
    """Record that a member shared their code, once per key; 3 round trips.

    Raises what shared.domain.inviting.invite raises, and as `ReferralCodes.own`, ProgramMissingError, KeyReusedError.
    """
    versions, own = programs.versions(), codes.own(member)
    return ledger.decide_and_post(key, member, request.digest, lambda view: invite(view, request, own.shown, versions, key))
