"""A published year of a grocer's orders as a dry run of another program: `python -m benchmarks.dry_run`.

155,848 orders of 2,469 households by default; `--set mini` takes every tenth household. They go through the handler of
`POST /v1/program/simulations` in parts of whole households, as many as a request takes, and the answers are put together. The
active program is the grocer's plain one; the draft has tiers by spend, which multiply points, and weekends in December that
double them, capped for each member and in all. Exits with 1 where the active program's points or the draft's tiers differ from
what was computed apart (tests/retail/expected).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import leather
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from benchmarks.page import write_section
from infra.local_cloud.retail import read_orders
from tests.retail.dry_run import MONTH_ENDS, DryRun, by_household, lively_program, plain_program
from tests.retail.figures import MODULUS_AND_REMAINDER, SetName, expected_figures
from tests.retail.shop import open_shop
from tests.retail.tiers import THRESHOLDS, expected_tiers

console = Console()
COLOURS = dict(zip(THRESHOLDS, ("#8c6d46", "#8a94a0", "#c9a227", "#35507a"), strict=True))
WIDTH, HEIGHT = 1_000, 360


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run: what it found, how long it took, and which figures differ from those that were computed apart."""

    found: DryRun
    seconds: float
    cpu_seconds: float
    wrong: Sequence[str]

    def __str__(self) -> str:
        orders = self.found.counts["orders"]
        return (
            f"{orders:,} orders of {self.found.counts['members']:,} members in {self.found.parts:,} requests of at most "
            f"{self.found.largest:,} bytes, each order under both programs: {self.seconds:,.0f} s "
            f"({self.cpu_seconds:,.0f} s of CPU, {1000 * self.cpu_seconds / orders:.1f} ms an order), "
            f"Python {sys.version_info.major}.{sys.version_info.minor}"
        )


def main() -> int:
    """Run the benchmark; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dry_run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--set", choices=["full", "mini"], default="full", dest="name")
    parser.add_argument("--report", type=Path, metavar="PAGE", help="put the tables and the plots into this Markdown page")
    parser.add_argument("--plots", type=Path, metavar="FILE", help="write the plots as an SVG file")
    arguments = parser.parse_args()
    run = measure(arguments.name)
    tables = [_points_table(run), _rules_table(run), _caps_table(run), _tiers_table(run), _winners_table(run)]
    for table in tables:
        console.print(table)
    console.print(str(run))
    for wrong in run.wrong:
        console.print(f"[red]{wrong}[/]")
    if not run.wrong:
        console.print("[green]the active program's points and the draft's tiers agree with what was computed apart[/]")
    if arguments.plots:
        arguments.plots.write_text(plots(run.found), encoding="utf-8")
    if arguments.report:
        write_section(
            arguments.report, "dry_run", "A dry run of a retail year", f"{run}.", tables, "dry-run.svg", plots(run.found)
        )
        console.print(f"written to {arguments.report}")
    return 1 if run.wrong else 0


def measure(name: SetName) -> Run:
    """Send a set's orders in parts, and compare what both sides tell with the figures of the set."""
    figures, tiers = expected_figures(name), expected_tiers(name)
    modulus, remainder = MODULUS_AND_REMAINDER[name]
    with open_shop("memory", plain_program()) as shop, _progress() as progress:
        reading = progress.add_task("reading orders", total=figures.orders)
        households = by_household(progress.track(read_orders(modulus=modulus, remainder=remainder), task_id=reading))
        sending = progress.add_task("orders under both programs", total=figures.orders)
        days = sorted({*MONTH_ENDS, *tiers})
        found = DryRun(shop, lively_program(), days, on_part=lambda part: progress.advance(sending, len(part.texts)))
        began, cpu_began = time.perf_counter(), time.process_time()
        found.run(households)
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    expected: dict[str, tuple[Any, Any]] = {
        "orders": (found.counts["orders"], figures.orders),
        "members": (found.counts["members"], figures.members),
        "points of the active program": (found.sides["active"].points, sum(month.earn for month in figures.months)),
        "refused": (sum(side.refused for side in found.sides.values()), 0),
    }
    for day, counts in tiers.items():
        told = found.sides["draft"].tiers[day]
        expected[f"tiers on {day}"] = {tier: told[tier] for tier in THRESHOLDS}, {t: getattr(counts, t) for t in THRESHOLDS}
    wrong = [f"{what}: {told}, and {apart} computed apart" for what, (told, apart) in expected.items() if told != apart]
    return Run(found, seconds, cpu_seconds, wrong)


