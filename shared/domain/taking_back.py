"""An entry that gave points is taken back whole: an activity that is voided, an award that is undone."""

from collections.abc import Iterable
from fractions import Fraction

from shared.domain.accrual import Part
from shared.domain.effect import Correction, Forgiveness
from shared.domain.entry import Entry, Share
from shared.domain.program import Program


def corrections(given: Entry) -> tuple[Correction, ...]:
    """Of all that the entry gave nothing is left."""
    kept = sorted({credit.currency for credit in given.effect.credits if credit.points})
    return tuple(Correction(given.sequence, currency, 0) for currency in kept)


def shares_back(given: Entry) -> tuple[Share, ...]:
    """What goes back, by what had given it."""
    return tuple(Share(share.rule, share.program_version, share.currency, -share.points) for share in given.why)


def parts_of(given: Entry) -> list[Part]:
    """What the entry holds of caps and budgets."""
    return [
        Part(share.rule, share.currency, Fraction(share.points), share.room, share.points, held=share.points)
        for share in given.why
    ]


def forgiven(back: Iterable[Share], program: Program) -> tuple[Forgiveness, ...]:
    """A program that clamps forgives as many points as are taken back (the rules of points, 9)."""
    if program.clawback != "forgive":
        return ()
    taken: dict[str, int] = {}
    for share in back:
        taken[share.currency] = taken.get(share.currency, 0) - share.points
    return tuple(Forgiveness(currency, points) for currency, points in taken.items() if points)
