"""Referral codes: what a member shares, and how it is read from a hand, a mouth or a link (docs/referrals.md).

A code that is made has ten symbols of Crockford's base 32, the last of them a check symbol: 45 random bits. Among a million
codes, the chance that any two would be equal is 1.4 %; where there are a thousand million, one new code in 35,000 meets
another. The table refuses a code that stands, and the next one is made. A code is no secret, and who finds one is given
nothing that its owner would not share; still misses are counted, so that nobody lists them all.

A code that a member chooses has 5 to 20 letters and digits, and is read as forgivingly: in either case, with or without
accents, spaces, hyphens, underscores, dots and apostrophes, O for 0, I or L for 1, U for V. So `ANNA'S CAFÉ`, `annas-cafe` and
`ANNASCAFE` are one code, and nobody can take one that reads like another's.

Both kinds share one space, and a chosen code of ten symbols cannot be told from a slip in a made one. So the check symbol is
not asked for: its work is that no slip of one symbol, and no swap of two, turns one made code into another. A slip is an
ordinary miss, and counted. A chosen code that reads as a whole voucher or gift card code is taken without a look
(`reads_as_money`): else who chooses codes could learn, one question at a time, which vouchers there are.
"""

import random
import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from shared.domain.code import CARD_SYMBOLS, LOOK_ALIKES, VOUCHER_SYMBOLS, make_code, read_code
from shared.domain.errors import CodeMalformedError, ReferralCodeInvalidError

REFERRAL_SYMBOLS = 10
"""Symbols of a code that is made, the check symbol included."""
CHOSEN_MIN, CHOSEN_MAX = 5, 20
"""Letters and digits of a code that a member chooses."""
TEXT_MAX = 100
"""Characters of a code as it may be written, with all that is dropped."""

_NUMBER_AT_THE_END = re.compile("[0-9]+$")
# Categories of what is dropped: marks on letters, and what has no width; of what parts words: spaces and hyphens.
_MARKS, _WIDTHLESS, _SPACE, _HYPHEN = ("Mn", "Me"), "Cf", "Z", "Pd"
_PARTING, _DROPPED = frozenset("-_.\t\n\r"), frozenset("'\u2019")


@dataclass(frozen=True, slots=True)
class OwnCode:
    """A member's referral code.

    `code` is its stored form, `shown` how it is shown and put into a link: letters, digits and hyphens; `chosen` whether
    somebody chose it.
    """

    code: str
    shown: str
    chosen: bool


def make_referral_code(rng: random.Random) -> str:
    """A new code in its stored form, which offends nobody (see `offends`). It is shown by `code.spoken`."""
    while True:
        code = make_code(rng, REFERRAL_SYMBOLS)
        if not offends(code):
            return code


def choose_referral_code(text: str) -> OwnCode:
    """The code that a member or an operator chose.

    Raises ReferralCodeInvalidError, whose `fault` is "symbol", "length" or "word": see `read_referral_code` and
    `offends_as_chosen`.
    """
    shown = _tidied(text)
    code = _stored(shown)
    if offends_as_chosen(shown):
        raise _invalid("word")
    return OwnCode(code, shown, chosen=True)


def read_referral_code(text: str) -> str:
    """The stored form of a code as somebody wrote it, chosen or made.

    A letter of another script is no letter here, also where it looks like one, as the first of the Cyrillic alphabet does.
    Raises ReferralCodeInvalidError, whose `fault` is "symbol" or "length".
    """
    return _stored(_tidied(text))


def reads_as_money(code: str) -> bool:
    """Whether a code in its stored form could be a voucher's or a gift card's: their length, and a check symbol that fits."""
    if len(code) not in (VOUCHER_SYMBOLS, CARD_SYMBOLS):
        return False
    try:
        read_code(code, len(code))
    except CodeMalformedError:
        return False
    return True


def _stored(shown: str) -> str:
    code = shown.translate(LOOK_ALIKES)
    if not CHOSEN_MIN <= len(code) <= CHOSEN_MAX:
        raise _invalid("length")
    return code


