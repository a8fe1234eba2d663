"""The program document: what it may say, and which version an order meets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.errors import BeforeProgramError, ProgramInvalidError, ProgramMissingError
from shared.domain.program import in_force, parse_program
from tests.fakes.grocer import document, earning_rule, version

POINTS: dict[str, Any] = {"code": "points"}


def faults(program: Any) -> list[str]:
    """Where a document is refused."""
    with pytest.raises(ProgramInvalidError) as refused:
        parse_program(program)
    assert all(fault["reason"] for fault in refused.value.faults)
    return [fault["path"] for fault in refused.value.faults]


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in document().items() if key != name}


def test_the_least_document_has_the_defaults_of_the_rules() -> None:
    program = parse_program(document(currencies=[POINTS], earning_rules=[]))
    assert (program.late_days_max, program.claim_days, program.adjustment_limit) == (400, 30, 10_000)
    [currency] = program.currencies
    assert (currency.pending_days, currency.expiry) == (0, None)


@pytest.mark.parametrize(
    ("program", "path"),
    [
        *((without(name), name) for name in ("name", "time_zone", "money_currency", "currencies", "earning_rules")),
        *((document(name=value), "name") for value in ("", "x" * 101, None, 5)),
        *((document(time_zone=value), "time_zone") for value in ("", "Mars", "UTC+2", "america/new_york", "../UTC", None, 5)),
        *(
            (document(money_currency=value), "money_currency")
            for value in ("", "usd", "US", "USDD", "\uff35\uff33\uff24", None, 840)
        ),
        *((document(currencies=value), "currencies") for value in ([], [POINTS] * 11, None, "points")),
        *((document(late_days_max=value), "late_days_max") for value in (-1, 3661, "400", 1.5, True, None)),
        *((document(claim_days=value), "claim_days") for value in (-1, 367, "30", 30.0, False, None)),
        *(
            (document(currencies=[{**POINTS, "pending_days": value}]), "currencies.0.pending_days")
            for value in (-1, 367, "1", 0.5)
        ),
        *(
            (document(currencies=[{"code": value}]), "currencies.0.code")
            for value in ("", "Points", "1a", "x" * 33, "a-b", "é", None)
        ),
        (document(currencies=[{}]), "currencies.0.code"),
        (document(tiers=[]), "tiers"),
        (document(currencies=[{**POINTS, "colour": "red"}]), "currencies.0.colour"),
        *((document(adjustment_limit=value), "adjustment_limit") for value in (-1, 10**9 + 1, "10", 1.5, True, None)),
        (document(late_days_max=float("nan")), "late_days_max"),
        (document(late_days_max=float("inf")), "late_days_max"),
        (document(late_days_max=10**30), "late_days_max"),
        ([], "$"),
        (None, "$"),
        ("program", "$"),
    ],
    ids=lambda value: str(value)[-30:] if isinstance(value, str) else None,
)
def test_a_document_that_breaks_a_rule_is_refused_where_it_does(program: Any, path: str) -> None:
    assert faults(program) == [path]


@pytest.mark.parametrize(
    ("expiry", "path"),
    [
        ({"after": 0, "rounded_to": "day"}, "after"),
        ({"after": -5, "rounded_to": "day"}, "after"),
        ({"after": 3661, "rounded_to": "day"}, "after"),
        ({"after": "365", "rounded_to": "day"}, "after"),
        ({"after": 36.5, "rounded_to": "day"}, "after"),
        ({"after": 365, "rounded_to": "week"}, "rounded_to"),
        ({"after": 365, "rounded_to": "DAY"}, "rounded_to"),
        ({"after": 365}, "rounded_to"),
        ({"rounded_to": "day"}, "after"),
        ({"after": 365, "rounded_to": "day", "grace": 5}, "grace"),
    ],
)
def test_an_expiry_that_breaks_a_rule_is_refused(expiry: dict[str, Any], path: str) -> None:
    assert faults(document(currencies=[{**POINTS, "expiry": expiry}])) == [f"currencies.0.expiry.{path}"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"id": "Base"}, "id"),
        ({"kind": "visit"}, "kind"),
        ({"currency": ""}, "currency"),
        ({"per_amount": {"points": -1, "minor_units": 100}}, "per_amount.points"),
        ({"per_amount": {"points": 1, "minor_units": 0}}, "per_amount.minor_units"),
        ({"per_amount": {"points": 1.5, "minor_units": 100}}, "per_amount.points"),
        ({"per_amount": {"points": 10**6 + 1, "minor_units": 100}}, "per_amount.points"),
        ({"per_amount": {"points": 1}}, "per_amount.minor_units"),
        ({"per_amount": None}, "$"),
        ({"per_visit": {"points": 5}}, "$"),
        ({"when": {"hours": {"start": "9", "end": "12:00"}}}, "when.hours.start"),
        ({"weekday": "monday"}, "weekday"),
    ],
)
def test_an_earning_rule_that_breaks_a_rule_is_refused(change: dict[str, Any], path: str) -> None:
    found = "earning_rules.0" if path == "$" else f"earning_rules.0.{path}"
    assert faults(document(earning_rules=[{**earning_rule(), **change}])) == [found]


LEVELS = [{"id": "gold", "name": "Gold", "threshold": 1}]
TIERS = {"metric": "spend", "period": {"kind": "anniversary"}, "levels": LEVELS}
CAP = {"id": "cap", "currency": "points", "scope": "member", "points": 5}


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"currencies": [POINTS, {"code": "stars"}, POINTS]}, ["currencies.2.code"]),
        ({"earning_rules": [earning_rule(), earning_rule("base", "points")]}, ["earning_rules.1.id"]),
        (
            {"earning_rules": [earning_rule(currency="miles"), earning_rule("b", "gems")]},
            ["earning_rules.0.currency", "earning_rules.1.currency"],
        ),
        ({"caps": [CAP, CAP]}, ["caps.1.id"]),
        ({"caps": [{**CAP, "currency": "miles"}]}, ["caps.0.currency"]),
        ({"caps": [{"id": "cap", "currency": "points", "scope": "program", "minor_units": 5}]}, ["caps.0.minor_units"]),
        ({"earning_rules": [{**earning_rule(), "caps": ["nothing"]}]}, ["earning_rules.0.caps.0"]),
        (
            {
                "currencies": [POINTS, {"code": "stars"}],
                "caps": [CAP],
                "earning_rules": [{**earning_rule("s", "stars"), "caps": ["cap"]}],
            },
            ["earning_rules.0.caps.0"],
        ),
        (
            {
                "earning_rules": [
                    {**earning_rule(), "when": {"seasons": ["easter"], "tiers": ["gold"], "memberships": ["prime"]}}
                ]
            },
            ["earning_rules.0.when.seasons.0", "earning_rules.0.when.tiers.0", "earning_rules.0.when.memberships.0"],
        ),
        ({"tiers": {**TIERS, "metric": "points", "currency": "miles"}}, ["tiers.currency"]),
        (
            {
                "tiers": {
                    **TIERS,
                    "levels": [{**LEVELS[0], "benefits": {"multipliers": [{"currency": "miles", "percent": 150}]}}],
                }
            },
            ["tiers.levels.0.benefits.multipliers.0.currency"],
        ),
        ({"seasons": [{"id": "spring", "starts": "2026-03-08T02:30"}]}, ["seasons.0"]),
        ({"transfers": {"currencies": ["miles"], "points_max": 5}}, ["transfers.currencies.0"]),
        ({"clawback": "forgive", "transfers": {"currencies": ["points"], "points_max": 5}}, ["transfers"]),
        ({"tiers": {**TIERS, "period": {"kind": "weekly"}}}, ["tiers.period.kind"]),
        ({"tiers": {**TIERS, "period": {"kind": "rolling"}}}, ["tiers.period"]),
    ],
)
def test_parts_name_what_is_there_and_nothing_twice(change: dict[str, Any], paths: list[str]) -> None:
    assert faults(document(**change)) == paths


REWARD: dict[str, Any] = {"currency": "points", "points": 500}
BY_ORDERS: dict[str, Any] = {"kind": "orders"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"qualifies": {}}, "qualifies.kind"),
        ({"qualifies": {"kind": "visit"}}, "qualifies.kind"),
        ({"qualifies": {"kind": "enrolment", "net_min": 1}}, "qualifies.net_min"),
        *(({"qualifies": {**BY_ORDERS, "orders": value}}, "qualifies.orders") for value in (0, 21, 1.5, "1", None)),
        *(({"qualifies": {**BY_ORDERS, "net_min": value}}, "qualifies.net_min") for value in (-1, 10**9 + 1, 25.0, True)),
        *(({"qualifies": {**BY_ORDERS, "within_days": value}}, "qualifies.within_days") for value in (-1, 3661)),
        ({"qualifies": {"kind": "membership", "plans": ["prime"]}}, "qualifies.plans.0"),
        *(({"hold_days": value}, "hold_days") for value in (-1, 367, "14", None)),
        ({"hold_days": 364}, "advocate.0.currency"),
        ({"advocate": []}, ""),
        ({"advocate": [REWARD, REWARD]}, "advocate.1.currency"),
        ({"advocate": [{**REWARD, "currency": "stars"}]}, "advocate.0.currency"),
        ({"advocate": [{**REWARD, "caps": ["some"]}]}, "advocate.0.caps.0"),
        ({"advocate": [{**REWARD, "points": -1}]}, "advocate.0.points"),
        ({"advocate": [{**REWARD, "steps": [{"referral": 1, "points": 5}]}]}, "advocate.0.steps.0.referral"),
        ({"advocate": [{**REWARD, "steps": [{"referral": 5, "points": 5}] * 2}]}, "advocate.0"),
        ({"friend": [{**REWARD, "steps": [{"referral": 5, "points": 5}]}]}, ""),
        *(({"link": value}, "link") for value in ("http://grocer.example/{code}", "grocer.example/{code}", "https://", 5)),
        ({"link": "https://grocer.example/join"}, ""),
        ({"link": "https://grocer.example/{code}/{code}"}, ""),
        ({"abuse": {"same_mailbox": "ban"}}, "abuse.same_mailbox"),
        ({"abuse": {"shared_device": {"others_max": 20}}}, "abuse.shared_device.others_max"),
        ({"abuse": {"velocity": [{"per": "day", "friends_max": 3}] * 2}}, "abuse"),
        ({"campaigns": [{"id": "spring", "qualifies": {"kind": "visit"}, "friend": []}]}, "campaigns.0.qualifies.kind"),
        (
            {"campaigns": [{"id": "spring", "qualifies": {**BY_ORDERS, "orders": 0}, "friend": []}]},
            "campaigns.0.qualifies.orders",
        ),
        ({"campaigns": [{"id": "spring", "qualifies": BY_ORDERS, "friend": []}] * 2}, "campaigns.1.id"),
        ({"campaigns": [{"id": "spring", "qualifies": BY_ORDERS, "friend": [REWARD] * 2}]}, "campaigns.0.friend.1.currency"),
    ],
)
def test_referral_terms_that_break_a_rule_are_refused_where_they_do(change: dict[str, Any], path: str) -> None:
    terms = {"qualifies": BY_ORDERS, "advocate": [REWARD], **change}
    assert faults(document(referral=terms)) == [f"referral.{path}".rstrip(".")]


@pytest.mark.parametrize(("days", "pending"), [(14, 14), (14, 15), (1, 1)])
def test_points_that_would_expire_before_or_on_the_day_they_mature_are_refused(days: int, pending: int) -> None:
    currency = {**POINTS, "pending_days": pending, "expiry": {"after": days, "rounded_to": "day"}}
    assert faults(document(currencies=[currency])) == ["currencies.0"]


def test_every_fault_is_told_at_once() -> None:
    program = document(name="", late_days_max=-1, currencies=[{"code": "X"}], earning_rules=[earning_rule(minor_units=0)])
    assert sorted(faults(program)) == [
        "currencies.0.code",
        "earning_rules.0.per_amount.minor_units",
        "late_days_max",
        "name",
    ]


def test_faults_tell_nothing_of_what_was_sent() -> None:
    with pytest.raises(ProgramInvalidError) as refused:
        parse_program(document(name=5, secret_field="hunter2", currencies=[{"code": "hunter2!"}]))
    assert "hunter2!" not in str(refused.value.faults)


def test_a_document_survives_being_kept() -> None:
    program = parse_program(
        document(
            currencies=[{**POINTS, "pending_days": 3, "expiry": {"after": 12, "rounded_to": "year"}}, {"code": "stars"}],
            earning_rules=[earning_rule(), earning_rule("stars", "stars", 3, 7)],
            claim_days=0,
        )
    )
    assert parse_program(program.model_dump(mode="json", exclude_unset=True)) == program


JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


def days(count: int) -> datetime:
    return JANUARY + timedelta(days=count)


VERSIONS = [version(1, days(0)), version(2, days(30)), version(3, days(60))]


@pytest.mark.parametrize(
    ("at", "number"),
    [
        (days(0), 1),
        (days(30) - timedelta(microseconds=1), 1),
        (days(30), 2),
        (days(59), 2),
        (days(60), 3),
        (days(9999), 3),
    ],
)
def test_an_order_meets_the_last_version_that_took_effect_by_then(at: datetime, number: int) -> None:
    assert in_force(VERSIONS, at).version == number
    assert in_force(VERSIONS[::-1], at).version == number


def test_of_two_versions_of_the_same_instant_the_later_one_holds() -> None:
    assert in_force([version(2, days(5)), version(1, days(5))], days(5)).version == 2


def test_a_version_that_takes_effect_later_holds_then_though_it_was_made_before() -> None:
    versions = [version(1, days(0)), version(2, days(60)), version(3, days(30))]
    assert [in_force(versions, days(day)).version for day in (29, 30, 59, 60)] == [1, 3, 3, 2]


def test_before_the_first_version_and_without_any_there_is_no_program() -> None:
    with pytest.raises(BeforeProgramError) as refused:
        in_force(VERSIONS[::-1], days(0) - timedelta(microseconds=1))
    assert refused.value.program_since == days(0)
    with pytest.raises(ProgramMissingError):
        in_force([], days(0))
