"""`python -m shared.audit --table NAME`: prove that no point of a stage is lost, doubled or unexplained.

Reads all entries and wallets with the caller's own AWS credentials (AWS_ENDPOINT_URL for a local cloud) and writes nothing.
Exits with 0 when every promise holds, with 1 naming the first break, with 2 when the table cannot be read.
"""

import argparse
import os
import sys

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared.adapters.clock import SystemClock
from shared.adapters.dynamodb.client import make_client
from shared.adapters.dynamodb.ledger import DynamoLedger
from shared.adapters.dynamodb.store import Store
from shared.audit.books import Books
from shared.domain.audit import Break, audit
from shared.domain.entry import Entry, MemberId
from shared.domain.errors import LaurelError, MemberUnknownError
from shared.domain.wallet import Wallet

PROMISES = (
    "every posting debits one account and credits another; all accounts sum to zero",
    "every wallet equals the fold of its entries",
    "sequences have no gap; each entry names the one before",
    "serial numbers have no gap or overlap; each is in one account",
    "every point is explained by a rule of a program version",
    "every order credits one member",
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
    """Check every member of the stage behind `store`; print what was proven or the first break. Returns the exit code."""
    entries = points = members = 0
    with _progress() as progress:
        reading = progress.add_task("reading items", total=None)
        books = Books.read(store, lambda count: progress.advance(reading, count))
        checking = progress.add_task("proving wallets", total=books.count_members())
        for member, wallet, found in books.members():
            broken = first_break(store, member, wallet, found)
            if broken:
                progress.stop()
                console.print(f"[red]broken:[/] {broken.promise}\n  at {broken.where}\n  found {broken.found}", soft_wrap=True)
                return 1
            members, entries = members + 1, entries + len(found)
            points += sum(purse.issued for purse in wallet.purses) if wallet else 0
            progress.advance(checking)
    _print_proof(members, entries, points)
    return 0


def first_break(store: Store, member: MemberId, wallet: Wallet | None, entries: list[Entry]) -> Break | None:
    """The first break of a member's books.

    A scan is no snapshot: what looks broken in it may have been posted while it ran, so it counts only if it is still
    broken when the member alone is read again.
    """
    if wallet is not None and next(audit(wallet, entries), None) is None:
        return None
    ledger = DynamoLedger(store, SystemClock())
    try:
        wallet = ledger.view(member).wallet
    except MemberUnknownError:
        return Break("every entry has its member's wallet", member, f"no wallet for {len(entries)} entries")
    again = [ledger.entry(row.key) for row in ledger.rows(wallet)][::-1]
    posted = {entry.key for entry in again}
    stray = next((entry for entry in entries if entry.key not in posted), None)
    if stray:
        return Break("every entry is in its member's history", stray.key, f"not among the {len(again)} entries of {member}")
    return next(audit(wallet, again), None)


def _progress() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def _print_proof(members: int, entries: int, points: int) -> None:
    table = Table(title=f"{entries:,} entries of {members:,} members, {points:,} points issued")
    table.add_column("promise")
    table.add_column("holds", justify="center")
    for promise in PROMISES:
        table.add_row(promise, "[green]yes[/]")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
