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


def cap(id: str, points: int = 500) -> dict[str, Any]:
    return {"id": id, "currency": "points", "scope": "member", "per": "month", "points": points}


ORDERS: dict[str, Any] = {"kind": "orders", "net_min": 2500, "within_days": 90}
PLAN: dict[str, Any] = {"id": "prime", "name": "Prime", "price": 100, "term": {"months": 1}}
MEMBERSHIP: dict[str, Any] = {"kind": "membership", "plans": ["prime"]}
ENROLMENT: dict[str, Any] = {"kind": "enrolment"}
STEPS = [{"referral": 5, "points": 1000}]


def gives(points: int, **more: Any) -> dict[str, Any]:
    return {"currency": "points", "points": points, **more}


def friends(qualifies: dict[str, Any] = ORDERS, **changes: Any) -> dict[str, Any]:
    """A document with referral terms: 500 points for the advocate and 250 for the friend."""
    terms = {"qualifies": qualifies, "advocate": [gives(500)], "friend": [gives(250)], **changes}
    return document(referral=terms, memberships=[PLAN], caps=[cap("some", points=900)])


def campaigns(*ids: str, **changes: Any) -> dict[str, Any]:
    made = [{"id": id, "qualifies": ORDERS, "friend": [gives(100)], **changes} for id in ids]
    return friends(campaigns=made)


SPRING = campaigns("spring", ends_at="2026-06-01T00:00:00Z")


@pytest.mark.parametrize(
    ("before", "draft", "paths"),
    [
        pytest.param(friends(), friends(), [], id="nothing"),
        pytest.param(document(), friends(), [], id="new terms"),
        pytest.param(friends(), {**friends(), "referral": None}, ["referral"], id="terms dropped"),
        pytest.param(friends(), friends(advocate=[gives(499)]), ["referral.advocate.0.points"], id="advocate's lowered"),
        pytest.param(friends(), friends(friend=[gives(249)]), ["referral.friend.0.points"], id="friend's lowered"),
        pytest.param(friends(), friends(friend=[]), ["referral.friend"], id="friend's dropped"),
        pytest.param(friends(), friends(advocate=[gives(501, steps=STEPS)]), [], id="more"),
        pytest.param(
            friends(advocate=[gives(500, steps=STEPS)]),
            friends(advocate=[gives(500)]),
            ["referral.advocate.0.steps"],
            id="step dropped",
        ),
        pytest.param(
            friends(advocate=[gives(500, steps=STEPS)]),
            friends(advocate=[gives(500, steps=[{"referral": 6, "points": 1000}])]),
            ["referral.advocate.0.steps"],
            id="step later",
        ),
        pytest.param(
            friends(), friends(advocate=[gives(500, caps=["some"])]), ["referral.advocate.0.caps"], id="ceiling added"
        ),
        pytest.param(friends(hold_days=14), friends(hold_days=15), ["referral.hold_days"], id="held longer"),
        pytest.param(friends(hold_days=14), friends(hold_days=13), [], id="held shorter"),
        pytest.param(friends(), friends({**ORDERS, "net_min": 2501}), ["referral.qualifies.net_min"], id="dearer order"),
        pytest.param(friends(), friends({**ORDERS, "net_min": 2499}), [], id="cheaper order"),
        pytest.param(friends(), friends({**ORDERS, "orders": 2}), ["referral.qualifies.orders"], id="later order"),
        pytest.param(friends(), friends({**ORDERS, "within_days": 89}), ["referral.qualifies.within_days"], id="sooner"),
        pytest.param(friends(), friends({**ORDERS, "within_days": None}), [], id="for ever"),
        pytest.param(friends(), friends(MEMBERSHIP), ["referral.qualifies.kind"], id="another kind"),
        pytest.param(friends(), friends(ENROLMENT), [], id="enrolment is enough"),
        pytest.param(friends({"kind": "membership"}), friends(MEMBERSHIP), ["referral.qualifies.plans"], id="fewer plans"),
        pytest.param(friends(MEMBERSHIP), friends({"kind": "membership"}), [], id="any plan"),
        pytest.param(campaigns("spring"), friends(), ["referral.campaigns"], id="campaign dropped"),
        pytest.param(campaigns("spring"), SPRING, ["referral.campaigns.0.ends_at"], id="campaign shorter"),
        pytest.param(SPRING, campaigns("radio", "spring"), [], id="campaign longer"),
        pytest.param(
            campaigns("spring"),
            campaigns("spring", friend=[gives(99)], hold_days=15, qualifies={**ORDERS, "net_min": 9999}),
            [f"referral.campaigns.0.{name}" for name in ("qualifies.net_min", "hold_days", "friend.0.points")],
            id="campaign gives less",
        ),
    ],
)
def test_what_those_who_bring_friends_lose_is_told(before: dict[str, Any], draft: dict[str, Any], paths: list[str]) -> None:
    assert warned(before, draft) == paths


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


