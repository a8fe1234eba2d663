"""Referral codes: made ones never meet and never offend; chosen ones are read however they are written."""

from __future__ import annotations

import random
import string
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqids.constants import DEFAULT_BLOCKLIST

from shared.domain.code import ALPHABET, CARD_SYMBOLS, VOUCHER_SYMBOLS, make_code, read_code, spoken
from shared.domain.errors import CodeMalformedError, ReferralCodeInvalidError
from shared.domain.referral_code import (
    CHOSEN_MAX,
    CHOSEN_MIN,
    REFERRAL_SYMBOLS,
    TEXT_MAX,
    OwnCode,
    choose_referral_code,
    make_referral_code,
    offends,
    offends_as_chosen,
    read_referral_code,
    reads_as_money,
)

MILLION = 1_000_000
# The same readings as the product's, written another way: each sign as the letter that it may stand for.
READINGS = {"o": "0", "l": "1i", "u": "v", "s": "5", "e": "3", "a": "4", "t": "7", "b": "8"}
FOLDED = str.maketrans({sign: letter for letter, signs in READINGS.items() for sign in signs})


def fault(text: str) -> str:
    with pytest.raises(ReferralCodeInvalidError) as refused:
        read_referral_code(text)
    assert (refused.value.symbols_min, refused.value.symbols_max) == (CHOSEN_MIN, CHOSEN_MAX)
    return refused.value.fault


def test_a_million_codes_are_distinct_and_none_holds_a_word_of_the_list() -> None:
    """Seeded: where each of 2^45 codes is as likely, one seed in 71 would meet a code twice."""
    rng = random.Random(2026)
    made = [make_referral_code(rng) for _ in range(MILLION)]
    assert len(set(made)) == MILLION
    # One text of them all, which words are looked for in one by one; no word reaches over a line's end.
    text = "\n".join(made)
    assert set(text) == {*ALPHABET, "\n"}
    assert len(text) == MILLION * (REFERRAL_SYMBOLS + 1) - 1
    folded = text.lower().translate(FOLDED)
    assert [word for word in DEFAULT_BLOCKLIST if word.translate(FOLDED) in folded] == []
    assert [word for word in DEFAULT_BLOCKLIST if word.upper() in text] == []


def test_without_the_list_one_code_in_240_would_hold_a_word() -> None:
    rng = random.Random(3)
    offending = sum(offends(make_code(rng, REFERRAL_SYMBOLS)) for _ in range(100_000))
    assert 350 <= offending <= 480


def test_no_slip_turns_one_made_code_into_another() -> None:
    rng = random.Random(4)
    for _ in range(20):
        code = make_referral_code(rng)
        assert read_code(code, REFERRAL_SYMBOLS) == code
        slips = {code[:n] + symbol + code[n + 1 :] for n in range(len(code)) for symbol in ALPHABET}
        slips |= {code[:n] + code[n + 1] + code[n] + code[n + 2 :] for n in range(len(code) - 1)}
        for slip in slips - {code}:
            # A slip is read, as a chosen code that looks like one would be: the table tells that nobody has it.
            assert read_referral_code(slip) == slip
            with pytest.raises(CodeMalformedError) as refused:
                read_code(slip, REFERRAL_SYMBOLS)
            assert refused.value.fault == "check_symbol"


@given(st.integers(0, 2**64), st.randoms(use_true_random=False))
def test_a_made_code_is_read_as_it_was_shown_typed_or_said(seed: int, rng: random.Random) -> None:
    code = make_referral_code(random.Random(seed))
    likes = {"0": "0Oo", "1": "1IiLl", "V": "VvUu"}
    typed = "".join(rng.choice(likes.get(symbol, symbol + symbol.lower())) + rng.choice(["", "", " ", "-"]) for symbol in code)
    assert read_referral_code(typed) == read_referral_code(spoken(code)) == code


@pytest.mark.parametrize(
    ("written", "shown", "stored"),
    [
        ("ANNAS-CAFE", "ANNAS-CAFE", "ANNASCAFE"),
        ("annas cafe", "ANNAS-CAFE", "ANNASCAFE"),
        (" Anna's  Café. ", "ANNAS-CAFE", "ANNASCAFE"),
        ("Anna\u2019s_Cafe\u0301", "ANNAS-CAFE", "ANNASCAFE"),
        ("annas\u2014cafe\n", "ANNAS-CAFE", "ANNASCAFE"),
        ("annas\u00a0cafe", "ANNAS-CAFE", "ANNASCAFE"),
        ("AN\u200bNAS\u00adCAFE\ufeff", "ANNASCAFE", "ANNASCAFE"),
        ("-_.annas..cafe._-", "ANNAS-CAFE", "ANNASCAFE"),
        ("\uff21\uff4e\uff4e\uff41\uff11\uff12", "ANNA12", "ANNA12"),
        ("\u212aelvin", "KELVIN", "KE1V1N"),
        ("Straße 7", "STRASSE-7", "STRASSE7"),
        ("STRASSE-7", "STRASSE-7", "STRASSE7"),
        ("stra\u1e9ee 7", "STRASSE-7", "STRASSE7"),
        ("\u017fumme", "SUMME", "SVMME"),
        ("o\ufb03ce", "OFFICE", "0FF1CE"),
        ("\u0130zmir", "IZMIR", "1ZM1R"),
        ("Düsseldorf", "DUSSELDORF", "DVSSE1D0RF"),
        ("Ñandú", "NANDU", "NANDV"),
        ("LOLLIPOP-2026", "LOLLIPOP-2026", "10111P0P2026"),
        ("pe\u0301\u0302\u0303ter", "PETER", "PETER"),
    ],
)
def test_a_chosen_code_reads_well_in_a_link_and_is_stored_one_way_however_it_is_written(
    written: str, shown: str, stored: str
) -> None:
    assert choose_referral_code(written) == OwnCode(stored, shown, chosen=True)
    assert read_referral_code(written) == read_referral_code(shown) == read_referral_code(shown.lower()) == stored


