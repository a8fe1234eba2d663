"""What each preset's model publishes, tried with one shop each. Times of the year and long waits are tried in process only."""

from __future__ import annotations

from typing import Any

from tests.presets.shop import STOCK, Member, Shop, Told, line

DOLLAR = 100
"""Cents."""


def body_care(shop: Shop) -> None:
    """A dollar is a point, and 100 points are 10 dollars: for oneself or for a charity."""
    member = shop.join()
    assert shop.buy(member, line("skin", 60 * DOLLAR)) == {"base": 60}
    # No part of a dollar counts, and neither does the gift card, nor shipping.
    order = [line("bath", 4599), line("gift_card", 50 * DOLLAR), line("shipping", 595)]
    assert shop.buy(member, *order) == {"base": 45}
    assert shop.buy(member, line("bath", 95 * DOLLAR)) == {"base": 95}
    voucher = shop.redeem(member, "ten_off").ok
    assert (voucher["points"], voucher["value"]) == (100, 10 * DOLLAR)
    use = {"code": voucher["code"], "member_id": member.id, "order_id": shop.new_id("order"), "amount": 10 * DOLLAR}
    assert shop.till("POST", "/v1/vouchers/redeem", use).ok["state"] == "redeemed"
    given = shop.redeem(member, "ten_given").ok
    assert (given["state"], given["points"], given["value"]) == ("redeemed", 100, 10 * DOLLAR)
    [total] = shop.operator("GET", "/v1/donations?charity=rain_forest").ok["totals"]
    assert (total["points"], total["value"], total["gifts"]) == (100, 10 * DOLLAR, 1)
    assert shop.balance(member, "points") == 0
    assert shop.redeem(member, "ten_off").refusal == "points-short"


def beauty_tiers(shop: Shop) -> None:
    """Insider earns 1, VIB from 350 dollars 1.25, Rouge from 1,000 dollars 1.5 points a dollar; engagement earns too."""
    member = shop.join()
    firsts = {
        "sign_up": ("register", 50),
        "profile_completed": ("profile", 50),
        "app_install": ("app", 40),
        "review": ("review", 5),
    }
    for activity, (rule, points) in firsts.items():
        assert shop.explained(shop.does(member, activity).ok["entry_id"]) == {rule: points}
    insider = shop.tier(member)
    assert (insider["tier"], insider["next"]["id"], insider["missing"]) == ("insider", "vib", 350 * DOLLAR)
    assert shop.buy(member, line("makeup", 350 * DOLLAR)) == {"base": 350}
    vib = shop.tier(member)
    assert (vib["tier"], vib["next"]["id"], vib["next"]["threshold"]) == ("vib", "rouge", 1000 * DOLLAR)
    assert vib["missing"] == 650 * DOLLAR
    assert shop.buy(member, line("makeup", 100 * DOLLAR)) == {"base": 100, "tier:vib": 25}
    # 687.5 points are floored once, at the end of the order.
    assert shop.buy(member, line("makeup", 550 * DOLLAR)) == {"base": 550, "tier:vib": 137}
    rouge = shop.tier(member)
    assert (rouge["tier"], rouge["benefits"]["early_access_hours"]) == ("rouge", 6 * 24)
    assert rouge["benefits"]["birthday_gift"] == "birthday_set"
    assert shop.buy(member, line("makeup", 1200 * DOLLAR)) == {"base": 1200, "tier:rouge": 600}
    assert (shop.quote(member, "cash_10")["points"], shop.quote(member, "cash_10")["value"]) == (500, 10 * DOLLAR)
    assert shop.prices(member)["birthday_set"] == 250
    reward = shop.redeem(member, "rouge_reward").ok
    assert (reward["points"], reward["value"]) == (2500, 100 * DOLLAR)
    assert shop.till("GET", "/v1/rewards/rouge_reward").ok["stock"]["available"] == STOCK - 1
    # Rouge's reward is not for those who are no Rouge, however many points they have.
    assert "rouge_reward" not in shop.prices(shop.join())


def fashion_tiers(shop: Shop) -> None:
    """A point a dollar, three with the store's card; 500, 5,000 and 15,000 dollars a year lead up to Icon."""
    member = shop.join()
    assert shop.buy(member, line("shoes", 400 * DOLLAR)) == {"base": 400}
    assert shop.tier(member)["tier"] == "member"
    paid = {"attributes": {"paid_with": "store_card"}}
    assert shop.buy(member, line("shoes", 100 * DOLLAR), **paid) == {"base": 100, "store_card": 200}
    climb = {"influencer": (4_500, 144, 4_500), "ambassador": (10_000, 192, 10_000), "icon": (100, 216, None)}
    for level, (dollars, early, missing) in climb.items():
        tier = shop.tier(member)
        assert (tier["tier"], tier["benefits"]["early_access_hours"]) == (level, early)
        assert tier["missing"] == (missing and missing * DOLLAR)
        assert shop.buy(member, line("coats", dollars * DOLLAR)) == {"base": dollars}
    note = shop.redeem(member, "note_20").ok
    assert (note["points"], note["value"], note["last_day"]) == (2000, 20 * DOLLAR, None)


