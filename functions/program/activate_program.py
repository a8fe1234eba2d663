"""Use cases: an operator puts a new version of the program into force, or an old one once more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.program.conditions import UNCONDITIONAL, Condition
from functions.program.draft import parse_draft
from functions.program.read_program import version_at, version_of
from shared.domain.errors import ProgramNotYetError, TryAgainError
from shared.domain.program import STALENESS_SECONDS_MAX, Program, ProgramVersion
from shared.domain.program_diff import same_document
from shared.ports import Clock, Programs


@dataclass(frozen=True, slots=True)
class Activation:
    """From when (None: as soon as every function has seen it) and why, by which operator, and what they had read."""

    operator: str
    effective_from: datetime | None = None
    reason: str | None = None
    condition: Condition = UNCONDITIONAL


def activate_program(
    document: Mapping[str, object], activation: Activation, *, programs: Programs, clock: Clock
) -> ProgramVersion:
    """Keep the document as the next version.

    The first version may take effect at once, later ones when no function can still hold the one before. Raises
    ProgramInvalidError, PreconditionFailedError, ProgramNotYetError, TryAgainError.
    """
    return _activate(parse_draft(document, programs.latest()), activation, programs=programs, clock=clock)


def roll_back(to_version: int, activation: Activation, *, programs: Programs, clock: Clock) -> ProgramVersion:
    """Keep the document of an old version as the next one: what was is never changed.

    Raises ProgramVersionUnknownError, PreconditionFailedError, ProgramNotYetError, TryAgainError.
    """
    old = version_of(programs.latest(), to_version)
    return _activate(old.program, activation, programs=programs, clock=clock)


def _activate(program: Program, activation: Activation, *, programs: Programs, clock: Clock) -> ProgramVersion:
    kept, now = programs.latest(), clock.now()
    if _stands(program, activation, kept, now):
        return kept[-1]
    activation.condition.check(kept)
    version = _next(program, activation, kept, now)
    try:
        programs.add(version)
    except TryAgainError:
        # Another operator was first, or the answer was lost on its way: what is there now tells.
        kept = programs.latest()
        if _stands(program, activation, kept, now):
            return kept[-1]
        activation.condition.check(kept)
        raise
    return version


def _stands(program: Program, activation: Activation, kept: Sequence[ProgramVersion], now: datetime) -> bool:
    """Whether the newest version is what is asked for already: a request that is sent again makes no version more."""
    if not kept or not same_document(kept[-1].program, program):
        return False
    if activation.effective_from is not None:
        return activation.effective_from == kept[-1].effective_from
    return version_at(kept, _earliest(kept, now)) is kept[-1]


def _next(program: Program, activation: Activation, kept: Sequence[ProgramVersion], now: datetime) -> ProgramVersion:
    earliest = _earliest(kept, now)
    if activation.effective_from is not None and activation.effective_from < earliest:
        raise ProgramNotYetError(earliest=earliest)
    return ProgramVersion(
        version=kept[-1].version + 1 if kept else 1,
        effective_from=activation.effective_from or earliest,
        activated_at=now,
        program=program,
        reason=activation.reason,
        activated_by=activation.operator,
    )


def _earliest(kept: Sequence[ProgramVersion], now: datetime) -> datetime:
    return now + timedelta(seconds=STALENESS_SECONDS_MAX) if kept else now
