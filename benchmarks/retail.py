"""A published year of a grocer's orders through the handlers, checked to the point: `python -m benchmarks.retail`.

155,848 orders of 2,469 households by default; `--set mini` takes every tenth household. With `--with-redemption` members also
redeem 500 points just before an order whenever they have as many, and use the voucher on it. With `--with-tiers` the program
has tiers by the spend of 365 days, read for every member at the end of each quarter. The handlers' real code runs in this
process over a ledger in memory, or with `--engine ministack` over the DynamoDB adapter and MiniStack's request handler. Exits
with 1 where a figure differs from tests/retail/expected.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Generic, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from benchmarks.drawing import members_by_tier, year_of_points
from benchmarks.page import write_section
from infra.local_cloud.retail import read_orders
from tests.retail.figures import (
    MODULUS_AND_REMAINDER,
    EndOfDay,
    Figures,
    Month,
    SetName,
    Vintage,
    expected_figures,
    roll_forward,
    vintages,
)
from tests.retail.replay import Replay
from tests.retail.shop import EngineName, open_shop
from tests.retail.tiers import THRESHOLDS, MembersByTier, expected_tiers, tiered_program, watched

console = Console()
Figure = TypeVar("Figure")
REDEEMING = "with-redemption"
TIERED = "with-tiers"


@dataclass(frozen=True, slots=True)
class Check(Generic[Figure]):
    """A figure of Laurel's beside the one that was computed apart."""

    measured: Figure
    expected: Figure

    @property
    def holds(self) -> bool:
        """Whether the two are the same to the point."""
        return self.measured == self.expected

    @property
    def mark(self) -> str:
        """For the last column of a table."""
        return "yes" if self.holds else f"NO: {self.expected}"


@dataclass(frozen=True, slots=True)
class Speed:
    """How long sending took, and the most memory that this process held."""

    engine: EngineName
    orders: int
    redemptions: int
    seconds: float
    cpu_seconds: float
    peak_megabytes: int

    def __str__(self) -> str:
        redeemed = f" and {self.redemptions:,} redemptions" if self.redemptions else ""
        return (
            f"{self.orders:,} orders{redeemed} in {self.seconds:,.0f} s: {self.orders / self.seconds:,.0f} orders a second "
            f"({self.cpu_seconds:,.0f} s of CPU, {self.orders / self.cpu_seconds:,.0f} orders a CPU second); "
            f"engine {self.engine}, Python {sys.version_info.major}.{sys.version_info.minor}, "
            f"{self.peak_megabytes:,} MB at most"
        )


@dataclass(frozen=True, slots=True)
class Year:
    """All that a run found.

    `counts` are orders, members, redemptions, and points that answers told; `closings` the wallets' own reading.
    """

    counts: dict[str, Check[int]]
    days: dict[date, Check[EndOfDay]]
    months: list[Check[Month]]
    closings: list[Check[int | None]]
    vintages: list[Check[Vintage]]
    tiers: dict[date, Check[MembersByTier]]

    @property
    def redeeming(self) -> bool:
        """Whether members redeemed."""
        return bool(self.vintages)

    def wrong(self) -> int:
        """How many figures differ."""
        checks: list[Check[Any]] = [
            *self.counts.values(),
            *self.days.values(),
            *self.months,
            *self.closings,
            *self.vintages,
            *self.tiers.values(),
        ]
        return sum(not check.holds for check in checks)