def coffee_stars(shop: Shop) -> None:
    """Green earns 1, Gold from 500 stars 1.2, Reserve from 2,500 stars 1.7 a dollar; stars buy by a ladder of six prices."""
    member = shop.join()
    assert shop.buy(member, line("drinks", 499 * DOLLAR)) == {"menu": 499}
    assert shop.tier(member)["tier"] == "green"
    assert shop.buy(member, line("drinks", 1 * DOLLAR)) == {"menu": 1}
    assert shop.tier(member)["tier"] == "gold"
    assert shop.buy(member, line("drinks", 2000 * DOLLAR)) == {"menu": 2000, "tier:gold": 400}
    assert shop.tier(member)["tier"] == "reserve"
    assert shop.buy(member, line("drinks", 100 * DOLLAR)) == {"menu": 100, "tier:reserve": 70}
    ladder = {"extra": 25, "two_off": 60, "brewed": 100, "handcrafted": 200, "sandwich": 300, "merchandise": 400}
    assert {reward: points for reward, points in shop.prices(member).items() if reward in ladder} == ladder
    before = shop.balance(member, "stars")
    for reward, points in ladder.items():
        assert shop.redeem(member, reward).ok["points"] == points
    assert shop.quote(member, "two_off")["value"] == 2 * DOLLAR
    assert shop.quote(member, "merchandise")["value"] == 20 * DOLLAR
    # Spending stars never lowers a tier.
    assert (before - shop.balance(member, "stars"), shop.tier(member)["tier"]) == (sum(ladder.values()), "reserve")


def outdoor_experiences(shop: Shop) -> None:
    """A point a dollar, extras for going outdoors up to 100 points a year, and experiences beside 10 dollars for 100 points."""
    member = shop.join()
    assert shop.buy(member, line("jackets", 80 * DOLLAR)) == {"base": 80}
    assert shop.explained(shop.does(member, "app_install").ok["entry_id"]) == {"app": 10}
    assert shop.explained(shop.does(member, "check_in").ok["entry_id"]) == {"check_in": 5}
    own_bag = {"attributes": {"own_bag": True}}
    assert shop.buy(member, line("renewed", 20 * DOLLAR), **own_bag) == {"base": 20, "own_bag": 10, "renewed": 25}
    assert shop.buy(member, line("renewed", 20 * DOLLAR), **own_bag) == {"base": 20, "own_bag": 10, "renewed": 25}
    # 85 of the year's 100 points for extras are gone.
    assert shop.buy(member, line("renewed", 20 * DOLLAR), **own_bag) == {"base": 20, "own_bag": 10, "renewed": 5}
    assert shop.buy(member, line("renewed", 20 * DOLLAR), **own_bag) == {"base": 20}
    assert shop.balance(member, "points") == 160 + 100
    ten_off = shop.quote(member, "ten_off")
    assert (ten_off["points"], ten_off["value"]) == (100, 10 * DOLLAR)
    talk = shop.redeem(member, "athlete_talk").ok
    assert (talk["points"], talk["benefit"]["kind"]) == (50, "experience")
    assert [shop.redeem(member, "field_test").status for _ in range(2)] == [201, 201]
    assert shop.redeem(member, "field_test").refusal == "limit-reached"
    # 25 points for a friend with their first order, 100 a year: so the fifth brings none.
    guide = shop.join()
    for number in range(5):
        friend = shop.join(by=guide)
        assert shop.buy(friend, line("jackets", 80 * DOLLAR)) == {"base": 80}
        assert shop.brought(friend) == ({"referral:advocate:points": 25} if number < 4 else {}, {})
    assert (shop.balance(guide, "points"), shop.pending(guide, "points")) == (0, 100)


