"""Use case: what a member has, now or at the end of a past day."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from functions.wallets.models import Basis
from shared.domain.calendar import local_day
from shared.domain.entry import HistoryRow, MemberId
from shared.domain.errors import RequestInvalidError
from shared.domain.history import fold, standing
from shared.domain.program import zone_of
from shared.domain.purse import Purse
from shared.domain.wallet import Wallet
from shared.ports import Ledger, Programs


@dataclass(frozen=True, slots=True)
class WalletOfDay:
    """A wallet settled to `day` of `zone`, with a purse for every currency of the program."""

    wallet: Wallet
    day: date
    zone: str
    purses: tuple[Purse, ...]


def read_wallet(member: MemberId, as_of: date | None, basis: Basis, *, ledger: Ledger, programs: Programs) -> WalletOfDay:
    """The wallet as dates have made it by now, or by the end of the local day `as_of`.

    Raises MemberUnknownError, RequestInvalidError (a day to come), TryAgainError.
    """
    view, versions = ledger.view(member), programs.versions()
    program = versions[-1].program if versions else None
    zone = zone_of(versions)
    today = local_day(view.now, zone)
    if as_of is None:
        day, settled = today, standing(view.wallet, view.history, today)
    else:
        check_not_to_come(as_of, today)
        opened = Wallet(member=member, enrolled_at=view.wallet.enrolled_at)
        rows = rows_until(as_of, basis, zone, ledger.rows(view.wallet))
        day, settled = as_of, replace(fold(opened, rows, as_of), sequence=len(rows))
    codes = {purse.currency for purse in settled.purses}
    codes |= {currency.code for currency in program.currencies} if program else set()
    return WalletOfDay(settled, day, zone, tuple(settled.purse(code) for code in sorted(codes)))


def rows_until(as_of: date, basis: Basis, zone: str, newest_first: Iterable[HistoryRow]) -> list[HistoryRow]:
    """The rows that count at the end of `as_of`, oldest first, each on the day of the basis."""
    rows = [row if basis is Basis.RECORDED else _on_its_day(row, zone) for row in newest_first]
    rows = [row for row in rows if row.recorded_on <= as_of]
    return sorted(rows, key=lambda row: (row.recorded_on, row.occurred_at if basis is Basis.OCCURRED else 0, row.sequence))


def check_not_to_come(as_of: date, today: date) -> None:
    """Refuse a day that is not over yet in no zone's sense but the program's. Raises RequestInvalidError."""
    if as_of > today:
        raise RequestInvalidError(faults=[{"path": "query.as_of", "reason": f"is a day to come; today is {today}"}])


def _on_its_day(row: HistoryRow, zone: str) -> HistoryRow:
    return replace(row, recorded_on=local_day(row.occurred_at, zone))
