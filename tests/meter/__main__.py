"""`python -m tests.meter`: print what recording a purchase, spending points, taking either back and what rules count cost."""

from __future__ import annotations

import logging

from rich.console import Console

from tests.engines.ministack import ministack_table
from tests.meter.readings import by_entries, by_lines
from tests.meter.redemption_readings import large_redemptions, redemptions, refunds, uses
from tests.meter.report import table_of
from tests.meter.rule_readings import RULES, counted, tiers
from tests.meter.shop import BY_DAY, BY_MONTH, open_shop


def main() -> None:
    """Measure on tables of its own, in process."""
    logging.disable(logging.INFO)
    console = Console()
    with ministack_table() as engine, open_shop(engine) as shop:
        console.print(table_of("POST /v1/purchases, warm, by the order's length", by_lines(shop)))
        console.print(table_of("POST /v1/purchases, warm, by the member's past", by_entries(shop)))
    with ministack_table() as engine, open_shop(engine, BY_DAY) as shop:
        console.print(table_of("Redemptions of 20 points, warm, points by day", redemptions(shop)))
        console.print(table_of("The same of a stocked reward", redemptions(shop, "few")))
        console.print(table_of("Redemptions of half of all points", large_redemptions(shop)))
        console.print(table_of("Vouchers", uses(shop)))
        console.print(table_of("Refunds", refunds(shop)))
    with ministack_table() as engine, open_shop(engine, BY_MONTH, RULES) as shop:
        console.print(table_of("POST /v1/purchases with tiers, warm, by the days of credit", tiers(shop)))
        console.print(table_of("What rules count", counted(shop)))


if __name__ == "__main__":
    main()
