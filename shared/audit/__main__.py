"""`python -m shared.audit --table NAME`: prove that no point or prepaid cent of a stage is lost, doubled or unexplained.

Reads all entries, wallets and gift cards with the caller's own AWS credentials (AWS_ENDPOINT_URL for a local cloud) and writes
nothing.
Exits with 0 when every promise holds, with 1 naming the first break, with 2 when the table cannot be read.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared.adapters.clock import SystemClock
from shared.adapters.dynamodb.client import make_client
from shared.adapters.dynamodb.gift_cards import DynamoGiftCards
from shared.adapters.dynamodb.ledger import DynamoLedger
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import tender_key
from shared.audit.books import Books, CardBooks, Owner
from shared.audit.counted import add_markers, counted_break, versions_of
from shared.audit.referrals import code_break, first_referral_break, referral_break_again
from shared.domain.audit import Break, audit, crossing
from shared.domain.card_audit import audit_card
from shared.domain.code import CodeKind
from shared.domain.entry import Entry, EntryKey, MemberId, arrival_key
from shared.domain.errors import EntryUnknownError, GiftCardUnknownError, LaurelError, MemberUnknownError
from shared.domain.program import ProgramVersion
from shared.domain.rule_audit import Rulebook
from shared.domain.tallies import Tallies
from shared.domain.wallet import Wallet

PROMISES = (
    "every posting debits one account and credits another; all accounts sum to zero",
    "every wallet equals the fold of its entries",
    "sequences have no gap; each entry names the one before",
    "serial numbers have no gap or overlap; each is in one account",
    "every point is explained by a rule of a program version; no member's cap or limit is exceeded",
    "every order credits one member",
    "every correction names what it corrects and takes back what was there; what is taken back whole counts nothing",
    "what leaves one member for another arrives there",
    "every reward's stock counts the redemptions that took one; every charity's totals are the sum of its donations",
    "every budget counts the points that its rules gave, and no more than its limit",
    "every referral gives both sides what its terms promise, once, and is taken back whole; no friend's number is given again",
    "every referral is listed and counted as its entries left it; every referral code leads to whoever shows it",
    "every bonus of a campaign is what its document says, once for its period, due, and within frequency caps and hold-outs",
    "what campaigns gave is counted, and no more than promised; every winner's ticket wins; refunds take back what they gave",
    "every alarm rings no later than what comes next by date",
    "every gift card equals the fold of its entries; its accounts sum to zero; no order gets back more than it paid",
)

console = Console()


def main() -> int:
    """Run the proof; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m shared.audit", description=__doc__.splitlines()[0])
    parser.add_argument("--table", default=os.environ.get("LAUREL_TABLE"), help="the stage's table (output TableName)")
    table = parser.parse_args().table
    if not table:
        parser.error("name the table with --table; `cdk deploy` prints it as TableName")
    try:
        return prove(Store(make_client(), table))
    except (ClientError, BotoCoreError, LaurelError) as error:
        reason = str(error).rstrip(".")
        console.print(f"[red]Cannot read {table}:[/] {reason}. Check the credentials, the region and AWS_ENDPOINT_URL.")
        return 2


def prove(store: Store) -> int:
    """Check every member and gift card of the stage behind `store`; print what was proven or the first break.

    Returns the exit code.
    """
    with _progress() as progress:
        reading = progress.add_task("reading items", total=None)
        books = Books.read(store, lambda count: progress.advance(reading, count))
        # Versions are only ever added: those of all entries that were read are there now.
        versions = versions_of(store)
        counts = Counts(versions=versions, tallies=Tallies(Rulebook.of(versions)))
        for broken in _breaks(store, books, counts, progress):
            progress.stop()
            found = escape(f"{broken.promise}\n  at {broken.where}\n  found {broken.found}")
            # Keys are words joined by colons: none of them is an emoji.
            console.print(f"[red]broken:[/] {found}", soft_wrap=True, emoji=False)
            return 1
    _print_proof(counts)
    return 0


@dataclass
class Counts:
    """What was proven so far.

    `crossing` are points that left a member and of which no arrival was read yet, or the other way round. `owed` are minor
    units on gift cards, as their entries left them, by currency. `tallies` is what the entries make due of what is counted.
    `versions` are those of the program.
    """

    versions: Sequence[ProgramVersion] = ()
    members: int = 0
    entries: int = 0
    points: int = 0
    cards: int = 0
    crossing: dict[EntryKey, dict[str, int]] = field(default_factory=dict)
    owed: dict[str, int] = field(default_factory=dict)
    tallies: Tallies = field(default_factory=Tallies)

    def cross(self, entries: list[Entry]) -> None:
        """Note what these entries moved between members."""
        for entry in entries:
            root, moved = crossing(entry)
            for currency, points in moved.items():
                left = self.crossing.setdefault(root, {})
                left[currency] = left.get(currency, 0) + points
                if not left[currency]:
                    del left[currency]
            if root in self.crossing and not self.crossing[root]:
                del self.crossing[root]


