"""Each promise about spending and undoing is broken by hand once, to see that it is looked at."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from shared.domain.entry import MemberId
from tests.engines.engine import Engine
from tests.engines.fixtures import ministack_engine
from tests.meter.shop import NOW, open_shop
from tests.simulation.invariants import Item, ledger_violations
from tests.simulation.promises import Given, spending_violations

__all__ = ["ministack_engine"]


@dataclass
class Rest:
    """A table at rest, the answers that led there, and the orders that were sent."""

    items: list[Item]
    given: Given
    orders: dict[str, MemberId]

    def broken(self) -> list[str]:
        """Every broken promise."""
        return spending_violations(self.items, self.given, self.orders, NOW)

    def at(self, sk: str, pk: str = "") -> Item:
        """The first item with this sort key whose pk contains `pk`."""
        return next(item for item in self.items if item["sk"]["S"] == sk and pk in item["pk"]["S"])

    def lose(self, sk: str, pk: str = "") -> None:
        """Take an item out of the table."""
        self.items.remove(self.at(sk, pk))


@pytest.fixture
def rest(ministack_engine: Engine) -> Iterator[Rest]:
    """A voucher that paid an order, of which a part was refunded; one that was cancelled, one that is open, one refused."""
    with open_shop(ministack_engine) as shop:
        member = shop.enrol(1)
        for order in ("first", "paid"):
            shop.buy(member, order, lines=50)
        shop.use(shop.redeem(member, "used", 20, reward="few"), "paid")
        shop.cancel(shop.redeem(member, "cancelled", 20, reward="few"))
        shop.redeem(member, "open", 20, reward="few")
        body = {"reward_id": "few", "points": 10**5, "order_amount": 10**9}
        shop.post(f"/v1/members/{member}/redemptions", body, key="refused", status=409)
        shop.refund("paid", "r-1", amount=5_000)
        items = ministack_engine.client.scan(TableName=ministack_engine.table, ConsistentRead=True)["Items"]
        orders = {"first": member, "paid": member, "warm-up": MemberId("01ARZ3NDEKTSV4RRFFQ69G5F00")}
        yield Rest(copy.deepcopy(items), shop.given, orders)


def test_a_sound_world_breaks_nothing(rest: Rest) -> None:
    assert rest.broken() == []
    assert ledger_violations(rest.items) == []


def sell_one_too_many(rest: Rest) -> None:
    rest.at("STOCK")["total"] = {"N": "1"}


def forget_a_hold(rest: Rest) -> None:
    rest.at("STOCK")["held"] = {"M": {}}


def lose_the_refusal(rest: Rest) -> None:
    rest.lose("ENTRY", "#refused")


def lose_a_cancellation(rest: Rest) -> None:
    rest.lose("CANCEL")


def lose_a_code(rest: Rest) -> None:
    rest.lose("CODE")


def forget_who_paid(rest: Rest) -> None:
    [tender] = [item for item in rest.items if item["sk"]["S"].startswith("TENDER#")]
    rest.items.remove(tender)


def use_what_was_cancelled(rest: Rest) -> None:
    used = copy.deepcopy(rest.at("USE"))
    used["pk"] = rest.at("CANCEL")["pk"]
    rest.items.append(used)


def debit_whoever_was_refused(rest: Rest) -> None:
    rest.at("ENTRY", "#refused").update(copy.deepcopy({k: v for k, v in rest.at("ENTRY", "#open").items() if k != "pk"}))


def refund_more_than_there_was(rest: Rest) -> None:
    refunded = rest.at("REFUND#r-1")["subject"]["M"]
    refunded["total"] = {"N": str(10**6)}


def answer_otherwise(rest: Rest) -> None:
    event, answer = rest.given[-1]
    rest.given.append((event, replace(answer, body=answer.body.replace("5000", "4999"))))


def fail_for_good(rest: Rest) -> None:
    event, answer = rest.given[-1]
    rest.given.append((event, replace(answer, status=500)))


def give_to_a_charity(rest: Rest) -> None:
    totals = {"points": {"N": "5"}, "value": {"N": "5"}, "gifts": {"N": "1"}, "money": {"S": "USD"}}
    rest.items.append({"pk": {"S": "CHARITY#zoo"}, "sk": {"S": "MONTH#202603"}, **totals})


def lose_an_order(rest: Rest) -> None:
    rest.lose("PURCHASE", "first")


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (sell_one_too_many, "few is oversold"),
        (forget_a_hold, "the stock says"),
        (lose_the_refusal, "has neither a redemption nor a refusal"),
        (lose_a_cancellation, "in effect are"),
        (lose_a_code, "codes"),
        (forget_who_paid, "orders know of"),
        (use_what_was_cancelled, "was used and cancelled"),
        (debit_whoever_was_refused, "was answered [409]"),
        (refund_more_than_there_was, "after 1000000"),
        (answer_otherwise, "was answered in 2 ways"),
        (fail_for_good, "was answered 500"),
        (give_to_a_charity, "was donated"),
        (lose_an_order, "have entries"),
    ],
)
def test_a_broken_promise_is_seen(rest: Rest, tamper: Callable[[Rest], Any], said: str) -> None:
    tamper(rest)
    assert any(said in sentence for sentence in rest.broken()), json.dumps(rest.broken(), indent=1)
