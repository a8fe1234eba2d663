"""The clock of a sandbox stage: one item of the table, real time until it is first set.

A ledger read fetches the item in its own batch, so that a test clock costs no round trip of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.adapters.dynamodb.items import Item, instant_of
from shared.adapters.dynamodb.store import Outcome, Store
from shared.adapters.dynamodb.table import CLOCK, Key
from shared.domain.calendar import instant_text
from shared.domain.errors import ClockBackwardError, TryAgainError
from shared.ports import Clock


@dataclass(frozen=True)
class TestClock:
    """A settable clock over a table; `real` runs until the first setting."""

    __test__ = False  # not a pytest class

    store: Store
    real: Clock

    def now(self) -> datetime:
        """The instant it stands at, or real time."""
        return self.time_of(self.store.get(CLOCK))

    def time_of(self, item: Item | None) -> datetime:
        """The time that a clock item, read together with other things, tells."""
        return instant_of(item["now"]) if item else self.real.now()

    def is_set(self) -> bool:
        """Whether it stands still at a set instant."""
        return self.store.get(CLOCK) is not None

    def move_to(self, instant: datetime) -> datetime:
        """Set the clock: the first time to any instant, later only forward. Raises ClockBackwardError, TryAgainError."""
        for _ in self.store.backoff.attempts():
            item = self.store.get(CLOCK)
            moved = {**CLOCK, "now": instant_text(instant)}
            if item is None:
                write = self.store.put(moved)
            elif instant < instant_of(item["now"]):
                raise ClockBackwardError(now=instant_of(item["now"]))
            else:
                write = self.store.update(moved, expected={"now": item["now"]})
            if self.store.transact([write]).outcome is Outcome.DONE:
                return instant
        raise TryAgainError


def read_at(store: Store, clock: Clock, keys: Sequence[Key]) -> tuple[datetime, list[Item | None]]:
    """The time, and items in the order of `keys`, out of one consistent batch: also where the clock is an item itself."""
    if isinstance(clock, TestClock):
        *items, moment = store.get_all([*keys, CLOCK])
        return clock.time_of(moment), items
    return clock.now(), store.get_all(keys)
