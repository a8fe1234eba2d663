"""Members, programs and the clock where DynamoDB is busy or its answer is lost: done once, and told as done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.dynamodb.clock import TestClock
from shared.adapters.dynamodb.ledger import DynamoLedger
from shared.adapters.dynamodb.members import DynamoMembers
from shared.adapters.dynamodb.programs import DynamoPrograms
from shared.adapters.dynamodb.secrets import Secret
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import CURSOR_SECRET
from shared.domain.digest import request_hash
from shared.domain.entry import Entry, closure_key
from shared.domain.errors import TryAgainError
from shared.domain.member import Enrolment, Profile
from tests.contract.ledgers import closing, record, store_of
from tests.engines.engine import Engine
from tests.engines.faults import Fault, FaultyWire, faulty
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, NOON, purchase

WRITE = "TransactWriteItems"
UNHEARD = [Fault.RESPONSE_LOST, Fault.SERVER_ERROR_AFTER]
UNDONE = [Fault.REQUEST_LOST, Fault.CONFLICT, Fault.THROTTLED, Fault.THROTTLED_IN_TRANSACTION]
ADAS = Profile(member=ADA, customer_id="customer-ada", enrolled_at=NOON, email="ada@example.com")


@pytest.fixture
def store(ministack_engine: Engine) -> Store:
    """The product's store, on MiniStack alone: faults need a transport of our own."""
    return store_of(ministack_engine)


@pytest.fixture
def wire(ministack_engine: Engine) -> Iterator[FaultyWire]:
    """The wire to the table, which breaks as told."""
    with faulty(ministack_engine) as wire:
        yield wire


@pytest.fixture
def members(store: Store, clock: FakeClock) -> DynamoMembers:
    return DynamoMembers(store, DynamoLedger(store, clock))


def enrol(members: DynamoMembers) -> Enrolment:
    return members.enrol(ADAS, request_hash("customer-ada"))


def speak_german(profile: Profile) -> Profile:
    """A change that finds itself done already, as every change of the product's does."""
    return profile if profile.locale == "de-DE" else replace(profile, locale="de-DE", version=profile.version + 1)


def close_ada(members: DynamoMembers) -> Entry:
    digest = request_hash("closure", ADA)
    return members.close(ADA, closure_key(ADA), digest, closing)


@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_an_enrolment_happens_once_and_gets_its_receipt(members: DynamoMembers, wire: FaultyWire, fault: Fault) -> None:
    wire.next(WRITE, fault)
    assert enrol(members) == Enrolment(ADA, "customer-ada", NOON)
    assert enrol(members) == Enrolment(ADA, "customer-ada", NOON)


@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_a_change_happens_once(members: DynamoMembers, wire: FaultyWire, fault: Fault) -> None:
    enrol(members)
    wire.next(WRITE, fault)
    assert members.update(ADA, speak_german) == members.profile(ADA) == replace(ADAS, locale="de-DE", version=2)


@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_a_closing_happens_once_and_answers_with_its_entry(
    members: DynamoMembers, wire: FaultyWire, clock: FakeClock, fault: Fault
) -> None:
    enrol(members)
    record(members.ledger, purchase())
    wire.next(WRITE, fault)
    entry = close_ada(members)
    assert members.ledger.entry(closure_key(ADA)) == entry
    assert (members.ledger.view(ADA).wallet.sequence, members.profile(ADA).version) == (2, 2)
    clock.advance(days=1)
    assert close_ada(members) == entry


@pytest.mark.parametrize("fault", UNHEARD)
def test_a_program_whose_answer_was_lost_is_kept_and_its_sender_asks_again(
    store: Store, wire: FaultyWire, fault: Fault
) -> None:
    programs = DynamoPrograms(store, 60)
    wire.next(WRITE, fault)
    with pytest.raises(TryAgainError):
        programs.add(grocer.version())
    assert programs.latest() == (grocer.version(),)


@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_a_clock_is_set_once(store: Store, wire: FaultyWire, clock: FakeClock, fault: Fault) -> None:
    sandbox_clock = TestClock(store, clock)
    for later in (NOON, NOON + timedelta(days=1)):
        wire.next(WRITE, fault)
        assert sandbox_clock.move_to(later) == sandbox_clock.now() == later


@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_the_cursors_key_is_made_once(store: Store, wire: FaultyWire, fault: Fault) -> None:
    wire.next(WRITE, fault)
    assert Secret(store, CURSOR_SECRET).value() == Secret(store, CURSOR_SECRET).value()