def prime_membership(shop: Shop) -> None:
    """139 dollars a year or 14.99 a month after 30 free days; deals are for members whom they suit."""
    plans = {plan["id"]: plan for plan in shop.preset["program"]["memberships"]}
    assert {id: (plan["price"], plan["term"], plan["trial_days"]) for id, plan in plans.items()} == {
        "prime_year": (13900, {"months": 12}, 30), "prime_month": (1499, {"months": 1}, 30),
    }  # fmt: skip
    order = [line("pet_food", 200 * DOLLAR), line("books", 100 * DOLLAR)]
    keeper, reader, guest = shop.join(has_pet=True), shop.join(reader=True), shop.join(has_pet=True, reader=True)
    shop.bill(keeper, "prime_year", "trial_started")
    shop.bill(reader, "prime_month", "started")
    standing = shop.tier(keeper)
    assert [membership["plan"] for membership in standing["memberships"]] == ["prime_year"]
    assert (standing["benefits"]["free_shipping"], standing["benefits"]["early_access_hours"]) == (True, 1)
    assert shop.buy(keeper, *order) == {"base": 300, "pet_deal": 200}
    assert shop.buy(reader, *order) == {"base": 300, "book_deal": 100}
    assert shop.buy(guest, *order) == {"base": 300}
    shop.bill(reader, "prime_month", "lapsed")
    assert shop.buy(reader, *order) == {"base": 300}
    paid = shop.quote(keeper, "pay_at_checkout", points=130, order_amount=20 * DOLLAR)
    assert (paid["value"], paid["available"]) == (130, True)


def takeout_club(shop: Shop) -> None:
    """130 dollars a month are one supper for two; 6.99 dollars a month bring it home; 2,000 points are an entree."""
    plans = {plan["id"]: plan for plan in shop.preset["program"]["memberships"]}
    assert {id: (plan["price"], plan["term"]) for id, plan in plans.items()} == {
        "supper_club": (13000, {"months": 1}), "delivery_club": (699, {"months": 1}),
    }  # fmt: skip
    guest, couple, home = shop.join(), shop.join(), shop.join()
    shop.bill(couple, "supper_club", "started")
    assert shop.explained(shop.does(couple, "month_paid").ok["entry_id"]) == {"month": 1}
    supper = shop.redeem(couple, "supper_for_two").ok
    assert (supper["points"], supper["currency"], supper["benefit"]["sku"]) == (1, "suppers", "supper-for-two")
    assert shop.redeem(couple, "supper_for_two").refusal == "limit-reached"
    # Who is no member gets no supper, whatever is reported of them.
    shop.does(guest, "month_paid")
    assert shop.redeem(guest, "supper_for_two").refusal == "points-short"
    # 10 points a dollar of food, nothing for the wine.
    order = [line("food", 30 * DOLLAR), line("alcohol", 12 * DOLLAR)]
    assert shop.buy(guest, *order) == {"food": 300}
    shop.bill(home, "delivery_club", "started")
    assert shop.buy(home, *order) == {"food": 300, "membership:delivery_club": 300}
    shop.buy(guest, line("food", 170 * DOLLAR))
    assert shop.redeem(guest, "entree").ok["points"] == 2000


def gift_cards(shop: Shop) -> None:
    """Digital and physical cards pay in the store and on the web, from one balance each."""
    money = shop.preset["program"]["money_currency"]
    member = shop.join()
    digital = shop.operator("POST", "/v1/gift-cards", {"amount": 5000, "currency": money}, key=shop.new_id("cards")).ok
    plastic = {"amount": 2500, "currency": money, "pending": True, "valid_days": 1825}
    physical = shop.operator("POST", "/v1/gift-cards", plastic, key=shop.new_id("cards")).ok
    [by_mail], [on_shelf] = digital["cards"], physical["cards"]
    assert (by_mail["entry"]["state"], on_shelf["entry"]["state"]) == ("active", "pending")

    def pay(card: dict[str, Any], amount: int) -> Told:
        body = {"code": card["code"], "order_id": shop.new_id("order"), "amount": amount, "currency": money}
        return shop.till("POST", "/v1/gift-cards/spend", body)

    assert pay(on_shelf, 500).status == 409
    shop.till("POST", f"/v1/gift-cards/{on_shelf['entry']['card_id']}/activate", {})
    assert [pay(card, 1500).ok["balance"] for card in (by_mail, on_shelf, by_mail)] == [3500, 1000, 2000]
    assert shop.buy(member, line("gift_card", 50 * DOLLAR), channel="web") == {}
    assert shop.buy(member, line("tea", 600 * DOLLAR), channel="web") == {"base": 600}
    assert shop.buy(member, line("tea", 400 * DOLLAR), channel="store") == {"base": 400}
    card = shop.redeem(member, "card_10").ok
    assert (card["points"], card["value"], card["state"]) == (1000, 10 * DOLLAR, "redeemed")
    assert pay(card, 10 * DOLLAR).ok["balance"] == 0


