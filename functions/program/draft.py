"""A document that somebody sent, held to the rules of programs and to what was promised before."""

from collections.abc import Mapping, Sequence

from shared.domain.errors import ProgramInvalidError
from shared.domain.program import Program, ProgramVersion, parse_program

DOCUMENT_BYTES_MAX = 256 * 1024
"""A version is kept as one item, which holds at most 400 KB."""

Faults = list[dict[str, str]]


def parse_draft(document: Mapping[str, object], kept: Sequence[ProgramVersion]) -> Program:
    """The program that `document` describes, fit to follow the versions `kept`.

    Raises ProgramInvalidError with every fault and its path.
    """
    try:
        program = parse_program(document)
    except ProgramInvalidError as error:
        raise ProgramInvalidError(faults=error.faults + _broken_zone(document, kept, error.faults)) from error
    if faults := _broken_zone(document, kept, []) + _other_caps(program, kept) + _too_large(program):
        raise ProgramInvalidError(faults=faults)
    return program


def _broken_zone(document: Mapping[str, object], kept: Sequence[ProgramVersion], found: Faults) -> Faults:
    zone = document.get("time_zone")
    if not kept or zone in (None, kept[-1].program.time_zone) or any(fault["path"] == "time_zone" for fault in found):
        return []
    reason = f"members were promised days of {kept[-1].program.time_zone}; a program's zone never changes"
    return [{"path": "time_zone", "reason": reason}]


def _other_caps(program: Program, kept: Sequence[ProgramVersion]) -> Faults:
    """Caps whose uses so far could not be told any more, because they were counted in another way."""
    known = {cap.id: cap for version in kept for cap in version.program.caps}
    return [
        {"path": f"caps.{number}.{field}", "reason": f"was {was} and is counted so: give the cap another id to begin anew"}
        for number, cap in enumerate(program.caps)
        if cap.id in known
        for field in ("currency", "scope", "per", "shards")
        if getattr(cap, field) != (was := getattr(known[cap.id], field))
    ]


def _too_large(program: Program) -> Faults:
    size = len(program.model_dump_json(exclude_unset=True).encode())
    if size <= DOCUMENT_BYTES_MAX:
        return []
    return [{"path": "$", "reason": f"has {size} bytes as JSON, and must have at most {DOCUMENT_BYTES_MAX}: leave parts out"}]
