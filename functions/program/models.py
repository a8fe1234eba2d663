"""Requests and answers of the program document."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from aws_lambda_powertools.event_handler.openapi.params import Header, Path
from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from functions.program.activate_program import Activation
from functions.program.check_program import Comparison, Side, Verdict
from functions.program.conditions import Condition
from functions.program.read_budgets import BudgetLeft
from functions.program.read_program import Listed, State, document_of
from shared.api.fields import Answer, Instant, Request
from shared.domain.program import ProgramVersion
from shared.domain.program_diff import Change
from shared.domain.written import Reason

VERSION_MAX = 99_999_999

Draft = Annotated[dict[str, Any], Field(description="a whole program document: see GET /v1/program/schema and docs/program.md")]
Number = Annotated[int, Field(ge=1, le=VERSION_MAX)]


def _number(value: Any) -> Any:
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise ValueError("must be the number of a version, in digits only")
    return value


def _side(value: Any) -> Any:
    if value in ("in_force", "newest") or (type(value) is int and 1 <= value <= VERSION_MAX):
        return value
    raise ValueError("must be the number of a version, in_force or newest")


VersionOrWord = Annotated[
    Any,
    BeforeValidator(_side),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": VERSION_MAX},
                {"type": "string", "enum": ["in_force", "newest"]},
            ]
        }
    ),
]
"""A version by its number, the one that holds now, or the newest."""

VersionInPath = Annotated[
    int,
    BeforeValidator(_number),
    Field(ge=1, le=VERSION_MAX),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": VERSION_MAX}),
    Path(),
]
_ETAG = r'(W/)?"[!#-~]*"'


def _etags(value: Any) -> Any:
    if isinstance(value, str) and value != "*" and not value.startswith(('"', 'W/"')):
        raise ValueError('must be the ETag that GET /v1/program answered, quotes included, such as "3"; or *')
    return value


IfMatch = Annotated[
    str | None,
    BeforeValidator(_etags),
    Field(pattern=rf"^(\*|{_ETAG}([ \t]*,[ \t]*{_ETAG})*)$", max_length=1000),
    Header(alias="If-Match", description="change it only while the newest version has this ETag, the one of GET /v1/program"),
]


def _anything(value: Any) -> Any:
    if value != "*":
        raise ValueError("must be *, which asks that there is no version yet")
    return value


IfNoneMatch = Annotated[
    str | None,
    BeforeValidator(_anything),
    WithJsonSchema({"type": "string", "const": "*"}),
    Header(alias="If-None-Match", description="`*`: change it only while there is no version yet"),
]


class ActivateRequest(Request):
    """A whole program document, when it takes effect (as soon as every function has seen it, if left out), and why."""

    program: Draft
    effective_from: Instant | None = None
    reason: Reason | None = None

    def activation(self, operator: str, if_match: str | None, if_none_match: str | None) -> Activation:
        """The request of an operator (by digest)."""
        return Activation(operator, self.effective_from, self.reason, Condition(if_match, if_none_match))


class ProgramRollbackRequest(Request):
    """The version whose document is put into force once more, as a new version; the rest as for a new document."""

    to_version: Number
    effective_from: Instant | None = None
    reason: Reason | None = None

    def activation(self, operator: str, if_match: str | None) -> Activation:
        """The request of an operator (by digest)."""
        return Activation(operator, self.effective_from, self.reason, Condition(if_match))


class ProgramDraftRequest(Request):
    """A whole program document."""

    program: Draft


class ProgramDiffRequest(Request):
    """Two documents: the version `before`, and a draft `program` or the version `after`."""

    before: VersionOrWord = "newest"
    after: VersionOrWord | None = None
    program: Draft | None = None

    @model_validator(mode="after")
    def _one_other(self) -> Self:
        if (self.after is None) == (self.program is None):
            raise ValueError("give either program, a draft, or after, a version")
        return self

    @property
    def other(self) -> Side | dict[str, Any]:
        """What `before` is compared with."""
        return self.program if self.program is not None else self.after or "newest"


class ProgramAnswer(Answer):
    """A version of the program. `activated_by` is a digest of the operator's login."""

    version: int
    effective_from: Instant
    activated_at: Instant
    activated_by: str | None
    reason: str | None
    program: dict[str, Any]

    @classmethod
    def of(cls, version: ProgramVersion) -> Self:
        """The version as the API tells it."""
        return cls(
            version=version.version,
            effective_from=version.effective_from,
            activated_at=version.activated_at,
            activated_by=version.activated_by,
            reason=version.reason,
            program=document_of(version),
        )


