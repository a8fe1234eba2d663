"""Use cases: which versions there are, when each one holds, and the JSON Schema of them all."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal

from shared.domain.errors import BeforeProgramError, ProgramMissingError, ProgramVersionUnknownError
from shared.domain.program import Program, ProgramVersion, in_force

SCHEMA_ID = "urn:laurel:schema:program"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

State = Literal["in_force", "scheduled", "ended", "replaced"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A version and the time it holds: from its `effective_from` to before `until`, None for as long as nothing follows.

    A version is replaced, and never holds, where a later one takes effect at the same instant.
    """

    version: ProgramVersion
    until: datetime | None
    state: State


def list_versions(versions: Sequence[ProgramVersion], now: datetime) -> list[Listed]:
    """All versions, newest first. They follow each other by the time they take effect, not by number."""
    course = sorted(versions, key=lambda version: (version.effective_from, version.version))
    ends = [*(later.effective_from for later in course[1:]), None]
    found = [Listed(version, end, _state(version, end, now)) for version, end in zip(course, ends, strict=False)]
    return sorted(found, key=lambda listed: -listed.version.version)


def _state(version: ProgramVersion, until: datetime | None, now: datetime) -> State:
    if until == version.effective_from:
        return "replaced"
    if version.effective_from > now:
        return "scheduled"
    return "in_force" if until is None or now < until else "ended"


def version_at(versions: Sequence[ProgramVersion], at: datetime) -> ProgramVersion | None:
    """The version that holds at an instant; None before the first."""
    try:
        return in_force(versions, at)
    except (ProgramMissingError, BeforeProgramError):
        return None


def version_of(versions: Sequence[ProgramVersion], number: int) -> ProgramVersion:
    """The version of a number. Raises ProgramVersionUnknownError."""
    for version in versions:
        if version.version == number:
            return version
    raise ProgramVersionUnknownError(newest=versions[-1].version if versions else 0)


def document_of(version: ProgramVersion) -> dict[str, Any]:
    """The document as it was written: a default that it did not say is not said, so it can be changed and sent back."""
    return version.program.model_dump(mode="json", exclude_unset=True)


@cache
def program_schema() -> dict[str, Any]:
    """The JSON Schema of a program document, made from the model that parses it."""
    return {"$schema": DIALECT, "$id": SCHEMA_ID, **_unwrapped(Program.model_json_schema(mode="validation"))}


def _unwrapped(part: Any) -> Any:
    """Descriptions without the line ends of the code they come from."""
    if isinstance(part, list):
        return [_unwrapped(one) for one in part]
    if not isinstance(part, dict):
        return part
    found = {name: _unwrapped(one) for name, one in part.items()}
    if isinstance(text := found.get("description"), str):
        found["description"] = re.sub(r"(?<!\n)\n(?!\n)", " ", text)
    return found
