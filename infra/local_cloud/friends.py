"""What the demo shows of referrals: Anna brings two friends; one of them brings back what she bought.

It happens in the replay's own time, on four evenings, because a reward is held for the days in which an order may be returned.
Every call has an id of its own that never changes, and what is told is read as of each evening's end: so an interrupted story
goes on where it was, and is told the same whenever it is.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from infra.local_cloud.api import Caller
from infra.local_cloud.demo import rfc3339
from infra.local_cloud.retail import STORE_ZONE

BEGINS = datetime(2017, 11, 20, 23, 55, tzinfo=STORE_ZONE)
"""After the last order of that day: the stage's clock then stands there, or within the 5 minutes that clocks may differ."""
ADVOCATE, TRUE_FRIEND, WAVERING = "Anna", "Ben", "Cleo"
_WAVERS_AFTER, _HOLD = timedelta(days=9), timedelta(days=14)
_ORDER, _RETURNED = 6_000, 4_000  # cents


@dataclass(frozen=True)
class Purse:
    """Points of a member at the end of a day: what can be spent, and what is held."""

    balance: int
    held: int


@dataclass(frozen=True)
class Evening:
    """What happened on a day, and what each of the three had at its end; None for who was no member yet."""

    day: str
    what: str
    purses: tuple[Purse | None, ...]


@dataclass(frozen=True)
class Friends:
    """The story, and what is left of it to try out: who has which code, and the link that was shared."""

    advocate_id: str
    code: str
    link: str
    evenings: tuple[Evening, ...]

    @classmethod
    def parse(cls, note: str) -> "Friends":
        """The story that `json.dumps(asdict(friends))` wrote."""
        known = json.loads(note)
        evenings = [
            Evening(one["day"], one["what"], tuple(Purse(**purse) if purse else None for purse in one["purses"]))
            for one in known["evenings"]
        ]
        return cls(**{**known, "evenings": tuple(evenings)})


@dataclass(frozen=True)
class Story:
    """Anna and her friends at a till, from the evening `begins` on; `prefix` keeps two stories of a stage apart."""

    pos: Caller
    begins: datetime = BEGINS
    prefix: str = "demo"

    @property
    def steps(self) -> list[tuple[datetime, Callable[[], None]]]:
        """What to do when, in order. The stage's clock must stand there, and not 5 minutes later."""
        return [
            (self.begins, self._ben_comes),
            (self._day(1), self._cleo_comes),
            (self.begins + _WAVERS_AFTER, self._cleo_returns),
        ]

    def told(self) -> Friends:
        """The story, once the stage's time is past the evening on which the hold of Ben's order is over."""
        advocate = self._enrol(ADVOCATE)
        members = [advocate, self._enrol(TRUE_FRIEND, advocate), self._enrol(WAVERING, advocate)]
        own = self._code(advocate)
        usd, days = f"{_ORDER // 100}.{_ORDER % 100:02}", _HOLD.days
        evenings = [
            (self.begins, f"{TRUE_FRIEND} joins by the code, buys for {usd}", members[:2]),
            (self._day(1), f"{WAVERING} does so too", members),
            (self.begins + _WAVERS_AFTER, f"{WAVERING} returns {_RETURNED // 100}.00: both lose theirs", members),
            (self.begins + _HOLD, f"{days} days after {TRUE_FRIEND}'s order: to spend", members),
        ]
        return Friends(advocate, own["code"], own["link"], tuple(self._evening(*one) for one in evenings))

    def _day(self, number: int) -> datetime:
        return self.begins + timedelta(days=number)

    def _ben_comes(self) -> None:
        self._comes(TRUE_FRIEND, self.begins)

    def _cleo_comes(self) -> None:
        self._comes(WAVERING, self._day(1))

    def _cleo_returns(self) -> None:
        refund = {"refund_id": "some", "occurred_at": rfc3339(self.begins + _WAVERS_AFTER), "amount": _RETURNED}
        self.pos.expect("POST", f"/v1/purchases/{self._id(WAVERING)}/refunds", refund)

    def _comes(self, friend: str, evening: datetime) -> None:
        """A friend enrols by the advocate's code and buys something."""
        member = self._enrol(friend, self._enrol(ADVOCATE))
        order = {
            "order_id": self._id(friend),
            "member_id": member,
            "currency": "USD",
            "occurred_at": rfc3339(evening),
            "lines": [{"sku": "hamper", "quantity": 1, "amount": _ORDER}],
        }
        self.pos.expect("POST", "/v1/purchases", order)

    def _enrol(self, name: str, advocate: str | None = None) -> str:
        """The member's id; the same enrolment again changes nothing."""
        body: dict[str, Any] = {"customer_id": self._id(name), "email": f"{self._id(name)}@example.com"}
        if advocate is not None:
            body["referral"] = {"code": self._code(advocate)["code"]}
        member: str = self.pos.expect("POST", "/v1/members", body)["member_id"]
        return member

    def _code(self, member: str) -> dict[str, Any]:
        return self.pos.expect("GET", f"/v1/members/{member}/referral-code")

    def _evening(self, evening: datetime, what: str, members: list[str]) -> Evening:
        day = evening.astimezone(STORE_ZONE).date().isoformat()
        purses = [self._purse(member, day) for member in members]
        return Evening(day, what, (*purses, *[None] * (3 - len(purses))))

    def _purse(self, member: str, day: str) -> Purse:
        # The grocer's program has one currency.
        found = self.pos.expect("GET", f"/v1/members/{member}/wallet?as_of={day}")["currencies"][0]
        return Purse(found["balance"], found["pending"])

    def _id(self, name: str) -> str:
        return f"{self.prefix}-{name.lower()}"
