"""Requests and answers of the program document."""

from typing import Annotated, Any

from pydantic import Field

from shared.api.fields import Answer, Instant, Request


class ActivateRequest(Request):
    """A whole program document, and when it takes effect (as soon as every function has seen it, if left out)."""

    program: Annotated[dict[str, Any], Field(description="see docs/program.md")]
    effective_from: Instant | None = None


class ProgramAnswer(Answer):
    """A version of the program."""

    version: int
    effective_from: Instant
    activated_at: Instant
    program: dict[str, Any]


class ProgramsAnswer(Answer):
    """The version in force now (None before the first takes effect), and all versions, newest first."""

    in_force: int | None
    versions: list[ProgramAnswer]
