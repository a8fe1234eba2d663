"""A member's purse: the points of one currency, settled, given, spent and forgiven (the rules of points, 3-9)."""

from dataclasses import dataclass, replace
from datetime import date

from shared.domain.errors import AmountOverLimitError, BalanceOverLimitError
from shared.domain.points import (
    BALANCE_MAX,
    POINTS_PER_CALL_MAX,
    Account,
    Credit,
    Lot,
    Movements,
    Posting,
    merged,
    owed,
    without,
)


@dataclass(frozen=True, slots=True)
class Purse:
    """A member's points of one currency.

    `lots` are the unspent serials in order; those with `spendable_from` set are pending. `issued`, `redeemed`, `expired`,
    `adjusted` and `transferred` (out less in) are lifetime totals, net of what was taken back, so that
    `issued == active + pending + redeemed + expired + adjusted + transferred - debt`.
    """

    currency: str
    lots: tuple[Lot, ...] = ()
    next_serial: int = 1
    debt: int = 0
    issued: int = 0
    redeemed: int = 0
    expired: int = 0
    adjusted: int = 0
    transferred: int = 0

    @property
    def active(self) -> int:
        """Points that can be spent now, as of the day the purse was settled to."""
        return sum(lot.count for lot in self.lots if lot.spendable_from is None)

    @property
    def pending(self) -> int:
        """Points that are earned and not yet spendable."""
        return sum(lot.count for lot in self.lots if lot.spendable_from is not None)

    @property
    def space(self) -> int:
        """Points that it still takes."""
        return max(0, BALANCE_MAX - 1 - self.active - self.pending)

    @property
    def balance(self) -> int:
        """Active points less debt; negative while the member owes points."""
        return self.active - self.debt

    def deadlines(self) -> tuple[tuple[date | None, int], ...]:
        """Active points by the day they are gone, earliest first, None (never) last; sums to `active`."""
        by_day: dict[date | None, int] = {}
        for lot in self.lots:
            if lot.spendable_from is None:
                by_day[lot.gone_on] = by_day.get(lot.gone_on, 0) + lot.count
        return tuple(sorted(by_day.items(), key=lambda row: (row[0] is None, row[0] or date.max)))

    def settled(self, day: date) -> tuple["Purse", tuple[Posting, ...]]:
        """The purse on `day`, and the postings that dates made due since it was last settled.

        Maturity repays debt first, lowest serial first; expiry takes what is left of a lot. Each happens on its own day.
        """
        due = {lot.spendable_from for lot in self.lots} | {lot.gone_on for lot in self.lots}
        # Some points may expire before others mature that expire too by `day`: a serial's postings stand in the order it went.
        purse, ripe, gone = self, Movements(self.currency), Movements(self.currency)
        for on in sorted(d for d in due if d is not None and d <= day):
            purse = purse._expired(on, gone)._matured(on, ripe)
        return purse, ripe.postings() + gone.postings()

    def _expired(self, on: date, movements: "Movements") -> "Purse":
        gone = [lot for lot in self.lots if lot.gone_on is not None and lot.gone_on <= on]
        movements.add(Account.ACTIVE, Account.EXPIRED, gone)
        return replace(
            self,
            lots=tuple(lot for lot in self.lots if lot not in gone),
            expired=self.expired + sum(lot.count for lot in gone),
        )

    def _matured(self, on: date, movements: "Movements") -> "Purse":
        ripe = [lot for lot in self.lots if lot.spendable_from is not None and lot.spendable_from <= on]
        rest = replace(self, lots=tuple(lot for lot in self.lots if lot not in ripe))
        for lot in sorted(ripe, key=lambda lot: (lot.spendable_from or on, lot.first)):
            rest = rest._made_spendable(lot, Account.PENDING, movements)
        return rest

    def _made_spendable(self, lot: Lot, source: Account, movements: "Movements") -> "Purse":
        """Points that become spendable repay debt before the member can spend them."""
        repaid = min(self.debt, lot.count)
        kept: Lot | None = lot
        if repaid == lot.count:
            movements.add(source, Account.DEBT, [lot])
            kept = None
        elif repaid:
            paying, kept = lot.split(repaid)
            movements.add(source, Account.DEBT, [paying])
        if kept is not None:
            movements.add(source, Account.ACTIVE, [kept])
        active = () if kept is None else (replace(kept, spendable_from=None),)
        return replace(self, debt=self.debt - repaid, lots=merged((*self.lots, *active)))

    def credited(self, credit: Credit, day: date) -> tuple["Purse", tuple[Posting, ...]]:
        """The purse (settled to `day`) after `credit` and its postings; a new credit takes the next serials.

        Points of an order that arrives after they would have expired were never spendable: they go straight to expired.
        Raises, for a new credit, AmountOverLimitError, BalanceOverLimitError.
        """
        movements = Movements(self.currency)
        if credit.first is None:
            self.check_room(credit)
        first, numbered = credit.first or self.next_serial, credit.numbered or credit.points
        purse = replace(self, next_serial=max(self.next_serial, first + numbered))
        if not credit.points:
            return purse, ()
        lot = Lot(first, credit.points, credit.spendable_from, credit.gone_on)
        purse = purse._total(credit.source, -lot.count)
        if lot.gone_on is not None and lot.gone_on <= day:
            movements.add(credit.source, Account.EXPIRED, [lot])
            purse = purse._total(Account.EXPIRED, lot.count)
        elif credit.spendable_from <= day:
            purse = purse._made_spendable(lot, credit.source, movements)
        else:
            movements.add(credit.source, Account.PENDING, [lot])
            purse = replace(purse, lots=merged((*purse.lots, lot)))
        return purse, movements.postings()

    def check_room(self, credit: Credit) -> None:
        """Refuse more than a call may move or a wallet holds. Raises AmountOverLimitError, BalanceOverLimitError."""
        if credit.points > POINTS_PER_CALL_MAX:
            raise AmountOverLimitError(amount=credit.points, amount_max=POINTS_PER_CALL_MAX)
        if self.active + self.pending + credit.points >= BALANCE_MAX:
            raise BalanceOverLimitError(balance_max=BALANCE_MAX)

    def spent(self, points: int, account: Account) -> tuple["Purse", tuple[Posting, ...]]:
        """The purse (settled) after `points` went to `account`: earliest expiry first, never-expiring last, then lowest serial.

        What the active points do not cover is debt. Whoever lets a member spend checks first that they have enough.
        """
        movements, lots, missing = Movements(self.currency), set(self.lots), points
        active = [lot for lot in self.lots if lot.spendable_from is None]
        for lot in sorted(active, key=lambda lot: (lot.gone_on or date.max, lot.first)):
            if not missing:
                break
            lots.remove(lot)
            taken = lot
            if lot.count > missing:
                taken, rest = lot.split(missing)
                lots.add(rest)
            movements.add(Account.ACTIVE, account, [taken])
            missing -= taken.count
        if missing:
            movements.add(Account.DEBT, account, [owed(missing)])
        purse = replace(self, lots=merged(lots), debt=self.debt + missing)
        return purse._total(account, points), movements.postings()

    def forgiven(self, points: int) -> tuple["Purse", tuple[Posting, ...]]:
        """The purse after up to `points` of its debt were forgiven; forgiving never makes points."""
        covered, movements = min(points, self.debt), Movements(self.currency)
        if covered:
            movements.add(Account.ADJUSTED, Account.DEBT, [owed(covered)])
        return replace(self, debt=self.debt - covered)._total(Account.ADJUSTED, -covered), movements.postings()

    def emptied(self, account: Account) -> tuple["Purse", tuple[Posting, ...]]:
        """The purse (settled) after its owner left: all points go to `account`, the debt is made good from there."""
        movements = Movements(self.currency)
        movements.add(Account.ACTIVE, account, [lot for lot in self.lots if lot.spendable_from is None])
        movements.add(Account.PENDING, account, [lot for lot in self.lots if lot.spendable_from is not None])
        if self.debt:
            movements.add(account, Account.DEBT, [owed(self.debt)])
        left = self.active + self.pending - self.debt
        return replace(self, lots=(), debt=0)._total(account, left), movements.postings()

    def undone(self, posting: Posting) -> "Purse":
        """The purse before `posting`, which was the last to change it. Serials stay numbered."""
        return self._without(posting.credit, posting.lots)._with(posting.debit, posting.lots)

    def _with(self, account: Account, lots: tuple[Lot, ...]) -> "Purse":
        if account is Account.ACTIVE:
            return replace(self, lots=merged((*self.lots, *(replace(lot, spendable_from=None) for lot in lots))))
        if account is Account.PENDING:
            return replace(self, lots=merged((*self.lots, *lots)))
        return self._total(account, sum(lot.count for lot in lots))

    def _without(self, account: Account, lots: tuple[Lot, ...]) -> "Purse":
        if account in (Account.ACTIVE, Account.PENDING):
            return replace(self, lots=merged(without(self.lots, lots)))
        return self._total(account, -sum(lot.count for lot in lots))

    def _total(self, account: Account, points: int) -> "Purse":
        """The purse after the account's balance rose by `points`; `issued` and `debt` count against the member."""
        match account:
            case Account.ISSUED:
                return replace(self, issued=self.issued - points)
            case Account.REDEEMED:
                return replace(self, redeemed=self.redeemed + points)
            case Account.EXPIRED:
                return replace(self, expired=self.expired + points)
            case Account.ADJUSTED:
                return replace(self, adjusted=self.adjusted + points)
            case Account.TRANSFERRED:
                return replace(self, transferred=self.transferred + points)
            case Account.DEBT:
                return replace(self, debt=self.debt - points)
        raise ValueError(f"{account} keeps lots, not a total")