def _breaks(store: Store, books: Books, counts: Counts, progress: Progress) -> Iterator[Break]:
    checking = progress.add_task("proving wallets", total=books.count(Owner.MEMBER))
    for member, wallet, entries in books.members():
        broken = first_break(store, member, wallet, entries, counts.versions)
        if broken:
            yield broken
        counts.members, counts.entries = counts.members + 1, counts.entries + len(entries)
        counts.cross(entries)
        beside = books.beside(member)
        broken = first_referral_break(store, books, member, entries, beside)
        if broken:
            yield broken
        counts.tallies.add(entries, beside)
        counts.points += sum(purse.issued for purse in wallet.purses) if wallet else 0
        progress.advance(checking)
    add_markers(counts.tallies, books)
    for stray in books.strays():
        broken = referral_break_again(store, stray, [row.source for row in books.beside(stray).rows])
        if broken:
            yield broken
    broken = transfer_break(store, counts.crossing) or counted_break(store, books, counts.tallies) or code_break(store, books)
    if broken:
        yield broken
    checking = progress.add_task("proving gift cards", total=books.count(Owner.CARD))
    for found in books.cards():
        broken = first_card_break(store, found)
        if broken:
            yield broken
        counts.cards, counts.entries = counts.cards + 1, counts.entries + len(found.entries)
        if found.card:
            currency = found.card.terms.currency
            counts.owed[currency] = counts.owed.get(currency, 0) + found.card.balance
        progress.advance(checking)


def first_break(
    store: Store, member: MemberId, wallet: Wallet | None, entries: list[Entry], versions: Sequence[ProgramVersion] = ()
) -> Break | None:
    """The first break of a member's books.

    A scan is no snapshot: what looks broken in it may have been posted while it ran, so it counts only if it is still
    broken when the member alone is read again.
    """
    if wallet is not None and next(audit(wallet, entries, versions), None) is None:
        return None
    ledger = DynamoLedger(store, SystemClock())
    try:
        wallet = ledger.view(member).wallet
    except MemberUnknownError:
        return Break("every entry has its member's wallet", member, f"no wallet for {len(entries)} entries")
    try:
        again = [ledger.entry(row.key) for row in ledger.rows(wallet)][::-1]
    except EntryUnknownError:
        return Break("sequences have no gap", member, f"not all of {wallet.sequence} entries are there")
    posted = {entry.key for entry in again}
    stray = next((entry for entry in entries if entry.key not in posted), None)
    if stray:
        return Break("every entry is in its member's history", stray.key, f"not among the {len(again)} entries of {member}")
    return next(audit(wallet, again, versions_of(store)), None)


def transfer_break(store: Store, unmatched: dict[EntryKey, dict[str, int]]) -> Break | None:
    """The first movement between members of which one side is missing, each read again by itself before it counts."""
    ledger = DynamoLedger(store, SystemClock())
    for root in unmatched:
        again = Counts()
        key = root
        while (entry := _found(ledger, key)) is not None:
            again.cross([entry])
            key = arrival_key(key)
        if again.crossing:
            return Break("what leaves one member for another arrives there", root, f"{again.crossing[root]} are on the way")
    return None


def _found(ledger: DynamoLedger, key: EntryKey) -> Entry | None:
    try:
        return ledger.entry(key)
    except EntryUnknownError:
        return None


def first_card_break(store: Store, found: CardBooks) -> Break | None:
    """The first break of a gift card's books, read again by itself before it counts, as `first_break` does."""
    if _card_break(found) is None:
        return None
    cards = DynamoGiftCards(store, SystemClock())
    try:
        card, _ = cards.card(found.id)
    except GiftCardUnknownError:
        return Break("every entry of a gift card has its card", found.id, f"no card for {len(found.entries)} entries")
    tenders = {}
    for order_id in {order.order_id for order in card.orders} | found.tenders.keys():
        item = store.get(tender_key(order_id, CodeKind.GIFT_CARD, card.id))
        if item is not None:
            tenders[order_id] = int(item["amount"])
    # A card that is in use may gain an entry between the two reads.
    entries = [entry for entry in cards.entries(card.id) if entry.sequence <= card.sequence]
    return _card_break(CardBooks(card.id, card, entries, tenders))


def _card_break(found: CardBooks) -> Break | None:
    if found.card is None:
        return Break("every entry of a gift card has its card", found.id, f"no card for {len(found.entries)} entries")
    paid = {order.order_id: order.spent for order in found.card.orders}
    if found.tenders != paid:
        return Break("an order knows the gift cards that paid for it", found.id, f"{found.tenders}, the card paid {paid}")
    return next(audit_card(found.card, found.entries), None)


def _progress() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def _print_proof(counts: Counts) -> None:
    title = f"{counts.entries:,} entries of {counts.members:,} members, {counts.points:,} points issued"
    if counts.cards:
        owed = ", ".join(f"{amount:,} minor units of {currency}" for currency, amount in sorted(counts.owed.items()))
        title += f"; {counts.cards:,} gift cards with {owed}"
    table = Table(title=title)
    table.add_column("promise")
    table.add_column("holds", justify="center")
    for promise in PROMISES:
        table.add_row(promise, "[green]yes[/]")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
