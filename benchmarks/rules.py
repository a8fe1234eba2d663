"""What the evaluation of earning rules costs: `python -m benchmarks.rules`.

CPU of one earn through the handler in this process, over a ledger in memory, and of the rules alone, for programs of 10 to
1,000 rules with mixed conditions; and how long a function that starts anew parses the program. The best of many runs counts: on
a busy machine all others are slower by what the neighbours did. No network, no DynamoDB: there the share of rules is smaller.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.drawing import growth_of_rules
from benchmarks.page import write_section
from shared.domain.earning import earn, wanted
from shared.domain.program import STALENESS_SECONDS_MAX, Program, ProgramVersion, parse_program
from shared.domain.purchase import Line, Purchase
from shared.domain.rating import basket_of, day_of, occasion_of, rate, rooms_of
from tests.functional.api import POS, Caller
from tests.retail.shop import DAWN, Shop, grocer_program, open_shop

SIZES = (1, 10, 30, 100, 300, 1_000)
NOW = datetime(2018, 6, 30, 16, tzinfo=UTC)
STORES, CATEGORIES, SKUS = 40, 25, 200
LINES = 10
console = Console()


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU in microseconds: of an earn through the handler, of which what is read and what rules give; and of a cold parse.

    `applied` of the rules gave something to the order. `kilobytes` is the document's size as it is stored.
    """

    rules: int
    applied: int
    earn: float
    wanted: float
    rate: float
    parse: float
    kilobytes: float

    @property
    def share(self) -> float:
        """The rules' part of an earn."""
        return (self.wanted + self.rate) / self.earn


def main() -> int:
    """Run the benchmark; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=400, metavar="N", help="earns of each program; the best counts (400)")
    parser.add_argument("--report", type=Path, metavar="PAGE", help="put the table into this Markdown page as well")
    arguments = parser.parse_args()
    costs = [measure(rules, arguments.runs) for rules in SIZES]
    table = _table(costs)
    console.print(table)
    console.print(text := _text())
    if arguments.report:
        picture = growth_of_rules({cost.rules: (cost.earn, cost.wanted + cost.rate) for cost in costs})
        write_section(arguments.report, "rules", "Earning rules", text, [table], "rules.svg", picture)
        console.print(f"written to {arguments.report}")
    return 0


def program_of(rules: int) -> dict[str, Any]:
    """The grocer's program with so many rules, as a large shop may have: mostly offers for a store, a category, a season."""
    seasons: list[dict[str, Any]] = [
        {"id": f"season_{n}", "months": [1 + n % 12], "weekdays": ["saturday", "sunday"][: 1 + n % 2]} for n in range(20)
    ]
    caps = [{"id": f"cap_{n}", "currency": "points", "scope": "member", "per": "month", "points": 10**6} for n in range(20)]
    earning = [_rule(n) for n in range(1, rules)]
    document = grocer_program(12, "month")
    base = document["earning_rules"][0]
    return {**document, "seasons": seasons, "caps": caps, "earning_rules": [base, *earning]}


def _rule(n: int) -> dict[str, Any]:
    """The n-th offer. One of ten holds for everybody; the others ask for one thing or two that few orders have."""
    rule: dict[str, Any] = {"id": f"offer_{n}", "kind": "multiplier", "currency": "points", "percent": 110}
    when: dict[str, Any] = [
        {"stores": [f"{n * 7 % STORES}"]},
        {"categories": [f"category-{n % CATEGORIES}"], "stores": [f"{n * 3 % STORES}"]},
        {"seasons": [f"season_{n % 20}"]},
        {"channels": ["app"], "amount_min": 1_000},
        {"skus": [f"sku-{n * k % SKUS}" for k in range(1, 6)], "seasons": [f"season_{n % 20}"]},
        {"weekdays": ["friday"], "hours": {"start": "09:00", "end": "12:00"}},
        {"order_number": 1 + n % 50},
        {"order_every": 2 + n % 50, "stores": [f"{n % STORES}"]},
        {"order_attributes": {"campaign": [f"c-{n}"]}},
        {"amount_min": 1_000 + n},
    ][n % 10]
    if n % 10 == 9 and n > 30:
        when = {**when, "stores": [f"{n % STORES}"]}
    if n % 4 == 0:
        rule["caps"] = [f"cap_{n % 20}"]
    if n % 7 == 0:
        rule = {**rule, "kind": "bonus", "points": 5}
        del rule["percent"]
    return {**rule, "when": when}


