"""Codes: unguessable, forgiving to hands and mouths, and with a check symbol that catches slips."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.code import ALPHABET, CARD_SYMBOLS, VOUCHER_SYMBOLS, make_code, read_code, spoken
from shared.domain.errors import CodeMalformedError

SYMBOLS = [VOUCHER_SYMBOLS, CARD_SYMBOLS]
codes = st.builds(
    lambda seed, symbols: make_code(random.Random(seed), symbols), st.integers(0, 2**64), st.sampled_from(SYMBOLS)
)


def fault(text: str, symbols: int) -> str:
    with pytest.raises(CodeMalformedError) as refused:
        read_code(text, symbols)
    assert refused.value.symbols == symbols
    return refused.value.fault


@given(codes)
def test_every_code_is_read_back_as_it_was_made(code: str) -> None:
    assert read_code(code, len(code)) == code
    assert set(code) <= set(ALPHABET)


@given(codes, st.data())
def test_every_single_wrong_symbol_is_caught(code: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(code) - 1))
    wrong = data.draw(st.sampled_from([symbol for symbol in ALPHABET if symbol != code[place]]))
    assert fault(code[:place] + wrong + code[place + 1 :], len(code)) == "check_symbol"


@given(codes, st.data())
def test_every_swap_of_two_different_symbols_is_caught_neighbours_or_not(code: str, data: st.DataObject) -> None:
    first, second = sorted(data.draw(st.lists(st.integers(0, len(code) - 1), min_size=2, max_size=2, unique=True)))
    swapped = list(code)
    swapped[first], swapped[second] = swapped[second], swapped[first]
    if code[first] != code[second]:
        assert fault("".join(swapped), len(code)) == "check_symbol"


def test_every_wrong_symbol_and_every_swap_of_a_hundred_codes_is_caught() -> None:
    rng, caught = random.Random(4), 0
    for _ in range(100):
        code = make_code(rng, VOUCHER_SYMBOLS)
        slips = {code[:n] + symbol + code[n + 1 :] for n in range(len(code)) for symbol in ALPHABET}
        slips |= {code[:n] + code[n + 1] + code[n] + code[n + 2 :] for n in range(len(code) - 1)}
        for slip in slips - {code}:
            assert fault(slip, VOUCHER_SYMBOLS) == "check_symbol"
            caught += 1
    assert caught > 37_000


@given(codes, st.randoms(use_true_random=False))
def test_case_spaces_hyphens_and_look_alikes_make_no_difference(code: str, rng: random.Random) -> None:
    likes = {"0": "0Oo", "1": "1IiLl", "V": "VvUu"}
    typed = [rng.choice(likes.get(symbol, symbol + symbol.lower())) for symbol in code]
    written = "".join(symbol + rng.choice(["", "", " ", "-"]) for symbol in typed)
    assert read_code(f" {written}", len(code)) == code
    assert read_code(spoken(code), len(code)) == code


def test_codes_are_shown_in_groups_of_four() -> None:
    assert spoken("K7QM2XWD9HTC") == "K7QM-2XWD-9HTC"
    assert len(spoken(make_code(random.Random(1), CARD_SYMBOLS)).split("-")) == 4


def test_a_code_that_cannot_be_right_says_what_is_wrong_with_it() -> None:
    code = make_code(random.Random(1), VOUCHER_SYMBOLS)
    assert fault(code[:-1], VOUCHER_SYMBOLS) == "length"
    assert fault(code + "0", VOUCHER_SYMBOLS) == "length"
    assert fault("", VOUCHER_SYMBOLS) == "length"
    assert fault(code, CARD_SYMBOLS) == "length"
    for stranger in ("!", "é", "\u0131", "\u0661", "\ufb01", "\n"):
        assert fault(stranger + code[1:], VOUCHER_SYMBOLS) == "symbol"


def test_a_hundred_thousand_codes_are_distinct_and_use_every_symbol_alike_at_every_place() -> None:
    rng = random.Random(7)
    made = {make_code(rng, VOUCHER_SYMBOLS) for _ in range(100_000)}
    assert len(made) == 100_000
    for place in range(VOUCHER_SYMBOLS):
        counts = dict.fromkeys(ALPHABET, 0)
        for code in made:
            counts[code[place]] += 1
        # 3,125 of each are due; five standard deviations are 275.
        assert all(2850 <= count <= 3400 for count in counts.values())


def test_a_random_guess_passes_the_check_symbol_once_in_32() -> None:
    rng, passed = random.Random(9), 0
    for _ in range(32_000):
        try:
            read_code("".join(rng.choices(ALPHABET, k=VOUCHER_SYMBOLS)), VOUCHER_SYMBOLS)
        except CodeMalformedError:
            continue
        passed += 1
    assert 850 <= passed <= 1150
