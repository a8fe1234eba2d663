"""The page about draws is right, by SHA-256 alone and nothing of ours; and Laurel draws as the page says."""

import re
from hashlib import sha256
from pathlib import Path

from shared.domain.campaign import Chance
from shared.domain.drawing import held_out, ticket, ticket_text, wins
from shared.domain.order_grants import order_period

PAGE = (Path(__file__).parents[2] / "docs" / "draws.md").read_text(encoding="utf-8")
CAMPAIGN, PERIOD, SEED = "summer_draw", "once", "lottery of 2026-06-30: 4 11 23 38 43"
ROWS = re.findall(r"^\| `(\w{26})` \| `(\w{16})` \| `(\w{16})` \| (yes|no) \|$", PAGE, re.MULTILINE)
WINNER = ROWS[1][0]


def digits(*words: str) -> str:
    return sha256("\n".join(words).encode()).hexdigest()[:16]


def test_the_tickets_of_the_page_are_those_of_its_words() -> None:
    assert f"Campaign `{CAMPAIGN}`, period `{PERIOD}`, seed `{SEED}`, `hold_out_percent` 50." in PAGE
    assert len(ROWS) == 4
    for member, number, hold_out, held in ROWS:
        assert digits("laurel-draw-1", CAMPAIGN, PERIOD, SEED, member) == number
        assert digits("laurel-hold-out-1", CAMPAIGN, member) == hold_out
        assert (int(hold_out, 16) * 100 < 50 * 2**64) == (held == "yes")


def test_the_winners_of_the_page_are_those_of_its_rules() -> None:
    inside = {member: number for member, number, _, held in ROWS if held == "no"}
    assert min(inside, key=lambda member: inside[member]) == WINNER
    assert f"a hold-out of 50 %, `{WINNER}` wins" in PAGE
    below = f"{-(-(2**64) // 3):016x}"
    assert f"1 of 3, tickets below `{below}` win: the same" in PAGE
    assert {member for member, number in inside.items() if int(number, 16) * 3 < 2**64} == {WINNER}
    assert {member for member, number in inside.items() if number < below} == {WINNER}


def test_the_order_of_the_page_has_its_ticket() -> None:
    period = sha256(b"order-1001").hexdigest()[:16]
    number = digits("laurel-draw-1", "golden_ticket", period, "winter 2026", ROWS[0][0])
    assert f"has the period `{period}`, and the first member's ticket for it is `{number}`" in PAGE


def test_laurel_draws_as_the_page_says() -> None:
    assert order_period("order-1001") == sha256(b"order-1001").hexdigest()[:16]
    for member, number, _, held in ROWS:
        drawn = ticket(CAMPAIGN, PERIOD, SEED, member)
        assert ticket_text(drawn) == number
        assert held_out(CAMPAIGN, member, 50) == (held == "yes")
        assert wins(drawn, Chance(win=1, of=3)) == (int(number, 16) * 3 < 2**64)


def test_the_command_of_the_page_is_about_the_winner() -> None:
    [command] = re.findall(r"printf '([^']*)'", PAGE)
    assert command.split(r"\n") == ["laurel-draw-1", CAMPAIGN, PERIOD, SEED, WINNER]
