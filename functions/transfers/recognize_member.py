"""Use cases of recognitions: give points out of an allowance, and see what is left of it."""

from dataclasses import dataclass
from datetime import date

from shared.domain.calendar import first_after_period, first_of_period
from shared.domain.decision import Wanted
from shared.domain.entry import Entry, EntryKey, MemberId
from shared.domain.errors import RequestInvalidError
from shared.domain.history import day_of_entry
from shared.domain.program import in_force
from shared.domain.recognition import Recognition
from shared.domain.recognizing import RecognitionRequest, allowance_name, recognize
from shared.ports import Clock, Ledger, Programs


@dataclass(frozen=True, slots=True)
class AllowanceLeft:
    """A recognition, and the points that a member may still give by it before the local day `until`."""

    recognition: Recognition
    left: int
    until: date


def recognize_member(request: RecognitionRequest, key: EntryKey, *, ledger: Ledger, programs: Programs, clock: Clock) -> Entry:
    """Give points out of the allowance, once per key; a refusal by what the ledger holds is kept under it.

    Raises what shared.domain.recognizing.recognize raises, RequestInvalidError (to themselves), MemberUnknownError (either),
    ProgramMissingError, KeyReusedError, TryAgainError.
    """
    if request.to == request.member_id:
        raise RequestInvalidError(faults=[{"path": "to", "reason": "is the member who gives"}])
    versions = programs.versions()
    version = in_force(versions, clock.now())
    return ledger.decide_and_post(
        key,
        MemberId(request.member_id),
        request.digest,
        lambda view: recognize(view, request, key, versions, version),
        Wanted(other=MemberId(request.to), profile=True),
    )


def read_allowances(member: MemberId, *, ledger: Ledger, programs: Programs, clock: Clock) -> list[AllowanceLeft]:
    """What is left of every allowance of the program, whoever may use it. Raises MemberUnknownError, ProgramMissingError."""
    program = in_force(programs.versions(), clock.now()).program
    view = ledger.view(member)
    day = day_of_entry(view.wallet, view.now, program.time_zone)
    found = []
    for recognition in program.recognitions:
        allowance = recognition.allowance
        given = view.wallet.counted(allowance_name(recognition), first_of_period(allowance.per, day))
        left = max(0, allowance.points - given)
        found.append(AllowanceLeft(recognition, left, first_after_period(allowance.per, day)))
    return found
