"""Referral codes: one owner each, for ever; chosen once; and whoever guesses is stopped, not the shop they stand in."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from shared.adapters.dynamodb.attempts import ATTEMPT_WINDOW, MISSES_MAX, DynamoAttempts, code_item
from shared.adapters.dynamodb.items import wallet_item
from shared.adapters.dynamodb.referral_codes import DynamoReferralCodes
from shared.adapters.dynamodb.store import ATTEMPTS_MAX, Backoff, Store
from shared.adapters.dynamodb.table import attempts_key, code_key, own_code_key, wallet_key
from shared.domain.code import CARD_SYMBOLS, VOUCHER_SYMBOLS, CodeKind, CodeOwner, make_code, spoken
from shared.domain.entry import MemberId
from shared.domain.errors import (
    LaurelError,
    MemberClosedError,
    MemberUnknownError,
    ReferralCodeFixedError,
    ReferralCodeInvalidError,
    ReferralCodeTakenError,
    ReferralCodeUnknownError,
    TooManyAttemptsError,
    TryAgainError,
    VoucherUnknownError,
)
from shared.domain.referral_code import OwnCode, make_referral_code, read_referral_code
from shared.domain.referring import Introduction
from shared.domain.wallet import Wallet
from shared.ports import Guesser
from tests.contract.ledgers import opener, patient, store_of
from tests.engines.engine import Engine
from tests.engines.faults import Fault, FaultyWire, faulty
from tests.fakes import grocer
from tests.fakes.clients import InterruptedClient
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB

READ, WRITE = "BatchGetItem", "TransactWriteItems"
UNHEARD = [Fault.RESPONSE_LOST, Fault.SERVER_ERROR_AFTER]
UNDONE = [Fault.REQUEST_LOST, Fault.CONFLICT, Fault.THROTTLED, Fault.THROTTLED_IN_TRANSACTION]
DEVICE, OTHER_DEVICE = Guesser("00112233445566aa", MISSES_MAX), Guesser("ffeeddccbbaa9988", MISSES_MAX)
TILL = Guesser("7777777777777777", 1000)
CAFE = OwnCode("ANNASCAFE", "ANNAS-CAFE", chosen=True)
NOBODY = MemberId("01HNOBODY00000000000000000")
rng = random.Random(11)


def codes_over(store: Store, clock: FakeClock, seed: int = 1) -> DynamoReferralCodes:
    """Where Ada and Bob are members; codes come in the order of `seed`."""
    for member in (ADA, BOB):
        if store.get(wallet_key(member)) is None:
            opener(store)(member, grocer.OPENED)
    return DynamoReferralCodes(store, DynamoAttempts(store, clock), random.Random(seed))


@pytest.fixture
def codes(store: Store, clock: FakeClock) -> DynamoReferralCodes:
    """On each engine in turn."""
    return codes_over(store, clock)


def led_to(codes: DynamoReferralCodes, text: str) -> str:
    """The member or campaign that a code leads to."""
    found = codes.find(text, [TILL])
    assert found.code == read_referral_code(text)
    return found.advocate or found.campaign or ""


def close(codes: DynamoReferralCodes, member: MemberId) -> None:
    item = wallet_item(replace(Wallet(member=member, enrolled_at=grocer.OPENED), closed=True))
    codes.store.transact([codes.store.update(item, expected={"closed": False})])


def miss(codes: DynamoReferralCodes, *guessers: Guesser, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(ReferralCodeUnknownError):
            codes.find(make_referral_code(rng), guessers)


def wait_for(codes: DynamoReferralCodes, text: str, *guessers: Guesser) -> int:
    with pytest.raises(TooManyAttemptsError) as refused:
        codes.find(text, guessers)
    return refused.value.retry_after


# A member's own code


def test_a_member_has_one_code_from_the_first_ask_on_and_it_leads_to_them(codes: DynamoReferralCodes) -> None:
    adas, bobs = codes.own(ADA), codes.own(BOB)
    assert adas == OwnCode(adas.code, spoken(adas.code), chosen=False) != bobs
    assert codes.own(ADA) == adas
    assert codes.find(f" {adas.shown.lower()}", [DEVICE, TILL]) == Introduction(code=adas.code, advocate=ADA)
    assert led_to(codes, bobs.code) == BOB


def test_a_code_that_somebody_has_is_never_given_again(codes: DynamoReferralCodes) -> None:
    adas = codes.own(ADA)
    # Bob's codes come in the same order, so his first one is Ada's.
    bobs = codes_over(codes.store, FakeClock(grocer.NOON)).own(BOB)
    assert bobs.code != adas.code
    assert (led_to(codes, adas.code), led_to(codes, bobs.code)) == (ADA, BOB)


def test_a_member_chooses_once_and_an_operator_as_often_as_asked(codes: DynamoReferralCodes) -> None:
    made = codes.own(ADA)
    assert codes.change(ADA, "anna's café", freely=False) == codes.own(ADA) == CAFE
    with pytest.raises(ReferralCodeFixedError):
        codes.change(ADA, "ADAS-BAR", freely=False)
    for text in ("ADAS-BAR", "ADAS-DINER"):
        assert codes.change(ADA, text, freely=True).shown == codes.own(ADA).shown == text
    with pytest.raises(ReferralCodeFixedError):
        codes.change(ADA, "ADAS-BAR", freely=False)
    for text in (made.shown, "ANNAS-CAFE", "ADAS-BAR", "ADAS-DINER"):
        assert led_to(codes, text) == ADA


def test_a_member_may_choose_before_a_code_was_ever_made(codes: DynamoReferralCodes) -> None:
    assert codes.change(ADA, "Annas Cafe", freely=False) == codes.own(ADA) == CAFE


def test_the_same_choice_again_is_no_change(codes: DynamoReferralCodes) -> None:
    for text in ("ANNAS-CAFE", "ANNAS-CAFE", "annascafe", "ANNA'S CAFE"):
        assert codes.change(ADA, text, freely=False) == CAFE
    # An operator may correct how it is written.
    assert codes.change(ADA, "ANNA-SCAFE", freely=True) == OwnCode("ANNASCAFE", "ANNA-SCAFE", chosen=True) == codes.own(ADA)
    assert codes.change(ADA, "ANNAS-CAFE", freely=True) == codes.own(ADA) == CAFE


def test_to_ask_for_the_code_one_has_leaves_the_choice_open(codes: DynamoReferralCodes) -> None:
    made = codes.own(ADA)
    assert codes.change(ADA, made.shown, freely=False) == codes.change(ADA, made.code, freely=True) == made
    assert codes.change(ADA, "ANNAS-CAFE", freely=False) == CAFE


def test_a_member_may_be_given_a_code_back_that_was_theirs(codes: DynamoReferralCodes) -> None:
    codes.change(ADA, "ANNAS-CAFE", freely=True)
    codes.change(ADA, "ADAS-BAR", freely=True)
    assert codes.change(ADA, "ANNAS-CAFE", freely=True) == codes.own(ADA) == CAFE


@pytest.mark.parametrize("text", ["ANNAS-CAFE", "annascafe", "ANNÄS_CAFÉ", "\uff21NNASCAFE"])
def test_nobody_takes_a_code_that_reads_like_somebodys(codes: DynamoReferralCodes, text: str) -> None:
    codes.change(ADA, "ANNAS-CAFE", freely=False)
    bobs = codes.own(BOB)
    for freely in (False, True):
        with pytest.raises(ReferralCodeTakenError):
            codes.change(BOB, text, freely=freely)
    assert codes.own(BOB) == bobs
    assert codes.change(BOB, "BOBS-CAFE", freely=False).code == "B0BSCAFE"


def test_a_made_code_a_left_one_and_a_campaigns_are_taken_too(codes: DynamoReferralCodes) -> None:
    codes.change(ADA, "ANNAS-CAFE", freely=True)
    codes.change(ADA, "ADAS-BAR", freely=True)
    codes.for_campaign("summer", "SUMMER")
    for text in (codes.own(ADA).code, "ANNAS-CAFE", "SUMMER", "SVMMER"):
        with pytest.raises(ReferralCodeTakenError):
            codes.change(BOB, text, freely=True)


def test_no_choice_tells_whether_a_voucher_or_gift_card_has_a_code(codes: DynamoReferralCodes) -> None:
    for symbols in (VOUCHER_SYMBOLS, CARD_SYMBOLS):
        there, nowhere = make_code(rng, symbols), make_code(rng, symbols)
        codes.store.transact([codes.store.put(code_item(there, CodeOwner(CodeKind.GIFT_CARD, "01HCARD")))])
        for text in (there, nowhere):
            with pytest.raises(ReferralCodeTakenError):
                codes.change(ADA, text, freely=True)
            with pytest.raises(ReferralCodeTakenError):
                codes.for_campaign("summer", text)
            with pytest.raises(ReferralCodeUnknownError):
                codes.find(text, [TILL])


def test_what_cannot_be_a_code_changes_nothing(codes: DynamoReferralCodes) -> None:
    made = codes.own(ADA)
    for text, fault in (("ANNA", "length"), ("\u0410NNAS", "symbol"), ("FVCK-THIS", "word")):
        for act in (lambda text: codes.change(ADA, text, freely=True), lambda text: codes.for_campaign("summer", text)):
            with pytest.raises(ReferralCodeInvalidError) as refused:
                act(text)
            assert refused.value.fault == fault
    assert codes.own(ADA) == made


def test_only_a_member_has_a_code_and_who_left_keeps_what_was_shared_but_gets_no_other(codes: DynamoReferralCodes) -> None:
    made = codes.own(ADA)
    close(codes, ADA)
    for member, refusal in ((NOBODY, MemberUnknownError), (ADA, MemberClosedError)):
        with pytest.raises(refusal):
            codes.own(member)
        with pytest.raises(refusal):
            codes.change(member, "ANNAS-CAFE", freely=True)
    assert led_to(codes, made.code) == ADA
    assert codes.store.get_all([own_code_key(NOBODY), code_key("ANNASCAFE")]) == [None, None]


# A campaign's codes


def test_a_campaign_has_one_code_that_is_made_and_any_number_that_are_chosen(codes: DynamoReferralCodes) -> None:
    made = codes.for_campaign("summer", None)
    assert codes.for_campaign("summer", None) == made != codes.for_campaign("winter", None)
    for text in ("Hello Summer", "hello-summer", "INSTA-SUMMER"):
        assert codes.for_campaign("summer", text) == read_referral_code(text)
        assert codes.find(text, [DEVICE]) == Introduction(code=read_referral_code(text), campaign="summer")
    assert led_to(codes, made) == "summer"
    assert codes.for_campaign("summer", None) == made
    codes.change(ADA, "ANNAS-CAFE", freely=False)
    for text in ("ANNAS-CAFE", "HELLO-SUMMER"):
        with pytest.raises(ReferralCodeTakenError):
            codes.for_campaign("winter", text)


# At once


@pytest.fixture
def small(ministack_engine: Engine, clock: FakeClock) -> DynamoReferralCodes:
    """Only on MiniStack."""
    return codes_over(store_of(ministack_engine, backoff=patient()), clock)


@pytest.fixture
def meanwhile(small: DynamoReferralCodes, ministack_engine: Engine, clock: FakeClock) -> Any:
    """Codes whose next writing is overtaken by what is given."""

    def overtaken(happens: Callable[[], object]) -> DynamoReferralCodes:
        store = store_of(ministack_engine, InterruptedClient(ministack_engine.client, happens))
        return DynamoReferralCodes(store, DynamoAttempts(store, clock), random.Random(99))

    return overtaken


def test_two_first_asks_at_once_hear_of_one_code(small: DynamoReferralCodes, meanwhile: Any) -> None:
    told = []
    late = meanwhile(lambda: told.append(small.own(ADA))).own(ADA)
    assert [late] == told == [small.own(ADA)]


def test_of_two_who_want_a_code_at_once_one_has_it(small: DynamoReferralCodes, meanwhile: Any) -> None:
    late = meanwhile(lambda: small.change(BOB, "BEST-CAFE", freely=False))
    with pytest.raises(ReferralCodeTakenError):
        late.change(ADA, "BEST-CAFE", freely=False)
    assert led_to(small, "BEST-CAFE") == BOB
    assert not small.own(ADA).chosen


def test_a_campaign_and_a_member_never_share_a_code(small: DynamoReferralCodes, meanwhile: Any) -> None:
    with pytest.raises(ReferralCodeTakenError):
        meanwhile(lambda: small.change(BOB, "SUMMER", freely=False)).for_campaign("summer", "SUMMER")
    late = meanwhile(lambda: small.for_campaign("winter", "WINTER")).for_campaign("winter", "WINTER")
    assert late == read_referral_code("WINTER")
    told = []
    assert meanwhile(lambda: told.append(small.for_campaign("winter", None))).for_campaign("winter", None) == told[0]


def test_of_two_choices_of_one_member_at_once_one_counts_and_the_other_claims_nothing(
    small: DynamoReferralCodes, meanwhile: Any
) -> None:
    small.own(ADA)
    with pytest.raises(ReferralCodeFixedError):
        meanwhile(lambda: small.change(ADA, "FIRST-CAFE", freely=False)).change(ADA, "LATER-CAFE", freely=False)
    assert small.own(ADA).shown == "FIRST-CAFE"
    assert small.change(BOB, "LATER-CAFE", freely=False).chosen
    # The same choice, sent twice, is one.
    again = meanwhile(lambda: small.change(ADA, "THIRD-CAFE", freely=True)).change(ADA, "THIRD-CAFE", freely=True)
    assert again == small.own(ADA)


def test_of_twenty_members_who_want_one_code_at_once_one_has_it_and_each_has_a_code(
    ministack_engine: Engine, clock: FakeClock
) -> None:
    store = Store(ministack_engine.client, ministack_engine.table, Backoff(rng=random.Random(1)))
    codes = DynamoReferralCodes(store, DynamoAttempts(store, clock), random.Random(5))
    members = [MemberId(f"01HMEMBER{number:017d}") for number in range(20)]
    for member in members:
        opener(store)(member, grocer.OPENED)
    start = threading.Barrier(len(members))

    def choose(member: MemberId) -> str:
        start.wait(timeout=60)
        try:
            codes.change(member, "BEST-CAFE", freely=False)
        except ReferralCodeTakenError:
            codes.own(member)
            return "taken"
        return member

    with ThreadPoolExecutor(len(members)) as senders:
        told = list(senders.map(choose, members))
    [winner] = [member for member in told if member != "taken"]
    assert led_to(codes, "BEST-CAFE") == winner
    assert len({codes.own(member).code for member in members}) == len(members)


# Lost answers, and round trips


@pytest.fixture
def wire(ministack_engine: Engine, small: DynamoReferralCodes) -> Iterator[FaultyWire]:
    """The wire to the table, which breaks as told."""
    with faulty(ministack_engine) as wire:
        yield wire


@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_a_code_is_made_chosen_and_claimed_once_whatever_answers_are_lost(
    small: DynamoReferralCodes, wire: FaultyWire, fault: Fault
) -> None:
    for act in (
        lambda: small.own(ADA),
        lambda: small.change(ADA, "ANNAS-CAFE", freely=False),
        lambda: small.change(ADA, "ADAS-BAR", freely=True),
        lambda: small.for_campaign("summer", None),
        lambda: small.for_campaign("summer", "SUMMER"),
    ):
        wire.next(WRITE, fault)
        assert act() == act()
    assert small.own(ADA).shown == "ADAS-BAR"
    assert led_to(small, "ANNAS-CAFE") == ADA


def test_what_a_code_costs_in_round_trips(small: DynamoReferralCodes, wire: FaultyWire) -> None:
    def trips(act: Callable[[], object]) -> list[str]:
        wire.calls.clear()
        act()
        return [operation for operation, _ in wire.calls]

    assert trips(lambda: small.own(ADA)) == [READ, WRITE]
    assert trips(lambda: small.own(ADA)) == [READ]
    assert trips(lambda: small.change(ADA, "ANNAS-CAFE", freely=False)) == [READ, WRITE]
    assert trips(lambda: small.change(ADA, "ANNAS-CAFE", freely=False)) == [READ]
    assert trips(lambda: small.find("ANNAS-CAFE", [DEVICE, TILL])) == [READ]
    assert trips(lambda: small.find("ANNAS-CAFE", [])) == [READ]
    assert trips(lambda: miss(small, DEVICE, TILL)) == [READ, WRITE]
    assert trips(lambda: miss(small)) == [READ]


# Guessing


def test_one_who_guesses_is_stopped_and_the_next_customer_at_that_till_is_not(
    codes: DynamoReferralCodes, clock: FakeClock
) -> None:
    adas = codes.own(ADA)
    miss(codes, DEVICE, TILL, times=MISSES_MAX)
    clock.advance(minutes=5)
    for text in (adas.code, make_referral_code(rng)):
        assert wait_for(codes, text, DEVICE, TILL) == 600
    assert codes.find(adas.shown, [OTHER_DEVICE, TILL]).advocate == ADA
    assert codes.find(adas.shown, [TILL]).advocate == ADA
    clock.advance(minutes=10)
    assert codes.find(adas.shown, [DEVICE, TILL]).advocate == ADA


def test_to_change_the_device_with_every_guess_ends_at_the_till(codes: DynamoReferralCodes, clock: FakeClock) -> None:
    till = Guesser(TILL.digest, 40)
    for number in range(40):
        miss(codes, Guesser(f"device-{number}", MISSES_MAX), till)
    clock.advance(minutes=1)
    assert wait_for(codes, codes.own(ADA).code, Guesser("device-40", MISSES_MAX), till) == 840
    # Of two that wait, the longer wait is told.
    miss(codes, DEVICE, times=MISSES_MAX)
    assert wait_for(codes, codes.own(ADA).code, DEVICE, till) == 900


def test_a_hit_and_a_text_that_is_no_code_count_as_nothing(codes: DynamoReferralCodes) -> None:
    adas = codes.own(ADA)
    miss(codes, DEVICE, TILL, times=MISSES_MAX - 1)
    for _ in range(2 * MISSES_MAX):
        codes.find(adas.code, [DEVICE, TILL])
        with pytest.raises(ReferralCodeInvalidError):
            codes.find("!!!", [DEVICE, TILL])
    miss(codes, DEVICE, TILL)
    assert wait_for(codes, adas.code, DEVICE, TILL) == ATTEMPT_WINDOW.total_seconds()


def test_a_till_that_met_wrong_referral_codes_still_takes_vouchers_and_the_other_way_round(codes: DynamoReferralCodes) -> None:
    voucher = make_code(rng, VOUCHER_SYMBOLS)
    owner = CodeOwner(CodeKind.REDEMPTION, "key:till:redeem:1", ADA)
    codes.store.transact([codes.store.put(code_item(voucher, owner))])
    till = Guesser(TILL.digest, MISSES_MAX)
    miss(codes, till, times=MISSES_MAX)
    assert codes.attempts.find(voucher, CodeKind.REDEMPTION, till.digest) == owner
    for _ in range(MISSES_MAX):
        with pytest.raises(VoucherUnknownError):
            codes.attempts.find(make_code(rng, VOUCHER_SYMBOLS), CodeKind.REDEMPTION, OTHER_DEVICE.digest)
    assert codes.find(codes.own(ADA).code, [OTHER_DEVICE]).advocate == ADA


def test_a_guesser_who_is_named_twice_is_one_with_the_smaller_limit(codes: DynamoReferralCodes) -> None:
    twice = (Guesser("one", 3), Guesser("one", 2))
    miss(codes, *twice, times=2)
    assert wait_for(codes, codes.own(ADA).code, *twice) == ATTEMPT_WINDOW.total_seconds()
    miss(codes, twice[0])


@pytest.mark.parametrize("fault", [Fault.CONFLICT, Fault.THROTTLED, Fault.REQUEST_LOST])
def test_a_miss_is_not_told_before_it_is_counted_for_everyone(
    small: DynamoReferralCodes, wire: FaultyWire, fault: Fault
) -> None:
    wire.next(WRITE, *[fault] * ATTEMPTS_MAX)
    with pytest.raises(TryAgainError):
        small.find(make_referral_code(rng), [DEVICE, TILL])
    wire.next(WRITE, fault)
    miss(small, DEVICE, TILL)
    counted = small.store.get_all([attempts_key(f"REFERRAL#{guesser.digest}") for guesser in (DEVICE, TILL)])
    assert [item and item["misses"] for item in counted] == [1, 1]


def test_a_miss_elsewhere_between_reading_and_counting_is_counted_too(small: DynamoReferralCodes, meanwhile: Any) -> None:
    miss(meanwhile(lambda: miss(small, OTHER_DEVICE, TILL, times=3)), DEVICE, TILL)
    counted = small.store.get_all([attempts_key(f"REFERRAL#{one.digest}") for one in (DEVICE, OTHER_DEVICE, TILL)])
    assert [item and item["misses"] for item in counted] == [1, 3, 4]


def test_sixty_guesses_at_once_by_two_customers_are_told_of_exactly_forty_misses(
    ministack_engine: Engine, clock: FakeClock
) -> None:
    store = Store(ministack_engine.client, ministack_engine.table, Backoff(rng=random.Random(1)))
    codes = DynamoReferralCodes(store, DynamoAttempts(store, clock), random.Random(5))
    guesses = [(make_referral_code(rng), device) for device in (DEVICE, OTHER_DEVICE) for _ in range(30)]

    def guess(what: tuple[str, Guesser]) -> str:
        code, device = what
        while True:
            try:
                codes.find(code, [device, TILL])
            except TryAgainError:
                continue
            except LaurelError as error:
                return type(error).__name__
            return "hit"

    with ThreadPoolExecutor(8) as pool:
        told = Counter(pool.map(guess, guesses))
    assert told == {"ReferralCodeUnknownError": 2 * MISSES_MAX, "TooManyAttemptsError": 60 - 2 * MISSES_MAX}
    item = store.get(attempts_key(f"REFERRAL#{TILL.digest}"))
    assert item is not None
    assert item["misses"] == 2 * MISSES_MAX