def measure(rules: int, runs: int) -> Cost:
    """Measure a program of so many rules."""
    document = program_of(rules)
    text = json.dumps(document)
    program = parse_program(document)
    with open_shop("memory", document) as shop, _undisturbed():
        whole, order, view = _earns(shop, runs)
        versions = [ProgramVersion(1, DAWN, DAWN, program)]
        return Cost(
            rules=rules,
            applied=len(earn(view, order, versions).entry.why),
            earn=whole,
            wanted=_best(lambda: wanted(order, versions), runs),
            rate=_best(_rating(program, order, view.wallet), runs),
            parse=_best(lambda: parse_program(json.loads(text)), max(3, runs // 40)),
            kilobytes=len(program.model_dump_json(exclude_unset=True)) / 1024,
        )


def _earns(shop: Shop, runs: int) -> tuple[float, Purchase, Any]:
    """The best of so many earns through the handler, and the order and view of the last."""
    shop.clock.instant = NOW - timedelta(days=300)
    member, till = shop.enrol("1"), Caller(POS)
    found = []
    for number in range(runs):
        # A member who comes for the 1st to 30th time, as most do; each with orders of a day of their own.
        if number % 30 == 0:
            shop.clock.instant = NOW - timedelta(days=300)
            member = shop.enrol(f"{number}")
        shop.clock.advance(days=7)
        body = _order(member, number, shop.clock.instant)
        before = time.process_time_ns()
        reply = till.post("/v1/purchases", body)
        found.append(time.process_time_ns() - before)
        assert reply.status == 201, reply.text
    lines = tuple(Line(line["sku"], line["quantity"], line["amount"], line["category"]) for line in body["lines"])
    order = Purchase(
        order_id="rated",
        member_id=member,
        currency="USD",
        occurred_at=shop.clock.instant,
        lines=lines,
        channel="store",
        store=body["store"],
    )
    return min(found) / 1_000, order, shop.ledger.view(member)


def _order(member: str, number: int, at: datetime) -> dict[str, Any]:
    lines = [
        {
            "sku": f"sku-{(number * 7 + line * 13) % SKUS}",
            "quantity": 1 + line % 2,
            "amount": 315,
            "category": f"category-{(number + line) % CATEGORIES}",
        }
        for line in range(LINES)
    ]
    place = {"channel": "store", "store": f"{number % STORES}"}
    return {
        "order_id": f"o-{number}",
        "member_id": member,
        "currency": "USD",
        "occurred_at": at.isoformat(),
        **place,
        "lines": lines,
    }


def _rating(program: Program, order: Purchase, wallet: Any) -> Callable[[], object]:
    """What `earn` does with rules: which hold, what their caps leave, what each gives."""

    def rated() -> object:
        basket, day = basket_of(order, [line.amount for line in order.lines], program), day_of(order, program)
        return rate(basket, occasion_of(order, program), None, program, rooms_of(program, wallet, {}, day))

    return rated


def _best(call: Callable[[], object], runs: int) -> float:
    """Microseconds of CPU of the best run."""
    found = []
    for _ in range(runs):
        before = time.process_time_ns()
        call()
        found.append(time.process_time_ns() - before)
    return min(found) / 1_000


@contextmanager
def _undisturbed() -> Any:
    """No collection of garbage in between."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _text() -> str:
    return (
        "CPU in microseconds, the best of many runs: an order of 10 lines through the handler, the ledger in memory. Rules: "
        f"choosing what to read, and rating. Python {sys.version_info.major}.{sys.version_info.minor}. A function parses the "
        "document when it first meets a version and keeps it; it looks for newer versions at least every "
        f"{STALENESS_SECONDS_MAX} seconds, and none takes effect sooner."
    )


def _table(costs: list[Cost]) -> Table:
    table = Table(title="What rules cost in an earn")
    for column in ("rules", "that gave", "an earn", "the rules", "of it", "share", "a rule", "document", "cold parse"):
        table.add_column(column, justify="right")
    table.caption = "of it: choosing what to read; a rule: microseconds more for each; cold parse in milliseconds"
    first = costs[0]
    for cost in costs:
        own = cost.wanted + cost.rate
        each = (own - first.wanted - first.rate) / (cost.rules - first.rules) if cost is not first else None
        table.add_row(
            f"{cost.rules:,}",
            str(cost.applied),
            f"{cost.earn:,.0f}",
            f"{own:,.0f}",
            f"{cost.wanted:,.0f}",
            f"{cost.share:.0%}",
            f"{each:.2f}" if each is not None else "",
            f"{cost.kilobytes:,.1f} KB",
            f"{cost.parse / 1_000:,.1f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
