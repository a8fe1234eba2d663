"""Referrals where many want something at once: nobody is brought twice, and no ceiling or budget gives more than it has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from functions.referrals.rule_referral import Verb
from shared.domain.entry import Entry, MemberId, award_key, of_advocate, referral_key, ruling_key
from shared.domain.errors import LaurelError
from shared.domain.subject import Award, Referral
from tests.contract.counter import Counter
from tests.contract.ledgers import Place, dynamo_place, memory_place, store_of
from tests.contract.test_races import Act, at_once
from tests.contract.test_referrals import FAY, STORAGE, budgeted, buy, counter, friend_number, join_twice, opened, spent, told
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB

__all__ = ["budgeted", "counter", "opened"]


@pytest.fixture(params=["memory", "ministack"])
def place(request: pytest.FixtureRequest, clock: FakeClock) -> Place:
    """A ledger that threads can use at once, where Ada and Bob have empty wallets."""
    found = memory_place(clock)
    if request.param == "ministack":
        found = dynamo_place(store_of(request.getfixturevalue("ministack_engine")), clock)
    for member in (ADA, BOB):
        found.open(member, grocer.OPENED)
    return found


def test_two_advocates_who_claim_a_friend_at_once_share_nothing(counter: Counter) -> None:
    def joining(by: MemberId) -> Act:
        def act(till: Counter) -> Entry:
            till.join(FAY, by)
            return till.ledger.entry(referral_key(FAY))

        return act

    answers = at_once(counter, joining(ADA), joining(BOB), joining(ADA))
    assert answers.count("IdentityTakenError") in (1, 2)
    buy(counter)
    told_by = counter.ledger.entry(referral_key(FAY)).subject
    assert isinstance(told_by, Referral)
    assert {told(counter, ADA), told(counter, BOB)} == {(0, 500, 0), (0, 0, 0)}
    assert told(counter, MemberId(told_by.advocate or "")) == (0, 500, 0)


def test_forty_friends_who_join_at_once_bring_exactly_the_ceiling(opened: Callable[..., Counter]) -> None:
    """A shop server sends each enrolment again, with the same body, until it has the receipt."""
    counter = opened(**STORAGE)

    def joining(number: int) -> Act:
        def act(till: Counter) -> Entry:
            for _ in range(20):
                try:
                    till.join(friend_number(number), ADA)
                    break
                except LaurelError:
                    continue
            return till.ledger.entry(award_key(friend_number(number)))

        return act

    answers = at_once(counter, *map(joining, range(40)))
    assert all(answer.startswith("{") for answer in answers)
    assert told(counter, ADA, "mb") == (16_000, 0, 0)
    assert {told(counter, friend_number(number), "mb") for number in range(40)} == {(500, 0, 0)}
    awards = [counter.ledger.entry(of_advocate(award_key(friend_number(number)))).subject for number in range(40)]
    assert sorted(award.number for award in awards if isinstance(award, Award)) == list(range(1, 41))  # type: ignore[type-var]
    assert counter.place.tally(ADA)["given:advocate:mb"] == 16_000


def test_what_is_left_of_a_budget_is_paid_to_the_point_also_at_once(budgeted: Counter) -> None:
    for number in range(6):
        budgeted.join(friend_number(number), ADA if number % 2 else BOB)
    acts: list[Act] = [
        lambda till, n=number: buy(till, f"order-{n}", friend=friend_number(n))  # type: ignore[misc]
        for number in range(6)
    ]
    answers = at_once(budgeted, *acts)
    for number, answer in enumerate(answers):
        if not answer.startswith("{"):
            # Too busy: the till sends it again.
            acts[number](budgeted)
    assert spent(budgeted) == 1300


def test_an_order_that_two_tills_send_at_once_with_another_gives_one_award(counter: Counter) -> None:
    join_twice(counter)
    acts: list[Act] = [lambda till, n=number: buy(till, f"order-{n % 3}") for number in range(9)]  # type: ignore[misc]
    answers = at_once(counter, *acts)
    for number, answer in enumerate(answers):
        if not answer.startswith("{"):
            acts[number](counter)
    assert (told(counter, ADA), told(counter, FAY)) == ((0, 500, 0), (180, 250, 0))
    assert counter.place.tally(ADA)["awarded"] == 1


def test_a_refund_that_crosses_a_ruling_undoes_it_or_is_before_it(counter: Counter) -> None:
    join_twice(counter)
    buy(counter)
    acts: list[Act] = [lambda till: till.refund("first"), lambda till: till.say(FAY, Verb.VOID)]
    at_once(counter, *acts)
    assert (told(counter, ADA), told(counter, FAY), counter.stands(FAY)) == ((0, 0, 0), (0, 0, 0), "rejected")
    assert ruling_key(FAY, passed=True) not in {entry.key for entry in counter.entries(FAY)}
    assert counter.place.tally(ADA) == {"joined": 1, "qualified": 1, "awarded": 1, "cancelled": 1}
