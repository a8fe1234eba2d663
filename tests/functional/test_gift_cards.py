"""Gift cards as operators and tills meet them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from shared.adapters.dynamodb.gift_cards import card_entry_of, card_of
from shared.adapters.dynamodb.items import from_wire
from shared.domain.card_audit import audit_card
from shared.domain.code import CARD_SYMBOLS, VOUCHER_SYMBOLS, make_code, read_code, spoken
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.functional.api import POS, Caller, Reply
from tests.functional.conftest import Stage

FIFTY = {"amount": 5000, "currency": "USD"}


@pytest.fixture(autouse=True)
def _books_balance(bare_stage: Stage) -> Iterator[None]:
    """At the end of every test the books of all cards are in order."""
    yield
    items = [from_wire(item) for item in bare_stage.items()]
    entries = [card_entry_of(item) for item in items if item["pk"].startswith("CARDLOG#")]
    for card in [card_of(item) for item in items if item["sk"] == "CARD"]:
        mine = sorted((entry for entry in entries if entry.card == card.id), key=lambda entry: entry.sequence)
        assert list(audit_card(card, mine)) == []


def issue(operator: Caller, key: str = "key-1", **more: Any) -> dict[str, Any]:
    """The only card of an issue: its id and code."""
    reply = operator.post("/v1/gift-cards", {**FIFTY, **more}, key=key)
    assert reply.status == 201, reply.text
    [card] = reply.json["cards"]
    return {"id": card["entry"]["card_id"], "code": card["code"]}


@pytest.fixture
def card(operator: Caller) -> dict[str, Any]:
    """A card with 50 dollars for a year."""
    return issue(operator, valid_days=365)


def balance(till: Caller, code: str) -> Reply:
    return till.post("/v1/gift-cards/balance", {"code": code})


def spend(till: Caller, card: dict[str, Any], order: str, amount: int, **more: Any) -> Reply:
    body = {"code": card["code"], "order_id": order, "amount": amount, "currency": "USD", **more}
    return till.post("/v1/gift-cards/spend", body)


def refund(till: Caller, card: dict[str, Any], order: str, number: str, amount: int) -> Reply:
    return till.post(f"/v1/gift-cards/{card['id']}/refunds", {"order_id": order, "refund_id": number, "amount": amount})


def test_an_issue_tells_codes_that_tills_can_read(operator: Caller, till: Caller) -> None:
    reply = operator.post("/v1/gift-cards", {**FIFTY, "count": 25, "valid_days": 365}, key="key-1")
    cards = reply.json["cards"]
    assert len({card["code"] for card in cards}) == 25
    first = cards[0]
    assert first["entry"] == {
        "card_id": first["entry"]["card_id"],
        "sequence": 1,
        "kind": "issue",
        "amount": 5000,
        "currency": "USD",
        "balance": 5000,
        "state": "active",
        "expires_at": "2027-03-02T05:00:00Z",
        "last_day": "2027-03-01",
        "recorded_at": "2026-03-02T17:00:00Z",
        "order_id": None,
        "refund_id": None,
        "reason": None,
        "postings": [{"debit": "issued", "credit": "card", "amount": 5000}],
    }
    code = read_code(first["code"], CARD_SYMBOLS)
    assert first["code"] == spoken(code)
    for written in (
        first["code"],
        code.lower(),
        f" {' '.join(code)} ",
        code.replace("0", "o").replace("1", "l").replace("V", "u"),
    ):
        assert balance(till, written).json == {
            "card_id": first["entry"]["card_id"],
            "code": None,
            "code_end": code[-4:],
            "state": "active",
            "currency": "USD",
            "amount": 5000,
            "balance": 5000,
            "spent": 0,
            "expired": 0,
            "expires_at": "2027-03-02T05:00:00Z",
            "last_day": "2027-03-01",
            "source": "operator",
            "member_id": None,
        }


def test_the_same_issue_again_answers_the_same_bytes_and_makes_no_card(
    operator: Caller, stage: Stage, clock: FakeClock
) -> None:
    first = operator.post("/v1/gift-cards", {**FIFTY, "count": 2}, key="key-1")
    before = stage.items()
    clock.advance(days=3)
    assert operator.post("/v1/gift-cards", {"count": 2, **FIFTY, "pending": False}, key="key-1").text == first.text
    assert stage.items() == before
    changed = operator.post("/v1/gift-cards", {**FIFTY, "count": 3}, key="key-1")
    assert (changed.status, changed.problem) == (409, "key-reused")
    other = Caller(operator.scope, subject="operator-2").post("/v1/gift-cards", {**FIFTY, "count": 2}, key="key-1")
    assert other.status == 201
    assert other.text != first.text


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": 10**9 + 1}, "amount"),
        ({"amount": "5000"}, "amount"),
        ({"amount": True}, "amount"),
        ({"currency": "usd"}, "currency"),
        ({"count": 26}, "count"),
        ({"count": 0}, "count"),
        ({"pending": 1}, "pending"),
        ({"valid_days": 0}, "valid_days"),
        ({"code": "K7QM"}, "code"),
    ],
)
def test_an_issue_that_is_wrong_says_where(operator: Caller, body: dict[str, Any], path: str) -> None:
    reply = operator.post("/v1/gift-cards", {**FIFTY, **body}, key="key-1")
    assert (reply.status, reply.problem, reply.paths) == (422, "request-invalid", [path])


def test_an_issue_needs_a_key_and_the_programs_money(operator: Caller) -> None:
    for key in (None, "", "a b", "x" * 65):
        reply = operator.post("/v1/gift-cards", FIFTY, key=key)
        assert (reply.status, reply.paths) == (422, ["header.idempotency-key"])
    euros = operator.post("/v1/gift-cards", {**FIFTY, "currency": "EUR"}, key="key-1")
    assert (euros.problem, euros.json["accepted"]) == ("currency-not-accepted", "USD")


def test_a_stage_without_a_program_issues_no_cards(bare_stage: Stage) -> None:
    reply = Caller("laurel/operator").post("/v1/gift-cards", FIFTY, key="key-1")
    assert (reply.status, reply.problem) == (409, "program-missing")


def test_a_till_takes_and_gives_back_to_the_cent(till: Caller, operator: Caller, card: dict[str, Any]) -> None:
    paid = spend(till, card, "order-1", 1999)
    assert (paid.status, paid.json["balance"], paid.json["state"]) == (201, 3001, "partly_spent")
    assert spend(till, card, "order-1", 1999).text == paid.text
    assert spend(till, card, "order-1", 2000).problem == "key-reused"
    short = spend(till, card, "order-2", 3002)
    assert (short.status, short.problem) == (409, "gift-card-short")
    assert (short.json["balance"], short.json["short_by"], short.json["currency"]) == (3001, 1, "USD")
    # The rest in another way.
    assert spend(till, card, "order-2", 3001).json["state"] == "spent"

    back = refund(till, card, "order-1", "r1", 999)
    assert (back.status, back.json["balance"], back.json["state"]) == (201, 999, "refunded")
    assert refund(till, card, "order-1", "r1", 999).text == back.text
    over = refund(till, card, "order-1", "r2", 1001)
    assert (over.status, over.problem, over.json["refundable"]) == (409, "over-refund", 1000)
    assert refund(till, card, "order-9", "r1", 1).problem == "gift-card-spend-unknown"

    told = operator.get(f"/v1/gift-cards/{card['id']}").json
    assert [entry["kind"] for entry in told["entries"]] == ["issue", "spend", "spend", "refund"]
    assert [entry["sequence"] for entry in told["entries"]] == [1, 2, 3, 4]
    assert (told["amount"], told["balance"], told["spent"], told["expired"]) == (5000, 999, 4001, 0)


def test_a_card_is_paid_with_in_its_currency(till: Caller, card: dict[str, Any]) -> None:
    assert spend(till, card, "order-1", 1, currency="EUR").problem == "currency-not-accepted"


def test_a_pending_card_waits_for_its_activation(till: Caller, operator: Caller, clock: FakeClock) -> None:
    card = issue(operator, pending=True, valid_days=10)
    told = balance(till, card["code"]).json
    assert (told["state"], told["balance"], told["amount"], told["last_day"]) == ("pending", 0, 5000, None)
    assert spend(till, card, "order-1", 1).problem == "gift-card-pending"
    clock.advance(days=100)
    active = till.post(f"/v1/gift-cards/{card['id']}/activate")
    assert (active.status, active.json["balance"], active.json["last_day"]) == (201, 5000, "2026-06-19")
    assert operator.post(f"/v1/gift-cards/{card['id']}/activate").text == active.text
    assert spend(till, card, "order-1", 1).status == 201
    other = issue(operator, "key-2")
    assert till.post(f"/v1/gift-cards/{other['id']}/activate").problem == "gift-card-active"


def test_a_card_expires_by_its_date_and_a_refund_gives_it_ninety_days(
    till: Caller, card: dict[str, Any], clock: FakeClock
) -> None:
    spend(till, card, "order-1", 2000)
    clock.advance(days=365)
    told = balance(till, card["code"]).json
    assert (told["state"], told["balance"], told["expired"]) == ("expired", 0, 3000)
    gone = spend(till, card, "order-2", 1)
    assert (gone.status, gone.problem, gone.json["last_day"]) == (409, "gift-card-expired", "2027-03-01")
    back = refund(till, card, "order-1", "r1", 500)
    assert (back.json["balance"], back.json["last_day"]) == (500, "2027-05-30")
    assert spend(till, card, "order-2", 500).json["state"] == "spent"


def test_an_operator_blocks_a_card_and_says_why_to_operators_only(till: Caller, operator: Caller, card: dict[str, Any]) -> None:
    spend(till, card, "order-1", 1000)
    path = f"/v1/gift-cards/{card['id']}"
    blocked = operator.post(f"{path}/block", {"reason": "reported stolen"}, key="key-1")
    assert (blocked.status, blocked.json["state"], blocked.json["balance"]) == (201, "blocked", 4000)
    assert spend(till, card, "order-2", 1).problem == "gift-card-blocked"
    assert balance(till, card["code"]).json["state"] == "blocked"
    assert refund(till, card, "order-1", "r1", 1000).json["state"] == "blocked"
    free = operator.post(f"{path}/unblock", {"reason": "found"}, key="key-1")
    assert (free.json["state"], free.json["balance"]) == ("refunded", 5000)
    # A request that was on its way for long does not block the card again.
    assert operator.post(f"{path}/block", {"reason": "reported stolen"}, key="key-1").text == blocked.text
    assert operator.post(f"{path}/block", {"reason": "other"}, key="key-1").problem == "key-reused"
    assert spend(till, card, "order-2", 1).status == 201
    assert [entry["reason"] for entry in operator.get(path).json["entries"] if entry["reason"]] == ["reported stolen", "found"]
    assert [entry["reason"] for entry in till.get(path).json["entries"] if entry["reason"]] == []


def test_the_code_is_shown_to_operators_and_its_end_to_tills(till: Caller, operator: Caller, card: dict[str, Any]) -> None:
    path = f"/v1/gift-cards/{card['id']}"
    spend(till, card, "order-1", 1000)
    assert operator.get(path).json["code"] == card["code"]
    plain = card["code"].replace("-", "")
    for reply in [*till.calls, till.get(path), balance(till, card["code"])]:
        assert card["code"] not in reply.text
        assert plain not in reply.text
    assert till.get(path).json["code_end"] == plain[-4:]


def test_a_card_that_is_not_there_is_unknown(till: Caller, operator: Caller) -> None:
    replies = [
        operator.get("/v1/gift-cards/none"),
        till.post("/v1/gift-cards/none/activate"),
        refund(till, {"id": "none"}, "order-1", "r1", 1),
        operator.post("/v1/gift-cards/none/block", {"reason": "lost"}, key="key-1"),
        balance(till, "0000-0000-0000-0000"),
        spend(till, {"code": "0000000000000000"}, "order-1", 1),
    ]
    assert {(reply.status, reply.problem) for reply in replies} == {(404, "gift-card-unknown")}


def test_a_slip_is_told_as_one_and_is_no_guess(till: Caller, card: dict[str, Any], stage: Stage) -> None:
    code = card["code"].replace("-", "")
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    slips = {
        wrong: "check_symbol",
        code[:-1]: "length",
        "!" + code[1:]: "symbol",
        make_code(random.Random(1), VOUCHER_SYMBOLS): "length",
    }
    before = stage.items()
    for _ in range(10):
        for slip, fault in slips.items():
            reply = balance(till, slip)
            assert (reply.status, reply.problem, reply.json["fault"]) == (422, "code-malformed", fault)
            assert reply.json["symbols"] == 16
    assert stage.items() == before
    assert balance(till, card["code"]).status == 200


def test_ten_thousand_guesses_find_nothing_and_stop_nobody_else(till: Caller, card: dict[str, Any], clock: FakeClock) -> None:
    guesser, rng = Caller(POS, subject="till-2"), random.Random(8)
    told: Counter[tuple[int, str]] = Counter()
    for number in range(10_000):
        code = make_code(rng, CARD_SYMBOLS)
        reply = spend(guesser, {"code": code}, "order-1", 1) if number % 2 else balance(guesser, code)
        told[reply.status, reply.problem] += 1
        if reply.status == 429:
            assert reply.headers["Retry-After"] in ("900", ["900"])
            assert reply.json["retry_after"] == 900
        guesser.calls.clear()
        if number % 1000 == 0:
            assert balance(till, card["code"]).status == 200
    assert told == {(404, "gift-card-unknown"): 20, (429, "too-many-attempts"): 9980}
    # Not even the right code, until the time is over.
    assert balance(guesser, card["code"]).status == 429
    clock.advance(minutes=15)
    assert balance(guesser, card["code"]).status == 200


def test_a_sandboxs_standing_clock_locks_nobody_out(make_stage: Any, clock: FakeClock) -> None:
    """Misses are counted in real time, as tokens are; cards live in the stage's time."""
    stage = make_stage(sandbox=True)
    stage.activate(grocer.version())
    operator, till = Caller("laurel/operator", subject="operator-1"), Caller(POS)
    assert operator.put("/v1/test-clock", {"now": "2027-01-01T12:00:00Z"}).status == 200
    card = issue(operator, valid_days=2)
    for _ in range(20):
        balance(till, "0000-0000-0000-0000")
    assert balance(till, card["code"]).status == 429
    clock.advance(minutes=15)
    assert balance(till, card["code"]).json["last_day"] == "2027-01-02"


