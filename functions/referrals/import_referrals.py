"""Use case: referrals of another system are taken over."""

from typing import Any

from pydantic import ValidationError

from functions.referrals.import_models import ImportedAnswer, ImportResult, ImportRow, PersonRequest
from shared.api.problems import problem
from shared.domain.assessing import PATH_MAX
from shared.domain.decision import Wanted
from shared.domain.entry import Entry, MemberId, referral_key
from shared.domain.errors import (
    FaultError,
    KeyReusedError,
    LaurelError,
    ReferralStateError,
    RequestInvalidError,
)
from shared.domain.faults import faults_of
from shared.domain.importing import ImportRequest, take_over
from shared.domain.member import Identity, IdentityKind
from shared.ports import Ledger, Members, Programs


def import_row(document: dict[str, Any], *, ledger: Ledger, members: Members, programs: Programs) -> ImportResult:
    """The result of one row: what it would have met alone. Raises FaultError: no row's fault."""
    try:
        row = ImportRow.model_validate(document)
        entry = import_referral(row, ledger=ledger, members=members, programs=programs)
        return ImportResult(status=201, referral=ImportedAnswer.of(entry))
    except ValidationError as error:
        faults = faults_of(error.errors(include_url=False, include_input=False))
        refused = problem(RequestInvalidError(faults=faults))
    except FaultError:
        raise
    except LaurelError as error:
        refused = problem(error)
    return ImportResult(status=refused["status"], problem=refused)


def import_referral(row: ImportRow, *, ledger: Ledger, members: Members, programs: Programs) -> Entry:
    """The friend's entry; the same row again gets the stored one.

    At most 5 round trips, and one for each of the advocate's own advocates (at most 20). Raises MemberUnknownError,
    ReferralStateError where the friend has a referral already, TryAgainError, and what `take_over` raises.
    """
    friend = _found(row.friend, members)
    advocate = _found(row.advocate, members) if row.advocate else None
    request = ImportRequest(
        friend=friend,
        advocate=advocate,
        campaign=row.campaign,
        joined_at=row.joined_at,
        state=row.state,
        source=row.source,
        given=row.given.told() if row.given else (),
    )
    chain, versions = _chain(advocate, ledger), programs.versions()
    try:
        return ledger.decide_and_post(
            referral_key(friend),
            friend,
            request.digest,
            lambda view: take_over(view, request, chain, versions),
            Wanted(referral=lambda _: request.wanted),
        )
    except KeyReusedError as error:
        referred = ledger.view(friend).wallet.referral
        raise ReferralStateError(state=referred.state if referred else "") from error


def _found(person: PersonRequest, members: Members) -> MemberId:
    if person.customer_id is None:
        return MemberId(person.member_id or "")
    return members.find(Identity(IdentityKind.CUSTOMER_ID, person.customer_id))


def _chain(advocate: MemberId | None, ledger: Ledger) -> list[MemberId]:
    """Those who brought the advocate, nearest first, and whoever took over from one of them: read one by one, for rows come in
    any order.
    """
    found: list[MemberId] = []
    ahead = [advocate] if advocate else []
    while ahead and len(found) <= PATH_MAX:
        member = ahead.pop(0)
        if member in found:
            continue
        found.append(member)
        wallet = ledger.view(member).wallet
        by = wallet.referral.advocate if wallet.referral else None
        ahead += [MemberId(one) for one in (by, wallet.merged_into) if one]
    return found[1:]
