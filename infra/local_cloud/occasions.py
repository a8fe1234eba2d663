"""What the demo shows of campaigns: a birthday, somebody who stays away, points that will be gone; each found by the schedule.

Dora and Emil join on evenings of the replay. After its last order an operator starts two campaigns and moves the clock to
the morning of New Year: it is Dora's birthday where she lives, and Emil has not been there for 60 days. All else the machinery
does; what is told of it came over the stage's bus. Every call can be repeated, so what was interrupted goes on where it was.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from infra.local_cloud.api import Caller
from infra.local_cloud.demo import rfc3339
from infra.local_cloud.errors import LocalCloudError
from infra.local_cloud.event_log import EventLog
from infra.local_cloud.mailroom import Mailroom
from infra.local_cloud.retail import STORE_ZONE

NEW_YEAR = datetime(2018, 1, 1, 8, 0, tzinfo=STORE_ZONE)
"""The morning to which the clock is moved."""
SILENT_DAYS = 60
CAMPAIGNS = ("birthday", "we_miss_you")
TOLD = ("HappyBirthday", "WeMissYou", "PointsExpiringSoon", "PointsExpired")
"""What is listened to."""
DORA, EMIL = "Dora", "Emil"
_ORDER = 4_000  # cents
_SECONDS_MAX = 240
_POLL_SECONDS = 0.5
_QUIET_SECONDS = 2


@dataclass(frozen=True)
class Awaited:
    """An event of a member that is to come, and who that is."""

    type: str
    member_id: str
    who: str


@dataclass(frozen=True)
class Occasion:
    """Something that came by date: who got what, when it was due, the entry that says so, and the mail that told them."""

    who: str
    member_id: str
    what: str
    points: int
    due: str
    entry_id: str
    mailed: bool


@dataclass(frozen=True)
class Occasions:
    """What came by date, and how many events the bus told of it in all."""

    shown: tuple[Occasion, ...]
    events: int
    dora_id: str

    @classmethod
    def parse(cls, note: str) -> "Occasions":
        """The occasions that `json.dumps(asdict(occasions))` wrote."""
        known = json.loads(note)
        return cls(**{**known, "shown": tuple(Occasion(**one) for one in known["shown"])})


@dataclass(frozen=True)
class Guests:
    """Dora and Emil at a till; `morning` is the one on which something comes for both. `prefix` keeps stages' guests apart."""

    pos: Caller
    morning: datetime = NEW_YEAR
    prefix: str = "demo"

    @property
    def steps(self) -> list[tuple[datetime, Callable[[], None]]]:
        """What happens in the replay, each late on an evening, so that the clock has not to move for it."""
        return [(self._evening(SILENT_DAYS), self._emil_comes), (self._evening(SILENT_DAYS // 2), self._dora_comes)]

    def _evening(self, days_before: int) -> datetime:
        day = self.morning.astimezone(STORE_ZONE) - timedelta(days=days_before)
        return day.replace(hour=23, minute=55)

    def _emil_comes(self) -> None:
        """He joins and buys something, for the last time."""
        order = {
            "order_id": self._id(EMIL),
            "member_id": self.enrol(EMIL),
            "currency": "USD",
            "occurred_at": rfc3339(self._evening(SILENT_DAYS)),
            "lines": [{"sku": "hamper", "quantity": 1, "amount": _ORDER}],
        }
        self.pos.expect("POST", "/v1/purchases", order)

    def _dora_comes(self) -> None:
        self.enrol(DORA)

    def enrol(self, name: str) -> str:
        """The member's id; the same enrolment again changes nothing."""
        body: dict[str, Any] = {
            "customer_id": self._id(name),
            "email": f"{self._id(name)}@example.com",
            "consents": {"marketing": True},
        }
        if name == DORA:
            # Where the day begins five hours after the shop's.
            born = self.morning.astimezone(STORE_ZONE).date().replace(year=1990)
            body |= {"birth_date": born.isoformat(), "time_zone": "Pacific/Honolulu"}
        member: str = self.pos.expect("POST", "/v1/members", body)["member_id"]
        return member

    def named(self) -> dict[str, str]:
        """Their names by their ids."""
        return {self.enrol(name): name for name in (DORA, EMIL)}

    def _id(self, name: str) -> str:
        return f"{self.prefix}-{name.lower()}"


@dataclass(frozen=True)
class Party:
    """The morning: who starts the campaigns, who moves the clock, and where it is seen what came of it."""

    operator: Caller
    log: EventLog
    mailroom: Mailroom
    move_clock: Callable[[datetime], None]

    def begin(self) -> None:
        """Listen, and start the campaigns. Again changes nothing."""
        self.mailroom.set_up()
        self.log.listen(*TOLD)
        for campaign in CAMPAIGNS:
            self.operator.expect("POST", f"/v1/campaigns/{campaign}/start", {"reason": "The demo begins"})

    def celebrate(self, awaited: Sequence[Awaited], guests: Mapping[str, str], morning: datetime = NEW_YEAR) -> Occasions:
        """Move the clock and wait until all that is awaited came, and the mail to the guests, who are named by their ids.

        Raises LocalCloudError where it does not come.
        """
        self.move_clock(morning)
        deadline = time.monotonic() + _SECONDS_MAX
        while True:
            events, mailed = self.log.read(), self._mailed(guests)
            found = [_first(one, events) for one in awaited]
            if all(found) and mailed.issuperset(guests):
                break
            if time.monotonic() > deadline:
                missing = [one.type for one, events in zip(awaited, found, strict=True) if not events]
                raise LocalCloudError(
                    f"in {_SECONDS_MAX} s the schedule did not bring {', '.join(missing) or 'the mail'}: run `make up` again"
                )
            time.sleep(_POLL_SECONDS)
        shown = [_occasion(one, event, mailed) for one, came in zip(awaited, found, strict=True) for event in came]
        return Occasions(tuple(shown), self._all_told(), next(id for id, name in guests.items() if name == DORA))

    def _all_told(self) -> int:
        """How many events there are once no more come for a while."""
        before = -1
        while (told := len(self.log.read())) > before:
            before = told
            time.sleep(_QUIET_SECONDS)
        return told

    def _mailed(self, guests: Mapping[str, str]) -> set[str]:
        """The guests who have mail, by their ids."""
        sent = {mail.to.partition("@")[0].rpartition("-")[2] for mail in self.mailroom.sent()}
        return {member for member, name in guests.items() if name.lower() in sent}


def _first(awaited: Awaited, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first event that is awaited, by the member's sequence: the same whichever the bus told first."""
    found = [one for one in events if (one["detail-type"], one["detail"]["member_id"]) == (awaited.type, awaited.member_id)]
    return sorted(found, key=lambda one: int(one["detail"]["sequence"]))[:1]


def _occasion(awaited: Awaited, event: dict[str, Any], mailed: set[str]) -> Occasion:
    detail = event["detail"]
    data = detail["data"]
    points = sum(one["points"] for one in data["currencies"]) if "currencies" in data else data["points"]
    due = data.get("due_at") or detail["occurred_at"]
    return Occasion(
        awaited.who, awaited.member_id, awaited.type, points, due, detail["entry_id"], mailed=awaited.member_id in mailed
    )
