"""Use cases: an operator lets a flagged referral pass, rejects it, or takes back what it gave; each once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum

from shared.domain.awarding import Terms, award_wanted
from shared.domain.decision import Decision, ReferralWanted, View, Wanted
from shared.domain.digest import request_hash
from shared.domain.entry import Entry, EntryKey, MemberId, clawback_key, ruling_key
from shared.domain.errors import EntryUnknownError, KeyReusedError, ReferralStateError
from shared.domain.program import ProgramVersion
from shared.domain.qualifying import POLICY
from shared.domain.referred import ReferralState
from shared.domain.subject import Clawback, Ruling
from shared.domain.undoing import Word, rule, undone_wanted, void_award
from shared.ports import Ledger, Programs


class Verb(StrEnum):
    """What an operator says of a referral."""

    PASS = "pass"  # noqa: S105 - no password
    REJECT = "reject"
    VOID = "void"


def rule_referral(friend: MemberId, verb: Verb, reason: str, operator: str, *, ledger: Ledger, programs: Programs) -> Entry:
    """The entry of an operator's word on a friend's referral; said before for the same reason, the stored one.

    2 round trips to reject, 3 to let pass, 3 to void and one for the history of each side; one more for each merge on the way,
    and for the history of whoever took over. Raises ReferralUnknownError, ReferralStateError, MemberUnknownError,
    MemberMergedError and MemberClosedError (to let pass), KeyReusedError (said before for another reason), TryAgainError.
    """
    versions = programs.versions()
    word = Word(reason=reason, operator=operator, digest=request_hash("ruling", verb, friend, reason))
    key = _key(friend, verb)
    wanted = Wanted(survivors=True, referral=_wanted(verb, versions))
    try:
        return ledger.decide_and_post(key, friend, word.digest, lambda view: _decide(view, verb, word, versions), wanted)
    except KeyReusedError as error:
        if _is_policys(ledger.entry(key)):
            raise ReferralStateError(state=ReferralState.REJECTED) from error
        raise


def _key(friend: MemberId, verb: Verb) -> EntryKey:
    return clawback_key(friend) if verb is Verb.VOID else ruling_key(friend, passed=verb is Verb.PASS)


def _decide(view: View, verb: Verb, word: Word, versions: Sequence[ProgramVersion]) -> Decision:
    if verb is Verb.VOID:
        return void_award(view, word, versions)
    return rule(view, word, verb is Verb.PASS, versions)


def _wanted(verb: Verb, versions: Sequence[ProgramVersion]) -> Callable[[View], ReferralWanted | None] | None:
    """What the decision reads besides."""
    if verb is Verb.REJECT:
        return None
    return undone_wanted if verb is Verb.VOID else lambda view: _awarded(view, versions)


def _awarded(view: View, versions: Sequence[ProgramVersion]) -> ReferralWanted | None:
    """A referral that qualified is awarded as it passes."""
    referred = view.wallet.referral
    if referred is None or referred.state is not ReferralState.QUALIFIED or not referred.flagged:
        return None
    return award_wanted(view, replace(referred, flagged=False, cleared=True), Terms.of(referred, versions))


def _is_policys(entry: Entry) -> bool:
    return isinstance(entry.subject, Ruling) and entry.subject.operator == POLICY


def word_of(entry: Entry) -> Ruling | Clawback:
    """What an operator's entry tells. Raises EntryUnknownError for any other entry."""
    if not isinstance(entry.subject, Ruling | Clawback):
        raise EntryUnknownError
    return entry.subject
