"""How often referrals go to the table and what they write there, whatever the number of friends; and what lost answers do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.referrals.rule_referral import Verb
from shared.domain.entry import Entry, MemberId
from shared.domain.errors import TryAgainError
from shared.domain.fingerprint import Fingerprint, FingerprintKind
from tests.contract.counter import Counter
from tests.contract.ledgers import dynamo_place, store_of
from tests.contract.test_referrals import FAY, TERMS, buy, enrolled, friend_number, told
from tests.contract.test_round_trips import GET, QUERY, READ, UNDONE, UNHEARD, WRITE, trips
from tests.engines.engine import Engine
from tests.engines.faults import Fault, FaultyWire, faulty
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, CAT
from tests.fakes.memory_catalog import FixedPrograms
from tests.meter.meter import Meter

VELOCITY = {"abuse": {"velocity": [{"per": "day", "friends_max": 1000}]}}
KNOWN = {
    "email": "fay@example.com",
    "phone": "+12015550123",
    "seen_with": (Fingerprint(FingerprintKind.DEVICE, "device-of-fay"), Fingerprint(FingerprintKind.PAYMENT, "card-of-fay")),
}
"""A friend of whom the shop knows all that it can."""


@pytest.fixture
def counter(ministack_engine: Engine, clock: FakeClock) -> Iterator[Counter]:
    """The shop's example on MiniStack, with a limit on how fast friends join; the books balance at the end."""
    terms = {**TERMS, **VELOCITY}
    counter = Counter(dynamo_place(store_of(ministack_engine), clock), FixedPrograms(grocer.version(referral=terms)))
    for member in (ADA, BOB, CAT):
        counter.place.open(member, grocer.OPENED)
    # A stage makes the key of its fingerprints once.
    counter.join(friend_number(500), CAT, email="first@example.com")
    yield counter
    assert counter.proven(ADA, BOB, CAT, *([FAY] if enrolled(counter, FAY) else [])) == []


@pytest.fixture
def wire(ministack_engine: Engine, counter: Counter) -> Iterator[FaultyWire]:
    """The wire between counter and table, which breaks as told."""
    with faulty(ministack_engine) as wire:
        yield wire


# ---- round trips


def test_joining_by_a_code_is_a_batch_and_a_transaction(counter: Counter, wire: FaultyWire) -> None:
    counter.join(FAY, ADA, **KNOWN)
    assert trips(wire) == [READ, WRITE]
    counter.join(FAY, ADA, **KNOWN)
    # The claim of the customer id fails, and says who enrolled.
    assert trips(wire) == [READ, WRITE, GET]


def test_an_order_that_counts_nothing_is_as_any_other(counter: Counter, wire: FaultyWire) -> None:
    counter.join(FAY, ADA, **KNOWN)
    trips(wire)
    buy(counter, "small", 2499)
    assert trips(wire) == [READ, WRITE]
    buy(counter)
    trips(wire)
    buy(counter, "after")
    assert trips(wire) == [READ, WRITE]


def test_the_order_that_counts_reads_twice_more(counter: Counter, wire: FaultyWire) -> None:
    counter.join(FAY, ADA, **KNOWN)
    trips(wire)
    buy(counter)
    assert trips(wire) == [READ, READ, READ, WRITE]
    buy(counter)
    assert trips(wire) == [READ]


def test_a_friend_of_whom_nothing_is_known_saves_a_read(counter: Counter, wire: FaultyWire) -> None:
    counter.join(FAY, ADA)
    trips(wire)
    buy(counter)
    assert trips(wire) == [READ, READ, WRITE]


def test_each_merge_on_the_way_is_a_read_more(counter: Counter, wire: FaultyWire) -> None:
    counter.join(FAY, ADA)
    counter.leave(ADA, BOB)
    counter.leave(BOB, CAT)
    trips(wire)
    buy(counter)
    assert trips(wire) == [READ, READ, READ, READ, WRITE]


def test_a_refund_that_undoes_reads_both_sides_and_folds_both(counter: Counter, wire: FaultyWire) -> None:
    counter.join(FAY, ADA, **KNOWN)
    buy(counter)
    trips(wire)
    counter.refund("first", amount=100)
    assert trips(wire) == [QUERY, READ, READ, QUERY, WRITE]
    counter.refund("first", "r2", amount=4000)
    assert trips(wire) == [QUERY, READ, READ, QUERY, QUERY, WRITE]
    counter.refund("first", "r2", amount=4000)
    assert trips(wire) == [QUERY]
    counter.refund("first", "r3")
    assert trips(wire) == [QUERY, READ, QUERY, WRITE]


def test_a_ruling_is_two_trips_and_one_that_awards_three(counter: Counter, wire: FaultyWire) -> None:
    device = (Fingerprint(FingerprintKind.DEVICE, "the-same-device"),)
    for number, friend in enumerate((friend_number(0), FAY, friend_number(1))):
        counter.join(friend, (BOB, ADA, ADA)[number], seen_with=device)
    buy(counter)
    trips(wire)
    counter.say(FAY, Verb.PASS)
    assert trips(wire) == [READ, READ, WRITE]
    counter.say(friend_number(1), Verb.REJECT)
    assert trips(wire) == [READ, WRITE]
    counter.say(FAY, Verb.VOID)
    assert trips(wire) == [READ, READ, QUERY, QUERY, WRITE]
    counter.say(FAY, Verb.VOID)
    assert trips(wire) == [READ]


