"""Use case: an operator puts a new version of the program into force."""

from datetime import datetime, timedelta

from shared.domain.errors import ProgramInvalidError, ProgramNotYetError
from shared.domain.program import STALENESS_SECONDS_MAX, ProgramVersion, parse_program
from shared.ports import Clock, Programs


def activate_program(document: object, effective_from: datetime | None, *, programs: Programs, clock: Clock) -> ProgramVersion:
    """Keep the document as the next version; the document that is the newest already is not kept twice.

    The first version may take effect at once, later ones when no function can still hold the one before. Raises
    ProgramInvalidError, ProgramNotYetError, TryAgainError.
    """
    program = parse_program(document)
    now, kept = clock.now(), programs.latest()
    if kept and kept[-1].program == program and effective_from in (None, kept[-1].effective_from):
        return kept[-1]
    if kept and kept[-1].program.time_zone != program.time_zone:
        reason = f"members were promised days of {kept[-1].program.time_zone}; a program's zone never changes"
        raise ProgramInvalidError(faults=[{"path": "time_zone", "reason": reason}])
    earliest = now + timedelta(seconds=STALENESS_SECONDS_MAX) if kept else now
    if effective_from is not None and effective_from < earliest:
        raise ProgramNotYetError(earliest=earliest)
    number = kept[-1].version + 1 if kept else 1
    version = ProgramVersion(number, effective_from or earliest, now, program)
    programs.add(version)
    return version
