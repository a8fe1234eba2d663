"""Random histories for the fold: credits with any dates, days that pass, debts, closing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import strategies as st

from shared.domain.effect import Effect
from shared.domain.entry import Entry, EntryKey, EntryKind
from shared.domain.history import Reason, post
from shared.domain.points import Account, Credit, Lot
from shared.domain.purse import Purse
from shared.domain.wallet import Wallet
from tests.fakes.grocer import ADA, OPENED

START = date(2025, 6, 1)
LEAVING = Effect(empties=Account.ADJUSTED)
"""What closing does."""
CURRENCIES = ("points", "stars")


@dataclass(frozen=True)
class Step:
    """Some days pass, then an entry is posted."""

    days: int
    effect: Effect


@st.composite
def credits(draw: st.DrawFn) -> Credit:
    """A credit whose purchase day is up to 400 days before START's day 0; dates are made absolute by `play`."""
    spendable = draw(st.integers(-400, 60))
    lives = draw(st.one_of(st.none(), st.integers(1, 400)))
    day = START + timedelta(days=spendable)
    return Credit(
        draw(st.sampled_from(CURRENCIES)),
        draw(st.one_of(st.just(0), st.integers(1, 50), st.just(10**6))),
        day,
        None if lives is None else day + timedelta(days=lives),
    )


@st.composite
def steps(draw: st.DrawFn, *, closing: bool = True) -> list[Step]:
    """A history of up to 14 entries, which may end with a closing and then an entry more."""
    found = []
    for _ in range(draw(st.integers(1, 12))):
        # Like a purchase: at most one credit of each currency.
        given = {credit.currency: credit for credit in draw(st.lists(credits(), max_size=2))}
        found.append(Step(draw(st.sampled_from([0, 0, 1, 1, 7, 30, 200])), Effect(credits=tuple(given.values()))))
    if closing and draw(st.booleans()):
        found.append(Step(draw(st.integers(0, 40)), LEAVING))
    return found


def moved_to(credit: Credit, passed: int) -> Credit:
    """The credit as the purchase of a later day gives it."""
    by = timedelta(days=passed)
    return replace(credit, spendable_from=credit.spendable_from + by, gone_on=credit.gone_on + by if credit.gone_on else None)


def opened(debts: Sequence[int] = ()) -> Wallet:
    """A new wallet, or one that owes points of each currency, as refunds will leave it."""
    purses = [Purse(code, debt=debt, redeemed=debt) for code, debt in zip(CURRENCIES, debts, strict=False) if debt]
    return Wallet(member=ADA, enrolled_at=OPENED, purses=tuple(purses))


def play(wallet: Wallet, history: list[Step]) -> tuple[list[Entry], Wallet]:
    """Post the steps to a wallet, each on its day."""
    entries: list[Entry] = []
    passed = 0
    for number, step in enumerate(history):
        passed += step.days
        day = START + timedelta(days=passed)
        now = datetime.combine(day, time(12), UTC)
        effect = step.effect
        effect = replace(effect, credits=tuple(moved_to(credit, passed) for credit in effect.credits))
        kind = EntryKind.CLOSURE if effect.empties else EntryKind.PURCHASE
        reason = Reason(EntryKey(f"{kind}:{number}"), kind, now, b"h" * 32)
        entry, wallet = post(wallet, entries[::-1], effect, reason, now=now, zone="UTC")
        entries.append(entry)
    return entries, wallet


def serials(lots: Sequence[Lot]) -> list[tuple[int, int]]:
    """Runs of serials, with neighbours joined whatever their dates."""
    runs: list[tuple[int, int]] = []
    for lot in sorted(lots, key=lambda lot: lot.first):
        if runs and runs[-1][1] + 1 == lot.first:
            runs[-1] = (runs[-1][0], lot.last)
        else:
            runs.append((lot.first, lot.last))
    return runs