def main() -> int:
    """Run the benchmark; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retail", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engine", choices=["memory", "ministack"], default="memory")
    parser.add_argument("--set", choices=["full", "mini"], default="full", dest="name")
    parser.add_argument(f"--{REDEEMING}", action="store_true", help="members redeem 500 points whenever they have as many")
    parser.add_argument(f"--{TIERED}", action="store_true", help="members have tiers by their spend of the last 365 days")
    parser.add_argument("--report", type=Path, metavar="PAGE", help="put the tables into this Markdown page as well")
    arguments = parser.parse_args()
    speed, year = measure(arguments.name, arguments.engine, redeems=arguments.with_redemption, tiered=arguments.with_tiers)
    tables = [
        _days_table(year),
        _months_table(year),
        *([_vintages_table(year)] if year.redeeming else []),
        *([_tiers_table(year)] if year.tiers else []),
        _counts_table(year),
    ]
    for table in tables:
        console.print(table)
    console.print(str(speed))
    wrong = year.wrong()
    console.print(f"[red]{wrong} figures differ[/]" if wrong else "[green]every figure agrees to the point[/]")
    if arguments.report:
        _write_report(arguments.report, speed, tables, year)
    return 1 if wrong else 0


def measure(name: SetName, engine: EngineName, *, redeems: bool = False, tiered: bool = False) -> tuple[Speed, Year]:
    """Send a set's orders in their own time, with redemptions where members redeem; then read what Laurel says of the year.

    Where it is `tiered`, every member's tier is read meanwhile.
    """
    figures = expected_figures(name, "with_redemption" if redeems else "earn_expire")
    modulus, remainder = MODULUS_AND_REMAINDER[name]
    with open_shop(engine, tiered_program() if tiered else None) as shop, _progress() as progress:
        sending = progress.add_task("sending orders", total=figures.orders)
        replay = Replay(shop, redeems=redeems, on_order=lambda _: progress.advance(sending))
        watch = watched(replay, name) if tiered else None
        began, cpu_began = time.perf_counter(), time.process_time()
        replay.run(read_orders(modulus=modulus, remainder=remainder))
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
        reading = progress.add_task("reading wallets as of a day", total=len(figures.end_of_day))
        days = {}
        for day, expected in figures.end_of_day.items():
            days[day] = Check(EndOfDay.of(replay.purses(day)), expected)
            progress.advance(reading)
        postings = list(replay.postings())
    months = roll_forward(postings, [row.month for row in figures.months])
    earned_in = vintages(postings, [row.month for row in figures.vintages])
    year = Year(
        counts=_counts(replay, figures),
        days=days,
        months=[Check(row, expected) for row, expected in zip(months, figures.months, strict=True)],
        closings=[Check(replay.closings.get(row.month), row.closing) for row in figures.months],
        vintages=[Check(row, expected) for row, expected in zip(earned_in, figures.vintages, strict=True)],
        tiers=(
            {day: Check(MembersByTier.of(watch.found[day]), expected) for day, expected in expected_tiers(name).items()}
            if watch
            else {}
        ),
    )
    return Speed(engine, replay.orders, replay.redemptions.total(), seconds, cpu_seconds, _peak_megabytes()), year


def _counts(replay: Replay, figures: Figures) -> dict[str, Check[int]]:
    counts = {
        "members": Check(len(replay.members), figures.members),
        "orders": Check(replay.orders, figures.orders),
        "points told in answers": Check(replay.earned_by_answers, sum(row.earn for row in figures.months)),
    }
    if figures.redemptions:
        counts |= {
            "redemptions": Check(replay.redemptions.total(), figures.redemptions),
            "members who redeemed": Check(len(replay.redemptions), figures.redeeming_members),
            "points redeemed, as told in answers": Check(replay.redeemed_by_answers, sum(row.redeem for row in figures.months)),
        }
    return counts


class OrdersPerSecond(ProgressColumn):
    """The rate of the last seconds."""

    def render(self, task: Task) -> Text:
        """Empty for tasks that are no orders."""
        return Text(f"{task.speed:,.0f}/s" if task.speed and task.speed > 1 else "", style="cyan")


def _progress() -> Progress:
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), OrdersPerSecond()]
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)


def _peak_megabytes() -> int:
    """macOS counts in bytes, Linux in KB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 * 1024 if sys.platform == "darwin" else 1024)


