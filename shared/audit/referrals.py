"""Referrals across members, held to the entries: what looks broken in a scan is read again by itself before it counts."""

from collections.abc import Callable, Sequence

from shared.adapters.clock import SystemClock
from shared.adapters.dynamodb.attempts import owner_of
from shared.adapters.dynamodb.items import Item
from shared.adapters.dynamodb.ledger import DynamoLedger
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import Key, code_key, entry_key, flag_key, friend_key, own_code_key, referrer_pk, wallet_key
from shared.audit.books import Books, beside_of
from shared.audit.counted import READINGS_MAX
from shared.domain.audit import Break
from shared.domain.code import CodeKind
from shared.domain.entry import Entry, EntryKey, MemberId, award_key, clawback_key, of_advocate
from shared.domain.errors import MemberUnknownError
from shared.domain.referral_books import Beside, Heir, referral_breaks

CODES = "every referral code leads to a member or a campaign, and to the one that shows it"


def first_referral_break(
    store: Store, books: Books, member: MemberId, entries: Sequence[Entry], beside: Beside
) -> Break | None:
    """The first break of a member's referral across books."""
    if next(referral_breaks(member, entries, beside, books.heir), None) is None:
        return None
    return referral_break_again(store, member, [row.source for row in beside.rows])


def referral_break_again(store: Store, member: MemberId, sources: Sequence[str]) -> Break | None:
    """The same of the member alone, where the wallet stood still while all was read; of one that never does nothing is said.

    `sources` are those with whom the scan found the member listed.
    """
    ledger, broken = DynamoLedger(store, SystemClock()), None
    for _ in range(READINGS_MAX):
        try:
            wallet = ledger.view(member).wallet
        except MemberUnknownError:
            return Break("every entry has its member's wallet", member, f"no wallet, listed with {sources}")
        own = [ledger.entry(row.key) for row in ledger.rows(wallet)][::-1]
        told = [*sources, *([wallet.referral.source] if wallet.referral else [])]
        beside = beside_of(item for key in _keys(member, told) if (item := store.get(key)))
        broken = next(referral_breaks(member, own, beside, _heir(ledger)), None)
        if broken is None or ledger.view(member).wallet == wallet:
            return broken
    return None


def _keys(member: MemberId, sources: Sequence[str]) -> list[Key]:
    entries: list[EntryKey] = [of_advocate(award_key(member)), of_advocate(clawback_key(member))]
    return [*map(entry_key, entries), *(friend_key(source, member) for source in dict.fromkeys(sources)), flag_key(member)]


def _heir(ledger: DynamoLedger) -> Heir:
    def heir(member: str) -> str | None:
        try:
            return ledger.view(MemberId(member)).wallet.merged_into
        except MemberUnknownError:
            return None

    return heir


def code_break(store: Store, books: Books) -> Break | None:
    """The first referral code that leads to nobody, or that somebody shows whose it is not."""
    for code, found in books.codes():
        if _code_fault(found, books.is_member) is None:
            continue
        keys = [code_key(code), *(own_code_key(source) for item in found if (source := _shows(item)))]
        again = [item for key in keys if (item := store.get(key)) and _code_of(item) == code]
        fault = _code_fault(again, lambda member: store.get(wallet_key(MemberId(member))) is not None)
        if fault is not None:
            return Break(CODES, code, fault)
    return None


def _shows(item: Item) -> str | None:
    """Which member or campaign shows a code, by its item; None for the item that says whose the code is."""
    return item["pk"].removeprefix(referrer_pk("")) if item["pk"].startswith(referrer_pk("")) else None


def _code_of(item: Item) -> str:
    return str(item["code"]) if _shows(item) else str(item["pk"].partition("#")[2])


def _code_fault(items: Sequence[Item], is_member: Callable[[str], bool]) -> str | None:
    """What is wrong with a code, of which these are all items."""
    owners = [owner_of(item) for item in items if _shows(item) is None]
    shown = [source for item in items if (source := _shows(item))]
    if not owners:
        return f"leads nowhere, shown by {shown}" if shown else None
    if any(source != owners[0].id for source in shown):
        return f"is of {owners[0].id}, shown by {shown}"
    if owners[0].kind is CodeKind.REFERRAL and not is_member(owners[0].id):
        return f"leads to {owners[0].id}, who is no member"
    return None