ALLOWED: dict[str, Any] = dict.fromkeys(
    ("same_mailbox", "same_phone", "same_device", "same_payment", "known_person", "ring", "disposable"), "allow"
) | {name: {"verdict": "allow"} for name in ("shared_device", "shared_payment")}
REFERRALS = {"metric": "referrals", "period": {"kind": "anniversary"}, "levels": ON_POINTS["levels"]}


@pytest.mark.parametrize(
    ("draft", "paths"),
    [
        pytest.param(friends(advocate=[gives(500, caps=["some"])]), [], id="nothing"),
        pytest.param(friends(advocate=[gives(0)]), ["referral.advocate.0.points"], id="a reward of nothing"),
        pytest.param(friends(advocate=[gives(0, steps=STEPS)]), [], id="a reward from the fifth friend on"),
        pytest.param(
            friends(friend=[gives(901, caps=["some"])]), ["referral.friend.0.caps.0"], id="a ceiling below one reward"
        ),
        pytest.param(friends({**ORDERS, "net_min": 10**6}), [], id="a large order"),
        pytest.param(friends({**ORDERS, "net_min": 10**6 + 1}), ["referral.qualifies.net_min"], id="a huge order"),
        pytest.param(friends(hold_days=0), ["referral.hold_days"], id="no return window"),
        pytest.param(friends(MEMBERSHIP, hold_days=0), ["referral.hold_days"], id="no return window of a payment"),
        pytest.param(friends(ENROLMENT, hold_days=0), [], id="nothing to return"),
        pytest.param(friends(ENROLMENT, abuse=ALLOWED), ["referral.abuse"], id="nobody looks"),
        pytest.param(friends(ENROLMENT, abuse={**ALLOWED, "disposable": "review"}), [], id="somebody looks"),
        pytest.param(friends(abuse=ALLOWED), [], id="an order is no enrolment"),
        pytest.param(campaigns("spring", friend=[]), ["referral.campaigns.0.friend"], id="a campaign that gives nothing"),
        pytest.param(
            campaigns("spring", ends_at="2026-03-02T17:00:00Z"), ["referral.campaigns.0.ends_at"], id="a campaign that is over"
        ),
        pytest.param(document(tiers=REFERRALS), ["tiers.metric"], id="tiers by friends that nobody can bring"),
        pytest.param({**friends(), "tiers": REFERRALS}, [], id="tiers by friends"),
        pytest.param({**friends(friend=[{**gives(1), "currency": "stars"}]), "currencies": [POINTS, STARS]}, [], id="stars"),
    ],
)
def test_referral_terms_that_look_like_a_slip_are_doubted(draft: dict[str, Any], paths: list[str]) -> None:
    unused = ["caps.0"] if "caps" in draft and "some" not in str(draft["referral"]) else []
    assert [one["path"] for one in doubts(parse_program(draft), NOON)] == unused + paths


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
