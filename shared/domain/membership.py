"""Paid memberships: plans, what a billing provider tells of them, and who is a member of which plan when (docs/memberships.md).

A wallet keeps what the provider told as a set of terms. The set alone decides, never the order in which it was told: events
may come late, twice and in any order. Everything here is pure.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from shared.domain.calendar import first_instant, local_day, months_after
from shared.domain.document import Code, Document
from shared.domain.errors import RequestInvalidError, TrialUsedError
from shared.domain.purchase import AMOUNT_MAX
from shared.domain.tier import Benefits
from shared.domain.written import Name

Edge = TypeVar("Edge", date, datetime)


class TermLength(Document):
    """How long one payment lasts: `months` or `days` of the program's zone."""

    months: int | None = Field(default=None, ge=1, le=120)
    days: int | None = Field(default=None, ge=1, le=3660)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.months is None) == (self.days is None):
            raise ValueError("give exactly one of months and days")
        return self


class Plan(Document):
    """A membership that is paid for: `price` in minor units for each `term`, after a trial of `trial_days` (0: none).

    A plan that `protects_tier` keeps a member's tier from falling. Its benefits hold beside those of the tier.
    """

    id: Code
    name: Name
    price: int = Field(ge=0, le=AMOUNT_MAX)
    term: TermLength
    trial_days: int = Field(default=0, ge=0, le=366)
    protects_tier: bool = False
    benefits: Benefits = Benefits()


BillingKind = Literal["started", "trial_started", "renewed", "cancelled", "lapsed", "refunded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingEvent:
    """What a billing provider tells of a member and a plan, once under its own `event_id`.

    `starts_at` and `ends_at` are the edges of the term it speaks of, half-open; None: what the plan and `occurred_at` give.
    """

    event_id: str
    member_id: str
    plan: str
    kind: BillingKind
    occurred_at: datetime
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """What the billing event `event` says of `plan`, in UTC.

    | kind | says |
    |---|---|
    | `paid`, `trial` | a membership from `starts` up to, not including, `ends` |
    | `end`, with `ends` | the term that began at `starts` is over at `ends` |
    | `end`, without | whatever term began before `starts` and runs at `starts` is over then |
    | `cancelled` | at `starts` the member asked for no further renewal; what is paid runs on |

    An end may be that of a payment that was `refunded`.
    """

    event: str
    plan: str
    starts: datetime
    ends: datetime | None
    kind: Literal["paid", "trial", "end", "cancelled"]
    refunded: bool = False


def with_terms(terms: tuple[Term, ...], more: Iterable[Term]) -> tuple[Term, ...]:
    """The terms with `more` of them, each event once, in order of their events."""
    found = {term.event: term for term in more}
    if not found:
        return terms
    return tuple(sorted((*(term for term in terms if term.event not in found), *found.values()), key=lambda term: term.event))


def term_of(event: BillingEvent, plan: Plan, zone: str) -> Term:
    """What an event says. `zone` is the program's, whose local days and months measure the plan's term.

    Raises RequestInvalidError where a renewal does not say when it begins, a plan without a trial starts one, or the term ends
    before it begins.
    """
    match event.kind:
        case "started" | "trial_started" | "renewed":
            return _membership(event, plan, zone)
        case "cancelled" if event.ends_at is None:
            return Term(event.event_id, plan.id, _utc(event.occurred_at), None, "cancelled")
        case _:
            return _end(event, plan)


def _membership(event: BillingEvent, plan: Plan, zone: str) -> Term:
    trial = event.kind == "trial_started"
    if event.kind == "renewed" and event.starts_at is None:
        raise _fault("starts_at", "is required: a renewal may be paid before its term begins, or after")
    if trial and not plan.trial_days:
        raise _fault("kind", "the plan has no trial")
    starts = _utc(event.starts_at or event.occurred_at)
    length = TermLength(days=plan.trial_days) if trial else plan.term
    ends = _utc(event.ends_at) if event.ends_at else _later(starts, length, zone)
    if ends <= starts:
        raise _fault("ends_at", "must be after the term's start")
    return Term(event.event_id, plan.id, starts, ends, "trial" if trial else "paid")


def _end(event: BillingEvent, plan: Plan) -> Term:
    over = _utc(event.ends_at or event.occurred_at)
    if event.starts_at is None:
        return Term(event.event_id, plan.id, over, None, "end", event.kind == "refunded")
    starts = _utc(event.starts_at)
    # A term that is taken back before it begins is over as it begins.
    return Term(event.event_id, plan.id, starts, max(starts, over), "end", event.kind == "refunded")


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)


