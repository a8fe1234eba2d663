"""Use cases: what a change of the program would mean, before anybody makes it. Nothing is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from functions.program.draft import Faults, parse_draft
from functions.program.read_program import version_at, version_of
from shared.domain.errors import ProgramInvalidError, ProgramMissingError
from shared.domain.program import Program, ProgramVersion
from shared.domain.program_diff import Change, diff
from shared.domain.program_promises import broken_promises, doubts
from shared.ports import Clock, Programs

Side = int | Literal["in_force", "newest"]
"""A version by its number, the one that holds now, or the newest."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a document, and what members of the version `compared_with` would lose by it."""

    compared_with: int | None
    faults: Faults = field(default_factory=list)
    warnings: Faults = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is different between two versions; `after` is None for a draft."""

    before: int
    after: int | None
    changes: list[Change]


def validate_program(document: Mapping[str, object], *, programs: Programs, clock: Clock) -> Verdict:
    """Every fault of a document; where there is none, what it takes back of the version in force (else of the newest)."""
    kept, now = programs.latest(), clock.now()
    promised = version_at(kept, now) or (kept[-1] if kept else None)
    compared_with = promised.version if promised else None
    try:
        draft = parse_draft(document, kept)
    except ProgramInvalidError as error:
        return Verdict(compared_with, faults=error.faults)
    broken = broken_promises(promised.program, draft) if promised else []
    return Verdict(compared_with, warnings=[*broken, *doubts(draft, now)])


def compare_programs(before: Side, after: Side | Mapping[str, object], *, programs: Programs, clock: Clock) -> Comparison:
    """What changes from a version to another one, or to a draft.

    Raises ProgramMissingError, ProgramVersionUnknownError, ProgramInvalidError.
    """
    kept = programs.latest()
    old = _version(kept, before, clock)
    number, new = _other(kept, after, clock)
    return Comparison(old.version, number, diff(old.program, new))


def _other(kept: Sequence[ProgramVersion], after: Side | Mapping[str, object], clock: Clock) -> tuple[int | None, Program]:
    if isinstance(after, Mapping):
        return None, parse_draft(after, kept)
    version = _version(kept, after, clock)
    return version.version, version.program


def _version(kept: Sequence[ProgramVersion], side: Side, clock: Clock) -> ProgramVersion:
    if isinstance(side, int):
        return version_of(kept, side)
    found = version_at(kept, clock.now()) if side == "in_force" else (kept[-1] if kept else None)
    if found is None:
        raise ProgramMissingError
    return found
