"""The demo: a year of a grocer's purchases, sent through the deployed API in the year's own time.

It can be interrupted and started again at any point, because every call in it can be repeated: an enrolment
or an order that is known gives the same answer, and the test clock only moves forward.
"""

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local_cloud.api import Caller
from infra.local_cloud.errors import LocalCloudError
from infra.local_cloud.retail import STORE_ZONE, RetailOrder
from infra.local_cloud.tokens import Login

PROGRAM = Path(__file__).parents[1] / "programs" / "grocer.json"
DAWN = datetime(2017, 1, 1, tzinfo=UTC)
# The local cloud's database works in one thread: more tills only wait for each other.
_TILLS = 3


@dataclass(frozen=True)
class Replayed:
    """A household that the replay enrolled: its member id, and how many orders it sent."""

    household: str
    member_id: str
    orders: int


@dataclass
class Replay:
    """Sends orders through the API. `pos` is a till, `operator` moves the test clock and sets the program."""

    pos: Caller
    operator: Caller
    # The household whose member may sign in to the app, and that login.
    app_user: tuple[str, Login] | None = None
    on_order: Callable[[RetailOrder], None] = lambda _: None
    # What else happens, in order of time; each on the evening it names, before the orders of a later day.
    meanwhile: Sequence[tuple[datetime, Callable[[], None]]] = ()

    def __post_init__(self) -> None:
        self._members: dict[str, str] = {}
        self._orders: dict[str, int] = {}

    def set_up_program(self) -> None:
        """Set the clock to the dawn of the data and put the grocer's program in force, if none is."""
        self.move_clock(DAWN)
        if not self.operator.expect("GET", "/v1/program")["versions"]:
            document = json.loads(PROGRAM.read_text(encoding="utf-8"))
            self.operator.expect("PUT", "/v1/program", {"program": document})

    def run(self, orders: Iterable[RetailOrder]) -> list[Replayed]:
        """Send the orders, which must be sorted by time, day by day of the store.

        A household is enrolled on its first order's day. Its orders are sent in their order; households of
        one day are served side by side.
        """
        to_come = list(self.meanwhile)
        with ThreadPoolExecutor(_TILLS) as tills:
            for _, day in itertools.groupby(orders, key=lambda order: order.local_day):
                todays = list(day)
                while to_come and to_come[0][0].astimezone(STORE_ZONE).date() < todays[0].local_day:
                    self._happens(*to_come.pop(0))
                # The day's last instant that is needed: orders of the future are refused, and this is
                # still the same local day.
                self.move_clock(todays[-1].occurred_at)
                by_household: dict[str, list[RetailOrder]] = {}
                for order in todays:
                    by_household.setdefault(order.household, []).append(order)
                # The list makes the first error of a till come out here.
                list(tills.map(self._serve, by_household.values()))
        for evening, step in to_come:
            self._happens(evening, step)
        return [
            Replayed(household, member, self._orders[household])
            for household, member in sorted(self._members.items(), key=lambda pair: int(pair[0]))
        ]

    def move_clock(self, now: datetime) -> None:
        """Set the stage's clock, unless it is already there or past it."""
        wanted = rfc3339(now)
        answer = self.operator.call("PUT", "/v1/test-clock", {"now": wanted})
        if answer.is_success:
            return
        known = self.operator.expect("GET", "/v1/test-clock").get("now")
        if known is None or datetime.fromisoformat(known) < now:
            raise LocalCloudError(
                f"the test clock would not move to {wanted}: {answer.text[:300]} (put it right and run `make up` again)"
            )

    def _happens(self, evening: datetime, step: Callable[[], None]) -> None:
        self.move_clock(evening)
        step()

    def _serve(self, orders: list[RetailOrder]) -> None:
        for order in orders:
            if order.household not in self._members:
                self._members[order.household] = self._enrol(order.household)
            self.pos.expect("POST", "/v1/purchases", purchase(order, self._members[order.household]))
            self._orders[order.household] = self._orders.get(order.household, 0) + 1
            self.on_order(order)

    def _enrol(self, household: str) -> str:
        body: dict[str, Any] = {"customer_id": household, "time_zone": STORE_ZONE.key}
        if self.app_user and self.app_user[0] == household:
            login = self.app_user[1]
            body |= {"email": login.email, "login": {"issuer": login.issuer, "subject": login.subject}}
        member_id: str = self.pos.expect("POST", "/v1/members", body)["member_id"]
        return member_id


def purchase(order: RetailOrder, member_id: str) -> dict[str, Any]:
    """The order as the body of `POST /v1/purchases`."""
    return {
        "order_id": order.order_id,
        "member_id": member_id,
        "currency": "USD",
        "occurred_at": rfc3339(order.occurred_at),
        "channel": "store",
        "store": order.store,
        "lines": [
            {"sku": line.sku, "quantity": line.quantity, "amount": line.amount}
            | ({"category": line.category} if line.category else {})
            for line in order.lines
        ],
    }


def rfc3339(instant: datetime) -> str:
    """The instant in UTC, as the API writes it: `2017-01-01T11:53:26Z`."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
