"""The proof of the ledger: what must hold of a member's wallet and entries, checked from nothing but the entries.

Two independent ways: the entries are folded again with the rules, and every serial number is followed from account to account
without them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.domain.boost import Boost
from shared.domain.counts import ONE_ORDER, Count
from shared.domain.difference import SOURCES
from shared.domain.entry import Entry, EntryKey, EntryKind, Share, purchase_key, refund_key
from shared.domain.errors import FaultError
from shared.domain.grant_books import AWAKE, brought_breaks, of_grant, sleeps_in
from shared.domain.history import fold, folded
from shared.domain.points import UNNUMBERED, Account, Credit, Lot, without
from shared.domain.program import ProgramVersion, zone_of
from shared.domain.purse import Purse
from shared.domain.referral_audit import of_referral, taken_back
from shared.domain.rule_audit import GIVING, TAKING_BACK, Rulebook
from shared.domain.subject import Adjustment, Recognized, Redemption, Refund
from shared.domain.wallet import Wallet

SILENT = (
    EntryKind.REFERRAL,
    EntryKind.RULING,
    EntryKind.INVITATION,
    EntryKind.CLAWBACK,
    EntryKind.BILLING,
    EntryKind.NOTICE,
    EntryKind.SWEEP,
)
"""Entries that give nothing."""


@dataclass(frozen=True, slots=True)
class Break:
    """A promise that does not hold: which, of whom, and what was found instead."""

    promise: str
    where: str
    found: str


def audit(wallet: Wallet, entries: Sequence[Entry], versions: Sequence[ProgramVersion] = ()) -> Iterator[Break]:
    """Every break of one member's books. `entries` are all of the member's, in order of sequence.

    With all `versions` of the program, rules, caps and limits are held to them too.
    """
    yield from _chain(wallet, entries)
    yield from _refold(wallet, entries, Rulebook.of(versions))
    yield from _serials(wallet, entries)
    yield from _corrections(entries)
    yield from _refunds(entries)
    yield from _recounts(entries)
    yield from (Break(*found) for found in taken_back(entries))
    yield from (Break(*found) for found in brought_breaks(entries, Rulebook.of(versions).versions))
    if versions:
        yield from (Break(AWAKE, wallet.member, found) for found in sleeps_in(wallet, zone_of(versions)))
    for entry in entries:
        yield from _shares(entry)
        yield from _order(entry)
        yield from _redemption(entry)
        yield from _adjustment(entry)


def _chain(wallet: Wallet, entries: Sequence[Entry]) -> Iterator[Break]:
    """Sequences count from 1 without a gap, each entry names the one before, time never runs backward."""
    before: Entry | None = None
    for number, entry in enumerate(entries, start=1):
        if entry.sequence != number:
            yield Break("sequences have no gap", entry.key, f"sequence {entry.sequence} where {number} was due")
        if entry.previous != (before.key if before else None):
            yield Break("each entry names the one before", entry.key, f"names {entry.previous}")
        if before and (entry.recorded_at < before.recorded_at or entry.recorded_on < before.recorded_on):
            yield Break("time never runs backward", entry.key, f"{entry.recorded_at} after {before.recorded_at}")
        before = entry
    if wallet.sequence != len(entries):
        yield Break("the wallet counts its entries", wallet.member, f"sequence {wallet.sequence}, {len(entries)} entries")


def _refold(wallet: Wallet, entries: Sequence[Entry], rulebook: Rulebook) -> Iterator[Break]:
    """Each entry holds the postings that the rules make of it, and the wallet is the fold of all."""
    opened = Wallet(member=wallet.member, enrolled_at=wallet.enrolled_at)
    state = opened
    for number, entry in enumerate(entries):
        lapsed = tuple(hold.sequence for hold in state.lapsed(entry.recorded_on))
        if lapsed != entry.lapsed:
            yield Break("an entry tells the lapses that it booked", entry.key, f"{entry.lapsed}, due {lapsed}")
        yield from (Break(promise, entry.key, found) for promise, found in rulebook.breaks(entry, state))
        try:
            state, due = folded(state, entries[:number][::-1], entry)
        except FaultError as fault:
            # It corrects what is not there; from here on nothing can be folded.
            yield Break("an entry's postings follow from the rules", entry.key, fault.code)
            return
        if due != entry.postings:
            yield Break("an entry's postings follow from the rules", entry.key, f"{entry.postings}, due {due}")
        if state.balances() != entry.after:
            yield Break("an entry keeps the balances after it", entry.key, f"{entry.after}, due {state.balances()}")
    for folded_wallet in (state, fold(opened, entries)):
        if folded_wallet != wallet:
            yield Break("the wallet is the fold of its entries", wallet.member, f"{wallet}, fold {folded_wallet}")
    for purse in wallet.purses:
        if purse.issued != purse.balance + purse.pending + purse.redeemed + purse.expired + purse.adjusted + purse.transferred:
            yield Break("debits equal credits", wallet.member, f"{purse}")


def _serials(wallet: Wallet, entries: Sequence[Entry]) -> Iterator[Break]:
    """Every serial is minted once, in order, and is in one account at a time; the accounts are what the wallet says."""
    places: dict[tuple[str, Account], list[Lot]] = {}
    balances: dict[tuple[str, Account], int] = {}
    due: dict[str, int] = {}
    for entry in entries:
        for credit in _reserved(entry, due):
            lot = Lot(due.get(credit.currency, 1), credit.numbered, None, None)
            places.setdefault((credit.currency, credit.source), []).append(lot)
            due[credit.currency] = lot.last + 1
        for posting in entry.postings:
            currency = posting.currency
            for account, points in ((posting.debit, -posting.points), (posting.credit, posting.points)):
                balances[currency, account] = balances.get((currency, account), 0) + points
            source = places.setdefault((currency, posting.debit), [])
            for lot in _parted(posting.lots, due.get(currency, 1)):
                new = lot.first >= due.get(currency, 1)
                if new and (lot.first > due.get(currency, 1) or posting.debit not in SOURCES):
                    yield Break("serial numbers have no gap or overlap", entry.key, f"{lot.first} from {posting.debit}")
                if not new and not _take(source, lot):
                    yield Break("a serial is in one account", entry.key, f"{lot} is not all in {posting.debit}")
                due[currency] = max(due.get(currency, 1), lot.last + 1)
                places.setdefault((currency, posting.credit), []).append(lot)
    for purse in wallet.purses:
        told = {account: balances.get((purse.currency, account), 0) for account in Account}
        if told != _accounts(purse):
            yield Break("the accounts sum to zero", wallet.member, f"postings {told}, wallet {_accounts(purse)}")


def _reserved(entry: Entry, due: Mapping[str, int]) -> list[Credit]:
    """What a merge moves over: all serials of the other member, also those that were spent there."""
    return [c for c in entry.effect.credits if c.numbered and not c.points and c.first == due.get(c.currency, 1)]


def _parted(lots: Iterable[Lot], new: int) -> Iterator[Lot]:
    """The numbered lots, parted where serials that were never seen begin."""
    for lot in lots:
        if lot.first < new <= lot.last and lot.first != UNNUMBERED:
            yield from lot.split(new - lot.first)
        elif lot.first != UNNUMBERED:
            yield lot


def _accounts(purse: Purse) -> dict[Account, int]:
    """What each account of the member holds, by the wallet."""
    return {
        Account.ISSUED: -purse.issued,
        Account.PENDING: purse.pending,
        Account.ACTIVE: purse.active,
        Account.REDEEMED: purse.redeemed,
        Account.EXPIRED: purse.expired,
        Account.ADJUSTED: purse.adjusted,
        Account.TRANSFERRED: purse.transferred,
        Account.DEBT: -purse.debt,
    }


def _take(places: list[Lot], wanted: Lot) -> bool:
    """Take the serials of `wanted` out of an account; False where they are not all there."""
    left = without(places, [wanted])
    found = sum(lot.count for lot in places) - sum(lot.count for lot in left)
    places[:] = left
    return found == wanted.count


def _shares(entry: Entry) -> Iterator[Break]:
    """The reasons of an entry add up to what it gave; those of a refund to what it took back are checked by `_corrections`."""
    arrived = entry.kind is EntryKind.ARRIVAL and isinstance(entry.subject, Recognized)
    if entry.kind not in (*GIVING, *SILENT, EntryKind.AWARD, EntryKind.GRANT) and not arrived:
        return
    given: dict[str, int] = {}
    for credit in entry.effect.credits:
        given[credit.currency] = given.get(credit.currency, 0) + credit.points
    told = {} if entry.kind in SILENT else _explained(entry.why)
    if told != {currency: points for currency, points in given.items() if points}:
        yield Break("every point is explained", entry.key, f"gave {given}, explains {told}")


def _explained(why: Iterable[Share]) -> dict[str, int]:
    """What reasons add up to, by currency, where it is something."""
    told: dict[str, int] = {}
    for share in why:
        told[share.currency] = told.get(share.currency, 0) + share.points
    return {currency: points for currency, points in told.items() if points}


def _corrections(entries: Sequence[Entry]) -> Iterator[Break]:
    """A correction names the entry it corrects, takes no more than is left of it, and is explained by what that had given.

    A refund may take back what the member got for being referred, and what campaigns gave on the order, besides: reasons of
    the one never explain the other.
    """
    kept: dict[tuple[int, str], int] = {}
    sequences = {entry.sequence: entry for entry in entries}
    keys = {entry.key for entry in entries}
    for entry in entries:
        for credit in entry.effect.credits:
            kept[entry.sequence, credit.currency] = kept.get((entry.sequence, credit.currency), 0) + credit.points
        for spend in entry.effect.spends:
            kept[entry.sequence, spend.currency] = kept.get((entry.sequence, spend.currency), 0) + spend.points
        yield from (Break("every point is explained", entry.key, found) for found in _unexplained(entry, sequences, kept))
        for correction in entry.effect.corrections:
            at = correction.sequence, correction.currency
            left, origin = kept.get(at, -1), sequences.get(correction.sequence)
            if not 0 <= correction.points <= left:
                yield Break("a correction takes back what was there", entry.key, f"{correction}, {left} left")
            if not _is_beside(origin) and entry.names not in keys:
                yield Break("every correction names what it corrects", entry.key, f"names {entry.names}")
            kept[at] = correction.points


def _unexplained(entry: Entry, sequences: Mapping[int, Entry], kept: Mapping[tuple[int, str], int]) -> Iterator[str]:
    """What the corrections of an entry take back otherwise than its reasons say, or its reasons without a correction."""
    shares: dict[str, list[Share]] = {_ORDER: []}
    for share in entry.why:
        shares.setdefault(_what_gave(share), []).append(share)
    explained = {what: _explained(found) for what, found in shares.items()}
    corrected: set[tuple[str, str]] = set()
    for correction in entry.effect.corrections:
        origin = sequences.get(correction.sequence)
        left = kept.get((correction.sequence, correction.currency), -1)
        if origin is None or (not _is_beside(origin) and origin.key != entry.names):
            continue
        what = _what_gave(origin.why[0]) if _is_beside(origin) and origin.why else _ORDER
        corrected.add((what, correction.currency))
        told = explained.get(what, {}).get(correction.currency, 0)
        if (_is_beside(origin) or entry.why) and correction.points != left + told:
            yield f"leaves {correction.points} of {left}, explains {told}"
    told_of = {(what, currency) for what, points in explained.items() for currency in points}
    if entry.kind in TAKING_BACK and told_of - corrected:
        yield f"explains {explained}, corrects {corrected}"


_ORDER, _AWARD = "", "award"


def _what_gave(share: Share) -> str:
    """What is taken back by itself: the order or activity that is named, an award, the grant of a campaign."""
    return _AWARD if of_referral(share) else share.rule if of_grant(share) else _ORDER


def _is_beside(entry: Entry | None) -> bool:
    """Whether an entry can be corrected by one that names another: awards and grants, see `taken_back`, `brought_breaks`."""
    return entry is not None and entry.kind in (EntryKind.AWARD, EntryKind.GRANT)


def _refunds(entries: Sequence[Entry]) -> Iterator[Break]:
    """A refund is kept under its order's id and takes no more money than is left of the order."""
    left: dict[str, int] = {}
    for entry in entries:
        if entry.purchase is not None:
            left[entry.purchase.order_id] = entry.purchase.amount
        if not isinstance(entry.subject, Refund):
            continue
        refund = entry.subject
        total = refund.amount + sum(line.amount for line in refund.lines)
        net = left.get(refund.order_id, 0) - total
        if (refund.total, refund.net) != (total, net) or net < 0:
            yield Break("a refund tells what is left of its order", entry.key, f"{refund}, due {total} and {net}")
        left[refund.order_id] = net
        if (entry.key, entry.names) != (refund_key(refund.order_id, refund.refund_id), purchase_key(refund.order_id)):
            yield Break("every correction names what it corrects", entry.key, f"names {entry.names}, is of {refund.order_id}")


