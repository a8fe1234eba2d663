"""A plan for 25 million members: what campaigns take of it, in units, time and dollars: `python -m benchmarks.plan`.

The units are measured (tests/meter/campaign_readings.py; tests/meter/test_plan.py holds this plan to them). Nothing here was
measured on AWS: how long a request takes there is assumed, and said; so are list prices, quotas and rates.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.page import write_section

MEMBERS = 25_000_000
WORKERS = (8, 32)
"""`-c campaign_workers`: the default, and the most that 32 shards can keep busy."""

READ_MS, TRANSACTION_MS, WRITE_MS, CPU_MS = 5, 15, 8, 3
"""Assumed: what one batch read, transaction and single write take, and what our code takes besides for each of them."""
RRU, WRU = 0.125, 0.625
"""Dollars for a million units, on demand, in us-east-1."""
GB_SECOND, MEMORY_GB = 0.0000133334, 1769 / 1024
TRANSITION, EVENT, MAIL, GB_MONTH = 0.025 / 1_000, 1 / 1_000_000, 0.10 / 1_000, 0.25
CALL_SECONDS, TRANSITIONS_A_CALL = 270, 3
"""How long a worker works before it is called again, and the steps of the state machine that this takes."""
PAGE, DRAW_PAGE, SHARDS = 100, 1_000, 32
SILENCES_A_YEAR = 0.46
"""Of a member, for 60 days: 1,138 of 2,469 households in the published year (tests/retail/silence.py)."""
STORED_BYTES = 900
"""Of a bonus: the entry, and its row in the index of the history."""

console = Console()


@dataclass(frozen=True, slots=True)
class Step:
    """What is done for one member: round trips by kind, units, events on the bus, e-mails, bytes that stay."""

    reads: int
    transactions: int
    writes: int
    read_units: float
    write_units: float
    index_units: float
    events: int = 0
    mails: int = 0
    stored: int = 0

    @property
    def seconds(self) -> float:
        """How long it takes, as assumed."""
        milliseconds = self.reads * READ_MS + self.transactions * TRANSACTION_MS + self.writes * WRITE_MS
        return (milliseconds + CPU_MS * (self.reads + self.transactions + self.writes)) / 1_000

    @property
    def dollars(self) -> float:
        """What DynamoDB takes for its units."""
        return (self.read_units * RRU + (self.write_units + self.index_units) * WRU) / 1_000_000


DUE = Step(3, 1, 1, 12, 7, 3, events=3, mails=1, stored=STORED_BYTES)
"""A look at a member for whom a bonus is due, the bonus, another look, the next alarm: a birthday, a silence."""
GIVEN = Step(1, 1, 0, 4, 6, 1, events=3, stored=STORED_BYTES)
"""A date's bonus of points."""
DRAWN = Step(1, 1, 0, 5, 8, 1, events=3, stored=STORED_BYTES)
"""The same to a winner: the number of winners is a budget."""
LOOKED_AT = Step(1, 0, 1, 4, 1, 2)
"""A look at a member for whom nothing is due, and their next alarm."""
NOMINATED = Step(1, 1, 0, 4, 2, 0)
"""A look at a candidate of a draw, who is kept."""
PAGED = Step(1, 0, 1, 1, 1, 0)
"""A page of 100 members, and the note of how far the part has come."""
TICKETS = Step(1, 0, 0, 10, 0, 0)
"""A page of 1,000 members for their tickets."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something that is done: so many of each step."""

    what: str
    steps: tuple[tuple[float, Step], ...]

    def sum(self, part: Callable[[Step], float]) -> float:
        """A part of all steps together."""
        return sum(times * part(step) for times, step in self.steps)

    @property
    def seconds(self) -> float:
        """One worker's time."""
        return self.sum(lambda step: step.seconds)

    @property
    def dollars(self) -> dict[str, float]:
        """List prices by service."""
        transitions = self.seconds / CALL_SECONDS * TRANSITIONS_A_CALL
        return {
            "DynamoDB": self.sum(lambda step: step.dollars),
            "workers": self.seconds * MEMORY_GB * GB_SECOND + transitions * TRANSITION,
            "events": self.sum(lambda step: step.events) * EVENT,
            "mail": self.sum(lambda step: step.mails) * MAIL,
        }


def tasks(members: int) -> list[Task]:
    """What there is to do for so many members."""
    birthdays, silences, woken = members / 365, members * SILENCES_A_YEAR / 365, members / 60
    winners = 1_000

    def paged(count: float) -> tuple[float, Step]:
        return count / PAGE, PAGED

    return [
        Task("a day of birthdays", ((birthdays, DUE), paged(birthdays))),
        Task("a day of 60-day silences", ((silences, DUE), paged(silences))),
        Task("a day of looks at members who bought since", ((woken, LOOKED_AT), paged(woken))),
        Task("a dated campaign to all", ((members, GIVEN), paged(members))),
        Task(
            f"a draw of {winners:,} winners",
            ((members / DRAW_PAGE, TICKETS), (winners * SHARDS, NOMINATED), (winners, DRAWN)),
        ),
        Task("a visit to all: a campaign was started", ((members, LOOKED_AT), paged(members))),
    ]


def main() -> int:
    """Print the plan; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plan", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--members", type=int, default=MEMBERS, metavar="N", help=f"of the program ({MEMBERS:,})")
    parser.add_argument("--report", type=Path, metavar="PAGE", help="put the tables into this Markdown page as well")
    arguments = parser.parse_args()
    found = tables(arguments.members)
    for table in found:
        console.print(table)
    if arguments.report:
        write_section(arguments.report, "plan", f"{arguments.members:,} members", "", found)
        console.print(f"written to {arguments.report}")
    return 0


def tables(members: int) -> list[Table]:
    """Units and minutes, and dollars."""
    return [_times(tasks(members)), _dollars(tasks(members))]


def _times(found: list[Task]) -> Table:
    workers = [f"{count} workers" for count in WORKERS]
    table = _table("Units and time", "bonuses", "reads", "writes", "index", "a second of one worker", *workers)
    table.caption = "units in millions; a second of one worker: members of the first step, at the assumed times"
    for task in found:
        units = [task.sum(lambda step, n=name: getattr(step, n)) for name in ("read_units", "write_units", "index_units")]
        bonuses = task.sum(lambda step: step.stored / STORED_BYTES)
        pace = 1 / task.steps[0][1].seconds
        cells = (f"{bonuses:,.0f}" if bonuses else "", *(f"{count / 1e6:,.2f}" for count in units), f"{pace:,.0f}")
        table.add_row(task.what, *cells, *(_time(task.seconds / count) for count in WORKERS))
    return table


def _dollars(found: list[Task]) -> Table:
    table = _table("Dollars", *found[0].dollars, "together", "stored")
    table.caption = "once, by list prices of us-east-1; stored: a month, from then on"
    for task in found:
        dollars, stored = task.dollars, task.sum(lambda step: step.stored) / 1024**3 * GB_MONTH
        cells = [*dollars.values(), sum(dollars.values())]
        table.add_row(task.what, *(_money(amount) for amount in cells), _money(stored))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    table.add_column("what")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _time(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 2 * 3600 else f"{seconds / 60:.1f} min"


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 0.005 else ""


if __name__ == "__main__":
    sys.exit(main())
