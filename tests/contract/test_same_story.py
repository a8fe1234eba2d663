"""The same story told to the ledger in memory and to MiniStack: every answer, refusal, wallet and total is the same."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from functions.earning.earn_points import record_purchase
from functions.redemption import redeem_reward
from shared.domain.entry import Entry, EntryKey, EntryKind, HistoryRow, MemberId, closure_key
from shared.domain.errors import LaurelError
from shared.domain.purchase import Line
from tests.contract.counter import DONATION, FIVE_OFF, GIFT_CARD, Counter
from tests.contract.ledgers import Place, closing, dynamo_place, memory_place, store_of
from tests.engines.engine import Engine
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB
from tests.fakes.memory_catalog import FixedPrograms

ACTS = 80
SEEDS = 10
PROGRAM = {
    "currencies": [{"code": "points", "pending_days": 3, "expiry": {"after": 40, "rounded_to": "day"}}],
    "earning_rules": [grocer.earning_rule(points=3, minor_units=200)],
}


class Story:
    """Random acts of two members at a counter, the same for the same seed; what each led to, in words."""

    def __init__(self, place: Place, clock: FakeClock, seed: int) -> None:
        self.clock, self.dice = clock, random.Random(seed)
        clawback = self.dice.choice(["debt", "forgive"])
        self.counter = Counter(place, FixedPrograms(grocer.version(**PROGRAM, clawback=clawback)), random.Random(seed))
        self.redeemed: list[Entry] = []
        self.orders = 0
        clock.instant = grocer.NOON
        for member in (ADA, BOB):
            place.open(member, grocer.OPENED)
        self.counter.offer(stock=1, lapse_days=5, limits={"ever": 9, "per_period": {"period": "week", "count": 2}})
        self.counter.offer(FIVE_OFF, lapse_days=None, limits={"ever": 2})
        self.counter.offer(DONATION, limits={"ever": 4})
        self.counter.offer(GIFT_CARD, stock=2)

    def told(self) -> list[str]:
        """Live through the acts; each with its outcome, and the state of everything at the end."""
        acts: list[Callable[[], object]] = [self.earn, self.earn, self.redeem, self.redeem, self.use, self.use, self.cancel]
        acts += [self.refund, self.refund, self.wait, self.repeat]
        found = [self.outcome(self.dice.choice(acts)) for _ in range(ACTS)]
        if self.dice.random() < 0.3:
            found.append(self.outcome(self.close))
            found += [self.outcome(act) for act in (self.refund, self.cancel, self.earn)]
        assert self.counter.breaks(ADA, BOB) == []
        return [*found, *map(repr, self.state())]

    def outcome(self, act: Callable[[], object]) -> str:
        """What an act led to: an entry whole, or a refusal with its data."""
        try:
            return f"{act.__name__}: {act()}"  # type: ignore[attr-defined]
        except LaurelError as refused:
            return f"{act.__name__}: {type(refused).__name__} {vars(refused)}"  # type: ignore[attr-defined]

    def state(self) -> list[object]:
        """All that can be read."""
        counter, ledger = self.counter, self.counter.ledger
        orders = [self.outcome(lambda at=number: ledger.order(f"order-{at}")) for number in range(1, self.orders + 1)]
        wallets = [found(member) for member in (ADA, BOB) for found in (counter.wallet, counter.purse, counter.entries)]
        posted = [ledger.view(member).wallet for member in (ADA, BOB)]
        rewards = ["mug", "five_off", "trees", "card"]
        stocks = counter.place.rewards.stock(rewards)
        given = counter.place.given("forest", counter.day)
        # The index brings rows, memory whole entries: both have what a row has.
        rows = [
            [getattr(row, part.name) for part in fields(HistoryRow)]
            for member in (ADA, BOB)
            for row in ledger.rows(ledger.view(member).wallet)
        ]
        return [orders, wallets, posted, [stocks[reward] for reward in rewards], given, rows]

    def someone(self) -> MemberId:
        return self.dice.choice([ADA, ADA, BOB])

    def earn(self) -> object:
        self.orders += 1
        late = self.dice.choice([0, 0, 0, 2, 30, 45, 401])
        lines = tuple(Line(f"sku-{n}", 1, self.dice.randint(0, 19999)) for n in range(self.dice.randint(1, 3)))
        paid = self.dice.choice([None, None, 0, 150]) if sum(line.amount for line in lines) > 150 else None
        purchase = grocer.purchase(
            f"order-{self.orders}",
            member_id=self.someone(),
            lines=lines,
            occurred_at=self.clock.instant - timedelta(days=late),
            paid_with_rewards=paid,
        )
        return record_purchase(purchase, ledger=self.counter.ledger, programs=self.counter.programs)

    def redeem(self) -> object:
        reward = self.dice.choice(["mug", "five_off", "trees", "trees", "card"])
        name, member = f"key-{self.dice.randint(1, 99)}", self.someone()
        # All that there is, so that a refund afterwards leaves a debt; or a few.
        some = max(5, self.dice.choice([self.dice.randint(5, 60), self.counter.purse(member).active]))
        entry = self.counter.redeem(name, reward, member, points=some if reward == "trees" else None)
        self.redeemed.append(entry)
        return entry

    def some_redemption(self) -> Entry:
        if not self.redeemed:
            raise LaurelError
        return self.dice.choice(self.redeemed[-4:])

    def use(self) -> object:
        redemption = self.some_redemption()
        member = self.dice.choice([redemption.member, redemption.member, BOB])
        return self.counter.use(redemption, self.some_order(), self.dice.choice([None, 100]), member)

    def cancel(self) -> object:
        return self.counter.cancel(self.some_redemption())

    def some_order(self) -> str:
        return f"order-{self.dice.randint(max(1, self.orders - 5), max(1, self.orders))}"

    def refund(self) -> object:
        wanted: dict[str, Any] = self.dice.choice(
            [{}, {"amount": self.dice.randint(0, 3000)}, {"lines": ((1, None),)}, {"lines": ((2, 50), (1, 50))}]
        )
        return self.counter.refund(self.some_order(), f"r{self.dice.randint(1, 4)}", **wanted)

    def wait(self) -> object:
        return self.clock.advance(days=self.dice.choice([0, 1, 2, 5, 15]), hours=self.dice.randint(0, 11))

    def repeat(self) -> object:
        redemption = self.some_redemption()
        return self.counter.redeem(redemption.key.rpartition(":")[2], "mug", redemption.member)

    def close(self) -> object:
        return self.counter.ledger.decide_and_post(closure_key(ADA), ADA, b"c" * 32, closing)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_same_story_ends_the_same_in_memory_and_in_the_table(
    ministack_engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    told = []
    for place in (memory_place(clock), dynamo_place(store_of(ministack_engine), clock)):
        numbers = itertools.count(1)
        monkeypatch.setattr(redeem_reward, "ULID", lambda numbers=numbers: f"01HCARD{next(numbers):019d}")
        told.append(Story(place, clock, seed).told())
    for memory, table in zip(*told, strict=True):
        assert table == memory


def test_the_stories_meet_every_kind_of_entry_and_refusal(clock: FakeClock) -> None:
    words = "\n".join(line for seed in range(SEEDS) for line in Story(memory_place(clock), clock, seed).told())
    kinds = {kind for kind in EntryKind if f"EntryKind.{kind.name}" in words}
    assert kinds >= {
        EntryKind.PURCHASE,
        EntryKind.REFUND,
        EntryKind.REDEMPTION,
        EntryKind.USE,
        EntryKind.CANCELLATION,
        EntryKind.CLOSURE,
    }
    for met in (
        "PointsShortError",
        "SoldOutError",
        "LimitReachedError",
        "VoucherUsedError",
        "VoucherCancelledError",
        "VoucherLapsedError",
        "VoucherForeignError",
        "OverRefundError",
        "KeyReusedError",
        "TooLateError",
        "MemberClosedError",
        "Forgiveness(",
        "Returned(",
        "Hold(",
        "Account.DEBT",
        "Account.EXPIRED",
    ):
        assert met in words, met
    assert EntryKey("purchase:order-1") in words