def _recounts(entries: Sequence[Entry]) -> Iterator[Break]:
    """What is restated beside points is what the entry that is named counted, or less.

    Of all that was taken back nothing is left, but that an order keeps its number, and a multiplier that it used stays used.
    What of awards: see `taken_back`; of grants: `brought_breaks`.
    """
    keys = {entry.sequence: entry.key for entry in entries}
    kept = {entry.key: entry.effect.counts for entry in entries}
    beside = {entry.key for entry in entries if _is_beside(entry)}
    for entry in entries:
        for recount in entry.effect.recounts:
            key = keys.get(recount.sequence)
            if key is None or key not in {entry.names, *beside} or not _less(recount.counts, kept[key]):
                yield Break("a recount takes back what was there", entry.key, f"{recount}, {kept.get(key) if key else None}")
            elif entry.sequence <= recount.sequence:
                yield Break("a recount takes back what was there", entry.key, f"{recount} comes later")
            else:
                kept[key] = recount.counts
        whole = entry.kind is EntryKind.VOID or (isinstance(entry.subject, Refund) and not entry.subject.net)
        left = [count for count in kept.get(entry.names or entry.key, ()) if count != ONE_ORDER and not Boost.of(count)]
        if whole and left:
            yield Break("all that was taken back counts nothing", entry.key, f"{left} left of {entry.names}")


