"""How many of a reward are left. Counted by date alone: a hold that has lapsed is back without anybody booking it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Self

from shared.domain.errors import SoldOutError


@dataclass(frozen=True, slots=True)
class Stock:
    """There are `total` of a reward; `used` are gone for good; `held` are issued and not used, by the day they lapse.

    Held under None never lapse.
    Every change makes a new `version` and forgets the holds that lapsed by the local day `day` of the change.
    """

    reward: str
    total: int
    used: int = 0
    held: Mapping[date | None, int] = field(default_factory=dict)
    version: int = 0

    def held_on(self, day: date) -> int:
        """How many are issued, not used, and not lapsed on `day`."""
        return sum(count for lapses_on, count in self.held.items() if lapses_on is None or lapses_on > day)

    def available(self, day: date) -> int:
        """How many can be redeemed on `day`. Below zero only where the total was set below what is used and held."""
        return self.total - self.used - self.held_on(day)

    def taken(self, lapses_on: date | None, day: date) -> Self:
        """One is issued; it is back on `lapses_on` unless it is used before. Raises SoldOutError."""
        self._check_available(day)
        return self._changed(day, held=self._held(lapses_on, 1))

    def taken_for_good(self, day: date) -> Self:
        """One is redeemed and used at once. Raises SoldOutError."""
        self._check_available(day)
        return self._changed(day, used=self.used + 1)

    def used_up(self, lapses_on: date | None, day: date) -> Self:
        """One that is held is used. Raises ValueError where it is not held (any more): a lapsed voucher cannot be used."""
        if not self._holds(lapses_on, day):
            raise ValueError(f"nothing of {self.reward} that lapses on {lapses_on} is held on {day}")
        return self._changed(day, used=self.used + 1, held=self._held(lapses_on, -1))

    def returned(self, lapses_on: date | None, day: date) -> Self:
        """One that was issued comes back. One that has lapsed by `day` is back already: nothing is counted twice.

        Raises ValueError where none that lapses on that day to come is held.
        """
        if lapses_on is not None and lapses_on <= day:
            return self._changed(day)
        if not self._holds(lapses_on, day):
            raise ValueError(f"nothing of {self.reward} that lapses on {lapses_on} is held on {day}")
        return self._changed(day, held=self._held(lapses_on, -1))

    def resized(self, total: int, day: date) -> Self:
        """There are `total` in all; what is used and held stays."""
        return self._changed(day, total=total)

    def _check_available(self, day: date) -> None:
        if self.available(day) < 1:
            raise SoldOutError

    def _holds(self, lapses_on: date | None, day: date) -> bool:
        return self.held.get(lapses_on, 0) > 0 and (lapses_on is None or lapses_on > day)

    def _held(self, lapses_on: date | None, change: int) -> dict[date | None, int]:
        return {**self.held, lapses_on: self.held.get(lapses_on, 0) + change}

    def _changed(
        self, day: date, *, total: int | None = None, used: int | None = None, held: Mapping[date | None, int] | None = None
    ) -> Self:
        kept = self.held if held is None else held
        return replace(
            self,
            total=self.total if total is None else total,
            used=self.used if used is None else used,
            held={on: count for on, count in kept.items() if count and (on is None or on > day)},
            version=self.version + 1,
        )
