"""Every error has one row in the table of problems: a stable type, a status, and what to do next."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.api.problems import PROBLEMS, problem, problem_type
from shared.domain import errors
from shared.domain.errors import LaurelError

TYPES = {
    "activity-unknown": 404,
    "adjustment-posted": 409,
    "adjustment-rejected": 409,
    "adjustment-unknown": 404,
    "amount-over-limit": 422,
    "balance-over-limit": 422,
    "before-enrolment": 422,
    "before-program": 422,
    "body-too-large": 413,
    "campaign-over": 409,
    "campaign-state": 409,
    "campaign-unknown": 404,
    "clock-backward": 409,
    "code-malformed": 422,
    "currency-not-accepted": 422,
    "cursor-invalid": 400,
    "entry-unknown": 404,
    "referral-unknown": 404,
    "referral-code-unknown": 404,
    "referral-ring": 409,
    "referral-state": 409,
    "referral-code-taken": 409,
    "referral-code-fixed": 409,
    "referral-code-invalid": 422,
    "fault": 500,
    "forbidden": 403,
    "gift-card-active": 409,
    "gift-card-blocked": 409,
    "gift-card-expired": 409,
    "gift-card-pending": 409,
    "gift-card-short": 409,
    "gift-card-spend-unknown": 404,
    "gift-card-unknown": 404,
    "gift-card-worn": 409,
    "grant-declined": 409,
    "identity-taken": 409,
    "key-reused": 409,
    "limit-reached": 409,
    "login-unknown": 404,
    "malformed-body": 400,
    "member-closed": 409,
    "member-merged": 409,
    "member-unknown": 404,
    "mixed-currencies": 422,
    "nothing-due": 409,
    "occurred-in-future": 422,
    "open-redemptions": 409,
    "over-refund": 409,
    "points-not-offered": 422,
    "points-short": 409,
    "precondition-failed": 412,
    "program-invalid": 422,
    "program-missing": 409,
    "program-not-yet": 409,
    "program-version-unknown": 404,
    "purchase-unknown": 404,
    "recognition-not-offered": 409,
    "redemption-unknown": 404,
    "request-invalid": 422,
    "reward-changed": 409,
    "reward-invalid": 422,
    "reward-not-offered": 409,
    "reward-unknown": 404,
    "route-unknown": 404,
    "run-unknown": 404,
    "same-operator": 409,
    "sold-out": 409,
    "too-late": 422,
    "too-many-attempts": 429,
    "too-many-cards": 409,
    "transfer-not-offered": 409,
    "trial-used": 409,
    "try-again": 503,
    "version-stale": 409,
    "voucher-cancelled": 409,
    "voucher-foreign": 409,
    "voucher-lapsed": 409,
    "voucher-unknown": 404,
    "voucher-used": 409,
    "voucher-worth": 409,
}
"""Callers' code depends on these: a type may be added, never renamed."""

SAMPLES: dict[Any, Any] = {
    str: "text",
    str | None: "text",
    int: 7,
    date: date(2026, 3, 2),
    date | None: date(2026, 3, 2),
    datetime: datetime(2026, 3, 2, 12, tzinfo=UTC),
    list[str]: ["a"],
    list[dict[str, str]]: [{"path": "a", "reason": "b"}],
}


def concrete(root: type[LaurelError]) -> set[type[LaurelError]]:
    """The errors that are raised: the leaves of the tree."""
    below = root.__subclasses__()
    return {leaf for child in below for leaf in concrete(child)} if below else {root}


def sample(kind: type[LaurelError]) -> LaurelError:
    """An error of this kind with some data in every field."""
    return kind(**{part.name: SAMPLES[part.type] for part in fields(kind)})  # type: ignore[arg-type]


ERRORS = sorted(concrete(LaurelError), key=lambda kind: kind.__name__)


def test_every_error_has_exactly_one_row() -> None:
    assert set(PROBLEMS) == set(ERRORS)


def test_types_and_statuses_are_stable() -> None:
    told = {problem_type(kind).removeprefix("urn:laurel:problem:"): status for kind, (status, _) in PROBLEMS.items()}
    assert told == TYPES


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_a_problem_says_what_happened_what_to_do_next_and_gives_its_data(kind: type[LaurelError]) -> None:
    document = problem(sample(kind))
    assert list(document)[:4] == ["type", "title", "status", "detail"]
    assert document["status"] in {400, 403, 404, 409, 412, 413, 422, 429, 500, 503}
    for text in (document["title"], document["detail"]):
        assert text.endswith(".")
        assert "`" not in document["title"]
        assert 10 <= len(text) <= 160
    data = {part.name for part in fields(kind)} if document["status"] != 500 else set()  # type: ignore[arg-type]
    assert set(document) == {"type", "title", "status", "detail"} | data
    json.dumps(document, allow_nan=False)


def test_a_fault_of_ours_tells_nobody_why() -> None:
    assert "AccessDenied" not in json.dumps(problem(errors.FaultError(code="AccessDeniedException")))


def test_dates_and_instants_are_told_in_iso_and_utc() -> None:
    document = problem(errors.TooLateError(occurred_on=date(2026, 3, 2), late_days_max=400))
    assert (document["occurred_on"], document["late_days_max"]) == ("2026-03-02", 400)
    eastern = datetime.fromisoformat("2026-03-02T12:00:00-05:00")
    assert problem(errors.ClockBackwardError(now=eastern))["now"] == "2026-03-02T17:00:00Z"


def test_errors_need_their_data() -> None:
    """An error raised without its data would tell callers less than the document promises."""
    optional = {kind.__name__ for kind in ERRORS for part in fields(kind) if part.default_factory is not MISSING}  # type: ignore[arg-type]
    assert optional <= {"RequestInvalidError", "ProgramInvalidError"}