def refund_order(till: Caller, number: str, amount: int) -> Reply:
    body = {"refund_id": number, "occurred_at": "2026-03-02T17:00:00Z", "amount": amount}
    return till.post("/v1/purchases/order-1/refunds", body)


def test_the_cards_share_comes_back_with_the_refund_of_the_order(till: Caller, card: dict[str, Any]) -> None:
    """A third of the order was paid with the card; the floor of the cumulative share goes back, never more than was paid."""
    assert till.post("/v1/purchases", grocer.order("order-1", 3000)).status == 201
    spend(till, card, "order-1", 1000)
    told = [refund_order(till, number, amount).json["returned"] for number, amount in (("r1", 100), ("r2", 100), ("r3", 100))]
    assert [[back["amount"] for back in returned] for returned in told] == [[33], [33], [34]]
    assert balance(till, card["code"]).json["balance"] == 4100
    # What the till gives back by itself counts, under the same number too.
    assert refund(till, card, "order-1", "r1", 500).status == 201
    assert refund_order(till, "r4", 900).json["returned"] == []
    assert balance(till, card["code"]).json["balance"] == 4600
    refund_order(till, "r5", 1800)
    assert balance(till, card["code"]).json["balance"] == 5000
    assert refund(till, card, "order-1", "r9", 1).problem == "over-refund"


def test_a_card_bought_with_points_is_a_card_like_any_other(till: Caller, operator: Caller) -> None:
    reward = {
        "name": "Gift card",
        "benefit": {"kind": "gift_card", "amount": 2500, "valid_days": 30},
        "currency": "points",
        "price": {"points": 20},
        "lapse_days": None,
    }
    assert operator.put("/v1/rewards/card25", reward).status == 200
    assert till.post("/v1/purchases", grocer.order("order-1", 3000)).status == 201
    bought = till.post(f"/v1/members/{grocer.ADA}/redemptions", {"reward_id": "card25"}, key="key-1")
    assert bought.status == 201, bought.text
    told = operator.get(f"/v1/gift-cards/{bought.json['gift_card_id']}").json
    assert (told["balance"], told["last_day"], told["member_id"]) == (2500, "2026-03-31", grocer.ADA)
    assert told["source"] == bought.json["redemption_id"]
    assert spend(till, told, "order-2", 2500).json["state"] == "spent"
