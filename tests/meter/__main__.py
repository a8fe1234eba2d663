"""`python -m tests.meter`: print what recording a purchase costs."""

from __future__ import annotations

import logging

from rich.console import Console

from tests.engines.ministack import ministack_table
from tests.meter.readings import by_entries, by_lines
from tests.meter.report import table_of
from tests.meter.shop import open_shop


def main() -> None:
    """Measure on a table of its own, in process."""
    logging.disable(logging.INFO)
    with ministack_table() as engine, open_shop(engine) as shop:
        console = Console()
        console.print(table_of("POST /v1/purchases, warm, by the order's length", by_lines(shop)))
        console.print(table_of("POST /v1/purchases, warm, by the member's past", by_entries(shop)))


if __name__ == "__main__":
    main()
