"""The roles are not only small: they let every route do its work, down to the partition keys."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from functions.bonuses import handler as bonuses
from functions.messages import handler as messages
from shared.adapters.dynamodb.store import Backoff
from shared.adapters.dynamodb.table import CURSOR_SECRET
from shared.domain.announcing import announced
from shared.entrypoint import outlets, wiring
from shared.entrypoint.settings import Settings
from tests.engines.moto import moto_table
from tests.fakes import grocer
from tests.fakes.clients import product_client
from tests.fakes.clock import FakeClock
from tests.fakes.fake_machine import FakeMachine
from tests.fakes.outlets import FakeBus, FakeMail, FakeSchedules
from tests.functional.api import DOCUMENT, MEMBER, MEMBER_ISSUER, OPERATOR, POS, Caller, Reply, operation_of
from tests.functional.campaigning import Context
from tests.infra.conftest import Synthesized
from tests.infra.role_guard import GuardedClient, NotAllowedError, keys_of
from tests.infra.test_roles import listed
from tests.unit.test_announcing import grant

pytestmark = pytest.mark.infra

WRITES = {"PutItem", "UpdateItem", "DeleteItem"}


@dataclass
class GuardedCaller(Caller):
    """A caller whose requests are served with the rights of the function that has the route, and no other."""

    def under(self, guard: GuardedClient, stage: Synthesized, served: set[tuple[str, str]]) -> GuardedCaller:
        """Whose rights, and where to write down which routes were served."""
        self.guard, self.stage, self.served = guard, stage, served
        return self

    def send(self, method: str, path: str, text: str | None = None, **options: Any) -> Reply:
        """As anyone's."""
        found = operation_of(method, path)
        assert found
        template, operation = found
        function = operation["tags"][0]
        self.guard.serve(function, self.stage.role(function).get("table", []))
        self.served.add((method, template))
        reply = super().send(method, path, text, **options)
        assert reply.status < 500, reply.text
        return reply


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> Iterator[GuardedClient]:
    """The product on moto, behind the roles of its functions."""
    with moto_table(product_client) as engine:
        guard = GuardedClient(engine.client)
        backoff = Backoff(sleep=lambda _: None, rng=random.Random(1))
        settings = Settings(table=engine.table, stage="local", sandbox=True, sender="club@shop.example")
        wired = wiring.wire(settings, guard, FakeClock(grocer.NOON), backoff)  # type: ignore[arg-type]
        monkeypatch.setattr(wiring, "wired", lambda: wired)
        for name, value in {
            "TABLE": engine.table,
            "STAGE": "local",
            "BONUSES": "arn:bonuses",
            "MESSAGES": "arn:messages",
        }.items():
            monkeypatch.setenv(f"LAUREL_{name}", value)
        bus, mail, schedules = FakeBus(), FakeMail(), FakeSchedules()
        for outlet, fake in {"bus": bus, "mail": mail, "schedules": schedules}.items():
            monkeypatch.setattr(outlets, outlet, lambda fake=fake: fake)
        yield guard


