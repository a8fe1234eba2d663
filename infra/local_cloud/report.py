"""What `make up` ends with: balances, the API's address, a token for each kind of caller, lines to paste."""

import json
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.local_cloud.api import Caller
from infra.local_cloud.demo import Replayed
from infra.local_cloud.state import LocalFolder


@dataclass(frozen=True)
class Tokens:
    """One token of each kind of caller."""

    member: str
    pos: str
    operator: str

    def items(self) -> list[tuple[str, str]]:
        """The tokens by the names under which they are printed and kept."""
        return [("member", self.member), ("pos", self.pos), ("operator", self.operator)]


def balances(pos: Caller, households: list[Replayed]) -> Table:
    """The wallets of the demo's members as they are now, read through the API."""
    wallets = [pos.expect("GET", f"/v1/members/{one.member_id}/wallet") for one in households]
    # The grocer's program has one currency.
    points: list[dict[str, Any]] = [wallet["currencies"][0] for wallet in wallets]
    table = Table(title="Balances", title_justify="left", box=SIMPLE_HEAD, pad_edge=False, show_footer=True)
    table.add_column("customer", footer=f"{len(households)}")
    table.add_column("member id", no_wrap=True)
    table.add_column("orders", justify="right", footer=f"{sum(one.orders for one in households):,}")
    table.add_column("points", justify="right", footer=f"{sum(purse['balance'] for purse in points):,}")
    table.add_column("next to expire", justify="right")
    table.add_column("last day", no_wrap=True)
    for household, purse in zip(households, points, strict=True):
        # The first of the deadlines; the one of points that never expire has no last day.
        first = next((row for row in purse["deadlines"] if row["last_day"]), None)
        table.add_row(
            household.household,
            household.member_id,
            f"{household.orders:,}",
            f"{purse['balance']:,}",
            f"{first['points']:,}" if first else "-",
            first["last_day"] if first else "-",
        )
    return table


def write_headers(folder: LocalFolder, tokens: Tokens) -> dict[str, str]:
    """Keep each token as a header file that curl can read (`-H @file`); the files' names by caller."""
    files = {}
    for name, token in tokens.items():
        file = folder.path / f"{name}.header"
        file.touch(mode=0o600)
        file.write_text(f"Authorization: Bearer {token}\n")
        files[name] = folder.shown(file)
    return files


def write_walk(folder: LocalFolder, address: str, *, member_id: str, now: str) -> None:
    """Keep what the walk in the README needs as shell variables: `. .local/walk.env`."""
    lines = [f"API='{address}'", f"MEMBER='{member_id}'", f"NOW='{now}'"]
    (folder.path / "walk.env").write_text("\n".join(lines) + "\n")


def curl_lines(address: str, files: dict[str, str], *, member_id: str, now: str, entry_id: str) -> list[tuple[str, str]]:
    """Lines for a shell, each with what it shows. The purchase is one more of that member, at `now`."""
    order = {
        # Another time, another order: the same id with another time in it would be refused.
        "order_id": f"till-7-{''.join(filter(str.isdigit, now))}",
        "member_id": member_id,
        "currency": "USD",
        "occurred_at": now,
        "lines": [{"sku": "espresso-beans", "quantity": 2, "amount": 2599}],
    }

    def curl(who: str, path: str, *options: str) -> str:
        return " ".join(["curl -sS", f"-H @{files[who]}", *options, f"'{address}{path}'"])

    body = json.dumps(order, separators=(",", ":"))
    return [
        (
            "A till records a purchase (paste it twice: one entry, the same answer)",
            curl("pos", "/v1/purchases", "-H 'Content-Type: application/json'", f"-d '{body}'"),
        ),
        ("The till reads the wallet", curl("pos", f"/v1/members/{member_id}/wallet")),
        ("The history, newest first", curl("pos", f"/v1/members/{member_id}/entries?limit=5")),
        ("One entry, explained", curl("pos", f"/v1/entries/{entry_id}")),
        ("The member's own wallet, in the app", curl("member", "/v1/me/wallet")),
        ("The operator reads the program", curl("operator", "/v1/program")),
        (
            "The operator moves the sandbox's time: read the wallet again and see points gone by date, with no job",
            curl(
                "operator",
                "/v1/test-clock",
                "-X PUT -H 'Content-Type: application/json'",
                """-d '{"now": "2018-06-01T12:00:00Z"}'""",
            ),
        ),
    ]


def show(console: Console, address: str, tokens: Tokens, lines: list[tuple[str, str]], table: Table) -> None:
    """Print all of it. Addresses, tokens and commands stay whole lines, so that they can be copied."""
    for name, token in tokens.items():
        _line(console, f"Token ({name})", token)
    console.print()
    console.print(table)
    _line(console, "API", address)
    for what, line in lines:
        console.print(f"\n[dim]# {what}[/]")
        console.print(Text(line), soft_wrap=True)
    console.print(
        "\nTokens of member and operator last an hour, the till's eight; `make up` prints new ones and changes nothing else. "
        "`make down` stops the cloud and keeps what it holds.",
        style="dim",
        soft_wrap=True,
    )


def _line(console: Console, name: str, value: str) -> None:
    console.print(f"\n[bold]{name}[/]")
    console.print(Text(value), soft_wrap=True)
