"""`python -m tests.simulation`: run worlds, or one of them again."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from tests.simulation.mutations import MUTATIONS, PLANTED
from tests.simulation.run import SCENARIOS, Verdict, simulate

_LINE_MAX = 300


def main(arguments: list[str]) -> int:
    """Exit code 0 where every world kept its promises, 1 at the first that did not."""
    options = _options(arguments)
    if options.seed is not None:
        return _replay(options.seed, options.scenario or "earn", options.without)
    seeds, console = range(options.first, options.first + options.seeds), Console()
    for scenario in [options.scenario] if options.scenario else SCENARIOS:
        if _many(console, seeds, scenario, options.without):
            return 1
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seed", type=int, help="run this world alone and print all that happened in it")
    which.add_argument("--seeds", type=int, help="run this many worlds")
    parser.add_argument("--first", type=int, default=0, help="the first seed of --seeds (default 0)")
    parser.add_argument("--scenario", choices=sorted(SCENARIOS), help="of --seeds: all where none is named")
    parser.add_argument(
        "--without", choices=sorted({*MUTATIONS, *PLANTED}), help="plant this mutation: the worlds must then fail"
    )
    return parser.parse_args(arguments)


def _replay(seed: int, scenario: str, without: str | None) -> int:
    verdict = simulate(seed, scenario, without=without)
    print("\n".join(verdict.trace))
    print(f"\nseed {seed}: {verdict.calls} calls, trace {verdict.digest}, {len(verdict.violations)} violations")
    return 1 if verdict.violations else 0


def _many(console: Console, seeds: range, scenario: str, without: str | None) -> int:
    calls, happened = 0, Counter[str]()
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(f"worlds of {scenario}", total=len(seeds))
        for seed in seeds:
            verdict = simulate(seed, scenario, without=without)
            calls += verdict.calls
            happened.update(verdict.happened)
            progress.advance(task)
            if verdict.violations:
                progress.stop()
                return _broken(console, verdict)
    console.print(_table(scenario, happened, len(seeds), calls))
    return 0


def _broken(console: Console, verdict: Verdict) -> int:
    for violation in verdict.violations:
        console.print(f"broken: {violation[:_LINE_MAX]}", soft_wrap=True, highlight=False, markup=False)
    console.print(f"seed {verdict.seed} breaks a promise; see all of it with:", style="bold")
    console.print(verdict.replay, soft_wrap=True, highlight=False)
    return 1


def _table(scenario: str, happened: Counter[str], worlds: int, calls: int) -> Table:
    title = f"{worlds:,} worlds of {scenario}, {calls:,} calls to DynamoDB, {happened.total():,} faults, no violation"
    table = Table(title=title)
    table.add_column("fault")
    table.add_column("times", justify="right")
    for fault, times in sorted(happened.items()):
        table.add_row(fault, f"{times:,}")
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
