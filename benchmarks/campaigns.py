"""What campaigns cost, and that the sweep costs what is due and not what there is: `python -m benchmarks.campaigns`.

A morning on which 1,000 members have been silent for 60 days, among 10,000, 100,000 and 1,000,000 members: the same 1,000, and
the same units. The bonuses function's real code runs in this process, over the ledger in memory with a meter that is held equal
to the one at DynamoDB's wire (tests/meter/test_memory_meter.py); runs are kept on MiniStack. Then what a bonus of each kind
costs, on MiniStack. Last, the published year with a sweep a day (`--set none` leaves it out): who was silent is held to
tests/retail/expected. Exits with 1 where a list differs, or the units do.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.crowd import Morning, Silent, morning
from benchmarks.drawing import units_of_mornings
from benchmarks.page import write_section
from infra.local_cloud.retail import read_orders
from tests.engines.ministack import ministack_table
from tests.fakes.clients import product_client
from tests.meter.campaign_readings import grants, limits, pages, visits
from tests.meter.report import Reading
from tests.retail.figures import MODULUS_AND_REMAINDER, SetName
from tests.retail.silence import DAYS, LAST_TICK, expected_silent, open_silence
from tests.retail.silence import Silent as SilentOn

SIZES = (10_000, 100_000, 1_000_000)
DUE = 1_000
console, progress = Console(), Console(stderr=True)


@dataclass(frozen=True, slots=True)
class List:
    """Who was silent at the end of a day, and whether these are the ones who must be."""

    day: date
    found: SilentOn
    agrees: bool


def main() -> int:
    """Run the benchmark; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.campaigns", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--members", type=int, nargs="+", default=SIZES, metavar="N", help="how many there are")
    parser.add_argument("--due", type=int, default=DUE, metavar="N", help="how many of them are due (1000)")
    parser.add_argument("--set", choices=["full", "mini", "none"], default="full", dest="name", help="of the published year")
    parser.add_argument("--report", type=Path, metavar="PAGE", help="put the tables into this Markdown page as well")
    arguments = parser.parse_args()
    logging.disable(logging.INFO)
    lists: list[List] = []
    with _quietly():
        mornings = list(_mornings(arguments.members, arguments.due))
        tables = [_mornings_table(mornings), *_cost_tables()]
        if arguments.name != "none":
            lists = list(_lists(arguments.name))
            tables.append(_lists_table(arguments.name, lists))
    for table in tables:
        console.print(table)
    same = len({str(found.units) for found in mornings}) == 1
    console.print(text := _text(same))
    if arguments.report:
        picture = units_of_mornings({found.members: found.units for found in mornings})
        write_section(arguments.report, "campaigns", "Campaigns", text, tables, "campaigns.svg", picture)
        console.print(f"written to {arguments.report}")
    return 0 if same and all(found.agrees for found in lists) else 1


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Figures that the function writes for CloudWatch are none of this benchmark's."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def _mornings(sizes: list[int], due: int) -> Iterator[Morning]:
    silent = Silent.grown()
    for members in sizes:
        with ministack_table(product_client) as engine:
            progress.print(f"{due:,} of {members:,} members are due")
            yield morning(members, due, engine, silent)


def _mornings_table(mornings: list[Morning]) -> Table:
    columns = ("members", "due", "trips", "reads", "writes", "index", "units a bonus", "trips a bonus", "bonuses a second")
    table = _table("A morning with the same members due", *columns)
    table.caption = "units a bonus: reads / writes and those of indexes; a second: of one worker's CPU here, without DynamoDB"
    for found in mornings:
        units, due = found.units, found.due
        counts = (found.members, due, units.round_trips, units.read_units, units.write_units, units.index_write_units)
        each = f"{units.read_units / due:.2f} / {(units.write_units + units.index_write_units) / due:.2f}"
        trips, speed = f"{units.round_trips / due:.2f}", f"{due / found.seconds:,.0f}"
        table.add_row(*(f"{count:,.0f}" for count in counts), each, trips, speed)
    return table


def _cost_tables() -> Iterator[Table]:
    titles = {
        "What a bonus costs": (grants, limits),
        "What a look at a member costs": (visits,),
        "What a run costs beside its members": (pages,),
    }
    for title, parts in titles.items():
        table = _table(title, "what", "trips", "reads", "writes", "index")
        for part in parts:
            with ministack_table(product_client) as engine:
                for reading in part(engine):
                    table.add_row(*_cells(reading))
        yield table


def _cells(found: Reading) -> Iterator[str]:
    yield found.what
    for count in (found.round_trips, found.read_units, found.write_units, found.index_write_units):
        yield f"{count:g}"


def _lists(name: SetName) -> Iterator[List]:
    modulus, remainder = MODULUS_AND_REMAINDER[name]
    with open_silence() as silence:
        before = time.process_time()
        silence.replay.run(read_orders(modulus=modulus, remainder=remainder))
        progress.print(f"replayed {silence.replay.orders:,} orders in {time.process_time() - before:,.0f} s of CPU")
        every_day = silence.given() == silence.due(LAST_TICK)
        for day, expected in expected_silent(name).items():
            found = SilentOn.of(silence.silent(day))
            yield List(day, found, every_day and found == expected)


def _lists_table(name: SetName, lists: list[List]) -> Table:
    table = _table(f"Members who are silent, of the set {name}", "end of", f"{DAYS} days", "or longer", "agrees")
    table.caption = "who was given the bonus and has not bought since; agrees: these lists, and who was given it on every day"
    for found in lists:
        counts = (found.found.days_eq_60, found.found.days_ge_60)
        table.add_row(str(found.day), *(f"{count:,}" for count in counts), "yes" if found.agrees else "NO")
    return table


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title)
    table.add_column(first, justify="right" if first == "members" else "left")
    for column in columns:
        table.add_column(column, justify="left" if column == "agrees" else "right")
    return table


def _text(same: bool) -> str:
    told = "The units are the same, however many members there are." if same else "THE UNITS DIFFER."
    return (
        f"{told} This process took {_peak_megabytes():,} MB of memory at most. Units by the documented rules. A second is "
        "one of CPU in this process, the meter's own included: it says what our code takes, not how fast AWS answers."
    )


def _peak_megabytes() -> int:
    """macOS counts in bytes, Linux in KB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 * 1024 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    sys.exit(main())
