"""What Laurel's operations cost on DynamoDB, and how large its items grow over the retail year: `python -m benchmarks.units`.

Counts round trips and documented units with tests/meter, on MiniStack's request handler in this process. Sizes are those of
every n-th order of the year (`--every`), so they differ from run to run of another n by a little.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from benchmarks.drawing import sizes_of_wallets
from benchmarks.operations import COUNT, Cost, measure_operations
from benchmarks.page import write_section
from benchmarks.wallet_sizes import Growth, measure_growth
from infra.local_cloud.retail import read_orders
from tests.retail.figures import MODULUS_AND_REMAINDER, SetName, expected_figures
from tests.retail.shop import grocer_program
from tests.retail.tiers import tiered_program

BY_DAY, BY_MONTH, TIERED = "365 days by day", "12 months by month", "12 months by month, tiers by 365 days of spend"
PROGRAMS = {BY_DAY: grocer_program(365, "day"), BY_MONTH: grocer_program(12, "month"), TIERED: tiered_program(12, "month")}
console = Console()


def main() -> int:
    """Run the benchmark; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.units", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--set", choices=["full", "mini"], default="full", dest="name")
    parser.add_argument("--every", type=int, default=20, metavar="N", help="look at the items of every n-th order (20)")
    parser.add_argument("--report", type=Path, metavar="PAGE", help="put the tables into this Markdown page as well")
    arguments = parser.parse_args()
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=console) as progress:
        measuring = progress.add_task("operations", total=COUNT)
        costs = measure_operations(lambda: progress.advance(measuring))
        growth = {name: _growth(progress, arguments.name, name, arguments.every) for name in PROGRAMS}
    tables = [_operations_table(costs), _sizes_table(growth), _encodings_table(growth)]
    for table in tables:
        console.print(table)
    if arguments.report:
        _write_report(arguments.report, tables, growth)
    return 0


def _growth(progress: Progress, name: SetName, program: str, every: int) -> Growth:
    earning = progress.add_task(f"a year at {program}", total=expected_figures(name).orders)
    modulus, remainder = MODULUS_AND_REMAINDER[name]
    orders = read_orders(modulus=modulus, remainder=remainder)
    return measure_growth(orders, PROGRAMS[program], every=every, done=lambda: progress.advance(earning))


def _operations_table(costs: list[Cost]) -> Table:
    table = _table("What an operation costs", "operation", "trips", "writes", "indexes", "reads", "bytes")
    table.caption = "units by the documented rules, on a warm path; bytes: the largest item written"
    for cost in costs:
        units: Any = (cost.round_trips, cost.write_units, cost.index_units, cost.read_units)
        table.add_row(cost.operation, *(f"{n:g}" for n in units), f"{cost.largest_item:,}" if cost.largest_item else "")
    return table


def _sizes_table(growth: dict[str, Growth]) -> Table:
    table = _table("Bytes after each earn of the retail year", "item", "p50", "p95", "p99", "largest", "in 1 KB", "units")
    table.caption = "units: mean write units of the item per earn"
    for program, found in growth.items():
        table.add_row(f"wallet, {program}", *found.wallet.row(factor=2))
    # What earns and how long it lives makes no difference to the other two.
    table.add_row("entry", *growth[BY_DAY].entry.row(factor=2))
    table.add_row("history row", *growth[BY_DAY].history.row(factor=1))
    return table


def _encodings_table(growth: dict[str, Growth]) -> Table:
    table = _table("The wallet with its lots written otherwise", "lots", "p50", "p95", "p99", "largest", "in 1 KB", "units")
    table.caption = "the wallet's bytes and mean write units per earn, at 365 days by day"
    table.add_row("as stored", *growth[BY_DAY].wallet.row(factor=2))
    for name, sizes in growth[BY_DAY].alternatives.items():
        table.add_row(name, *sizes.row(factor=2))
    return table


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title)
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _write_report(page: Path, tables: list[Table], growth: dict[str, Growth]) -> None:
    picture = sizes_of_wallets({program: found.year_end for program, found in growth.items()})
    write_section(page, "units", "Costs on DynamoDB", "", tables, "wallet-sizes.svg", picture)
    console.print(f"written to {page}")


if __name__ == "__main__":
    sys.exit(main())
