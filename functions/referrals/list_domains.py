"""Use cases: the mail domains that an operator calls disposable."""

from collections.abc import Callable, Sequence

from shared.api.cursor import read_cursor, sign_cursor
from shared.ports import MailDomains


def list_domains(
    limit: int, cursor: str | None, *, domains: MailDomains, secret: Callable[[], bytes]
) -> tuple[list[str], str | None]:
    """Up to `limit` domains in order, and the cursor of the next page. Raises CursorInvalidError, TryAgainError."""
    after = None if cursor is None else read_cursor(cursor, secret(), "disposable-domains")
    found = domains.page(limit + 1, after)
    more = len(found) > limit
    return found[:limit], sign_cursor(found[limit - 1], secret(), "disposable-domains") if more else None


def add_domains(named: Sequence[str], *, domains: MailDomains) -> list[str]:
    """List these, each once; from now on who enrols with one is suspicious. Raises TryAgainError."""
    domains.add(named)
    return sorted(set(named))
