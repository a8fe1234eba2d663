"""Whatever happens to a wallet, it is the fold of its entries, and no point is lost, doubled or unexplained."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.effect import Effect
from shared.domain.entry import Entry
from shared.domain.history import fold, folded
from shared.domain.points import UNNUMBERED, Account, Lot, merged
from shared.domain.wallet import Wallet
from tests.unit.histories import CURRENCIES, LEAVING, START, Step, opened, play, serials, steps

DEBTS = st.lists(st.integers(0, 80), max_size=2)
DAYS = st.integers(0, 900)


def day(number: int) -> date:
    return START + timedelta(days=number)


def places(entries: list[Entry], currency: str) -> dict[Account, list[Lot]]:
    """Where every serial stands after the entries: each posting takes its serials from one account to another."""
    at: dict[int, Account] = {}
    for entry in entries:
        for posting in entry.postings:
            if posting.currency != currency:
                continue
            for lot in posting.lots:
                if lot.first == UNNUMBERED:
                    continue
                for serial in range(lot.first, lot.last + 1):
                    source = at.pop(serial, None)
                    assert posting.debit is (source or Account.ISSUED)
                    at[serial] = posting.credit
    found: dict[Account, list[Lot]] = defaultdict(list)
    for serial, account in at.items():
        found[account].append(Lot(serial, 1, None, None))
    return found


def small(history: list[Step]) -> bool:
    """Whether serials can be followed one by one in no time."""
    credits = [credit for step in history for credit in step.effect.credits]
    return sum(credit.points for credit in credits) < 600


@given(steps(), DEBTS)
def test_a_wallet_is_the_fold_of_its_entries(history: list[Step], debts: list[int]) -> None:
    entries, wallet = play(opened(debts), history)
    assert fold(opened(debts), entries) == wallet


@given(steps())
def test_each_entry_holds_exactly_the_postings_that_folding_it_makes(history: list[Step]) -> None:
    wallet = opened()
    entries = play(wallet, history)[0]
    for entry in entries:
        wallet, postings = folded(wallet, entries[: entry.sequence - 1][::-1], entry)
        assert postings == entry.postings
        assert wallet.balances() == entry.after


@given(steps(), DEBTS)
def test_debits_equal_credits_in_every_currency(history: list[Step], debts: list[int]) -> None:
    start = opened(debts)
    entries, wallet = play(start, history)
    for purse in wallet.purses:
        moved: dict[Account, int] = defaultdict(int)
        for posting in (posting for entry in entries for posting in entry.postings if posting.currency == purse.currency):
            moved[posting.debit] -= posting.points
            moved[posting.credit] += posting.points
        assert sum(moved.values()) == 0
        before = start.purse(purse.currency)
        assert -moved[Account.ISSUED] == purse.issued
        assert moved[Account.ACTIVE] == purse.active
        assert moved[Account.PENDING] == purse.pending
        assert moved[Account.EXPIRED] == purse.expired
        assert moved[Account.ADJUSTED] == purse.adjusted
        assert moved[Account.DEBT] == before.debt - purse.debt
        assert purse.issued == (purse.active + purse.pending + purse.redeemed + purse.expired + purse.adjusted - purse.debt)


@given(steps().filter(small), DEBTS)
def test_serials_have_no_gap_and_no_overlap_and_each_is_in_exactly_one_place(history: list[Step], debts: list[int]) -> None:
    entries, wallet = play(opened(debts), history)
    for purse in wallet.purses:
        found = places(entries, purse.currency)
        everywhere = [lot for lots in found.values() for lot in lots]
        assert serials(everywhere) == ([(1, purse.next_serial - 1)] if purse.next_serial > 1 else [])
        active = [lot for lot in purse.lots if lot.spendable_from is None]
        pending = [lot for lot in purse.lots if lot.spendable_from is not None]
        assert serials(found[Account.ACTIVE]) == serials(active)
        assert serials(found[Account.PENDING]) == serials(pending)


@given(steps())
def test_what_an_entry_minted_can_be_read_back_from_it(history: list[Step]) -> None:
    """Replaying the effect that an entry shows gives the entry's own credits, whatever became of their points."""
    wallet = opened()
    for entry, step in zip(play(wallet, history)[0], history, strict=True):
        given_points = sorted((credit.currency, credit.points) for credit in step.effect.credits if credit.points)
        assert sorted((credit.currency, credit.points) for credit in entry.effect.credits) == given_points
        assert entry.effect.empties == step.effect.empties