class ProgramVersionAnswer(Answer):
    """A version without its document, and when it holds: from `effective_from` to before `effective_until`.

    `state`: in_force; scheduled, to come; ended; replaced by a later version that takes effect at the same instant.
    """

    version: int
    state: State
    effective_from: Instant
    effective_until: Instant | None
    activated_at: Instant
    activated_by: str | None
    reason: str | None

    @classmethod
    def of(cls, listed: Listed) -> Self:
        """The version as the list tells it."""
        version = listed.version
        return cls(
            version=version.version,
            state=listed.state,
            effective_from=version.effective_from,
            effective_until=listed.until,
            activated_at=version.activated_at,
            activated_by=version.activated_by,
            reason=version.reason,
        )


class ProgramsAnswer(Answer):
    """The number and the document of the version in force now (null before the first), and all versions, newest first."""

    in_force: int | None
    program: dict[str, Any] | None
    versions: list[ProgramVersionAnswer]


class ProgramFaultAnswer(Answer):
    """A place in a document, by names and positions from 0, and what is to be said of it."""

    path: str
    reason: str


class ProgramVerdictAnswer(Answer):
    """Whether a document would be accepted, and every fault if not.

    `warnings` tell what a valid document takes back of what the version `compared_with` promised, and what looks like a slip.
    """

    valid: bool
    faults: list[ProgramFaultAnswer]
    warnings: list[ProgramFaultAnswer]
    compared_with: int | None

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """The verdict as the API tells it."""
        return cls(
            valid=not verdict.faults,
            faults=[ProgramFaultAnswer(**fault) for fault in verdict.faults],
            warnings=[ProgramFaultAnswer(**warning) for warning in verdict.warnings],
            compared_with=verdict.compared_with,
        )


class ProgramChangeAnswer(Answer):
    """One difference. `path` names parts of lists by their id or code; for `moved`, before and after are places from 0."""

    path: str
    kind: Literal["added", "removed", "changed", "moved"]
    before: Any
    after: Any

    @classmethod
    def of(cls, change: Change) -> Self:
        """The change as the API tells it."""
        return cls(path=change.path, kind=change.kind, before=change.before, after=change.after)


class ProgramDiffAnswer(Answer):
    """What is different from version `before` to version `after` (null: the draft); nothing, where `changes` is empty."""

    before: int
    after: int | None
    changes: list[ProgramChangeAnswer]

    @classmethod
    def of(cls, comparison: Comparison) -> Self:
        """The comparison as the API tells it."""
        return cls(
            before=comparison.before,
            after=comparison.after,
            changes=[ProgramChangeAnswer.of(change) for change in comparison.changes],
        )


class BudgetAnswer(Answer):
    """A budget in the period that begins on `since` (None: for ever): `spent` of `limit` points are given.

    `left` is below zero where the limit was lowered after more had been given.
    """

    cap: str
    currency: str
    per: str
    since: date | None
    limit: int
    spent: int
    left: int

    @classmethod
    def of(cls, found: BudgetLeft) -> Self:
        """The answer for a budget."""
        return cls(
            cap=found.cap.id,
            currency=found.cap.currency,
            per=found.cap.per,
            since=found.since,
            limit=found.limit,
            spent=found.spent,
            left=found.limit - found.spent,
        )


class BudgetsAnswer(Answer):
    """Every budget of the program in force, in today's period."""

    budgets: list[BudgetAnswer]
