"""A sandbox stage's time can be set; no other stage's can."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from shared.entrypoint.settings import Settings
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, order
from tests.functional.api import OPERATOR, POS, Caller
from tests.functional.conftest import Stage, profile

PATH = "/v1/test-clock"


@pytest.fixture
def sandbox(make_stage: Any) -> Stage:
    """A sandbox stage with the grocer's program and Ada."""
    stage: Stage = make_stage(sandbox=True)
    stage.activate(grocer.version())
    stage.wiring.members.enrol(profile(ADA, "ada"), b"x" * 32)
    return stage


@pytest.fixture
def keeper(sandbox: Stage) -> Caller:
    """An operator of the sandbox."""
    return Caller(OPERATOR)


def test_the_clock_tells_real_time_until_it_is_set(keeper: Caller, clock: FakeClock) -> None:
    assert keeper.get(PATH).json == {"now": "2026-03-02T17:00:00Z", "is_set": False}
    clock.advance(minutes=3)
    assert keeper.get(PATH).json == {"now": "2026-03-02T17:03:00Z", "is_set": False}


def test_it_may_first_be_set_to_any_instant_and_later_only_forward(keeper: Caller) -> None:
    assert keeper.put(PATH, {"now": "2017-01-01T00:00:00Z"}).json == {"now": "2017-01-01T00:00:00Z", "is_set": True}
    assert keeper.put(PATH, {"now": "2017-06-01T02:00:00+02:00"}).json["now"] == "2017-06-01T00:00:00Z"
    reply = keeper.put(PATH, {"now": "2017-05-31T23:59:59Z"})
    assert (reply.status, reply.problem, reply.json["now"]) == (409, "clock-backward", "2017-06-01T00:00:00Z")
    assert keeper.get(PATH).json["now"] == "2017-06-01T00:00:00Z"


def test_the_whole_stage_lives_in_the_time_that_was_set(sandbox: Stage, keeper: Caller) -> None:
    till = Caller(POS)
    keeper.put(PATH, {"now": "2026-05-01T12:00:00Z"})
    entry = till.post("/v1/purchases", order(occurred_at="2026-05-01T12:00:00Z")).json
    assert entry["recorded_at"] == "2026-05-01T12:00:00Z"
    assert till.post("/v1/purchases", order("b", occurred_at="2026-05-01T12:05:01Z")).problem == "occurred-in-future"
    assert till.post("/v1/members", {"customer_id": "new"}).json["enrolled_at"] == "2026-05-01T12:00:00Z"
    keeper.put(PATH, {"now": "2027-05-01T12:00:00Z"})
    [purse] = till.get(f"/v1/members/{ADA}/wallet").json["currencies"]
    assert (purse["balance"], purse["lifetime"]["expired"]) == (0, 19)


@pytest.mark.parametrize(
    "body", [{}, {"now": "soon"}, {"now": None}, {"now": 0}, {"now": "2026-03-02T17:00:00Z", "zone": "UTC"}]
)
def test_a_setting_of_the_wrong_shape_is_refused(sandbox: Stage, keeper: Caller, body: Any) -> None:
    before = sandbox.items()
    assert keeper.put(PATH, body).problem == "request-invalid"
    assert sandbox.items() == before


def test_a_stage_that_is_no_sandbox_has_no_such_route(stage: Stage, operator: Caller) -> None:
    before = stage.items()
    for reply in (operator.get(PATH), operator.put(PATH, {"now": "2030-01-01T00:00:00Z"})):
        assert (reply.status, reply.problem) == (404, "route-unknown")
    assert stage.items() == before


def test_a_clock_item_left_in_the_table_moves_no_stage_but_a_sandbox(sandbox: Stage, keeper: Caller, make_stage: Any) -> None:
    keeper.put(PATH, {"now": "2040-01-01T00:00:00Z"})
    make_stage(sandbox=False)
    assert Caller(POS).post("/v1/purchases", order()).json["recorded_at"] == "2026-03-02T17:00:00Z"


def test_production_refuses_to_start_as_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAUREL_TABLE", "laurel")
    monkeypatch.setenv("LAUREL_STAGE", "prod")
    assert not Settings.from_environment().sandbox
    monkeypatch.setenv("LAUREL_SANDBOX", "true")
    with pytest.raises(ValidationError, match="real time"):
        Settings.from_environment()
