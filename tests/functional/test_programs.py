"""The program is data: an operator puts a document into force without a deploy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import document, order
from tests.functional.api import OPERATOR, POS, Caller
from tests.functional.conftest import Stage

PATH = "/v1/program"


@pytest.fixture
def fresh(bare_stage: Stage) -> Caller:
    """An operator of a stage without a program."""
    return Caller(OPERATOR)


def test_the_first_program_takes_effect_at_once(fresh: Caller) -> None:
    reply = fresh.put(PATH, {"program": document()})
    assert reply.status == 200
    assert (reply.json["version"], reply.json["effective_from"]) == (1, "2026-03-02T17:00:00Z")
    found = Caller(POS).get(PATH).json
    assert (found["in_force"], found["program"]) == (1, document())
    assert [one["version"] for one in found["versions"]] == [1]


def test_a_stage_without_a_program_says_so(fresh: Caller) -> None:
    reply = fresh.get(PATH)
    assert reply.json == {"in_force": None, "program": None, "versions": []}
    assert "ETag" not in reply.headers
    assert fresh.get(f"{PATH}/versions/1").problem == "program-version-unknown"


def test_a_program_to_come_is_not_in_force_yet(fresh: Caller, clock: FakeClock) -> None:
    fresh.put(PATH, {"program": document(), "effective_from": "2026-03-03T00:00:00Z"})
    assert fresh.get(PATH).json["in_force"] is None
    clock.advance(hours=7)
    assert fresh.get(PATH).json["in_force"] == 1


def test_a_later_version_takes_effect_when_no_function_can_hold_the_one_before(
    operator: Caller, till: Caller, clock: FakeClock
) -> None:
    reply = operator.put(PATH, {"program": document(earning_rules=[grocer.earning_rule(points=2)])})
    assert (reply.json["version"], reply.json["effective_from"]) == (2, "2026-03-02T17:01:00Z")
    assert operator.get(PATH).json["in_force"] == 1
    assert till.post("/v1/purchases", order("now", 100)).json["earned"][0]["points"] == 1
    clock.advance(seconds=60)
    assert operator.get(PATH).json["in_force"] == 2
    later = order("later", 100, occurred_at="2026-03-02T17:01:00Z")
    assert till.post("/v1/purchases", later).json["earned"][0]["points"] == 2


@pytest.mark.parametrize("at", ["2026-03-02T17:00:59.999999Z", "2026-03-02T16:00:00Z", "2020-01-01T00:00:00Z"])
def test_a_later_version_never_takes_effect_before_that_or_in_the_past(stage: Stage, operator: Caller, at: str) -> None:
    before = stage.items()
    reply = operator.put(PATH, {"program": document(name="New"), "effective_from": at})
    assert (reply.status, reply.problem, reply.json["earliest"]) == (409, "program-not-yet", "2026-03-02T17:01:00Z")
    assert stage.items() == before


def test_the_same_document_again_is_the_same_version(stage: Stage, fresh: Caller, clock: FakeClock) -> None:
    first = fresh.put(PATH, {"program": document()})
    before = stage_items = stage.items()
    clock.advance(days=9)
    spelled_out = json.loads(json.dumps(document()))
    spelled_out |= {"late_days_max": 400, "claim_days": 30}
    assert {fresh.put(PATH, {"program": body}).text for body in (document(), spelled_out)} == {first.text}
    assert stage_items == before == stage.items()


def test_every_version_is_kept_newest_first(operator: Caller) -> None:
    for name in ("second", "third"):
        operator.put(PATH, {"program": document(name=name)})
    numbers = [found["version"] for found in operator.get(PATH).json["versions"]]
    names = [operator.get(f"{PATH}/versions/{number}").json["program"]["name"] for number in numbers]
    assert list(zip(numbers, names, strict=True)) == [(3, "third"), (2, "second"), (1, "Corner grocer")]


def test_a_programs_zone_never_changes(stage: Stage, operator: Caller) -> None:
    before = stage.items()
    reply = operator.put(PATH, {"program": document(time_zone="Europe/Paris")})
    assert (reply.status, reply.problem, reply.paths) == (422, "program-invalid", ["time_zone"])
    assert stage.items() == before


@pytest.mark.parametrize(
    "program",
    [
        pytest.param({}, id="empty"),
        pytest.param(document(time_zone="Mars/Olympus"), id="zone"),
        pytest.param(document(name=None), id="null"),
        pytest.param(document(tiers=[]), id="unknown field"),
        pytest.param(document(currencies=[]), id="no currency"),
        pytest.param(document(late_days_max=1.5), id="fraction"),
        pytest.param(document(late_days_max="400"), id="text"),
        pytest.param(document(claim_days=True), id="boolean"),
        pytest.param(document(name="\ud800"), id="half a symbol"),
        pytest.param(document(name="x" * 101), id="too long"),
        pytest.param(document(money_currency="usd"), id="money"),
        pytest.param({**document(), "\ud800": 1}, id="half a symbol as a name"),
        pytest.param(document(earning_rules=[[1]]), id="no object"),
    ],
)
def test_a_document_that_breaks_a_rule_is_refused_with_its_faults(stage: Stage, operator: Caller, program: Any) -> None:
    before = stage.items()
    reply = operator.put(PATH, {"program": program})
    assert (reply.status, reply.problem) == (422, "program-invalid")
    assert reply.json["faults"]
    assert stage.items() == before


def test_a_document_nested_deep_is_refused_at_any_depth(stage: Stage, operator: Caller) -> None:
    before = stage.items()
    for depth in (50, 150, 190, 210, 300, 500, 700, 900, 950, 980):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            gift = opening * depth + "1" + closing * depth
            body = json.dumps({"program": document(gift="PLACE")}).replace('"PLACE"', gift)
            reply = operator.send("PUT", PATH, body)
            assert reply.problem in {"program-invalid", "malformed-body", "request-invalid"}, depth
    assert stage.items() == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"program": None},
        {"program": []},
        {"program": "x"},
        {"program": document(), "effective_from": "soon"},
        {"program": document(), "effective_from": 1},
        {"program": document(), "version": 7},
        document(),
    ],
    ids=lambda body: str(body)[:30],
)
def test_a_request_of_the_wrong_shape_is_refused(stage: Stage, operator: Caller, body: Any) -> None:
    before = stage.items()
    assert operator.put(PATH, body).problem == "request-invalid"
    assert stage.items() == before


def test_the_program_that_the_demo_deploys_is_valid(fresh: Caller) -> None:
    text = (Path(__file__).parents[2] / "infra" / "programs" / "grocer.json").read_text(encoding="utf-8")
    assert fresh.put(PATH, {"program": json.loads(text)}).status == 200


def test_a_version_given_twice_under_the_old_effective_time_is_kept_once(operator: Caller) -> None:
    body = {"program": document(name="New"), "effective_from": "2026-04-01T00:00:00Z"}
    assert operator.put(PATH, body).text == operator.put(PATH, body).text
    assert len(operator.get(PATH).json["versions"]) == 2