def _less(counts: Iterable[Count], than: Iterable[Count]) -> bool:
    most = {(count.name, count.day): count.amount for count in than}
    used = {count for count in than if count.amount < 0}
    return used == {count for count in counts if count.amount < 0} and all(
        0 < count.amount <= most.get((count.name, count.day), 0) for count in counts if count not in used
    )


def _redemption(entry: Entry) -> Iterator[Break]:
    """A redemption takes the points that its reward cost."""
    if entry.kind is not EntryKind.REDEMPTION:
        return
    taken = [(spend.currency, spend.points) for spend in entry.effect.spends]
    if not isinstance(entry.subject, Redemption) or taken != [(entry.subject.currency, entry.subject.points)]:
        yield Break("every point is explained", entry.key, f"took {taken} for {entry.subject}")


def _adjustment(entry: Entry) -> Iterator[Break]:
    """An adjustment gives or takes the points that an operator gave a reason for."""
    if entry.kind is not EntryKind.ADJUSTMENT:
        return
    given = [(credit.currency, credit.points) for credit in entry.effect.credits]
    taken = [(spend.currency, -spend.points) for spend in entry.effect.spends]
    if not isinstance(entry.subject, Adjustment) or given + taken != [(entry.subject.currency, entry.subject.points)]:
        yield Break("every point is explained", entry.key, f"gave {given}, took {taken} for {entry.subject}")


