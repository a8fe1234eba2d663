"""Rewards: what a document may say, what a reward costs and is worth, and what stands between a member and it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import (
    LimitReachedError,
    PointsNotOfferedError,
    PointsShortError,
    RefusalError,
    RequestInvalidError,
    RewardInvalidError,
    RewardNotOfferedError,
    SoldOutError,
)
from shared.domain.reward import Limits, Reward, Situation, claim_until, obstacles, parse_reward, points_for, value_of

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)
TODAY = date(2026, 3, 2)

DISCOUNT = {"kind": "discount", "amount": 500}
DONATION = {"kind": "donation", "charity": "sea_rescue", "charity_name": "Sea Rescue", "points": 100, "minor_units": 50}
PAY = {"kind": "pay_with_points", "points": 100, "minor_units": 100, "share_max_percent": 50}
BENEFITS: dict[str, dict[str, Any]] = {
    "discount": DISCOUNT,
    "free_product": {"kind": "free_product", "sku": "espresso-beans"},
    "gift_card": {"kind": "gift_card", "amount": 2500, "valid_days": 365},
    "donation": DONATION,
    "experience": {"kind": "experience", "details": "A tasting on Friday evening"},
    "shipping": {"kind": "shipping"},
    "pay_with_points": PAY,
}
FIXED = {"points": 200}
CHOSEN = {"points_min": 100, "points_max": 1000, "points_step": 50}


def document(**changes: Any) -> dict[str, Any]:
    """Five dollars off for 200 points; `changes` replace its fields."""
    return {"id": "five_off", "name": "Five off", "benefit": DISCOUNT, "currency": "points", "price": FIXED, **changes}


def reward(**changes: Any) -> Reward:
    return parse_reward(document(**changes))


def refused(document: object) -> list[dict[str, str]]:
    """The faults of a document."""
    with pytest.raises(RewardInvalidError) as found:
        parse_reward(document)
    assert all(fault["reason"] for fault in found.value.faults)
    return found.value.faults


def paths(document: object) -> list[str]:
    return [fault["path"] for fault in refused(document)]


# ---- the document


def test_the_least_document_is_for_everyone_without_end_and_lapses_after_30_days() -> None:
    least = reward()
    assert (least.stock_limited, least.limits, least.archived) == (False, Limits(), False)
    assert (least.starts_at, least.ends_at, least.lapse_days) == (None, None, 30)
    assert (least.segments, least.tiers, least.regions, least.channels) == ([], [], [], [])


@pytest.mark.parametrize("kind", BENEFITS)
def test_every_kind_of_benefit_is_read_back_as_it_was_kept(kind: str) -> None:
    first = reward(benefit=BENEFITS[kind])
    assert first.benefit.kind == kind
    assert parse_reward(first.model_dump(mode="json")) == first


def test_a_reward_that_never_lapses_stays_so_when_it_is_read_back() -> None:
    first = reward(lapse_days=None, starts_at="2026-03-01T00:00:00+01:00")
    again = parse_reward(first.model_dump(mode="json"))
    assert again.lapse_days is None
    assert again.starts_at == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert again == first


@pytest.mark.parametrize(
    ("change", "path"),
    [
        *(({"id": value}, "id") for value in ("", "Five", "5off", "x" * 33, "a-b", None, 5)),
        *(({"name": value}, "name") for value in ("", "x" * 101, None, 5)),
        *(({"description": value}, "description") for value in ("x" * 501, None, 5)),
        *(({"currency": value}, "currency") for value in ("", "Points", None, 5)),
        *(({"stock_limited": value}, "stock_limited") for value in (0, "no", None)),
        *(({"lapse_days": value}, "lapse_days") for value in (0, 367, "30", 1.5, True)),
        *(({"segments": value}, "segments") for value in (None, "gold", ["a"] * 101)),
        *(({"segments": [value]}, "segments.0") for value in ("", "Gold", None, 1)),
        *(({"tiers": [value]}, "tiers.0") for value in ("", "x" * 33, "Gold", None, 1)),
        *(
            ({"starts_at": value}, "starts_at")
            for value in ("2026-03-01", "2026-03-01T00:00:00", 5, "1772323200", "2026-02-30T00:00:00Z", "2026-03-01T24:00:01Z")
        ),
        ({"starts_at": "2026-03-02T00:00:00Z", "ends_at": "2026-03-02T00:00:00Z"}, "$"),
        ({"colour": "red"}, "colour"),
        *(({"limits": value}, "limits") for value in (None, 1)),
        *(({"limits": {"ever": value}}, "limits.ever") for value in (0, "1", 1.5, True)),
        ({"limits": {"per_period": {"period": "hour", "count": 1}}}, "limits.per_period.period"),
        ({"limits": {"per_period": {"period": "day", "count": 0}}}, "limits.per_period.count"),
        ({"limits": {"per_period": {"period": "day"}}}, "limits.per_period.count"),
        *(({"benefit": value}, "benefit.kind") for value in ({}, {"kind": "car"}, {"kind": 5}, {"amount": 5})),
        *(({"benefit": value}, "benefit") for value in ({"kind": "discount"}, {**DISCOUNT, "percent": 5})),
        *(
            ({"benefit": {"kind": "discount", "amount": value}}, "benefit.amount")
            for value in (0, -1, 10**9 + 1, "5", 1.5, True)
        ),
        *(({"benefit": {"kind": "discount", "percent": value}}, "benefit.percent") for value in (0, 101)),
        ({"benefit": {"kind": "shipping", "shipping": True}}, "benefit.shipping"),
        ({"benefit": {"kind": "free_product"}}, "benefit.sku"),
        ({"benefit": {"kind": "gift_card", "amount": 1, "valid_days": 0}}, "benefit.valid_days"),
        ({"benefit": {**DONATION, "charity": "Sea Rescue"}}, "benefit.charity"),
        ({"benefit": {**DONATION, "minor_units": 0}}, "benefit.minor_units"),
        ({"benefit": {**PAY, "share_max_percent": 0}}, "benefit.share_max_percent"),
        *(({"price": {"points": value}}, "price.points") for value in (0, -1, 10**9 + 1, "5", 1.5, True, None)),
        ({"price": {}}, "price.points"),
        ({"price": 200}, "price"),
        ({"price": {"points": 1, "discount": 5}}, "price.discount"),
        ({"benefit": DONATION, "price": {"points_min": 1}}, "price.points_max"),
        ({"benefit": DONATION, "price": {**CHOSEN, "points_step": 0}}, "price.points_step"),
        ({"benefit": DONATION, "price": {**CHOSEN, "points": 5}}, "price.points"),
        ({"benefit": DONATION, "price": {**CHOSEN, "points_max": 99}}, "price"),
        ({"benefit": DONATION, "price": {**CHOSEN, "points_step": 7}}, "price"),
        ({"price": CHOSEN}, "$"),
    ],
    ids=str,
)
def test_a_document_with_a_fault_is_refused_with_its_path(change: dict[str, Any], path: str) -> None:
    assert paths(document(**change)) == [path]


@pytest.mark.parametrize("field", ["id", "name", "benefit", "currency", "price"])
def test_what_a_reward_cannot_be_without_is_required(field: str) -> None:
    fault = {"path": field, "reason": "is required"}
    assert refused({name: value for name, value in document().items() if name != field}) == [fault]


@pytest.mark.parametrize("value", [None, 5, "reward", [], [document()]])
def test_what_is_no_object_is_no_reward(value: object) -> None:
    assert paths(value) == ["$"]


def test_faults_speak_of_the_document_and_not_of_its_reader() -> None:
    [unknown] = refused(document(benefit={"kind": "secret-word"}))
    assert unknown["reason"].startswith("must be one of discount, free_product, ")
    assert "secret-word" not in unknown["reason"]


@pytest.mark.parametrize("kind", ["gift_card", "donation"])
def test_what_is_fulfilled_at_once_never_lapses(kind: str) -> None:
    benefit = BENEFITS[kind]
    assert reward(benefit=benefit).immediate
    assert reward(benefit=benefit).lapse_days is None
    assert reward(benefit=benefit, lapse_days=None).lapse_days is None
    [fault] = refused(document(benefit=benefit, lapse_days=30))
    assert "never lapse" in fault["reason"]


@pytest.mark.parametrize(
    ("benefit", "price", "reason"),
    [
        (DONATION, {"points": 1}, "worth less than one minor unit"),
        ({**PAY, "minor_units": 1}, {**CHOSEN, "points_min": 50}, "worth less than one minor unit"),
        ({**DONATION, "points": 1, "minor_units": 10**9}, {"points": 2}, "worth more than 1000000000 minor units"),
    ],
)
def test_points_must_be_worth_something_and_not_more_than_a_call_moves(
    benefit: dict[str, Any], price: dict[str, int], reason: str
) -> None:
    [fault] = refused(document(benefit=benefit, price=price))
    assert reason in fault["reason"]


# ---- what it costs and is worth


def test_a_fixed_price_is_taken_whether_named_or_not() -> None:
    assert points_for(reward(), None, None) == points_for(reward(), 200, None) == 200
    for points in (199, 201):
        with pytest.raises(PointsNotOfferedError) as refusal:
            points_for(reward(), points, None)
        assert (refusal.value.points_min, refusal.value.points_max, refusal.value.points_step) == (200, 200, 1)


def test_a_free_choice_must_be_made_and_be_on_a_step() -> None:
    gift = reward(benefit=DONATION, price=CHOSEN)
    assert gift.fixed_points is None
    assert [points_for(gift, points, None) for points in (100, 150, 1000)] == [100, 150, 1000]
    with pytest.raises(RequestInvalidError) as missing:
        points_for(gift, None, None)
    assert missing.value.faults[0]["path"] == "points"
    for points in (0, 50, 99, 101, 1050):
        with pytest.raises(PointsNotOfferedError) as refusal:
            points_for(gift, points, None)
        assert (refusal.value.points_min, refusal.value.points_max, refusal.value.points_step) == (100, 1000, 50)


def test_points_pay_at_most_their_share_of_the_order() -> None:
    pay = reward(benefit=PAY, price=CHOSEN)
    assert points_for(pay, 500, 1000) == 500
    with pytest.raises(PointsNotOfferedError) as refusal:
        points_for(pay, 550, 1099)
    assert refusal.value.points_max == 500
    with pytest.raises(PointsNotOfferedError) as none:
        points_for(pay, 100, 199)
    assert none.value.points_max == 0


def test_paying_with_points_needs_the_order() -> None:
    with pytest.raises(RequestInvalidError) as missing:
        points_for(reward(benefit=PAY, price=CHOSEN), 100, None)
    assert missing.value.faults[0]["path"] == "order_amount"


@given(
    rate=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    share=st.integers(1, 100),
    order=st.integers(0, 5000),
    choice=st.tuples(st.integers(1, 300), st.integers(0, 20), st.integers(1, 60)),
)
def test_the_most_points_that_are_offered_are_the_most_that_are_taken(
    rate: tuple[int, int], share: int, order: int, choice: tuple[int, int, int]
) -> None:
    points, minor_units = rate
    least, steps, step = choice
    if least * minor_units < points:
        return
    benefit = {"kind": "pay_with_points", "points": points, "minor_units": minor_units, "share_max_percent": share}
    price = {"points_min": least, "points_max": least + steps * step, "points_step": step}
    pay = reward(benefit=benefit, price=price)
    choices = [least + n * step for n in range(steps + 1)]
    within = [chosen for chosen in choices if chosen * minor_units // points <= order * share // 100]
    for chosen in choices:
        if chosen in within:
            assert points_for(pay, chosen, order) == chosen
            continue
        with pytest.raises(PointsNotOfferedError) as refusal:
            points_for(pay, chosen, order)
        assert refusal.value.points_max == max(within, default=0)


@pytest.mark.parametrize(
    ("benefit", "points", "order", "worth"),
    [
        (DISCOUNT, 200, None, 500),
        (DISCOUNT, 200, 2000, 500),
        (DISCOUNT, 200, 300, 300),
        ({"kind": "discount", "percent": 15}, 200, None, None),
        ({"kind": "discount", "percent": 15}, 200, 1999, 299),
        (BENEFITS["gift_card"], 200, None, 2500),
        (DONATION, 250, None, 125),
        (DONATION, 201, None, 100),
        (PAY, 200, 2000, 200),
        (BENEFITS["free_product"], 200, 2000, None),
        (BENEFITS["experience"], 200, 2000, None),
        (BENEFITS["shipping"], 200, 2000, None),
    ],
)
def test_what_a_benefit_is_worth(benefit: dict[str, Any], points: int, order: int | None, worth: int | None) -> None:
    assert value_of(reward(benefit=benefit, price={"points": points}), points, order) == worth


# ---- limits


@pytest.mark.parametrize(
    ("period", "day", "until"),
    [
        ("day", date(2026, 2, 28), date(2026, 3, 1)),
        ("week", date(2026, 3, 2), date(2026, 3, 9)),
        ("week", date(2026, 3, 8), date(2026, 3, 9)),
        ("week", date(2026, 12, 31), date(2027, 1, 4)),
        ("month", date(2026, 12, 1), date(2027, 1, 1)),
        ("year", date(2026, 12, 31), date(2027, 1, 1)),
    ],
)
def test_a_period_ends_with_its_day_week_month_or_year(period: str, day: date, until: date) -> None:
    limits = reward(limits={"per_period": {"period": period, "count": 1}}).limits
    assert claim_until(limits, day) == until


def test_no_period_never_ends() -> None:
    assert claim_until(Limits(ever=3), TODAY) is None


@given(day=st.dates(date(2000, 1, 1), date(2100, 12, 31)), period=st.sampled_from(["day", "week", "month", "year"]))
def test_all_days_of_a_period_agree_on_its_end(day: date, period: str) -> None:
    limits = reward(limits={"per_period": {"period": period, "count": 1}}).limits
    until = claim_until(limits, day)
    assert until is not None
    assert until > day
    assert claim_until(limits, until - timedelta(days=1)) == until
    assert claim_until(limits, until) != until


# ---- what stands in the way


RICH = Situation(now=NOW, day=TODAY, active=10**6, attributes={})


def reasons(found: list[RefusalError]) -> list[str]:
    return [error.reason for error in found if isinstance(error, RewardNotOfferedError)]


def test_a_member_with_enough_points_may_have_a_reward_for_everyone() -> None:
    assert obstacles(reward(), RICH) == []
    assert obstacles(reward(), replace(RICH, active=200)) == []


def test_too_few_points_say_how_many_are_missing() -> None:
    [short] = obstacles(reward(), replace(RICH, active=150))
    assert isinstance(short, PointsShortError)
    assert (short.currency, short.points, short.active, short.short_by) == ("points", 200, 150, 50)


def test_a_free_choice_that_is_not_made_yet_needs_the_fewest_points() -> None:
    gift = reward(benefit=DONATION, price=CHOSEN)
    assert obstacles(gift, replace(RICH, active=100)) == []
    [short] = obstacles(gift, replace(RICH, active=100, points=150))
    assert isinstance(short, PointsShortError)
    assert short.short_by == 50


def test_the_window_is_half_open() -> None:
    windowed = reward(starts_at="2026-03-02T17:00:00Z", ends_at="2026-03-02T18:00:00Z")
    moments = [timedelta(microseconds=-1), timedelta(0), timedelta(minutes=59), timedelta(hours=1)]
    found = [reasons(obstacles(windowed, replace(RICH, now=NOW + moment))) for moment in moments]
    assert found == [["not_started"], [], [], ["ended"]]


@pytest.mark.parametrize(
    ("attributes", "may"),
    [
        ({}, False),
        ({"early": True}, True),
        ({"staff": True, "early": False}, True),
        ({"early": 1}, False),
        ({"early": "true"}, False),
        ({"early": False}, False),
        ({"tier": "gold"}, False),
        ({"gold": True}, False),
    ],
)
def test_any_segment_of_the_list_suffices(attributes: dict[str, str | int | bool], may: bool) -> None:
    some = reward(segments=["early", "staff"], tiers=["gold"])
    assert reasons(obstacles(some, replace(RICH, attributes=attributes))) == ([] if may else ["segment"])


@pytest.mark.parametrize(
    ("tier", "memberships", "may"),
    [
        ("gold", (), True),
        ("silver", (), False),
        (None, ("prime",), True),
        ("silver", ("basic", "prime"), True),
        (None, ("gold",), False),
    ],
)
def test_so_does_any_tier_or_membership(tier: str | None, memberships: tuple[str, ...], may: bool) -> None:
    some = reward(segments=["staff"], tiers=["gold", "platinum"], memberships=["prime"])
    assert reasons(obstacles(some, replace(RICH, tier=tier, memberships=memberships))) == ([] if may else ["segment"])


def test_early_access_opens_the_window_that_much_earlier() -> None:
    coming = reward(starts_at="2026-03-02T18:00:00Z")
    assert reasons(obstacles(coming, RICH)) == ["not_started"]
    assert reasons(obstacles(coming, replace(RICH, early=timedelta(minutes=59)))) == ["not_started"]
    assert obstacles(coming, replace(RICH, early=timedelta(hours=1))) == []


def test_a_season_has_its_own_price_and_the_first_of_the_list_holds() -> None:
    prices = [{"season": "easter", "points": 90}, {"season": "spring", "points": 80}]
    seasonal = reward(season_prices=prices)
    assert seasonal.on({"winter"}) == seasonal
    assert seasonal.on({"spring"}).fixed_points == 80
    assert seasonal.on({"spring", "easter"}).fixed_points == 90


def test_regions_and_channels_must_be_named_where_the_reward_is_bound_to_some() -> None:
    bound = reward(regions=["north"], channels=["app", "store"])
    assert reasons(obstacles(bound, RICH)) == ["region", "channel"]
    assert reasons(obstacles(bound, replace(RICH, region="south", channel="app"))) == ["region"]
    assert reasons(obstacles(bound, replace(RICH, region="north", channel="store"))) == []


def test_limits_count_what_was_taken_and_say_from_when_on_it_goes_on() -> None:
    limited = reward(limits={"ever": 3, "per_period": {"period": "month", "count": 2}})
    assert obstacles(limited, replace(RICH, taken_ever=2, taken_in_period=1)) == []
    [month] = obstacles(limited, replace(RICH, taken_ever=2, taken_in_period=2))
    assert isinstance(month, LimitReachedError)
    assert (month.limit, month.count, month.until) == ("per_period", 2, date(2026, 4, 1))
    [ever] = obstacles(limited, replace(RICH, taken_ever=3, taken_in_period=0))
    assert isinstance(ever, LimitReachedError)
    assert (ever.limit, ever.count, ever.until) == ("ever", 3, None)


def test_what_is_sold_out_cannot_be_had() -> None:
    assert obstacles(reward(), replace(RICH, available=1)) == []
    for left in (0, -1):
        [sold_out] = obstacles(reward(), replace(RICH, available=left))
        assert isinstance(sold_out, SoldOutError)


def test_every_obstacle_is_told_in_a_fixed_order() -> None:
    barred = reward(
        archived=True,
        starts_at="2026-04-01T00:00:00Z",
        segments=["early"],
        regions=["north"],
        channels=["app"],
        limits={"ever": 1, "per_period": {"period": "day", "count": 1}},
    )
    poor = Situation(now=NOW, day=TODAY, active=0, taken_ever=1, taken_in_period=1, available=0, attributes={})
    found = obstacles(barred, poor)
    assert reasons(found) == ["archived", "not_started", "segment", "region", "channel"]
    kinds = [type(error) for error in found[5:]]
    assert kinds == [LimitReachedError, LimitReachedError, SoldOutError, PointsShortError]
