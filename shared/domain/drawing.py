"""Draws that anybody can repeat (docs/draws.md): a ticket is a hash of public words, the lowest tickets win.

SHA-256 as FIPS 180-4 has it; its first 8 bytes are taken as a number, which is even over 0 to 2^64 - 1.
"""

from hashlib import sha256

from shared.domain.campaign import Chance

TICKETS = 2**64
"""How many tickets there are."""
_DRAW, _HOLD_OUT = "laurel-draw-1", "laurel-hold-out-1"


def _number(*words: str) -> int:
    return int.from_bytes(sha256("\n".join(words).encode()).digest()[:8])


def ticket(campaign: str, period: str, seed: str, member: str) -> int:
    """A member's ticket in one draw: the hash of these words, joined by line feeds after `laurel-draw-1`."""
    return _number(_DRAW, campaign, period, seed, member)


def ticket_text(number: int) -> str:
    """A ticket as it is shown and sorted: 16 hexadecimal digits."""
    return f"{number:016x}"


def wins(number: int, chance: Chance) -> bool:
    """Whether a ticket wins by a chance: the lowest `win` of `of` parts of all tickets do."""
    return number * chance.of < chance.win * TICKETS


def held_out(campaign: str, member: str, percent: int) -> bool:
    """Whether a member is in a campaign's hold-out, for as long as the campaign lasts."""
    return _number(_HOLD_OUT, campaign, member) * 100 < percent * TICKETS