def _days_table(year: Year) -> Table:
    # Not all figures that are checked fit into a terminal of 80 columns.
    columns = ("redeemed", "rate", "expired", "balance") if year.redeeming else ("expired", "balance", "members", "largest")
    table = _table("Points at the end of a day", "end of", "earned", *columns, "agrees")
    table.caption = "members: those with points; agrees: these figures and the hash of all balances"
    if year.redeeming:
        table.caption = "rate: redeemed of what was earned; agrees: these, who has points, the most, the hash of all balances"
    for day, check in year.days.items():
        totals = check.measured
        left = [f"{totals.expired:,}", f"{totals.outstanding:,}"]
        if year.redeeming:
            cells = [f"{totals.redeemed:,}", f"{totals.redemption_rate:.4%}", *left]
        else:
            cells = [*left, f"{totals.members_with_balance:,}", f"{totals.max_balance:,}"]
        table.add_row(str(day), f"{totals.earned:,}", *cells, check.mark)
    return table


def _months_table(year: Year) -> Table:
    redeemed = ("redeemed",) if year.redeeming else ()
    columns = ("month", "opening", "earned", *redeemed, "expired", "closing", "read then", "agrees")
    table = _table("Points month by month", *columns)
    table.caption = "from the postings; read then: what all wallets said at the end of the month"
    for check, closing in zip(year.months, year.closings, strict=True):
        row = check.measured
        taken = (row.redeem,) if year.redeeming else ()
        counts = (row.opening, row.earn, *taken, row.expire, row.closing, closing.measured)
        table.add_row(row.month, *(f"{n:,}" for n in counts), check.mark if closing.holds else closing.mark)
    return table


def _vintages_table(year: Year) -> Table:
    table = _table(
        "What became of the points of each month", "month", "earned", "redeemed", "rate", "expired", "left", "agrees"
    )
    table.caption = "from the dates of the numbered points that were moved"
    for check in year.vintages:
        row = check.measured
        rate = f"{row.redemption_rate:.4%}"
        table.add_row(row.month, f"{row.earn:,}", f"{row.redeem:,}", rate, f"{row.expire:,}", f"{row.left:,}", check.mark)
    return table


def _tiers_table(year: Year) -> Table:
    table = _table("Members by tier at the end of a day", "end of", "members", *THRESHOLDS, "agrees")
    table.caption = "by spend of the last 365 days; agrees: these and the hash of every member's tier"
    for day, check in year.tiers.items():
        found = check.measured
        counts = (found.members, found.bronze, found.silver, found.gold, found.platinum)
        table.add_row(str(day), *(f"{n:,}" for n in counts), check.mark)
    return table


def _counts_table(year: Year) -> Table:
    table = _table("Counts", "of", "number", "agrees")
    for what, check in year.counts.items():
        table.add_row(what, f"{check.measured:,}", check.mark)
    return table


def _table(title: str, *columns: str) -> Table:
    # No padding at the edges: the months just fit into a terminal of 80 columns.
    table = Table(title=title, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column in ("end of", "month", "of", "agrees") else "right")
    return table


def _write_report(page: Path, speed: Speed, tables: list[Table], year: Year) -> None:
    if year.tiers:
        picture = members_by_tier({day: check.measured for day, check in year.tiers.items()})
        own = [table for table in tables if table.title and "tier" in str(table.title)]
        flags = [REDEEMING] * year.redeeming + [TIERED]
        title = "A retail year with redemptions and tiers" if year.redeeming else "A retail year with tiers"
        write_section(page, "retail", title, f"{speed}.", own, f"retail-year-{'-'.join(flags)}.svg", picture, flags=flags)
        console.print(f"written to {page}")
        return
    picture = year_of_points([check.measured for check in year.months])
    if year.redeeming:
        title, picture_name = "A retail year with redemptions", "retail-year-with-redemption.svg"
        write_section(page, "retail", title, f"{speed}.", tables, picture_name, picture, flags=[REDEEMING])
    else:
        write_section(page, "retail", "A retail year", f"{speed}.", tables, "retail-year.svg", picture)
    console.print(f"written to {page}")


if __name__ == "__main__":
    sys.exit(main())
