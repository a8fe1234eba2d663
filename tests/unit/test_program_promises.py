"""A valid document may still take back what members were promised: that is said before it happens."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.program import parse_program
from shared.domain.program_promises import broken_promises, doubts
from tests.fakes.grocer import NOON, document, earning_rule

STARS = {"code": "stars"}
POINTS = document()["currencies"][0]


def warned(before: dict[str, Any], draft: dict[str, Any]) -> list[str]:
    """The paths of what is warned of, each with a reason that people can read."""
    found = broken_promises(parse_program(before), parse_program(draft))
    assert all(set(one) == {"path", "reason"} and len(one["reason"]) > 10 for one in found)
    return [one["path"] for one in found]


def points(**changes: Any) -> dict[str, Any]:
    return document(currencies=[{"code": "points", **changes}])


def expiring(after: int, rounded_to: str) -> dict[str, Any]:
    return points(expiry={"after": after, "rounded_to": rounded_to})


def tiers(levels: list[tuple[str, int, dict[str, Any]]], **more: Any) -> dict[str, Any]:
    made = [{"id": id, "name": id, "threshold": threshold, "benefits": benefits} for id, threshold, benefits in levels]
    return document(tiers={"metric": "spend", "period": {"kind": "anniversary"}, "levels": made, **more})


RICH: dict[str, Any] = {
    "multipliers": [{"currency": "points", "percent": 150}],
    "perks": ["Gift wrap"],
    "early_access_hours": 48,
    "birthday_gift": "cake",
    "free_shipping": True,
}
GOLD = tiers([("silver", 0, {}), ("gold", 1000, RICH)], grace_days=30)


def plan(**changes: Any) -> dict[str, Any]:
    return document(memberships=[{"id": "prime", "name": "Prime", "price": 100, "term": {"months": 1}, **changes}])


TRANSFERS = {"currencies": ["points"], "points_max": 9}


@pytest.mark.parametrize(
    ("before", "draft", "paths"),
    [
        pytest.param(document(), document(), [], id="nothing"),
        pytest.param(document(currencies=[POINTS, STARS]), document(), ["currencies"], id="currency dropped"),
        pytest.param(document(), document(currencies=[STARS, POINTS]), [], id="currency added"),
        pytest.param(document(), document(money_currency="EUR"), ["money_currency"], id="other money"),
        pytest.param(points(), points(pending_days=3), ["currencies.0.pending_days"], id="pending longer"),
        pytest.param(points(pending_days=3), points(), [], id="pending shorter"),
        pytest.param(points(), expiring(365, "day"), ["currencies.0.expiry"], id="no longer for ever"),
        pytest.param(expiring(365, "day"), points(), [], id="for ever"),
        pytest.param(expiring(365, "day"), expiring(364, "day"), ["currencies.0.expiry"], id="a day sooner"),
        pytest.param(expiring(365, "day"), expiring(366, "day"), [], id="a day later"),
        pytest.param(expiring(365, "day"), expiring(12, "month"), [], id="to the month's end"),
        pytest.param(expiring(12, "month"), expiring(365, "day"), ["currencies.0.expiry"], id="not to the month's end"),
        pytest.param(document(), document(earning_rules=[earning_rule(points=2)]), [], id="earns more"),
        pytest.param(
            document(),
            document(earning_rules=[earning_rule(points=1, minor_units=101)]),
            ["earning_rules.0.per_amount"],
            id="earns less",
        ),
        pytest.param(document(), document(late_days_max=10, claim_days=1), ["late_days_max", "claim_days"], id="less late"),
        pytest.param(document(clawback="forgive"), document(), ["clawback"], id="debt"),
        pytest.param(document(transfers=TRANSFERS), document(), ["transfers"], id="no transfers"),
        pytest.param(GOLD, document(), ["tiers"], id="no tiers"),
        pytest.param(document(), GOLD, [], id="new tiers"),
        pytest.param(GOLD, tiers([("silver", 0, {})], grace_days=30), ["tiers.levels"], id="tier dropped"),
        pytest.param(
            GOLD,
            tiers([("silver", 0, {}), ("gold", 1001, RICH)], grace_days=30),
            ["tiers.levels.1.threshold"],
            id="tier further",
        ),
        pytest.param(GOLD, tiers([("silver", 0, {}), ("gold", 1000, RICH)]), ["tiers.grace_days"], id="less grace"),
        pytest.param(
            GOLD,
            tiers([("silver", 0, {}), ("gold", 1000, {})], grace_days=30),
            [f"tiers.levels.1.benefits.{name}" for name in RICH],
            id="no benefits",
        ),
        pytest.param(
            GOLD,
            tiers([("silver", 0, {}), ("gold", 1000, RICH)], grace_days=30, metric="orders"),
            ["tiers.metric"],
            id="metric",
        ),
        pytest.param(plan(), document(), ["memberships"], id="plan dropped"),
        pytest.param(plan(benefits=RICH), plan(), [f"memberships.0.benefits.{name}" for name in RICH], id="plan's benefits"),
        pytest.param(plan(price=100), plan(price=200), [], id="dearer: the next term says so"),
    ],
)
def test_what_members_lose_is_told_with_its_place(before: dict[str, Any], draft: dict[str, Any], paths: list[str]) -> None:
    assert warned(before, draft) == paths


def cap(id: str) -> dict[str, Any]:
    return {"id": id, "currency": "points", "scope": "member", "per": "month", "points": 500}


DOUBLE = {"id": "double", "kind": "multiplier", "currency": "points", "percent": 200}
BONUS = {"id": "extra", "kind": "bonus", "currency": "points", "points": 5}
SOHO = {"id": "soho", "time_zone": "America/New_York"}
ON_POINTS = {
    "metric": "points",
    "currency": "points",
    "period": {"kind": "anniversary"},
    "levels": [{"id": "gold", "name": "Gold", "threshold": 9}],
}


@pytest.mark.parametrize(
    ("draft", "paths"),
    [
        pytest.param(document(), [], id="nothing"),
        pytest.param(document(currencies=[STARS, POINTS]), ["currencies.0"], id="a currency that nothing gives"),
        pytest.param(document(earning_rules=[DOUBLE, BONUS]), ["earning_rules.0"], id="nothing to multiply"),
        pytest.param(document(earning_rules=[DOUBLE, earning_rule()]), [], id="a base to multiply"),
        pytest.param(document(caps=[cap("one")]), ["caps.0"], id="a cap that nothing names"),
        pytest.param(document(caps=[cap("one")], earning_rules=[{**earning_rule(), "caps": ["one"]}]), [], id="a cap"),
        pytest.param(
            document(stores=[SOHO], earning_rules=[{**earning_rule(), "when": {"stores": ["soho", "sohoo"]}}]),
            ["earning_rules.0.when.stores.1"],
            id="a store that is not there",
        ),
        pytest.param(document(earning_rules=[{**earning_rule(), "when": {"stores": ["soho"]}}]), [], id="stores not listed"),
        pytest.param(document(tiers=ON_POINTS), [], id="tiers on base points"),
        pytest.param(
            document(tiers=ON_POINTS, earning_rules=[{**earning_rule(), "qualifying": False}]),
            ["tiers.currency"],
            id="tiers that nothing counts for",
        ),
    ],
)
def test_what_does_nothing_is_doubted(draft: dict[str, Any], paths: list[str]) -> None:
    assert [one["path"] for one in doubts(parse_program(draft), NOON)] == paths


@pytest.mark.parametrize(
    ("ends", "zone", "over"),
    [
        ("2026-03-02T12:00", "America/New_York", True),
        ("2026-03-02T12:01", "America/New_York", False),
        ("2026-03-01T24:00", "America/New_York", True),
        ("2026-03-01T24:00", None, False),
        ("2026-02-28T24:00", None, True),
    ],
)
def test_a_season_that_is_over_everywhere_is_doubted(ends: str, zone: str | None, over: bool) -> None:
    season = {"id": "sale", "ends": ends, "time_zone": zone}
    found = doubts(parse_program(document(seasons=[season])), NOON)
    assert [one["path"] for one in found] == (["seasons.0.ends"] if over else [])
