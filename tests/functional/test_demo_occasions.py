"""The birthday and the silence that `make up` shows (infra/local_cloud/occasions.py), with the tick in process."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from rich.console import Console

from infra.local_cloud import report
from infra.local_cloud.demo import PROGRAM
from infra.local_cloud.errors import LocalCloudError
from infra.local_cloud.mailroom import Mail
from infra.local_cloud.occasions import (
    CAMPAIGNS,
    DORA,
    EMIL,
    NEW_YEAR,
    TOLD,
    Awaited,
    Guests,
    Occasions,
    Party,
)
from shared.domain.announcing import announced
from shared.entrypoint import outlets
from tests.fakes.outlets import FakeBus, FakeSchedules
from tests.functional.api import OPERATOR, POS, Caller
from tests.functional.campaigning import Campaigning, shop

__all__ = ["shop"]

JANUARY, ROSA = "2017-01-04T15:00:00Z", "Rosa"


class Line:
    """A caller as the demo has them, in process."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def expect(self, method: str, path: str, body: object = None, *, key: str | None = None) -> dict[str, Any]:
        reply = self.caller.send(method, path, None if body is None else json.dumps(body), key=key)
        assert reply.status < 300, reply.text
        found: dict[str, Any] = reply.json
        return found


@dataclass
class Told:
    """What the bus would tell of these members, and the mail of it."""

    shop: Campaigning
    members: list[str]

    def listen(self, *_: str) -> None:
        """It is all in the ledger."""

    def set_up(self) -> None:
        """Nothing is needed."""

    def read(self) -> list[dict[str, Any]]:
        events = [event for member in self.members for entry in self.shop.entries(member) for event in announced(entry)]
        return [{"detail-type": event.type.value, "detail": event.told()} for event in events if event.type in TOLD]

    def sent(self) -> list[Mail]:
        names = [self.shop.till.get(f"/v1/members/{member}").json["email"] for member in self.members[:2]]
        return [Mail("1", address, "Hello") for address in names]


@pytest.fixture
def told(shop: Campaigning, monkeypatch: pytest.MonkeyPatch) -> Told:
    """The grocer's stage in the night before New Year: Emil, Dora, and Rosa whose points of January come to their end."""
    monkeypatch.setattr("infra.local_cloud.occasions._QUIET_SECONDS", 0)
    bus, schedules = FakeBus(), FakeSchedules()
    monkeypatch.setattr(outlets, "bus", lambda: bus)
    monkeypatch.setattr(outlets, "schedules", lambda: schedules)
    monkeypatch.setattr(outlets, "named", lambda field: field)
    shop.clock.instant = datetime.fromisoformat(JANUARY)
    assert Caller(OPERATOR).put("/v1/program", {"program": json.loads(PROGRAM.read_text(encoding="utf-8"))}).status == 200
    rosa = shop.member(ROSA)
    shop.buys(rosa, at=shop.clock.instant)
    guests = Guests(cast(Any, Line(Caller(POS))))
    for evening, step in guests.steps:
        shop.clock.instant = evening
        step()
        shop.clock.instant += timedelta(minutes=4)
        step()
    shop.clock.instant = NEW_YEAR - timedelta(hours=16)
    ids = {name: member for member, name in guests.named().items()}
    return Told(shop, [ids[EMIL], ids[DORA], rosa])


def party(told: Told) -> Party:
    """The party, whose machinery is a tick whenever the clock is moved."""

    def move_clock(instant: datetime) -> None:
        told.shop.clock.instant = instant
        told.shop.tick()

    return Party(cast(Any, Line(Caller(OPERATOR))), cast(Any, told), cast(Any, told), move_clock)


def celebrate(told: Told) -> Occasions:
    emil, dora, rosa = told.members
    awaited = [
        Awaited("HappyBirthday", dora, DORA),
        Awaited("WeMissYou", emil, EMIL),
        Awaited("PointsExpiringSoon", rosa, ROSA),
    ]
    return party(told).celebrate(awaited, {emil: EMIL, dora: DORA})


def test_each_is_given_their_own_on_the_morning_and_nothing_before(told: Told) -> None:
    party(told).begin()
    told.shop.tick()
    assert not any(map(told.shop.grants, told.members))
    occasions = celebrate(told)
    assert [(one.who, one.what, one.points, one.due, one.mailed) for one in occasions.shown] == [
        (DORA, "HappyBirthday", 100, "2018-01-01T10:00:00Z", True),
        (EMIL, "WeMissYou", 50, "2018-01-01T05:00:00Z", True),
        (ROSA, "PointsExpiringSoon", 10, "2018-01-01T13:00:00Z", False),
    ]
    assert [[grant.campaign for grant in told.shop.grants(member)] for member in told.members] == [
        ["we_miss_you"],
        ["birthday"],
        [],
    ]
    assert Occasions.parse(json.dumps(asdict(occasions))) == occasions


def test_a_party_that_was_interrupted_begins_again_and_is_told_the_same(told: Told) -> None:
    party(told).begin()
    first = celebrate(told)
    party(told).begin()
    assert celebrate(told) == first
    for campaign in CAMPAIGNS:
        assert Caller(OPERATOR).get(f"/v1/campaigns/{campaign}/report").json["granted"] == 1


def test_what_does_not_come_is_named(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.local_cloud.occasions._SECONDS_MAX", 0)
    emil = told.members[0]
    with pytest.raises(LocalCloudError, match="did not bring WeMissYou"):
        # Nobody started the campaigns.
        party(told).celebrate([Awaited("WeMissYou", emil, EMIL)], {emil: EMIL})


def test_its_table_fits_into_80_columns(told: Told) -> None:
    party(told).begin()
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(report.came(celebrate(told)))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.split() == [DORA, "HappyBirthday", "+", "100", "01-01", "10:00", "grant:birthday:2018:…"] for line in lines)