def _progress() -> Progress:
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)


def _points_table(run: Run) -> Table:
    draft, active = (run.found.sides[side].points for side in ("draft", "active"))
    table = _table("Points of a year under both programs", "", "draft", "active", "difference")
    cost = [run.found.sides[side].cost // 100 for side in ("draft", "active")]
    table.add_row("points", f"{draft:,}", f"{active:,}", f"{draft - active:+,}")
    members = run.found.counts["members"]
    table.add_row("a member", f"{draft / members:,.0f}", f"{active / members:,.0f}", f"{(draft - active) / members:+,.0f}")
    table.add_row("cost in dollars", f"{cost[0]:,}", f"{cost[1]:,}", f"{cost[0] - cost[1]:+,}")
    table.caption = f"the draft gives {draft / active - 1:.1%} more"
    return table


def _rules_table(run: Run) -> Table:
    table = _table("What gives them", "rule", "draft", "orders", "active", "orders ")
    draft, active = (run.found.sides[side].rules for side in ("draft", "active"))
    for rule in draft:
        cells = [f"{side[rule][what]:,}" if rule in side else "" for side in (draft, active) for what in ("points", "gave")]
        table.add_row(rule, *cells)
    table.caption = (
        "orders: to how many the rule gave points; the one floor of an order leaves fractions of all its rules to the base"
    )
    return table


def _caps_table(run: Run) -> Table:
    table = _table("What caps kept back", "cap", "orders cut", "points missed")
    for cap, total in run.found.sides["draft"].caps.items():
        table.add_row(cap, f"{total['orders_cut']:,}", f"{total['points_missed']:,}")
    [spent] = run.found.carry["draft"]
    table.caption = f"the budget gave {spent['points']:,}; parts are served in the order of their households"
    return table


def _tiers_table(run: Run) -> Table:
    table = _table("Tiers of the draft", "end of", *THRESHOLDS)
    for day, told in run.found.sides["draft"].tiers.items():
        table.add_row(str(day), *(f"{told[tier]:,}" for tier in THRESHOLDS))
    return table


def _winners_table(run: Run) -> Table:
    table = _table("Who wins and who loses", "", "members", "points", "most")
    for name, group in run.found.groups.items():
        most = run.found.top[name][0]["difference"] if run.found.top[name] else 0
        table.add_row(name, f"{group['members']:,}", f"{group['points']:+,}", f"{most:+,}")
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def plots(found: DryRun) -> str:
    """Two charts as one SVG: the draft's tiers at the end of each month, and what its rules add to the base."""
    tiers = leather.Chart("Members by tier, end of month")
    ends: list[tuple[date, Any]] = [(day, found.sides["draft"].tiers[day]) for day in MONTH_ENDS]
    for tier, colour in COLOURS.items():
        tiers.add_line([(day, told[tier]) for day, told in ends], name=tier, stroke_color=colour)
    tiers.add_x_axis(ticks=MONTH_ENDS[2::3], tick_formatter=lambda day, *_: f"{day:%b}")
    rules = leather.Chart("Points beside the base, by rule")
    added = [
        (rule, total["points"]) for rule, total in found.sides["draft"].rules.items() if rule != "base" and total["points"]
    ]
    rules.add_bars([(points, rule) for rule, points in added], fill_color="#3b7a57")
    rules.add_x_axis(tick_formatter=lambda points, *_: f"{points / 1_000:g}k")
    grid = leather.Grid()
    grid.add_many([tiers, rules])
    svg: str = grid.to_svg(width=WIDTH, height=HEIGHT)
    return svg


if __name__ == "__main__":
    sys.exit(main())
