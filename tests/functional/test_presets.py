"""The programs people know (docs/presets.md), each driven through the handlers by the numbers that its model publishes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from functions.bonuses import handler as bonuses
from shared.domain.program import parse_program
from shared.domain.reward import parse_reward
from shared.entrypoint import outlets
from tests.fakes.clock import FakeClock
from tests.fakes.fake_machine import FakeMachine
from tests.functional.api import MEMBER, MEMBER_ISSUER, OPERATOR, POS, Caller
from tests.functional.campaigning import Context
from tests.functional.conftest import Stage
from tests.presets.promises import DOLLAR, PROMISES
from tests.presets.shop import PRESETS, Desk, Member, Shop, Told, line, preset

OpenShop = Callable[[str], Shop]


@pytest.fixture
def open_shop(bare_stage: Stage, clock: FakeClock) -> OpenShop:
    """Opens a shop of a preset on an empty stage."""

    def wait(time: timedelta) -> None:
        clock.instant += time

    def open(id: str) -> Shop:
        shop = Shop(preset(id), _desk(Caller(POS)), _desk(Caller(OPERATOR)), clock.now, wait, _sign_in)
        shop.open()
        return shop

    return open


def _sign_in(name: str) -> tuple[dict[str, str], Desk]:
    return {"issuer": MEMBER_ISSUER, "subject": name}, _desk(Caller(MEMBER, MEMBER_ISSUER, name))


def _desk(caller: Caller) -> Desk:
    def call(method: str, path: str, body: object = None, *, key: str | None = None) -> Told:
        path, _, query = path.partition("?")
        reply = caller.send(method, path, None if body is None else json.dumps(body), query=query, key=key)
        return Told(reply.status, reply.text)

    return call


def until(shop: Shop, year: int, month: int, day: int, hour: int = 17) -> None:
    """Let time pass until an hour (UTC) of a day."""
    shop.wait(datetime(year, month, day, hour, tzinfo=UTC) - shop.now())


def test_every_preset_is_promised_something() -> None:
    assert set(PROMISES) == set(PRESETS)


@pytest.mark.parametrize("id", PRESETS)
def test_a_preset_is_a_program_with_rewards_whose_numbers_have_a_source_or_are_ours(id: str) -> None:
    document = preset(id)
    assert document["id"] == id
    parse_program(document["program"])
    codes = {currency["code"] for currency in document["program"]["currencies"]}
    assert {parse_reward(reward).currency for reward in document["rewards"]} <= codes
    about = document["about"]
    assert about["published"]
    assert about["ours"]
    for published in about["published"]:
        assert set(published) == {"fact", "source", "read"}
        assert published["source"].startswith(("https://", "http://"))


@pytest.mark.parametrize("id", PROMISES)
def test_a_preset_gives_what_its_model_publishes_and_explains_every_point(id: str, open_shop: OpenShop) -> None:
    PROMISES[id](open_shop(id))


@pytest.mark.parametrize(
    ("id", "category", "gone_on"),
    [
        ("body_care", "skin", date(2027, 3, 2)),
        ("beauty_tiers", "makeup", date(2027, 4, 1)),
        ("coffee_stars", "drinks", date(2026, 10, 1)),
        ("outdoor_experiences", "jackets", date(2027, 3, 1)),
        ("prime_membership", "tools", date(2027, 4, 1)),
        ("takeout_club", "food", date(2027, 4, 1)),
        ("gift_cards", "tea", date(2027, 3, 2)),
        ("trips", "hotel", date(2027, 10, 1)),
        ("fashion_tiers", "shoes", None),
    ],
)
def test_points_of_2_march_2026_are_gone_on_their_presets_day(
    id: str, category: str, gone_on: date | None, open_shop: OpenShop
) -> None:
    shop = open_shop(id)
    member, currency = shop.join(), shop.preset["program"]["currencies"][0]["code"]
    shop.buy(member, line(category, 100 * DOLLAR))
    earned = shop.balance(member, currency)
    last = gone_on or date(2036, 3, 2)
    until(shop, last.year, last.month, last.day, hour=3)  # an hour or two before the day begins in New York
    assert shop.balance(member, currency) == earned > 0
    until(shop, last.year, last.month, last.day, hour=6)
    assert shop.balance(member, currency) == (0 if gone_on else earned)


@pytest.mark.parametrize(
    ("id", "reward"), [("body_care", "ten_off"), ("beauty_tiers", "birthday_set"), ("coffee_stars", "handcrafted")]
)
def test_a_birthday_gift_comes_on_the_day_and_takes_no_points(
    id: str, reward: str, open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = open_shop(id)
    machine = FakeMachine(lambda work: bonuses.handler(work, Context()))
    monkeypatch.setattr(outlets, "machine", lambda: machine)
    born = {"customer_id": shop.new_id("customer"), "birth_date": "1990-06-15"}
    member = Member(shop.till("POST", "/v1/members", born).ok["member_id"])
    shop.operator("POST", "/v1/campaigns/birthday/start", {"reason": "we open"}).ok  # noqa: B018
    for hour, gifts in ((3, 0), (5, 1), (7, 1)):  # the day begins at four in New York
        until(shop, 2026, 6, 15, hour=hour)
        bonuses.handler({"source": "aws.events"}, Context())
        machine.work()
        held = shop.till("GET", f"/v1/members/{member.id}/redemptions").ok["redemptions"]
        assert [(one["reward_id"], one["points"]) for one in held] == [(reward, 0)] * gifts


def test_a_beauty_tier_lasts_for_the_rest_of_its_year_and_the_whole_next(open_shop: OpenShop) -> None:
    shop = open_shop("beauty_tiers")
    member = shop.join()
    shop.buy(member, line("makeup", 350 * DOLLAR))
    told = shop.tier(member)
    assert (told["will_downgrade_on"], told["will_downgrade_to"]["id"]) == ("2028-01-01", "insider")
    until(shop, 2028, 1, 1, hour=4)  # the last hour of 2027 in New York
    assert shop.tier(member)["tier"] == "vib"
    until(shop, 2028, 1, 1, hour=6)
    assert shop.tier(member)["tier"] == "insider"


def test_reviews_cannot_be_farmed(open_shop: OpenShop) -> None:
    shop = open_shop("beauty_tiers")
    member = shop.join()
    for _ in range(7):
        shop.does(member, "review")
    assert shop.balance(member, "points") == 5 * 5
    for activity, points in (("sign_up", 50), ("profile_completed", 50), ("app_install", 40)):
        before = shop.balance(member, "points")
        shop.does(member, activity)
        shop.does(member, activity)
        assert shop.balance(member, "points") == before + points


def test_rouge_comes_six_days_before_all_others(open_shop: OpenShop) -> None:
    shop = open_shop("beauty_tiers")
    rouge, insider = shop.join(), shop.join()
    shop.buy(rouge, line("makeup", 1000 * DOLLAR))
    shop.buy(insider, line("makeup", 100 * DOLLAR))
    until(shop, 2026, 8, 24, hour=3)  # an hour before the 24th begins in New York
    assert shop.redeem(rouge, "autumn_box").refusal == "reward-not-offered"
    until(shop, 2026, 8, 24, hour=5)
    assert shop.redeem(rouge, "autumn_box").status == 201
    assert shop.redeem(insider, "autumn_box").refusal == "reward-not-offered"
    until(shop, 2026, 8, 30, hour=5)
    assert shop.redeem(insider, "autumn_box").status == 201


def test_the_sale_opens_for_icons_on_the_6th_and_for_members_on_the_15th(open_shop: OpenShop) -> None:
    shop = open_shop("fashion_tiers")
    opens = {"icon": 6, "ambassador": 7, "influencer": 9, "member": 15}
    spent = {"icon": 15_000, "ambassador": 5_000, "influencer": 500, "member": 499}
    members = {level: shop.join() for level in opens}
    for level, member in members.items():
        shop.buy(member, line("coats", spent[level] * DOLLAR))
    for level, day in opens.items():
        until(shop, 2026, 7, day, hour=3)
        assert shop.redeem(members[level], "sale_preview").refusal == "reward-not-offered"
        until(shop, 2026, 7, day, hour=5)
        assert shop.redeem(members[level], "sale_preview").status == 201


def test_stars_expire_six_months_after_the_month_in_which_they_were_earned(open_shop: OpenShop) -> None:
    shop = open_shop("coffee_stars")
    member = shop.join()
    until(shop, 2026, 12, 15)
    shop.buy(member, line("drinks", 40 * DOLLAR))
    until(shop, 2027, 7, 1, hour=3)
    assert shop.balance(member, "stars") == 40
    until(shop, 2027, 7, 1, hour=5)
    assert shop.balance(member, "stars") == 0


def test_stars_are_double_four_days_a_year_from_gold_on(open_shop: OpenShop) -> None:
    shop = open_shop("coffee_stars")
    gold, green = shop.join(), shop.join()
    shop.buy(gold, line("drinks", 500 * DOLLAR))
    for month in (6, 9, 12):
        until(shop, 2026, month, 1, hour=4 if month < 12 else 5)
        assert shop.buy(gold, line("drinks", 100 * DOLLAR)) == {"menu": 100, "double_star_day": 100, "tier:gold": 20}
        assert shop.buy(green, line("drinks", 100 * DOLLAR)) == {"menu": 100}
        until(shop, 2026, month, 2, hour=6)
        assert shop.buy(gold, line("drinks", 100 * DOLLAR)) == {"menu": 100, "tier:gold": 20}


def test_one_check_in_a_day_earns_and_extras_begin_anew_with_the_year(open_shop: OpenShop) -> None:
    shop = open_shop("outdoor_experiences")
    member = shop.join()
    for activity, points in (("check_in", 5), ("app_install", 15)):
        shop.does(member, activity)
        shop.does(member, activity)
        assert shop.balance(member, "points") == points
    for day in range(3, 28):
        until(shop, 2026, 3, day)
        shop.does(member, "check_in")
    assert shop.balance(member, "points") == 100
    until(shop, 2027, 1, 1)
    assert shop.explained(shop.does(member, "check_in").ok["entry_id"]) == {"check_in": 5}


def test_a_friend_who_went_outdoors_counts_with_the_first_order_of_90_days_and_waits_30_for_returns(
    open_shop: OpenShop,
) -> None:
    shop = open_shop("outdoor_experiences")
    guide = shop.join()
    keen, slow, fickle = (shop.join(by=guide) for _ in range(3))
    jacket = line("jackets", 80 * DOLLAR)
    shop.buy(keen, jacket)
    order = shop.order(fickle, jacket)
    assert shop.till("POST", "/v1/purchases", order).status == 201
    assert (shop.balance(guide, "points"), shop.pending(guide, "points")) == (0, 50)
    until(shop, 2026, 3, 20)
    refund = {"refund_id": "all", "occurred_at": shop.now().isoformat(), "lines": [{"line": 1}]}
    assert shop.till("POST", f"/v1/purchases/{order['order_id']}/refunds", refund).status == 201
    assert (shop.balance(guide, "points"), shop.pending(guide, "points")) == (0, 25)
    until(shop, 2026, 4, 1, hour=3)  # an hour before 1 April in New York
    assert shop.balance(guide, "points") == 0
    until(shop, 2026, 4, 1, hour=5)
    assert shop.balance(guide, "points") == 25
    until(shop, 2026, 6, 1)  # 91 days after 2 March
    shop.buy(slow, jacket)
    assert (shop.balance(guide, "points"), shop.pending(guide, "points")) == (25, 0)


def test_more_than_forty_friends_a_day_wait_for_an_operator(open_shop: OpenShop) -> None:
    shop = open_shop("storage_referrals")
    busy = shop.join()
    friends = [shop.join(by=busy) for _ in range(41)]
    assert [shop.balance(friend, "megabytes") for friend in friends[-2:]] == [500, 0]
    reason = {"reason": "a stand at a fair"}
    assert shop.operator("POST", f"/v1/referrals/{friends[-1].id}/pass", reason).status == 201
    assert shop.balance(friends[-1], "megabytes") == 500
    shop.wait(timedelta(days=1))
    assert shop.balance(shop.join(by=busy), "megabytes") == 500
    # The same computer is the same person.
    seen = {"fingerprints": {"device": "5e884898da28047151d0e56f8dc62927"}}
    assert shop.till("PATCH", f"/v1/members/{busy.id}", seen).status == 200
    code = shop.till("GET", f"/v1/members/{busy.id}/referral-code").ok["code"]
    myself = {"customer_id": "myself", "referral": {"code": code}, **seen}
    assert shop.till("POST", "/v1/members", myself).ok["referral"] == {"state": "rejected", "flagged": False}


def test_a_prime_trial_lasts_30_days_and_a_paid_year_takes_over(open_shop: OpenShop) -> None:
    shop = open_shop("prime_membership")
    lazy, keen = shop.join(has_pet=True), shop.join(has_pet=True)
    food = line("pet_food", 10 * DOLLAR)
    began = shop.now()
    for member in (lazy, keen):
        shop.bill(member, "prime_year", "trial_started", starts_at=began.isoformat())
    until(shop, 2026, 3, 31)
    assert shop.buy(lazy, food) == {"base": 10, "pet_deal": 10}
    shop.wait(timedelta(days=1))
    shop.bill(keen, "prime_year", "started")
    assert shop.buy(lazy, food) == {"base": 10}
    assert shop.buy(keen, food) == {"base": 10, "pet_deal": 10}
    until(shop, 2027, 3, 31)
    assert shop.buy(keen, food) == {"base": 10, "pet_deal": 10}
    until(shop, 2027, 4, 2)
    assert shop.buy(keen, food) == {"base": 10}


def test_member_days_are_for_members(open_shop: OpenShop) -> None:
    shop = open_shop("prime_membership")
    paying, guest = shop.join(), shop.join()
    shop.bill(paying, "prime_year", "started")
    until(shop, 2026, 7, 8)
    assert shop.buy(paying, line("tools", 200 * DOLLAR)) == {"base": 200, "member_days": 800}
    assert shop.buy(guest, line("tools", 20 * DOLLAR)) == {"base": 20}
    until(shop, 2026, 7, 12)
    assert shop.buy(paying, line("tools", 20 * DOLLAR)) == {"base": 20}


def test_a_month_that_was_paid_is_one_supper_and_the_next_month_another(open_shop: OpenShop) -> None:
    shop = open_shop("takeout_club")
    couple = shop.join()
    shop.bill(couple, "supper_club", "started")
    shop.does(couple, "month_paid")
    shop.does(couple, "month_paid")
    assert shop.balance(couple, "suppers") == 1
    purses = shop.till("GET", f"/v1/members/{couple.id}/wallet").ok["currencies"]
    [suppers] = [purse for purse in purses if purse["currency"] == "suppers"]
    assert [deadline["last_day"] for deadline in suppers["deadlines"]] == ["2026-04-30"]
    assert shop.redeem(couple, "supper_for_two").status == 201
    began = shop.now()
    until(shop, 2026, 4, 2)
    shop.bill(couple, "supper_club", "renewed", starts_at=began.isoformat())
    shop.does(couple, "month_paid")
    assert shop.redeem(couple, "supper_for_two").status == 201


def test_an_allowance_to_give_away_begins_anew_every_month(open_shop: OpenShop) -> None:
    shop = open_shop("recognition")
    ada, bob = shop.join(with_app=True, normal=True), shop.join(receiver=True)

    def give(points: int) -> int:
        body: dict[str, Any] = {"recognition": "kudos", "to": bob.id, "points": points, "message": "Thank you"}
        assert ada.app
        return ada.app("POST", "/v1/me/recognitions", body, key=shop.new_id("thanks")).status

    assert [give(50), give(50), give(50)] == [201, 201, 409]
    until(shop, 2026, 4, 1, hour=3)  # still March in New York
    assert give(50) == 409
    until(shop, 2026, 4, 1, hour=5)
    assert [give(50), give(50), give(1)] == [201, 201, 409]
    assert shop.balance(bob, "points") == 200
