"""Codes that people read, type and say: of vouchers and gift cards. (Those of referrals are in referral_code.py.)

Crockford's base 32: digits and capital letters without I, L, O and U. The last symbol is a check symbol, which says nothing
that the others do not say. So a voucher's code has 11 random symbols, 55 bits, and a gift card's 15, 75 bits: where a million
vouchers are open, one guess in 2^35 (34 thousand million) is one of them. With 20 misses per caller in 15 minutes, 1,920 a
day, a caller finds one in about 49,000 years; one of a million gift cards takes a million times as long.

A code from a hand or a mouth is read however it is written: in either case, with spaces and hyphens anywhere, O for 0, I or L
for 1, U for V. One whose check symbol does not fit is a slip and no guess: the table is never asked.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.entry import MemberId
from shared.domain.errors import CodeMalformedError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""The value of a symbol, 0 to 31, is its place."""
VOUCHER_SYMBOLS = 12
"""Symbols of a voucher's code, the check symbol included."""
CARD_SYMBOLS = 16
"""Symbols of a gift card's code, the check symbol included."""
GROUP = 4
"""Symbols between two hyphens."""

_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)}
LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V", " ": None, "-": None})
"""How capitals are read, and what is passed over."""


class CodeKind(StrEnum):
    """What a code stands for."""

    REDEMPTION = "redemption"
    GIFT_CARD = "gift_card"
    REFERRAL = "referral"
    CAMPAIGN = "campaign"


@dataclass(frozen=True, slots=True)
class CodeOwner:
    """What a code leads to: a redemption (by its entry's key) or a gift card (by its id), and the member who has it.

    A referral code leads to a member or a campaign, by `id`.
    """

    kind: CodeKind
    id: str
    member: MemberId | None = None


def make_code(rng: random.Random, symbols: int) -> str:
    """A new code of `symbols` symbols (2 to 31), the check symbol included, without hyphens.

    `rng` is `secrets.SystemRandom()` wherever a code is worth something.
    """
    chosen = "".join(rng.choice(ALPHABET) for _ in range(symbols - 1))
    return chosen + ALPHABET[_check_value(chosen + ALPHABET[0])]


def spoken(code: str) -> str:
    """A stored code in groups of four, as it is shown: `K7QM-2XWD-9HTC`."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def read_code(text: str, symbols: int) -> str:
    """The stored form of a code as somebody wrote it.

    Raises CodeMalformedError, whose `fault` is "symbol", "length" or "check_symbol".
    """
    # Only ASCII is put into capitals: the capital of a dotless i is an I.
    code = text.upper().translate(LOOK_ALIKES) if text.isascii() else text
    if not set(code) <= _VALUES.keys():
        raise CodeMalformedError(fault="symbol", symbols=symbols)
    if len(code) != symbols:
        raise CodeMalformedError(fault="length", symbols=symbols)
    if _check_value(code):
        raise CodeMalformedError(fault="check_symbol", symbols=symbols)
    return code


def _check_value(code: str) -> int:
    """The value, in the field of 32 elements, of the polynomial whose coefficients are the symbols; 0 for a whole code.

    Each place weighs another power of a generator, so every single wrong symbol and every swap of two symbols changes the
    value, in codes of up to 31 symbols. python-stdnum's Luhn sum over this alphabet misses the swap of 0 and Z, and it would
    bring 3 MB of registries, `ssl` and `pydoc` into every cold start.
    """
    value = 0
    for symbol in code:
        # Times x modulo x^5 + x^2 + 1, then plus the symbol.
        value = value << 1 ^ (0b100101 if value & 0b10000 else 0) ^ _VALUES[symbol]
    return value