def trips(shop: Shop) -> None:
    """2 percent of stays and 0.2 percent of flights pay the next trip; 5, 15 and 30 trip elements lead to 3, 4, 6 percent."""
    member = shop.join()
    vip = line("vip_hotel", 200 * DOLLAR)
    assert shop.buy(member, line("hotel", 800 * DOLLAR, quantity=2)) == {"stays": 16 * DOLLAR, "elements": 2}
    assert shop.buy(member, line("flight", 500 * DOLLAR, quantity=2)) == {"flights": 1 * DOLLAR, "elements": 2}
    assert shop.buy(member, vip) == {"stays": 4 * DOLLAR, "elements": 1}
    assert shop.tier(member)["tier"] == "silver"
    assert shop.buy(member, vip) == {"stays": 4 * DOLLAR, "elements": 1, "vip_silver": 2 * DOLLAR}
    assert shop.buy(member, line("car", 90 * DOLLAR, quantity=9)) == {"stays": 180, "elements": 9}
    assert shop.tier(member)["tier"] == "gold"
    assert shop.buy(member, vip) == {"stays": 4 * DOLLAR, "elements": 1, "vip_gold": 4 * DOLLAR}
    assert shop.buy(member, line("hotel", 700 * DOLLAR, quantity=14)) == {"stays": 14 * DOLLAR, "elements": 14}
    assert shop.tier(member)["tier"] == "platinum"
    assert shop.buy(member, vip) == {"stays": 4 * DOLLAR, "elements": 1, "vip_platinum": 8 * DOLLAR}
    trip_money = shop.balance(member, "trip_money")
    paid = shop.quote(member, "next_trip", points=trip_money, order_amount=300 * DOLLAR)
    assert (paid["value"], paid["available"]) == (trip_money, True)
    assert shop.balance(member, "elements") == 31


def recognition(shop: Shop) -> None:
    """Who may give has an allowance for a month; 10 points that were received are a dollar."""
    ada = shop.join(with_app=True, normal=True)
    boss = shop.join(with_app=True, manager=True)
    watcher = shop.join(with_app=True, observer=True)
    bob = shop.join(with_app=True, receiver=True)

    def give(giver: Member, kind: str, to: Member, points: int) -> Told:
        assert giver.app
        body = {"recognition": kind, "to": to.id, "points": points, "message": "Thank you for the night shift"}
        return giver.app("POST", "/v1/me/recognitions", body, key=shop.new_id("thanks"))

    assert give(ada, "kudos", bob, 50).status == 201
    assert ada.app
    allowances = {found["recognition"]: found for found in ada.app("GET", "/v1/me/recognitions").ok["allowances"]}
    assert (allowances["kudos"]["points"], allowances["kudos"]["left"]) == (100, 50)
    assert give(ada, "kudos", bob, 51).json["reason"] == "points"
    assert give(ada, "kudos", bob, 50).status == 201
    # The month's 100 points are gone.
    assert give(ada, "kudos", bob, 1).refusal == "limit-reached"
    for giver, kind, to, reason in (
        (watcher, "kudos", bob, "giver"),
        (bob, "kudos", ada, "giver"),
        (ada, "award", bob, "giver"),
        (ada, "kudos", watcher, "taker"),
    ):
        refused = give(giver, kind, to, 1)
        assert (refused.refusal, refused.json["reason"]) == ("recognition-not-offered", reason)
    assert give(boss, "award", bob, 251).json["reason"] == "points"
    assert [give(boss, "award", bob, 250).status for _ in range(2)] == [201, 201]
    assert give(boss, "award", bob, 1).refusal == "limit-reached"
    received = shop.till("GET", f"/v1/members/{bob.id}/entries").ok["entries"]
    why = [shop.explained(entry["entry_id"]) for entry in reversed(received)]
    assert why == [{"recognition:kudos": 50}, {"recognition:kudos": 50}, *[{"recognition:award": 250}] * 2]
    assert [shop.balance(member, "points") for member in (ada, bob, boss)] == [0, 600, 0]
    card = shop.redeem(bob, "card_10").ok
    given = shop.redeem(bob, "ten_given").ok
    assert {(found["points"], found["value"]) for found in (card, given)} == {(100, 10 * DOLLAR)}


def storage_referrals(shop: Shop) -> None:
    """500 MB for a friend, and for the friend too; 32 friends are 16 GB, and that is all there is."""
    member = shop.join()
    for brought in range(1, 34):
        friend = shop.join(by=member)
        for_member = {"referral:advocate:megabytes": 500} if brought <= 32 else {}
        assert shop.brought(friend) == (for_member, {"referral:friend:megabytes": 500})
        assert shop.balance(member, "megabytes") == min(500 * brought, 16_000)
        assert shop.balance(friend, "megabytes") == 500
    # The friend brings friends of their own.
    shop.join(by=friend)
    assert (shop.balance(friend, "megabytes"), shop.balance(member, "megabytes")) == (1_000, 16_000)


PROMISES = {
    promise.__name__: promise
    for promise in (
        body_care, beauty_tiers, fashion_tiers, coffee_stars, outdoor_experiences, prime_membership, takeout_club,
        gift_cards, trips, recognition, storage_referrals,
    )
}  # fmt: skip
"""What is tried of each preset."""