@pytest.mark.parametrize(
    "text",
    [
        *(
            "\u0410NNAS",
            "ann\u0430s",
            "\u0131nci1",
            "\u03b1nnas",
            "\u0661\u0662\u0663\u0664\u0665",
            "\u4e2d\u6587\u4e2d\u6587\u4e2d",
        ),
        *("ANNA!", "ANNA&CO", "ANNA/CO", "ANNA?C", "ANNA#CO", "ANNA%20CO", "ANNA+CO", "anna@co", "\u00bdanna", "anna\u0000s"),
        *("\U0001f600anna", "\u0142ukasz", "s\u00f8ren", "!!!"),
    ],
)
def test_what_is_no_letter_or_digit_of_ascii_is_refused_though_it_may_look_like_one(text: str) -> None:
    assert fault(text) == "symbol"


@pytest.mark.parametrize(
    "text", ["", "ANNA", "a-n-n-a", "---", " \u200b", "A" * 21, "ß" * 11, "A-" * 51, "A" + "\u0301" * TEXT_MAX]
)
def test_a_code_has_five_to_twenty_letters_and_digits(text: str) -> None:
    assert fault(text) == "length"


def test_the_shortest_and_the_longest_codes_are_read() -> None:
    assert read_referral_code("CAFE5") == "CAFE5"
    assert read_referral_code("-".join("A" * CHOSEN_MAX)) == "A" * CHOSEN_MAX


@given(st.text(max_size=40))
def test_whatever_is_read_is_stored_in_one_form_of_which_there_is_no_other(text: str) -> None:
    try:
        stored = read_referral_code(text)
    except ReferralCodeInvalidError:
        return
    assert set(stored) <= set(ALPHABET)
    assert CHOSEN_MIN <= len(stored) <= CHOSEN_MAX
    assert read_referral_code(stored) == stored
    with suppress(ReferralCodeInvalidError):
        shown = choose_referral_code(text).shown
        assert read_referral_code(choose_referral_code(shown).shown) == stored
        assert choose_referral_code(shown).shown == shown
        assert set(shown) <= {*string.ascii_uppercase, *string.digits, "-"}


@given(st.text(alphabet=string.ascii_letters + string.digits + "OIL01UV", min_size=5, max_size=20))
def test_two_codes_that_look_alike_are_one(text: str) -> None:
    assert read_referral_code(text) == read_referral_code(text.upper().translate(str.maketrans("0O1IVU", "O0LLUV")))


def test_no_word_of_the_list_passes_in_a_made_code_or_alone_in_a_chosen_one() -> None:
    for word in map(str.upper, DEFAULT_BLOCKLIST):
        for code in (word, f"K{word}K", f"7{word}"):
            assert offends(code)
            assert offends(code.replace("O", "0").replace("I", "1").replace("L", "1").replace("U", "V"))
        assert offends_as_chosen(word)
        assert offends_as_chosen(f"THE-{word}")
        # A number that follows a letter is a number.
        assert word[-1].isdigit() or offends_as_chosen(f"{word}2026")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "FUCKYOU",
            "F-U-C-K-IT",
            "fvck-it",
            "my-sh1thead",
            "5hi7head",
            "B00BS",
            "PEN15-5",
            "n4zi-5",
            "anal2026",
            "the ass",
            "kkk-88",
        ),
        *("hitler-88", "bitches", "F\u00dcCK-me", "xxfuckxx", "PORNSTAR"),
    ],
)
def test_nobody_may_choose_what_offends_however_it_is_spelled(text: str) -> None:
    with pytest.raises(ReferralCodeInvalidError) as refused:
        choose_referral_code(text)
    assert refused.value.fault == "word"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "COMPUTER-BAR",
            "CANAL-STREET",
            "MISTER-BEAN",
            "JANA1985",
            "DIANA1",
            "ANALUISA",
            "SCHATTENBERG"[:6],
            "ARSENAL",
            "COCKTAIL",
        ),
        *("MARSEILLE", "GRAPES", "CHEMIST", "ANALYST", "CLASSIC", "ASSISI", "ROXANA", "FIGARO", "TOPAZ", "SATURDAY", "CUMIN"),
        *("DICKENS", "JANUS", "SCHINKEN", "CACAO", "MANDARIN", "ANNAS-SHOP", "BASS-GUITAR"),
    ],
)
def test_innocent_words_and_names_may_be_chosen(text: str) -> None:
    assert choose_referral_code(text).shown == text


def test_a_code_that_could_be_a_vouchers_or_a_gift_cards_is_told_from_all_others() -> None:
    rng = random.Random(6)
    for symbols in (VOUCHER_SYMBOLS, CARD_SYMBOLS):
        assert all(reads_as_money(make_code(rng, symbols)) for _ in range(100))
        chosen = ["".join(rng.choices(ALPHABET, k=symbols)) for _ in range(3200)]
        assert 60 <= sum(map(reads_as_money, chosen)) <= 145
    assert not any(reads_as_money(make_referral_code(rng)) for _ in range(100))
