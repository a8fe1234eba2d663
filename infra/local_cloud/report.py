"""What `make up` ends with: balances, the API's address, a token for each kind of caller, lines to paste."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.local_cloud.api import Caller
from infra.local_cloud.demo import Replayed
from infra.local_cloud.friends import ADVOCATE, TRUE_FRIEND, WAVERING, Friends, Purse
from infra.local_cloud.occasions import DORA, NEW_YEAR, Occasions
from infra.local_cloud.state import LocalFolder
from infra.local_cloud.visit import Visit, usd


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
    tiers = [pos.expect("GET", f"/v1/members/{one.member_id}/tier") for one in households]
    table = Table(
        title="Balances", title_justify="left", box=SIMPLE_HEAD, pad_edge=False, show_footer=True, collapse_padding=True
    )
    table.add_column("who", no_wrap=True, footer=f"{len(households)}")
    table.add_column("member id", no_wrap=True)
    table.add_column("orders", no_wrap=True, justify="right", footer=f"{sum(one.orders for one in households):,}")
    table.add_column("tier", no_wrap=True)
    table.add_column("points", no_wrap=True, justify="right", footer=f"{sum(purse['balance'] for purse in points):,}")
    table.add_column("next to expire", justify="right", min_width=6)
    table.add_column("last day", no_wrap=True)
    for household, purse, standing in zip(households, points, tiers, strict=True):
        # The first of the deadlines; the one of points that never expire has no last day.
        first = next((row for row in purse["deadlines"] if row["last_day"]), None)
        table.add_row(
            household.household,
            household.member_id,
            f"{household.orders:,}",
            standing["tier_name"] or "-",
            f"{purse['balance']:,}",
            f"{first['points']:,}" if first else "-",
            first["last_day"] if first else "-",
        )
    return table


def visited(visit: Visit) -> Table:
    """What a customer did at a till, and what became of their points."""
    title = f"Customer {visit.customer} at the till"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("what happened")
    table.add_column("points", justify="right")
    table.add_column("balance", justify="right")
    for step in visit.steps:
        table.add_row(step.what, f"{step.points:+,}" if step.points else "", f"{step.balance:,}")
    return table


def brought(friends: Friends) -> Table:
    """What bringing friends gave, and what a friend who brought her shopping back took with it."""
    title = f"{ADVOCATE} brings friends by her code {friends.code} (points, + points held)"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("day", no_wrap=True)
    table.add_column("what happened")
    for name in (ADVOCATE, TRUE_FRIEND, WAVERING):
        table.add_column(name, justify="right", no_wrap=True)
    for evening in friends.evenings:
        table.add_row(evening.day[5:], evening.what, *map(_held, evening.purses))
    return table


def _held(purse: Purse | None) -> str:
    if purse is None:
        return "-"
    return f"{purse.balance:,} +{purse.held:,}" if purse.held else f"{purse.balance:,}"


def came(occasions: Occasions) -> Table:
    """What came by date: the schedule found whom it was for, and nobody asked it to."""
    title = "What came by itself, as the bus told it (+ mailed; … is the member)"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("who", no_wrap=True)
    table.add_column("event", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("due (UTC)", no_wrap=True)
    table.add_column("entry", overflow="fold")
    for one in occasions.shown:
        due = datetime.fromisoformat(one.due).astimezone(UTC)
        entry = Text(one.entry_id.replace(one.member_id, "…"))
        table.add_row(one.who, one.what + " +" * one.mailed, f"{one.points:,}", f"{due:%m-%d %H:%M}", entry)
    return table


def simulated(answer: dict[str, Any]) -> Table:
    """What a change of the program would have done, and to how many."""
    title = "Dry run: double points on Saturdays, at most 100 a member and month (nothing was written)"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("what it would have done")
    table.add_column("", justify="right")
    [points], counts = answer["currencies"], answer["counts"]
    told = {
        f"points for {counts['orders']:,} orders of {counts['members']} members, as the program is": points["points"]["active"],
        "with the draft": points["points"]["draft"],
        "members who would have more": points["winners"]["members"],
        "members who would have less": points["losers"]["members"],
        "orders that would have met the cap": sum(cap["orders_cut"] for cap in answer["draft"]["caps"]),
    }
    for what, number in told.items():
        table.add_row(what, f"{number:,}")
    table.add_row("what it would have cost more", usd(points["cost"]["difference"]))
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


def write_events(folder: LocalFolder, events: list[dict[str, Any]]) -> None:
    """Keep what the bus told, a JSON document a line."""
    folder.events.write_text("".join(f"{json.dumps(event)}\n" for event in events))


def write_walk(
    folder: LocalFolder,
    address: str,
    *,
    member_id: str,
    now: str,
    visit: Visit,
    friends: Friends,
    occasions: Occasions,
    question: dict[str, Any],
) -> None:
    """Keep what the walk in the README needs: shell variables, `. .local/walk.env`, and the body of a dry run."""
    (folder.path / "dry-run.json").write_text(json.dumps(question))
    known = {"API": address, "MEMBER": member_id, "NOW": now, "REDEMPTION": visit.redemption_id, "CARD": visit.card_code}
    known |= {"ANNA": friends.advocate_id, "ANNAS_CODE": friends.code, "DORA": occasions.dora_id}
    (folder.path / "walk.env").write_text("".join(f"{name}='{value}'\n" for name, value in known.items()))


def curl_lines(
    address: str,
    files: dict[str, str],
    *,
    member_id: str,
    now: str,
    entry_id: str,
    visit: Visit,
    friends: Friends,
    occasions: Occasions,
) -> list[tuple[str, str]]:
    """Lines for a shell, each with what it shows. The purchase is one more of that member, at `now`."""
    # Another time, another order: the same id with another time in it would be refused.
    number = "".join(filter(str.isdigit, now))
    order_id = f"till-7-{number}"
    order = {
        "order_id": order_id,
        "member_id": member_id,
        "currency": "USD",
        "occurred_at": now,
        "lines": [{"sku": "espresso-beans", "quantity": 2, "amount": 2599}],
    }

    def curl(who: str, path: str, body: object = None, *options: str) -> str:
        sent = (
            ["-H 'Content-Type: application/json'", f"-d '{json.dumps(body, separators=(',', ':'))}'"]
            if body is not None
            else []
        )
        return " ".join(["curl -sS", f"-H @{files[who]}", *options, *sent, f"'{address}{path}'"])

    refund = {"refund_id": "refund-1", "occurred_at": now, "lines": [{"line": 1, "amount": 1_000}]}
    redeem = curl("member", "/v1/me/redemptions", {"reward_id": "five_off"}, f"-H 'Idempotency-Key: app-{number}'")
    first, last = friends.evenings[0].day, friends.evenings[-1].day
    use = {"code": "'$CODE'", "member_id": member_id, "order_id": order_id}
    return [
        ("A till records a purchase (paste it twice: one entry, the same answer)", curl("pos", "/v1/purchases", order)),
        ("The till reads the wallet", curl("pos", f"/v1/members/{member_id}/wallet")),
        ("The history, newest first", curl("pos", f"/v1/members/{member_id}/entries?limit=5")),
        ("One entry, explained", curl("pos", f"/v1/entries/{entry_id}")),
        ("The member's own wallet, in the app", curl("member", "/v1/me/wallet")),
        (
            "What the member may have for points, and what they are short of",
            curl("member", "/v1/me/rewards?channel=app"),
        ),
        (
            "The member redeems in the app; the shell keeps the voucher's code (paste it twice: one voucher)",
            rf"""CODE=$({redeem} | tee -a /dev/stderr | sed 's/.*"code":"\([^"]*\)".*/\1/')""",
        ),
        ("The till takes that voucher for the order; no other order can use it again", curl("pos", "/v1/vouchers/redeem", use)),
        (
            "The till refunds 10.00 USD of the order: what they had earned goes, and their share of the voucher returns",
            curl("pos", f"/v1/purchases/{order_id}/refunds", refund),
        ),
        (
            f"Customer {visit.customer} gives the free coffee back: the points return, and the shelf has one more",
            curl("pos", f"/v1/redemptions/{visit.redemption_id}/cancel", {}),
        ),
        (f"What is on customer {visit.customer}'s gift card", curl("pos", "/v1/gift-cards/balance", {"code": visit.card_code})),
        ("Tier, what the next one takes, and when it falls", curl("pos", f"/v1/members/{member_id}/tier")),
        (
            "A review is rewarded (paste it twice: once)",
            curl(
                "pos",
                "/v1/activities",
                {"activity": "review", "activity_id": f"review-{number}", "member_id": member_id, "occurred_at": now},
            ),
        ),
        (
            f"{ADVOCATE}'s code, her share link, her friends, and what she earned by them",
            curl("pos", f"/v1/members/{friends.advocate_id}/referrals"),
        ),
        (
            "A third friend enrols by it",
            curl("pos", "/v1/members", {"customer_id": f"friend-{number}", "referral": {"code": friends.code}}),
        ),
        (
            "What friends cost the shop, from sharing to reward",
            curl("operator", f"/v1/referrals/funnel?from={first}&to={last}"),
        ),
        (
            f"{DORA}'s birthday: the entry says which campaign gave it, for which year, since when",
            curl("pos", f"/v1/entries/grant:birthday:{NEW_YEAR.year}:{occasions.dora_id}"),
        ),
        ("What the campaign gave, and what it cost", curl("operator", "/v1/campaigns/birthday/report")),
        ("The operator reads the program", curl("operator", "/v1/program")),
        (
            "The operator moves the sandbox's time: read the wallet again and see points gone by date, with no job",
            curl("operator", "/v1/test-clock", {"now": "2018-06-01T12:00:00Z"}, "-X PUT"),
        ),
    ]


def show(console: Console, address: str, tokens: Tokens, lines: list[tuple[str, str]], tables: list[Table]) -> None:
    """Print all of it. Addresses, tokens and commands stay whole lines, so that they can be copied."""
    for name, token in tokens.items():
        _line(console, f"Token ({name})", token)
    console.print()
    for table in tables:
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