def _order(entry: Entry) -> Iterator[Break]:
    """A purchase is kept under its own order id and credits its own member."""
    if entry.kind is not EntryKind.PURCHASE:
        return
    purchase = entry.purchase
    if purchase is None or purchase_key(purchase.order_id) != entry.key or purchase.member_id != entry.member:
        yield Break("an order credits one member", entry.key, f"kept for {entry.member}: {purchase}")


def crossing(entry: Entry) -> tuple[EntryKey, dict[str, int]]:
    """What an entry moves to other members (negative: from them), by currency, and the key of the entry that began it.

    An entry and its arrivals on the other sides sum to zero.
    """
    root = entry.key
    while root.startswith("arrival:"):
        root = EntryKey(root.removeprefix("arrival:"))
    moved: dict[str, int] = {}
    for posting in entry.postings:
        for account, sign in ((posting.debit, -1), (posting.credit, 1)):
            if account is Account.TRANSFERRED:
                moved[posting.currency] = moved.get(posting.currency, 0) + sign * posting.points
    if isinstance(entry.subject, Recognized):
        # Out of an allowance, not of the giver's points: so nothing was posted there.
        sign = 1 if entry.kind is EntryKind.RECOGNITION else -1
        moved[entry.subject.currency] = moved.get(entry.subject.currency, 0) + sign * entry.subject.points
    return root, {currency: points for currency, points in moved.items() if points}


def unmatched(entries: Iterable[Entry]) -> Iterator[Break]:
    """Movements between members of which the sides do not sum to zero; `entries` are those of all members."""
    on_the_way: dict[tuple[EntryKey, str], int] = {}
    for entry in entries:
        root, moved = crossing(entry)
        for currency, points in moved.items():
            on_the_way[root, currency] = on_the_way.get((root, currency), 0) + points
    for (root, currency), points in on_the_way.items():
        if points:
            yield Break("what leaves one member for another arrives there", root, f"{points} {currency} are on the way")
