"""Draws: anybody can repeat them, and they are fair: over members, campaigns and periods, by the chi-square test."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.campaign import Chance
from shared.domain.drawing import TICKETS, held_out, ticket, ticket_text, wins
from tests.unit.crowd import member_id

MEMBERS = [f"01HMEMBER{number:017}" for number in range(20_000)]
words = st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1, max_size=20)

CRITICAL = {1: 10.83, 9: 27.88, 15: 37.70, 99: 148.23}
"""What chi-square exceeds once in a thousand fair draws, by degrees of freedom."""


def chi_square(counts: Iterable[int], expected: float) -> float:
    """How far counts are from what is expected of each."""
    return sum((count - expected) ** 2 / expected for count in counts)


def test_a_ticket_is_what_docs_say_by_hashlib_alone() -> None:
    text = "laurel-draw-1\nspring\nonce\nlottery of 7 May: 3 12 23 31 44 47\n01HADA00000000000000000000"
    number = int(hashlib.sha256(text.encode()).hexdigest()[:16], 16)
    found = ticket("spring", "once", "lottery of 7 May: 3 12 23 31 44 47", "01HADA00000000000000000000")
    assert found == number
    assert ticket_text(found) == hashlib.sha256(text.encode()).hexdigest()[:16]


@given(words, words, words, words)
def test_tickets_sort_as_their_texts_and_are_drawn_again_the_same(campaign: str, period: str, seed: str, member: str) -> None:
    numbers = [ticket(campaign, period, seed, one) for one in (member, member + "x", "z" + member)]
    assert numbers == [ticket(campaign, period, seed, one) for one in (member, member + "x", "z" + member)]
    assert sorted(map(ticket_text, numbers)) == [ticket_text(number) for number in sorted(numbers)]
    assert all(0 <= number < TICKETS and len(ticket_text(number)) == 16 for number in numbers)


@pytest.mark.parametrize("other", ["campaign", "period", "seed", "member"])
def test_a_ticket_hangs_on_every_word(other: str) -> None:
    said = {"campaign": "a", "period": "b", "seed": "c", "member": "d"}
    assert ticket(**said) != ticket(**{**said, other: "e"})


@pytest.mark.parametrize(("campaign", "seed"), [("spring", "s"), ("spring", "t"), ("autumn", "s"), ("x", "2026")])
def test_tickets_are_even_over_all_members(campaign: str, seed: str) -> None:
    cells = Counter(ticket(campaign, "once", seed, member) * 100 // TICKETS for member in MEMBERS)
    assert chi_square((cells[cell] for cell in range(100)), len(MEMBERS) / 100) < CRITICAL[99]


@pytest.mark.parametrize("shape", ["rising", "one letter", "names"])
def test_members_with_ids_alike_are_drawn_as_evenly(shape: str) -> None:
    made = {
        "rising": [f"{number:026}" for number in range(10_000)],
        "one letter": ["A" * number for number in range(1, 10_001)],
        "names": [member_id(f"m{number}") for number in range(10_000)],
    }
    cells = Counter(ticket("it", "once", "s", member) * 10 // TICKETS for member in made[shape])
    assert chi_square((cells[cell] for cell in range(10)), 1000) < CRITICAL[9]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "once", "s"), ("b", "once", "s")),
        (("a", "2026-06-01", "s"), ("a", "2026-06-02", "s")),
        (("a", "once", "s"), ("a", "once", "t")),
    ],
)
def test_two_draws_know_nothing_of_each_other(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    """Over pairs of fourths of both draws: each of the 16 is as likely."""
    pairs = Counter((ticket(*one, member) * 4 // TICKETS, ticket(*other, member) * 4 // TICKETS) for member in MEMBERS)
    assert chi_square((pairs[a, b] for a in range(4) for b in range(4)), len(MEMBERS) / 16) < CRITICAL[15]


def test_nobody_wins_again_and_again_more_than_chance_has_it() -> None:
    """A member's wins of one in ten over 100 periods; the dispersion over members is that of independent draws."""
    chance = Chance(win=1, of=10)
    members = MEMBERS[:400]
    won = [sum(wins(ticket("it", f"p{period}", "s", member), chance) for period in range(100)) for member in members]
    # Variance of a binomial is 9: the sum over 399 degrees of freedom lies within four standard deviations.
    dispersion = sum((count - 10) ** 2 / 9 for count in won)
    assert abs(dispersion - 400) < 4 * (2 * 400) ** 0.5
    assert abs(sum(won) - 4000) < 4 * (400 * 100 * 0.09) ** 0.5


@pytest.mark.parametrize(("win", "of"), [(1, 2), (1, 10), (3, 7), (1, 1000)])
def test_as_many_win_as_the_chance_says(win: int, of: int) -> None:
    won = sum(wins(ticket("it", "once", "s", member), Chance(win=win, of=of)) for member in MEMBERS)
    expected = len(MEMBERS) * win / of
    lost = len(MEMBERS) - expected
    assert (won - expected) ** 2 / expected + (won - expected) ** 2 / lost < CRITICAL[1]


@given(st.integers(0, TICKETS - 1), st.integers(1, 10**9), st.integers(1, 10**9))
def test_a_lower_ticket_or_a_better_chance_never_wins_less(number: int, one: int, other: int) -> None:
    win, of = sorted((one, other))
    chance = Chance(win=win, of=of)
    if wins(number, chance):
        assert number == 0 or wins(number - 1, chance)
        assert wins(number, Chance(win=of, of=of))
    assert wins(number, chance) == (number * of < win * TICKETS)


def test_the_lowest_half_of_all_tickets_ends_before_the_middle() -> None:
    half = Chance(win=1, of=2)
    assert wins(TICKETS // 2 - 1, half)
    assert not wins(TICKETS // 2, half)


@pytest.mark.parametrize("percent", [0, 1, 10, 50])
def test_a_hold_out_is_its_share_of_the_members(percent: int) -> None:
    out = sum(held_out("it", member, percent) for member in MEMBERS)
    expected = len(MEMBERS) * percent / 100
    if not percent:
        assert out == 0
    else:
        rest = len(MEMBERS) - expected
        assert (out - expected) ** 2 / expected + (out - expected) ** 2 / rest < CRITICAL[1]


def test_hold_outs_of_two_campaigns_and_draws_know_nothing_of_each_other() -> None:
    pairs = Counter((held_out("a", member, 50), held_out("b", member, 50)) for member in MEMBERS)
    assert chi_square(pairs.values(), len(MEMBERS) / 4) < CRITICAL[9]
    pairs = Counter((held_out("a", member, 50), ticket("a", "once", "s", member) * 2 // TICKETS) for member in MEMBERS)
    assert chi_square(pairs.values(), len(MEMBERS) / 4) < CRITICAL[9]


def test_a_larger_hold_out_holds_the_smaller() -> None:
    for member in MEMBERS[:2000]:
        assert not held_out("a", member, 10) or held_out("a", member, 20)
