"""Use case: all referrals are handed out, in the form in which they can be imported."""

from collections.abc import Callable

from shared.api.cursor import read_cursor, sign_cursor
from shared.domain.importing import ExportedReferral, ExportPlace
from shared.ports import ReferralExport


def export_referrals(
    limit: int, cursor: str | None, *, export: ReferralExport, secret: Callable[[], bytes]
) -> tuple[list[ExportedReferral], str | None]:
    """Up to `limit` referrals and the cursor of the next page. Raises CursorInvalidError, TryAgainError."""
    after = None if cursor is None else ExportPlace(*read_cursor(cursor, secret(), "referral-export"))
    rows, following = export.page(limit, after)
    return rows, sign_cursor(list(following), secret(), "referral-export") if following else None
