"""Use cases: a member's history, and one entry explained."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from functions.wallets.models import Basis
from functions.wallets.read_wallet import check_not_to_come
from shared.api.cursor import read_cursor, sign_cursor
from shared.domain.calendar import local_day
from shared.domain.entry import Entry, EntryKey, EntryKind, HistoryRow, MemberId
from shared.domain.errors import EntryUnknownError
from shared.domain.program import zone_of
from shared.ports import Ledger, Programs

FILTERED_PAGE = 100
"""Entries read at a time where a filter may pass many over."""
EXAMINED_MAX = 1000
"""Entries that one request looks at; with filters a page may be short although there is more, and then has a cursor."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which entries to list. Days are local days of the program's zone, `since` and `as_of` inclusive."""

    kind: EntryKind | None = None
    since: date | None = None
    as_of: date | None = None
    basis: Basis = Basis.RECORDED

    def take(self, row: HistoryRow, zone: str) -> bool:
        """Whether the row is to be listed."""
        day = row.recorded_on if self.basis is Basis.RECORDED else local_day(row.occurred_at, zone)
        return (
            (self.kind is None or row.kind is self.kind)
            and (self.since is None or day >= self.since)
            and (self.as_of is None or day <= self.as_of)
        )


def list_entries(
    member: MemberId,
    filters: Filters,
    limit: int,
    cursor: str | None,
    *,
    ledger: Ledger,
    programs: Programs,
    secret: Callable[[], bytes],
) -> tuple[list[HistoryRow], str | None]:
    """Up to `limit` entries, newest first, and the cursor of the next page.

    Raises MemberUnknownError, CursorInvalidError, RequestInvalidError, TryAgainError.
    """
    view, versions = ledger.view(member), programs.versions()
    zone = zone_of(versions)
    if filters.as_of is not None:
        check_not_to_come(filters.as_of, local_day(view.now, zone))
    scope = ("entries", member, filters)
    start = None
    if cursor is not None:
        sequence, key = read_cursor(cursor, secret(), *scope)
        start = (sequence, EntryKey(key))
    taken: list[HistoryRow] = []
    page = limit if filters == Filters() else FILTERED_PAGE
    for examined, row in enumerate(ledger.rows(view.wallet, start, page), start=1):
        if filters.take(row, zone):
            taken.append(row)
        if (len(taken) == limit or examined == EXAMINED_MAX) and row.previous is not None:
            return taken, sign_cursor([row.sequence - 1, row.previous], secret(), *scope)
    return taken, None


def belongs_to(member: MemberId, me: MemberId, *, ledger: Ledger) -> bool:
    """Whether a member is `me`, or was merged into me: the history reads across a merge. Raises MemberUnknownError."""
    while member != me:
        into = ledger.view(member).wallet.merged_into
        if into is None:
            return False
        member = into
    return True


def explain_entry(key: EntryKey, member: MemberId | None, *, ledger: Ledger) -> Entry:
    """The whole entry; another member's is as unknown as none. Raises EntryUnknownError, TryAgainError."""
    entry = ledger.entry(key)
    if member is not None and not belongs_to(entry.member, member, ledger=ledger):
        raise EntryUnknownError
    return entry