@pytest.fixture
def machine(guard: GuardedClient, dev: Synthesized, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    """The state machine, whose workers have the rights of `bonuses`; before it works it is the tick's turn."""

    def work(event: dict[str, Any]) -> dict[str, Any]:
        guard.serve("bonuses", dev.role("bonuses")["table"])
        return bonuses.handler(event, Context())

    machine = FakeMachine(work)
    monkeypatch.setattr(outlets, "machine", lambda: machine)
    return machine


def test_every_route_does_its_work_with_the_rights_of_its_role(
    guard: GuardedClient, machine: FakeMachine, dev: Synthesized
) -> None:
    served: set[tuple[str, str]] = set()
    till = GuardedCaller(POS).under(guard, dev, served)
    operator = GuardedCaller(OPERATOR, subject="operator-1").under(guard, dev, served)
    ada = GuardedCaller(MEMBER, MEMBER_ISSUER, "sub-ada").under(guard, dev, served)

    generous = grocer.document(**GENEROUS)
    assert operator.put("/v1/program", {"program": generous}).status == 200
    assert till.get("/v1/program").status == 200
    assert till.get("/v1/program/versions/1").status == 200
    assert till.get("/v1/program/schema").status == 200
    for question in ("validate", "diff"):
        assert operator.post(f"/v1/program/{question}", {"program": generous}).status == 200
    assert operator.post("/v1/program/rollback", {"to_version": 1}).json["version"] == 1
    login = {"issuer": MEMBER_ISSUER, "subject": "sub-ada"}
    enrolled = till.post("/v1/members", {"customer_id": "ada", "email": "ada@example.com", "login": login})
    assert enrolled.status == 201
    member = enrolled.json["member_id"]
    path = f"/v1/members/{member}"
    assert till.get("/v1/members", customer_id="ada").status == 200
    assert till.get(path).status == 200
    # Claims one address and gives up another.
    changed = {"email": "lovelace@example.com", "consents": {"marketing": True}}
    assert operator.patch(path, changed).status == 200

    assert till.post("/v1/purchases", grocer.order("order-1", member_id=member)).status == 201
    assert till.post("/v1/purchases", grocer.order("order-1", member_id=member)).status in (200, 201)
    assert till.post("/v1/purchases/quote", grocer.order("order-2", member_id=member)).status == 200
    orders = [grocer.order(f"order-{number}", member_id=member) for number in (2, 3)]
    assert till.post("/v1/purchases/batch", {"purchases": orders}).status == 200
    assert till.get("/v1/purchases/order-1").status == 200

    assert till.get(f"{path}/wallet").status == 200
    first = till.get(f"{path}/entries", limit=1)
    # A cursor is signed with a secret that its first use makes.
    assert first.json["cursor"]
    assert till.get(f"{path}/entries", limit=1, cursor=first.json["cursor"]).status == 200
    entry = first.json["entries"][0]["entry_id"]
    assert till.get(f"/v1/entries/{entry}").status == 200
    assert ada.get("/v1/me").status == 200
    assert ada.patch("/v1/me", {"locale": "en-GB"}).status == 200
    assert ada.get("/v1/me/wallet").status == 200
    assert ada.get("/v1/me/entries").status == 200
    assert ada.get(f"/v1/me/entries/{entry}").status == 200

    reward = "/v1/rewards/mug"
    mug = {"name": "A mug", "benefit": {"kind": "free_product", "sku": "mug"}, "currency": "points", "price": {"points": 5}}
    for change in ({"stock_limited": True}, {"stock_limited": True, "name": "A blue mug"}):
        assert operator.put(reward, {**mug, **change}).status == 200
    for total in (5, 7):
        assert operator.put(f"{reward}/stock", {"total": total}).status == 200
    assert till.get("/v1/rewards").status == 200
    assert till.get(reward).status == 200
    assert till.get(f"{path}/rewards").status == 200
    assert ada.get("/v1/me/rewards").status == 200
    assert operator.send("DELETE", reward).status == 200

    issued = operator.post("/v1/gift-cards", {"amount": 5000, "currency": "USD", "pending": True}, key="key-1")
    assert issued.status == 201
    # The same request again reads what the first one wrote.
    again = {"currency": "USD", "amount": 5000, "pending": True}
    assert operator.post("/v1/gift-cards", again, key="key-1").text == issued.text
    [gift_card] = issued.json["cards"]
    card, code = f"/v1/gift-cards/{gift_card['entry']['card_id']}", gift_card["code"]
    assert till.post(f"{card}/activate").status == 201
    assert till.post("/v1/gift-cards/balance", {"code": code}).status == 200
    for _ in range(2):
        # The first miss of a caller is put, the next updated.
        assert till.post("/v1/gift-cards/balance", {"code": "0" * 16}).status == 404
    spend = {"code": code, "order_id": "order-1", "amount": 100, "currency": "USD"}
    assert till.post("/v1/gift-cards/spend", spend).status == 201
    assert till.post(f"{card}/refunds", {"order_id": "order-1", "refund_id": "r1", "amount": 50}).status == 201
    assert operator.post(f"{card}/block", {"reason": "lost"}, key="key-1").status == 201
    assert operator.post(f"{card}/unblock", {"reason": "found"}, key="key-1").status == 201
    assert till.get(card).status == 200

    bring_friends(till, operator, ada, member)
    stand_and_recognize(till, operator, ada, member)
    redeem_and_refund(till, operator, ada, member)
    give_and_merge(till, operator, ada, member)
    second = GuardedCaller(OPERATOR, subject="operator-2").under(guard, dev, served)
    adjust(operator, second, member)
    for period in ({}, {"from": "2026-01", "until": "2026-12"}):
        assert till.get("/v1/donations", charity="sea_rescue", **period).json["totals"][0]["gifts"] == 2
    assert till.get(f"{path}/donations").json["totals"][0]["gifts"] == 2
    assert ada.get("/v1/me/donations", year="2026").json["totals"][0]["gifts"] == 2

    tried = {"program": generous, "stored": {"member_ids": [member]}}
    assert operator.post("/v1/program/simulations", tried).json["counts"]["orders"] > 1

    assert operator.get("/v1/test-clock").status == 200
    begin_campaigns(operator, machine)
    for day in ("2026-04-01", "2027-01-15"):
        assert operator.put("/v1/test-clock", {"now": f"{day}T00:00:00Z"}).status == 200
    # Ten days after the last order the tier has fallen.
    assert operator.post(f"{path}/tier/reviews").json["changed"] is True
    give_what_is_due(till, operator, machine, member)
    mail_about(guard, dev, member)
    assert operator.post(f"{path}/close").status == 200

    assert served == {
        (verb.upper(), template)
        for template, verbs in DOCUMENT["paths"].items()
        for verb, operation in verbs.items()
        # The document's own function has no right on the table to try.
        if operation["tags"] != ["openapi"]
    }
    # Each right to write was needed: without any one of them, this very test fails.
    assert {need for need in guard.needed if need[1] in WRITES} == {
        (function, action, pattern)
        for function in dev.functions()
        for statement in dev.role(function).get("table", [])
        for action in WRITES
        if f"dynamodb:{action}" in listed(statement["Action"])
        for pattern in keys_of(statement) or ()
    }


def campaign(id: str, trigger: dict[str, Any], bonus: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": id, "name": id, "owner": "crm", "reason": "a test", "trigger": trigger, "bonus": bonus, **more}


SPRING = {"kind": "date", "at": "2026-03-15T09:00"}
POINTS = {"kind": "points", "currency": "points", "points": 5}
FOR_FRIENDS = [{"currency": "points", "points": 1, "caps": ["friends"]}]
GENEROUS: dict[str, Any] = {
    "transfers": {"currencies": ["points"], "points_max": 100},
    "caps": [
        {"id": "reviews", "currency": "points", "scope": "program", "points": 1000},
        {"id": "friends", "currency": "points", "scope": "program", "points": 1000},
    ],
    "earning_rules": [
        grocer.earning_rule(),
        {"id": "review", "kind": "activity", "currency": "points", "activity": "review", "points": 5, "caps": ["reviews"]},
    ],
    "tiers": {
        "metric": "spend",
        "period": {"kind": "rolling", "days": 10},
        "levels": [{"id": "silver", "name": "Silver", "threshold": 0}, {"id": "gold", "name": "Gold", "threshold": 1}],
    },
    "memberships": [{"id": "prime", "name": "Prime", "price": 100, "term": {"months": 1}}],
    "campaigns": [
        campaign("drawn", {**SPRING, "draw": {"seed": "s", "winners": 2}}, POINTS, grants_max=100),
        campaign("mugs", SPRING, {"kind": "reward", "reward": "five_off"}),
        campaign("cards", SPRING, {"kind": "gift_card", "amount": 500}),
        campaign("thanks", {"kind": "purchase_number", "every": 1}, POINTS),
    ],
    "messages": {"templates": {"WeMissYou": "miss"}, "points_expiring_days": [90]},
    "recognitions": [{"id": "kudos", "currency": "points", "allowance": {"points": 100, "per": "month"}, "points_max": 60}],
    "referral": {
        "qualifies": {"kind": "orders", "net_min": 100},
        "advocate": [{"currency": "points", "points": 1, "caps": ["friends"]}],
        "campaigns": [
            {"id": "hello", "qualifies": {"kind": "enrolment"}, "friend": FOR_FRIENDS},
            {"id": "prime_hello", "qualifies": {"kind": "membership"}, "friend": FOR_FRIENDS},
        ],
    },
}
"""Something of every part of a program."""


def bring_friends(till: GuardedCaller, operator: GuardedCaller, ada: GuardedCaller, member: str) -> None:
    """Codes, friends by each kind of them, every step of a referral, and what an operator does about it."""
    assert ada.get("/v1/me/referral-code").status == 200
    path = f"/v1/members/{member}/referral-code"
    assert operator.put(path, {"code": "ADAS-CAFE"}).status == 200
    assert ada.put("/v1/me/referral-code", {"code": "ADAS-CAFE"}).status == 200
    assert till.get(path).status == 200
    for campaign in ("hello", "prime_hello"):
        assert operator.post(f"/v1/referrals/campaigns/{campaign}/codes", {"code": f"{campaign}26"}).status == 201
    for _ in range(2):
        assert till.get("/v1/referral-codes/NOSUCHONE").status == 404
    assert till.get("/v1/referral-codes/ADAS-CAFE").status == 200
    assert ada.get("/v1/me/referral-codes/HELLO26").status == 200
    assert ada.post("/v1/me/invitations", {"channel": "mail"}, key="share-1").status == 201

    def join(name: str, code: str, device: str | None = None) -> str:
        seen = {"fingerprints": {"device": device}} if device else {}
        body = {"customer_id": name, "referral": {"code": code}, **seen}
        reply = till.post("/v1/members", body)
        assert reply.status == 201, reply.text
        return str(reply.json["member_id"])

    guesser = GuardedCaller(POS, subject="till-3").under(till.guard, till.stage, till.served)
    for _ in range(2):
        unknown = {"customer_id": "lost", "referral": {"code": "NOSUCHONE"}}
        assert guesser.post("/v1/members", unknown).status == 404
    at, device = "2026-03-02T17:00:00Z", "device-1"
    join("hello-1", "HELLO26", device)
    # The device is known by now: others there wait for an operator, and who closes waits no more.
    flagged = [join(f"flagged-{number}", "ADAS-CAFE", device) for number in range(4)]
    assert operator.post(f"/v1/members/{flagged[3]}/close").status == 200
    assert till.post("/v1/purchases", grocer.order("flagged-0", member_id=flagged[0])).status == 201
    forget_cursors(till.guard)
    first = operator.get("/v1/referrals/flags", limit=1).json
    assert operator.get("/v1/referrals/flags", cursor=first["cursor"]).status == 200
    why = {"reason": "seen in the shop"}
    assert operator.post(f"/v1/referrals/{flagged[0]}/pass", why).json["awarded"] is True
    assert operator.post(f"/v1/referrals/{flagged[0]}/void", why).status == 201
    assert operator.post(f"/v1/referrals/{flagged[1]}/reject", why).status == 201
    # An order, or a payment, of a friend whose device the shop told later; and what undoes that.
    friend, payer, payers_friend = join("friend", "ADAS-CAFE"), join("payer", "PRIMEHELLO26"), join("payer-2", "PRIMEHELLO26")
    assert till.post("/v1/purchases", grocer.order("friend-1", member_id=join("friend-2", "ADAS-CAFE"))).status == 201
    for suspect in (friend, payer):
        assert operator.patch(f"/v1/members/{suspect}", {"fingerprints": {"device": device}}).status == 200
    assert till.post("/v1/purchases", grocer.order("friend-0", member_id=friend)).status == 201
    assert operator.get(f"/v1/members/{friend}/referral").json["flagged"] is True
    assert till.post("/v1/purchases/friend-0/refunds", {"refund_id": "r1", "occurred_at": at}).status == 201
    paid = {"plan": "prime", "kind": "started", "occurred_at": at}
    for payed in (payer, payers_friend):
        assert till.post("/v1/memberships/events", {**paid, "event_id": f"{payed}-1", "member_id": payed}).status == 201
    refunded = {**paid, "event_id": "payer-refund", "member_id": payer, "kind": "refunded", "starts_at": at}
    assert till.post("/v1/memberships/events", refunded).status == 201
    assert operator.get(f"/v1/members/{payer}/referral").json["state"] == "rejected"
    assert ada.get("/v1/me/referrals").json["counts"]["joined"] == 6
    assert till.get(f"/v1/members/{member}/referrals").status == 200
    for question in ("funnel", "advocates", "export"):
        assert operator.get(f"/v1/referrals/{question}").status == 200
    domains = "/v1/referrals/disposable-domains"
    assert operator.put(domains, {"domains": ["mailinator.com"]}).status == 200
    assert operator.get(domains).status == 200
    assert operator.send("DELETE", f"{domains}/mailinator.com").status == 200
    taken_over = {
        "friend": {"customer_id": "grace"},
        "advocate": {"customer_id": "ada"},
        "joined_at": "2026-03-01T17:00:00Z",
        "state": "joined",
        "source": "old system",
    }
    assert till.post("/v1/members", {"customer_id": "grace"}).status == 201
    assert operator.post("/v1/referrals/import", {"referrals": [taken_over]}).status == 200


def forget_cursors(guard: GuardedClient) -> None:
    """As on a stage where nobody has listed anything yet."""
    wired = wiring.wired()
    key = {name: {"S": value} for name, value in CURSOR_SECRET.items()}
    guard.delete_item(TableName=wired.settings.table, Key=key)
    wired.cursor_secret._value = b""


def stand_and_recognize(till: GuardedCaller, operator: GuardedCaller, ada: GuardedCaller, member: str) -> None:
    """Activities, tiers, memberships, budgets and recognitions."""
    at = "2026-03-02T17:00:00Z"
    for number in (1, 2):
        # The first draw of a budget begins it, the next adds to it.
        review = {"activity": "review", "activity_id": f"review-{number}", "member_id": member, "occurred_at": at}
        assert till.post("/v1/activities", review).json["earned"][0]["points"] == 5
    assert operator.get("/v1/program/budgets").json["budgets"][0]["spent"] == 10
    assert till.post("/v1/activities/review/review-2/void", {"reason": "spam"}).json["clawed_back"][0]["points"] == 5
    assert till.get(f"/v1/members/{member}/tier").json["tier"] == "gold"
    assert ada.get("/v1/me/tier").json["tier"] == "gold"
    paid = {"event_id": "bill-1", "member_id": member, "plan": "prime", "kind": "started", "occurred_at": at}
    assert till.post("/v1/memberships/events", paid).status == 201
    other = till.post("/v1/members", {"customer_id": "grace"}).json["member_id"]
    given = {"recognition": "kudos", "to": other, "points": 60}
    assert ada.post("/v1/me/recognitions", given, key="kudos-1").status == 201
    assert ada.get("/v1/me/recognitions").json["allowances"][0]["left"] == 40
    assert operator.post(f"/v1/members/{member}/recognitions", given, key="kudos-2").problem == "limit-reached"


def redeem_and_refund(till: GuardedCaller, operator: GuardedCaller, ada: GuardedCaller, member: str) -> None:
    """Every kind of reward that writes something of its own, and the refund of an order that all of them paid."""
    path, paid = f"/v1/members/{member}", grocer.order("order-paid", 20_000, member_id=member, paid_with_rewards=1_000)
    discount = {"kind": "discount", "amount": 500}
    gift = {"kind": "donation", "charity": "sea_rescue", "charity_name": "Sea Rescue", "points": 1, "minor_units": 1}
    for name, benefit in {"five_off": discount, "card": {"kind": "gift_card", "amount": 500}, "gift": gift}.items():
        offer = {"name": name, "benefit": benefit, "currency": "points", "price": {"points": 2}, "stock_limited": True}
        assert operator.put(f"/v1/rewards/{name}", offer).status == 200
        assert operator.put(f"/v1/rewards/{name}/stock", {"total": 50}).status == 200
    wish = {"reward_id": "five_off"}
    assert till.post(f"{path}/redemptions/quote", wish).status == 200
    assert ada.post("/v1/me/redemptions/quote", wish).status == 200
    issued = till.post(f"{path}/redemptions", wish, key="wish-1").json
    for _ in range(2):
        card = till.post(f"{path}/redemptions", {"reward_id": "card"}, key="wish-2").json
    for key in ("wish-3", "wish-4"):
        # The first donation of a month begins its sum, the next adds to it.
        assert till.post(f"{path}/redemptions", {"reward_id": "gift"}, key=key).status == 201
    # A refusal is kept under its key.
    dear = {"name": "Dear", "benefit": discount, "currency": "points", "price": {"points": 10**6}}
    assert operator.put("/v1/rewards/dear", dear).status == 200
    assert till.post(f"{path}/redemptions", {"reward_id": "dear"}, key="wish-5").problem == "points-short"
    assert ada.post("/v1/me/redemptions", wish, key="tap-1").status == 201
    [_, open_one] = till.get(f"{path}/redemptions").json["redemptions"]
    assert len(ada.get("/v1/me/redemptions").json["redemptions"]) == 2
    assert ada.get(f"/v1/me/redemptions/{open_one['redemption_id']}").status == 200
    assert till.post(f"/v1/redemptions/{open_one['redemption_id']}/cancel", {}).status == 200
    assert ada.post(f"/v1/me/redemptions/{open_one['redemption_id']}/cancel", {}).status == 200
    guesser = GuardedCaller(POS, subject="till-2").under(till.guard, till.stage, till.served)
    for _ in range(2):
        assert guesser.post("/v1/vouchers/validate", {"code": "0" * 12, "member_id": member}).status == 404
    shown = {"code": issued["code"], "member_id": member}
    assert till.post("/v1/vouchers/validate", shown).status == 200
    assert till.post("/v1/vouchers/redeem", {**shown, "order_id": "order-paid"}).status == 200
    assert till.get(f"/v1/redemptions/{issued['redemption_id']}").json["state"] == "redeemed"

    spend = {"code": card["code"], "order_id": "order-paid", "amount": 500, "currency": "USD"}
    assert till.post("/v1/gift-cards/spend", spend).status == 201
    assert till.post("/v1/purchases", paid).status == 201
    refund = {"refund_id": "all", "occurred_at": "2026-03-02T17:00:00Z"}
    back = till.post("/v1/purchases/order-paid/refunds", refund)
    assert {part["kind"]: part["amount"] for part in back.json["returned"]} == {"points": 2, "gift_card": 500}


def give_and_merge(till: GuardedCaller, operator: GuardedCaller, ada: GuardedCaller, member: str) -> None:
    """Points that go to another member, and that member's merge into the first."""
    other = till.post("/v1/members", {"customer_id": "ada-again"}).json["member_id"]
    given = {"to": other, "currency": "points", "points": 2}
    assert ada.post("/v1/me/transfers", given, key="gift-1").status == 201
    assert operator.post(f"/v1/members/{member}/transfers", given, key="gift-2").status == 201
    too_much = {**given, "points": 101}
    assert operator.post(f"/v1/members/{member}/transfers", too_much, key="gift-3").problem == "transfer-not-offered"
    # A correction of what was given reads on from one history into the other.
    assert till.post("/v1/purchases/order-2/refunds", {"refund_id": "r1", "occurred_at": "2026-03-02T17:00:00Z"}).status == 201
    assert operator.post(f"/v1/members/{other}/merge", {"into": member, "reason": "one person"}).status == 200
    assert till.post("/v1/purchases/order-3/refunds", {"refund_id": "r1", "occurred_at": "2026-03-02T17:00:00Z"}).status == 201


def adjust(operator: GuardedCaller, second: GuardedCaller, member: str) -> None:
    """Adjustments by one operator, and by two: posted, refused, approved and rejected."""
    path, asked = f"/v1/members/{member}/adjustments", {"currency": "points", "reason": "the parcel came late"}
    for _ in range(2):
        assert operator.post(path, {**asked, "points": 5}, key="case-1").status == 201
    assert operator.post(path, {**asked, "points": -9_999}, key="case-2").problem == "points-short"
    waiting = [operator.post(path, {**asked, "points": points}, key=f"case-{points}") for points in (10_001, 10_002)]
    assert [reply.status for reply in waiting] == [202, 202]
    assert len(operator.get("/v1/adjustments").json["adjustments"]) == 2
    first, other = (f"/v1/adjustments/{reply.json['adjustment_id']}" for reply in waiting)
    assert second.post(f"{first}/approve").status == 200
    assert second.post(f"{other}/reject", {"reason": "too much"}).status == 200
    assert operator.get(first).json["state"] == "posted"


def begin_campaigns(operator: GuardedCaller, machine: FakeMachine) -> None:
    """Every act, and a dry run."""
    told = [one["id"] for one in operator.get("/v1/campaigns").json["campaigns"]]
    assert told == [one["id"] for one in GENEROUS["campaigns"]]
    for campaign in told:
        for act in ("start", "pause", "resume"):
            assert operator.post(f"/v1/campaigns/{campaign}/{act}", {"reason": "a test"}).status == 200
    begun = operator.post("/v1/campaigns/drawn/dry-runs", {"breakage_percent": 20}).json
    machine.work()
    assert operator.get(f"/v1/campaigns/drawn/dry-runs/{begun['period']}").json["state"] == "done"


def give_what_is_due(till: GuardedCaller, operator: GuardedCaller, machine: FakeMachine, member: str) -> None:
    """The tick, and all that it finds due; what comes with an order; what became of it."""
    for _ in range(2):
        machine.handler({"source": "aws.events"})
        machine.work()
    for campaign in ("drawn", "mugs", "cards"):
        assert operator.get(f"/v1/campaigns/{campaign}/report").json["granted"] > 0
    draw = operator.get("/v1/campaigns/drawn/draws/once")
    assert draw.status == 200
    assert len(draw.json["winners"]) == 2
    held = till.get(f"/v1/members/{member}/redemptions").json["redemptions"]
    [gift] = [one["redemption_id"] for one in held if one["redemption_id"].startswith("gift:")]
    assert till.post(f"/v1/redemptions/{gift}/cancel", {}).status == 200
    at = "2027-01-15T00:00:00Z"
    for number in (1, 2):
        # The first bonus of a campaign begins its counters, the next adds to them.
        bought = till.post("/v1/purchases", grocer.order(f"thanks-{number}", member_id=member, occurred_at=at))
        assert bought.status == 201
    assert operator.get("/v1/campaigns/thanks/report").json["granted"] == 2
    assert operator.get("/v1/campaigns/thanks").json["state"] == "running"
    assert operator.post("/v1/campaigns/thanks/cancel", {"reason": "enough"}).json["state"] == "ended"


def mail_about(guard: GuardedClient, dev: Synthesized, member: str) -> None:
    """An e-mail of a bonus."""
    [event] = [event for event in announced(grant()) if event.type == "WeMissYou"]
    detail = {**json.loads(json.dumps(event.told())), "member_id": member}
    guard.serve("messages", dev.role("messages")["table"])
    told = messages.handler({"source": "laurel", "detail-type": "WeMissYou", "detail": detail}, None)
    assert told["state"] == "sent"


def put(pk: str) -> dict[str, Any]:
    return {"TransactItems": [{"Put": {"TableName": "ledger", "Item": {"pk": {"S": pk}, "sk": {"S": "any"}}}}]}


@pytest.mark.parametrize(
    ("function", "key"),
    [
        ("earning", "MEMBER#1"),
        ("standing", "MEMBER#1"),
        ("redemption", "MEMBER#1"),
        ("transfers", "MEMBER#1"),
        ("adjustments", "MEMBER#1"),
        ("donations", "CHARITY#1"),
        ("referrals", "ORDER#1"),
        ("members", "ORDER#1"),
        ("wallets", "MEMBER#1"),
        ("rewards", "MEMBER#1"),
        ("gift_cards", "MEMBER#1"),
        ("program", "CLOCK"),
        ("campaigns", "GRANT#1"),
        ("bonuses", "ORDER#1"),
        ("messages", "GRANT#1"),
        ("openapi", "X"),
    ],
)
def test_a_role_is_refused_where_it_has_no_business(dev: Synthesized, function: str, key: str) -> None:
    guard = GuardedClient(client=None)
    guard.serve(function, dev.role(function).get("table", []))
    with pytest.raises(NotAllowedError):
        guard.transact_write_items(**put(key))