def _fault(path: str, reason: str) -> RequestInvalidError:
    return RequestInvalidError(faults=[{"path": path, "reason": reason}])


def _later(starts: datetime, length: TermLength, zone: str) -> datetime:
    """The same wall time so many local days or months later.

    Of a wall time that comes twice it is the first; for one that clocks jump over it is as much later as they jump.
    """
    local = starts.astimezone(ZoneInfo(zone))
    day = months_after(local.date(), length.months) if length.months else local.date() + timedelta(days=length.days or 0)
    return datetime.combine(day, local.time().replace(fold=0), local.tzinfo).astimezone(UTC)


def refuse_second_trial(terms: Iterable[Term], term: Term) -> None:
    """Refuse a trial of a plan that the member began to try before, as another event tells. Raises TrialUsedError."""
    if term.kind == "trial":
        first = _first_trial((*terms, term), term.plan)
        if first.event != term.event:
            raise TrialUsedError(plan=term.plan, tried_at=first.starts)


def _first_trial(terms: Iterable[Term], plan: str) -> Term:
    trials = [term for term in terms if term.kind == "trial" and term.plan == plan]
    return min(trials, key=lambda term: (term.starts, term.event))


def trial_used(terms: Iterable[Term], plan: str) -> bool:
    """Whether the member tried the plan; a trial that was cut short counts."""
    return any(term.kind == "trial" and term.plan == plan for term in terms)


def active_at(terms: Iterable[Term], instant: datetime) -> tuple[str, ...]:
    """The ids of the plans that the member is a member of at `instant`, in order of id."""
    terms = tuple(terms)
    return tuple(plan for plan in sorted({term.plan for term in terms}) if until(terms, plan, instant))


def until(terms: Iterable[Term], plan: str, instant: datetime) -> datetime | None:
    """When the membership that runs at `instant` is over, renewals that are paid included; None where none runs."""
    return next((ends for starts, ends in _spans(terms, plan) if starts <= instant < ends), None)


def _spans(terms: Iterable[Term], plan: str) -> list[tuple[datetime, datetime]]:
    """When the member is a member of the plan: half-open, in order, apart from each other."""
    of_plan = [term for term in terms if term.plan == plan]
    counted = [term for term in of_plan if term.kind == "paid"]
    if trial_used(of_plan, plan):
        # One trial a plan, whichever was told first: the earliest.
        counted.append(_first_trial(of_plan, plan))
    told = [term for term in of_plan if term.kind == "end"]
    return _joined((term.starts, _over(term, told)) for term in counted)


def _over(term: Term, told: Sequence[Term]) -> datetime:
    """When a term is over: at its own end, or at the first of the ends `told` that cut it short."""
    named = (end.ends for end in told if end.ends is not None and end.starts == term.starts)
    running = (end.starts for end in told if end.ends is None and end.starts > term.starts)
    return min((term.ends or term.starts, *named, *running))


def _joined(spans: Iterable[tuple[Edge, Edge]]) -> list[tuple[Edge, Edge]]:
    """The same time in spans that are in order and do not touch; empty ones are left out."""
    found: list[tuple[Edge, Edge]] = []
    for starts, ends in sorted(spans):
        if ends <= starts:
            continue
        if found and starts <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], ends)
        else:
            found.append((starts, ends))
    return found


def protected_days(terms: Iterable[Term], plans: Iterable[Plan], zone: str) -> tuple[tuple[date, date], ...]:
    """The local days of `zone` at whose first instant a plan protects the tier: half-open ranges, in order, apart.

    Tiers fall as a day begins, so a membership that begins later that day does not undo it.
    """
    terms = tuple(terms)
    spans = [span for plan in plans if plan.protects_tier for span in _spans(terms, plan.id)]
    return tuple(_joined((_day_from(starts, zone), _day_from(ends, zone)) for starts, ends in spans))


def _day_from(instant: datetime, zone: str) -> date:
    """The first local day that begins at `instant` or later."""
    day = local_day(instant, zone)
    return day if first_instant(day, zone) >= instant else day + timedelta(days=1)


def multiplier(active: Collection[str], plans: Iterable[Plan], currency: str) -> tuple[str, int] | None:
    """The active plan that multiplies points of `currency` most, and its percent; None where none does.

    Of plans with the same percent it is the first one of the document.
    """
    found = [
        (plan.id, part.percent)
        for plan in plans
        if plan.id in active
        for part in plan.benefits.multipliers
        if part.currency == currency
    ]
    return max(found, key=lambda one: one[1], default=None)