# ---- what is written, whatever the number of friends


Act = Callable[[Counter, MemberId], object]
ACTS: dict[str, Act] = {
    "join": lambda counter, friend: counter.join(friend, ADA, phone=f"+1201{friend[-7:]}"),
    "small order": lambda counter, friend: buy(counter, f"small-{friend}", 2499, friend=friend),
    "order that counts": lambda counter, friend: buy(counter, f"large-{friend}", friend=friend),
    "part given back": lambda counter, friend: counter.refund(f"large-{friend}", amount=100),
    "refund that undoes": lambda counter, friend: counter.refund(f"large-{friend}", "r2"),
    "order after it": lambda counter, friend: buy(counter, f"after-{friend}", friend=friend),
}


def test_the_hundredth_friend_costs_as_much_as_the_first(counter: Counter, ministack_engine: Engine) -> None:
    costs, brought = [], 0
    for friends in (1, 10, 100):
        for number in range(brought, friends):
            counter.join(friend_number(number), ADA)
            buy(counter, f"order-{number}", friend=friend_number(number))
        brought = friends
        costs.append(_costs(counter, ministack_engine, MemberId(f"01HNEXT{friends:019d}")))
    assert costs[0] == {
        # The profile comes into the roster and into the index of alarms.
        "join": (2, 18, 3),
        # The wallet's first points are gone some day: its first alarm.
        "small order": (2, 4, 2),
        # The friend's award waits two weeks: the alarm moves earlier, which is two writes of its index.
        "order that counts": (4, 18, 7),
        "part given back": (5, 4, 1),
        "refund that undoes": (6, 16, 4),
        # Points that are gone later than the alarm rings leave it alone.
        "order after it": (2, 4, 1),
    }
    assert costs[1:] == [costs[0], costs[0]]


def _costs(counter: Counter, engine: Engine, friend: MemberId) -> dict[str, tuple[int, int, int]]:
    """Round trips, write units and those of indexes, for all that a friend does one after the other."""
    found = {}
    for name, act in ACTS.items():
        with Meter(engine.client, table=engine.table) as meter:
            act(counter, friend)
        found[name] = (meter.round_trips, meter.write_units, meter.index_write_units)
    return found


# ---- lost answers


@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_an_enrolment_by_a_code_happens_once(counter: Counter, wire: FaultyWire, fault: Fault) -> None:
    wire.next(WRITE, fault)
    receipt = counter.join(FAY, ADA, **KNOWN)
    assert counter.join(FAY, ADA, **KNOWN) == receipt
    assert counter.place.tally(ADA) == {"joined": 1}
    assert len(counter.entries(FAY)) == 1


def qualify(counter: Counter) -> Entry:
    return buy(counter)


def undo(counter: Counter) -> Entry:
    return counter.refund("first", amount=4000)


def void(counter: Counter) -> Entry:
    return counter.say(FAY, Verb.VOID)


@pytest.mark.parametrize("act", [qualify, undo, void])
@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_what_moves_both_sides_happens_once(counter: Counter, wire: FaultyWire, fault: Fault, act: Any) -> None:
    counter.join(FAY, ADA, **KNOWN)
    if act is not qualify:
        buy(counter)
    wire.next(WRITE, fault)
    entry = act(counter)
    assert act(counter) == entry
    counts = {"joined": 1, "qualified": 1, "awarded": 1}
    given = {"given:advocate:points": 500, "given:friend:points": 250}
    assert counter.place.tally(ADA) == {**counts, **(given if act is qualify else {"cancelled": 1})}
    assert told(counter, ADA) == ((0, 500, 0) if act is qualify else (0, 0, 0))


@pytest.mark.parametrize("act", [qualify, undo, void])
def test_after_the_answer_was_lost_the_same_request_later_meets_what_happened(
    counter: Counter, wire: FaultyWire, act: Any
) -> None:
    counter.join(FAY, ADA)
    if act is not qualify:
        buy(counter)
    before = told(counter, ADA)
    wire.next(WRITE, Fault.RESPONSE_LOST)
    # What is read first after the transaction is lost as well: the till gives up, and asks again later.
    first, reads = (QUERY, 3) if act is undo else (READ, 2)
    wire.next(first, *[None] * reads, Fault.REQUEST_LOST)
    with pytest.raises(TryAgainError):
        act(counter)
    assert told(counter, ADA) != before
    sequences = [len(counter.entries(member)) for member in (ADA, FAY)]
    assert act(counter) == act(counter)
    assert [len(counter.entries(member)) for member in (ADA, FAY)] == sequences
    assert counter.place.tally(ADA)["awarded"] == 1
