"""A ledger under contract: each engine's, with what the suite needs beside the port."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.adapters.dynamodb.alarms import DynamoAlarms
from shared.adapters.dynamodb.attempts import DynamoAttempts
from shared.adapters.dynamodb.budgets import DynamoBudgets
from shared.adapters.dynamodb.campaigns import DynamoCampaigns
from shared.adapters.dynamodb.gift_cards import DynamoGiftCards
from shared.adapters.dynamodb.items import wallet_item
from shared.adapters.dynamodb.ledger import DynamoLedger
from shared.adapters.dynamodb.members import DynamoMembers
from shared.adapters.dynamodb.rewards import DynamoRewards
from shared.adapters.dynamodb.runs import DynamoRuns
from shared.adapters.dynamodb.store import Backoff, Outcome, Store
from shared.adapters.dynamodb.table import charity_key, tally_key
from shared.domain.brought import is_counter
from shared.domain.decision import Decision, View
from shared.domain.digest import request_hash
from shared.domain.earning import earn
from shared.domain.entry import Entry, EntryKey, MemberId, purchase_key
from shared.domain.member import Enrolment, Profile, close
from shared.domain.purchase import Purchase
from shared.domain.referring import Joining
from shared.domain.wallet import Wallet
from shared.ports import Alarms, Attempts, Budgets, Campaigns, Clock, Decide, GiftCards, Ledger, Members, Rewards, Runs
from tests.engines.engine import Engine
from tests.fakes import grocer
from tests.fakes.memory_campaigns import MemoryAlarms, MemoryBudgets, MemoryCampaigns, MemoryRuns
from tests.fakes.memory_catalog import MemoryCodes, MemoryGiftCards, MemoryRewards
from tests.fakes.memory_ledger import CharityTotals, MemoryLedger
from tests.fakes.memory_members import MemoryMembers

Open = Callable[[MemberId, datetime], None]


@dataclass(frozen=True)
class Place:
    """A ledger with what lies beside it, and the ways to give a member a wallet in it.

    `given` tells a charity's totals of a day's month: points, their value, and the number of gifts; `tally` what is counted of
    whom a member or a campaign brought.
    """

    ledger: Ledger
    open: Open
    clock: Clock
    rewards: Rewards
    cards: GiftCards
    codes: Attempts
    given: Callable[[str, date], tuple[int, int, int]]
    enrol: Callable[[Profile, bytes, Joining | None], Enrolment]
    tally: Callable[[str], dict[str, int]]
    members: Members
    alarms: Alarms
    campaigns: Campaigns
    runs: Runs
    budgets: Budgets


def patient(slept: list[Any] | None = None) -> Backoff:
    """A backoff that notes the seconds it would sleep, and does not sleep."""
    return Backoff(sleep=(slept if slept is not None else []).append, rng=random.Random(1))


def store_of(engine: Engine, client: Any = None, backoff: Backoff | None = None) -> Store:
    """The product's store over an engine's table."""
    return Store(client or engine.client, engine.table, backoff or patient())


def memory_place(clock: Clock) -> Place:
    """The ledger in memory."""
    return place_over(MemoryLedger(clock))


def place_over(ledger: MemoryLedger) -> Place:
    """A ledger in memory, and what lies beside it."""

    def given(charity: str, day: date) -> tuple[int, int, int]:
        totals = ledger.charities.get((charity, f"{day:%Y%m}", "USD"), CharityTotals())
        return totals.points, totals.value, totals.gifts

    rewards, cards, codes = MemoryRewards(ledger), MemoryGiftCards(ledger), MemoryCodes(ledger)

    def tally(source: str) -> dict[str, int]:
        return counters(ledger.tallies.get(source))

    return Place(
        ledger,
        ledger.open,
        ledger.clock,
        rewards,
        cards,
        codes,
        given,
        ledger.enrol,
        tally,
        MemoryMembers(ledger),
        MemoryAlarms(ledger),
        MemoryCampaigns(ledger),
        MemoryRuns(ledger),
        MemoryBudgets(ledger),
    )


def dynamo_place(store: Store, clock: Clock) -> Place:
    """The product's ledger."""

    def given(charity: str, day: date) -> tuple[int, int, int]:
        item = store.get(charity_key(charity, day, "USD")) or {}
        return int(item.get("points", 0)), int(item.get("value", 0)), int(item.get("gifts", 0))

    rewards, cards, codes = DynamoRewards(store), DynamoGiftCards(store, clock), DynamoAttempts(store, clock)
    ledger = DynamoLedger(store, clock)

    def tally(source: str) -> dict[str, int]:
        return counters({name: count for name, count in (store.get(tally_key(source)) or {}).items() if is_counter(name)})

    members = DynamoMembers(store, ledger)
    return Place(
        ledger,
        opener(store),
        clock,
        rewards,
        cards,
        codes,
        given,
        members.enrol,
        tally,
        members,
        DynamoAlarms(store),
        DynamoCampaigns(store),
        DynamoRuns(store),
        DynamoBudgets(store),
    )


def counters(found: Mapping[str, int] | None) -> dict[str, int]:
    """Counters that are not zero."""
    return {name: int(count) for name, count in (found or {}).items() if count}


def opener(store: Store) -> Open:
    """Writes the empty wallet that an enrolment makes."""

    def open_wallet(member: MemberId, enrolled_at: datetime) -> None:
        result = store.transact([store.put(wallet_item(Wallet(member=member, enrolled_at=enrolled_at)))])
        assert result.outcome is Outcome.DONE

    return open_wallet


def earning(purchase: Purchase, program_version: int = 1) -> Decide:
    """The decision that the grocer makes on an order."""
    versions = [grocer.version(program_version)]
    return lambda view: earn(view, purchase, versions)


def closing(view: View) -> Decision:
    """The decision that a member leaves."""
    return Decision(*close(view.wallet, now=view.now, zone=grocer.ZONE, history=view.history))


def record(ledger: Ledger, purchase: Purchase, decide: Decide | None = None) -> Entry:
    """Send an order to a ledger; `decide` stands in for the grocer's decision."""
    key, member = purchase_key(purchase.order_id), MemberId(purchase.member_id)
    return ledger.decide_and_post(key, member, request_hash(purchase), decide or earning(purchase))


def never(view: View) -> Any:
    """A decision that must not be asked for."""
    raise AssertionError(f"decided again at sequence {view.wallet.sequence}")


def keys(ledger: Ledger, member: MemberId) -> list[EntryKey]:
    """The keys of a member's history, newest first."""
    return [row.key for row in ledger.rows(ledger.view(member).wallet)]