@given(steps(closing=False), DEBTS, st.lists(DAYS, max_size=6), DAYS)
def test_settling_in_steps_is_settling_at_once(history: list[Step], debts: list[int], stops: list[int], last: int) -> None:
    _, wallet = play(opened(debts), history)
    begin = sum(step.days for step in history)
    by_steps: Wallet = wallet
    for stop in sorted(stops):
        by_steps, _ = by_steps.settled(day(begin + min(stop, last)))
    by_steps, _ = by_steps.settled(day(begin + last))
    assert by_steps == wallet.settled(day(begin + last))[0]


@given(steps(closing=False), DEBTS, st.lists(DAYS, min_size=2, max_size=5))
def test_looking_at_an_earlier_day_after_a_later_one_changes_nothing(
    history: list[Step], debts: list[int], looks: list[int]
) -> None:
    _, wallet = play(opened(debts), history)
    latest = wallet.settled(day(max(looks) + 3000))[0]
    for look in looks:
        again, postings = latest.settled(day(look))
        assert (again, postings) == (latest, ())


@given(steps(closing=False), st.lists(st.integers(0, 12), min_size=1, max_size=5))
def test_entries_of_nothing_in_between_change_no_points(history: list[Step], places: list[int]) -> None:
    """When dates are booked does not matter: an entry that only settles moves no point that the next would not have."""
    interrupted = list(history)
    for place in sorted(places, reverse=True):
        interrupted.insert(min(place, len(history)), Step(0, Effect()))
    end = sum(step.days for step in history)
    _, plain = play(opened(), history)
    _, busy = play(opened(), interrupted)
    assert busy.settled(day(end))[0].purses == plain.settled(day(end))[0].purses


@given(steps(), DEBTS, DAYS)
def test_lots_are_kept_in_order_merged_and_never_empty(history: list[Step], debts: list[int], look: int) -> None:
    _, wallet = play(opened(debts), history)
    later, _ = wallet.settled(day(sum(step.days for step in history) + look))
    for purse in (*wallet.purses, *later.purses):
        assert purse.lots == merged(purse.lots)
        assert all(lot.count > 0 for lot in purse.lots)
        assert all(one.last < other.first for one, other in zip(purse.lots, purse.lots[1:], strict=False))
        assert not (purse.active and purse.debt), "active points and debt never stand beside each other"


@given(steps(), DEBTS, DAYS)
def test_deadlines_sum_to_the_active_points_and_none_has_passed(history: list[Step], debts: list[int], look: int) -> None:
    _, wallet = play(opened(debts), history)
    today = day(sum(step.days for step in history) + look)
    for purse in wallet.settled(today)[0].purses:
        deadlines = purse.deadlines()
        assert sum(points for _, points in deadlines) == purse.active
        assert all(gone_on is None or gone_on > today for gone_on, _ in deadlines)
        days = [gone_on for gone_on, _ in deadlines if gone_on is not None]
        assert days == sorted(set(days))


@given(steps(closing=False), DEBTS, DAYS, DAYS)
def test_the_currencies_of_a_wallet_do_not_touch_each_other(
    history: list[Step], debts: list[int], first: int, second: int
) -> None:
    _, together = play(opened(debts), history)
    for currency in CURRENCIES:
        alone = [
            Step(step.days, Effect(credits=tuple(credit for credit in step.effect.credits if credit.currency == currency)))
            for step in history
        ]
        _, apart = play(opened(debts), alone)
        assert apart.purse(currency).issued == together.purse(currency).issued
        end = day(sum(step.days for step in history) + first + second)
        assert apart.settled(end)[0].purse(currency) == together.settled(end)[0].purse(currency)


@given(steps(closing=False), DEBTS)
def test_closing_empties_every_purse_whatever_came_before(history: list[Step], debts: list[int]) -> None:
    entries, wallet = play(opened(debts), [*history, Step(3, LEAVING)])
    assert wallet.closed
    assert all((after.active, after.pending, after.debt) == (0, 0, 0) for after in entries[-1].after)