def _tidied(text: str) -> str:
    """The capitals and digits of a text, one hyphen between words."""
    if len(text) > TEXT_MAX:
        raise _invalid("length")
    # Compatibility forms first (full-width letters, ligatures, the Kelvin sign), then case (ß is SS), then accents.
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(filter(None, map(_plain, folded)))
    # Only ASCII is put into capitals: the capital of a dotless i is an I.
    if not kept.isascii() or not kept.replace("-", "a").isalnum():
        raise _invalid("symbol" if kept.replace("-", "") else "length")
    return "-".join(part for part in kept.upper().split("-") if part)


def _plain(symbol: str) -> str:
    category = unicodedata.category(symbol)
    if symbol in _PARTING or category == _HYPHEN or category[0] == _SPACE:
        return "-"
    if symbol in _DROPPED or category == _WIDTHLESS or category in _MARKS:
        return ""
    return symbol


def _invalid(fault: str) -> ReferralCodeInvalidError:
    return ReferralCodeInvalidError(fault=fault, symbols_min=CHOSEN_MIN, symbols_max=CHOSEN_MAX)


# What one sign may be read as another: 0 as O, 1 as I or L, V as U, and the digits that stand for letters.
_READINGS = str.maketrans({"0": "O", "1": "I", "L": "I", "V": "U", "5": "S", "3": "E", "4": "A", "8": "B", "7": "T", "-": None})
_HEAD = 3
"""Letters of the shortest words; by them a place in a code finds the words that may begin there."""
_LONG = 6
"""Letters from which on a word stands in hardly another."""

# What the list, made for codes nobody chose, leaves out.
_MORE = ("faggot", "hitler", "hure", "kkk", "nazi", "nigga", "pedo", "tits", "whore")
# Short words that mean what they mean wherever they stand.
_PLAIN = (
    *("bitch", "boob", "cazzo", "clit", "cunt", "dildo", "fotze", "fuck", "idiot", "jizz", "kike", "merda", "merde"),
    *("neger", "nigga", "penis", "poop", "porn", "prick", "pussy", "shit", "slut", "whore"),
)

Words = dict[str, tuple[str, ...]]


def offends(code: str) -> bool:
    """Whether a word of a list in several languages stands anywhere in a code, by any of its readings.

    Readings are 0 as O, 1 as I or L, V as U, 3, 4, 5, 7 and 8 as E, A, S, T and B. As strict as can be, for codes that are
    made: one in 240 is thrown away, and the next one is as good. Hyphens are passed over.
    """
    anywhere, _, _ = _words()
    return _holds(code.translate(_READINGS), anywhere)


def offends_as_chosen(shown: str) -> bool:
    """Whether a code that somebody chose holds a word that must not be shown to others.

    Milder than `offends`, which would refuse COMPUTER, CANAL, MISTER, JANA1985, and one in 38 of 184,000 common words of seven
    languages: words of up to 5 letters offend where they stand alone, between hyphens or before a number, and only two dozen
    of them anywhere. Of the same words it refuses one in 580, most of them rightly. Where it does not (SCUNTHORPE, PENISTONE),
    a member has to choose another code, which costs less than the other mistake.
    """
    _, plain, alone = _words()
    parts = [*shown.split("-"), shown.replace("-", "")]
    parts += [_NUMBER_AT_THE_END.sub("", part) for part in parts]
    return _holds(shown.translate(_READINGS), plain) or any(part.translate(_READINGS) in alone for part in parts)


def _holds(read: str, words: Words) -> bool:
    return any(
        read.startswith(words[head], start)
        for start in range(len(read) - _HEAD + 1)
        if (head := read[start : start + _HEAD]) in words
    )


@cache
def _words() -> tuple[Words, Words, frozenset[str]]:
    """All words by their first letters; those that offend a chosen code wherever they stand, too; and all at once."""
    # Made at the first question: few requests ask.
    from sqids.constants import DEFAULT_BLOCKLIST

    words = {_read(word) for word in (*DEFAULT_BLOCKLIST, *_MORE)}
    plain = {word for word in words if len(word) >= _LONG} | {_read(word) for word in _PLAIN}
    return _by_head(words), _by_head(plain), frozenset(words)


def _read(word: str) -> str:
    return word.upper().translate(_READINGS)


def _by_head(words: set[str]) -> Words:
    found: dict[str, list[str]] = {}
    for word in sorted(words):
        found.setdefault(word[:_HEAD], []).append(word)
    return {head: tuple(some) for head, some in found.items()}
