"""Changing the program: read what is there, see what a change would mean, make it knowingly, take it back."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from functions.program.activate_program import Activation, activate_program
from functions.program.draft import DOCUMENT_BYTES_MAX
from infra.openapi import make_program_schema
from shared.domain.errors import ProgramInvalidError, TryAgainError
from shared.domain.program import ProgramVersion
from tests.fakes.clients import InterruptedClient
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import NOON, document, earning_rule, program
from tests.functional.api import OPERATOR, POS, Caller
from tests.functional.conftest import Stage

PATH = "/v1/program"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def fresh(bare_stage: Stage) -> Caller:
    """An operator of a stage without a program."""
    return Caller(OPERATOR)


def put(caller: Caller, name: str, **more: Any) -> Any:
    headers = {header: more.pop(header) for header in ("if_match", "if_none_match") if header in more}
    return caller.put(PATH, {"program": document(name=name), **more}, **headers)


def etag(caller: Caller, path: str = PATH) -> Any:
    return caller.get(path).headers["ETag"]


# ---- reading


def test_the_list_tells_when_each_version_holds_and_who_made_it_why(operator: Caller, clock: FakeClock) -> None:
    put(operator, "second", reason="spring prices")
    clock.advance(minutes=2)
    put(operator, "third", effective_from="2026-05-01T00:00:00Z")
    put(operator, "fourth", effective_from="2026-05-01T00:00:00Z")
    found = operator.get(PATH).json
    assert (found["in_force"], found["program"]["name"]) == (2, "second")
    told = [(one["version"], one["state"], one["effective_from"], one["effective_until"]) for one in found["versions"]]
    assert told == [
        (4, "scheduled", "2026-05-01T00:00:00Z", None),
        (3, "replaced", "2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z"),
        (2, "in_force", "2026-03-02T17:01:00Z", "2026-05-01T00:00:00Z"),
        (1, "ended", "2025-01-01T00:00:00Z", "2026-03-02T17:01:00Z"),
    ]
    assert [one["reason"] for one in found["versions"]] == [None, None, "spring prices", None]
    [by] = {one["activated_by"] for one in found["versions"][:3]}
    assert len(by) == 16
    assert all("program" not in one for one in found["versions"])


def test_a_version_is_read_whole_with_its_etag(operator: Caller) -> None:
    made = put(operator, "second", reason="why not")
    reply = Caller(POS).get(f"{PATH}/versions/2")
    assert (reply.text, reply.headers["ETag"]) == (made.text, made.headers["ETag"])
    assert reply.json["program"] == document(name="second")
    unknown = operator.get(f"{PATH}/versions/3")
    assert (unknown.status, unknown.problem, unknown.json["newest"]) == (404, "program-version-unknown", 2)


@pytest.mark.parametrize("number", ["0", "-1", "1.0", "x", "1_0", "%201", "100000000", "٣"])
def test_a_number_that_is_no_versions_is_refused(operator: Caller, number: str) -> None:
    reply = operator.get(f"{PATH}/versions/{number}")
    assert reply.problem in ("request-invalid", "route-unknown")


def test_what_is_read_can_be_changed_and_sent_back(operator: Caller) -> None:
    found = operator.get(PATH).json["program"]
    assert operator.put(PATH, {"program": {**found, "name": "New"}}).json["program"] == {**document(), "name": "New"}


def test_five_hundred_versions_are_listed_without_their_documents(stage: Stage, operator: Caller) -> None:
    for number in range(2, 501):
        stage.activate(ProgramVersion(number, NOON + timedelta(days=number), NOON, program(name=f"version {number}")))
    reply = operator.get(PATH)
    assert len(reply.json["versions"]) == 500
    assert len(reply.text) < 120_000


# ---- the schema


def test_the_schema_is_the_one_that_is_published(fresh: Caller) -> None:
    published = json.loads((ROOT / "docs" / "program.schema.json").read_text(encoding="utf-8"))
    assert make_program_schema() == published, "run python -m infra.openapi and commit what it writes"
    assert fresh.get(f"{PATH}/schema").json == Caller(POS).get(f"{PATH}/schema").json == published


def test_the_schema_is_a_schema_and_tells_right_documents_from_wrong_ones() -> None:
    schema = make_program_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    assert (schema["$id"], schema["title"]) == ("urn:laurel:schema:program", "Program")
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    grocer = json.loads((ROOT / "infra" / "programs" / "grocer.json").read_text(encoding="utf-8"))
    for right in (document(), grocer):
        assert validator.is_valid(right)
    for wrong in ({}, document(name=1), document(colour="red"), document(currencies=[])):
        assert not validator.is_valid(wrong)


def test_every_part_of_the_schema_says_what_it_is() -> None:
    parts = make_program_schema()["$defs"]
    assert [name for name, part in parts.items() if not part.get("description", "").strip()] == []
    assert not any("\n " in part["description"] for part in parts.values())


# ---- validating


def test_a_good_document_is_valid_and_nothing_is_written(stage: Stage, operator: Caller) -> None:
    before = stage.items()
    reply = operator.post(f"{PATH}/validate", {"program": document(name="New")})
    assert (reply.status, reply.json) == (200, {"valid": True, "faults": [], "warnings": [], "compared_with": 1})
    assert stage.items() == before


def test_every_fault_is_told_at_once_with_its_path(operator: Caller) -> None:
    wrong = document(name="", late_days_max="x", time_zone="Europe/Paris", currencies=[{"code": "A"}], colour="red")
    reply = operator.post(f"{PATH}/validate", {"program": wrong})
    assert (reply.status, reply.json["valid"], reply.json["warnings"]) == (200, False, [])
    assert set(reply.paths) == {"name", "late_days_max", "time_zone", "currencies.0.code", "colour"}
    refused = operator.put(PATH, {"program": wrong})
    assert (refused.problem, refused.json["faults"]) == ("program-invalid", reply.json["faults"])


def test_parts_that_do_not_fit_together_are_told_with_their_paths(operator: Caller) -> None:
    wrong = document(earning_rules=[earning_rule("a", "stars"), earning_rule("a", "gems")])
    reply = operator.post(f"{PATH}/validate", {"program": wrong})
    assert not reply.json["valid"]
    assert {path.split(".")[0] for path in reply.paths} == {"earning_rules"}
    assert "$" not in reply.paths


def test_what_members_would_lose_is_told_of_the_version_in_force(operator: Caller) -> None:
    put(operator, "to come", effective_from="2026-09-01T00:00:00Z")
    shorter = document(currencies=[{"code": "points", "expiry": {"after": 30, "rounded_to": "day"}}])
    found = operator.post(f"{PATH}/validate", {"program": shorter}).json
    assert (found["valid"], found["compared_with"]) == (True, 1)
    assert [one["path"] for one in found["warnings"]] == ["currencies.0.expiry"]


def test_the_first_program_can_be_validated_before_there_is_one(fresh: Caller) -> None:
    found = fresh.post(f"{PATH}/validate", {"program": document()}).json
    assert found == {"valid": True, "faults": [], "warnings": [], "compared_with": None}


@pytest.mark.parametrize("question", ["validate", "diff"])
@pytest.mark.parametrize("body", [{}, {"program": []}, {"program": document(), "x": 1}, document()], ids=lambda b: str(b)[:20])
def test_a_question_of_the_wrong_shape_is_refused(operator: Caller, question: str, body: Any) -> None:
    assert operator.post(f"{PATH}/{question}", body).problem == "request-invalid"


# ---- comparing


def test_a_draft_is_compared_with_the_newest_version(stage: Stage, operator: Caller) -> None:
    put(operator, "second")
    before = stage.items()
    reply = operator.post(f"{PATH}/diff", {"program": document(name="draft", late_days_max=10)})
    assert (reply.json["before"], reply.json["after"]) == (2, None)
    assert reply.json["changes"] == [
        {"path": "name", "kind": "changed", "before": "second", "after": "draft"},
        {"path": "late_days_max", "kind": "changed", "before": 400, "after": 10},
    ]
    assert stage.items() == before


def test_any_two_versions_are_compared(operator: Caller) -> None:
    put(operator, "second")
    put(operator, "third")
    for sides in ({"before": 1, "after": 3}, {"before": "in_force", "after": "newest"}):
        reply = operator.post(f"{PATH}/diff", sides).json
        assert (reply["before"], reply["after"]) == (1, 3)
        assert [(one["before"], one["after"]) for one in reply["changes"]] == [("Corner grocer", "third")]
    assert operator.post(f"{PATH}/diff", {"before": 2, "after": 2}).json["changes"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"before": 1},
        {"before": 1, "after": 1, "program": document()},
        {"before": "first", "after": 1},
        {"before": 0, "after": 1},
        {"before": True, "after": 1},
        {"before": "1", "after": 1},
        {"before": None, "program": document()},
    ],
)
def test_a_comparison_needs_two_sides(operator: Caller, body: dict[str, Any]) -> None:
    assert operator.post(f"{PATH}/diff", body).problem == "request-invalid"


def test_a_comparison_with_what_is_not_there_says_so(operator: Caller) -> None:
    assert operator.post(f"{PATH}/diff", {"before": 1, "after": 2}).problem == "program-version-unknown"
    assert operator.post(f"{PATH}/diff", {"program": {}}).problem == "program-invalid"


def test_a_first_program_has_nothing_to_be_compared_with(fresh: Caller) -> None:
    for before in ("newest", "in_force"):
        assert fresh.post(f"{PATH}/diff", {"before": before, "program": document()}).problem == "program-missing"


# ---- on condition


def test_a_change_on_top_of_what_was_read_is_made(operator: Caller) -> None:
    made = put(operator, "second", if_match=etag(operator))
    assert (made.status, made.json["version"]) == (200, 2)
    assert made.headers["ETag"] == etag(operator) != etag(operator, f"{PATH}/versions/1")


def test_a_change_on_top_of_an_older_version_is_refused_and_told_what_is_there(stage: Stage, operator: Caller) -> None:
    read = etag(operator)
    put(operator, "of another operator")
    before = stage.items()
    reply = put(operator, "second", if_match=read)
    assert (reply.status, reply.problem, reply.json["etag"]) == (412, "precondition-failed", etag(operator))
    assert stage.items() == before
    assert put(operator, "second", if_match=reply.json["etag"]).json["version"] == 3


def test_a_change_that_is_sent_again_is_answered_as_it_was_though_its_condition_no_longer_holds(operator: Caller) -> None:
    first, again = (put(operator, "second", if_match='"1"', reason="spring") for _ in range(2))
    assert (first.text, first.headers) == (again.text, again.headers)
    assert len(operator.get(PATH).json["versions"]) == 2


def test_the_first_program_may_insist_that_it_is_the_first(fresh: Caller) -> None:
    missing = put(fresh, "first", if_match="*")
    assert (missing.status, missing.problem, missing.json["etag"]) == (412, "precondition-failed", None)
    assert put(fresh, "first", if_none_match="*").json["version"] == 1
    assert put(fresh, "second", if_none_match="*").problem == "precondition-failed"


@pytest.mark.parametrize(
    ("tags", "holds"),
    [("*", True), ('"1"', True), ('"7", "1"', True), ('"7" ,"8"', False), ('W/"1"', False), ('"01"', False), ('""', False)],
)
def test_a_condition_may_name_several_etags_and_weak_ones_vouch_for_nothing(operator: Caller, tags: str, holds: bool) -> None:
    assert put(operator, "second", if_match=tags).status == (200 if holds else 412)


@pytest.mark.parametrize("header", [{"if_match": "1"}, {"if_match": '"1'}, {"if_match": ""}, {"if_none_match": '"1"'}])
def test_a_condition_that_is_no_etag_is_refused(operator: Caller, header: dict[str, str]) -> None:
    reply = put(operator, "second", **header)
    assert reply.problem == "request-invalid"
    assert reply.paths == [f"header.{next(iter(header)).replace('_', '-')}"]


def test_of_two_operators_who_read_the_same_one_is_told_so_and_writes_nothing(
    make_stage: Any, stage: Stage, operator: Caller
) -> None:
    def meanwhile() -> None:
        stage.activate(ProgramVersion(2, NOON + timedelta(minutes=1), NOON, program(name="of another operator")))

    make_stage(client=InterruptedClient(stage.store.client, meanwhile))
    reply = put(operator, "second", if_match='"1"')
    assert (reply.status, reply.json["etag"]) == (412, '"2"')
    assert [one["version"] for one in operator.get(PATH).json["versions"]] == [2, 1]


def test_of_two_operators_who_send_the_same_document_both_are_told_of_the_one_version(
    make_stage: Any, stage: Stage, operator: Caller
) -> None:
    def meanwhile() -> None:
        stage.activate(ProgramVersion(2, NOON + timedelta(minutes=1), NOON, program(name="second"), None, "somebody"))

    make_stage(client=InterruptedClient(stage.store.client, meanwhile))
    reply = put(operator, "second", if_match='"1"')
    assert (reply.status, reply.json["version"], reply.json["activated_by"]) == (200, 2, "somebody")


def test_without_a_condition_whoever_was_overtaken_is_told_to_try_again(
    make_stage: Any, stage: Stage, operator: Caller
) -> None:
    def meanwhile() -> None:
        stage.activate(ProgramVersion(2, NOON + timedelta(minutes=1), NOON, program(name="of another operator")))

    make_stage(client=InterruptedClient(stage.store.client, meanwhile))
    assert put(operator, "second").problem == "try-again"
    assert put(operator, "second").json["version"] == 3


# ---- rolling back


def test_a_rollback_is_a_new_version_of_the_old_document(operator: Caller, clock: FakeClock) -> None:
    put(operator, "a slip")
    clock.advance(hours=1)
    reply = operator.post(f"{PATH}/rollback", {"to_version": 1, "reason": "a slip"}, if_match='"2"')
    assert (reply.status, reply.json["version"], reply.json["program"]) == (200, 3, document())
    assert (reply.json["effective_from"], reply.json["reason"]) == ("2026-03-02T18:01:00Z", "a slip")
    assert operator.post(f"{PATH}/rollback", {"to_version": 1}, if_match='"2"').text == reply.text
    assert operator.get(f"{PATH}/versions/2").json["program"]["name"] == "a slip"
    clock.advance(minutes=1)
    assert operator.get(PATH).json["in_force"] == 3


def test_a_rollback_on_top_of_an_older_version_or_to_none_is_refused(stage: Stage, operator: Caller) -> None:
    put(operator, "second")
    before = stage.items()
    assert operator.post(f"{PATH}/rollback", {"to_version": 1}, if_match='"1"').problem == "precondition-failed"
    assert operator.post(f"{PATH}/rollback", {"to_version": 3}).problem == "program-version-unknown"
    early = {"to_version": 1, "effective_from": "2026-03-02T17:00:30Z"}
    assert operator.post(f"{PATH}/rollback", early).problem == "program-not-yet"
    for body in ({}, {"to_version": "1"}, {"to_version": 0}, {"to_version": 1, "program": document()}):
        assert operator.post(f"{PATH}/rollback", body).problem == "request-invalid"
    assert stage.items() == before


def test_a_version_to_come_is_withdrawn_by_another_one_of_the_same_instant(operator: Caller, clock: FakeClock) -> None:
    put(operator, "too soon", effective_from="2026-04-01T00:00:00Z")
    operator.post(f"{PATH}/rollback", {"to_version": 1, "effective_from": "2026-04-01T00:00:00Z"})
    clock.advance(days=60)
    found = operator.get(PATH).json
    assert (found["in_force"], found["program"]["name"]) == (3, "Corner grocer")
    assert [one["state"] for one in found["versions"]] == ["in_force", "replaced", "ended"]


def test_a_document_that_is_the_newest_but_does_not_hold_is_put_into_force_when_asked(
    operator: Caller, clock: FakeClock
) -> None:
    put(operator, "summer", effective_from="2026-06-01T00:00:00Z")
    at_once = put(operator, "summer")
    assert (at_once.json["version"], at_once.json["effective_from"]) == (3, "2026-03-02T17:01:00Z")
    assert put(operator, "summer").text == at_once.text
    put(operator, "autumn", effective_from="2026-09-01T00:00:00Z")
    put(operator, "spring")
    clock.advance(days=200)
    assert operator.get(PATH).json["program"]["name"] == "autumn"
    assert put(operator, "spring").json["version"] == 6


# ---- what other containers see


@pytest.mark.parametrize(("sandbox", "seconds"), [(False, 45), (True, 1)])
def test_a_container_reads_again_after_the_stated_time_and_not_before(
    make_stage: Any, stage: Stage, clock: FakeClock, sandbox: bool, seconds: int
) -> None:
    other = make_stage(sandbox=sandbox).wiring.programs
    assert len(other.versions()) == 1
    stage.activate(ProgramVersion(2, NOON, NOON, program(name="second")))
    clock.advance(seconds=seconds, microseconds=-1)
    assert len(other.versions()) == 1
    clock.advance(microseconds=1)
    assert len(other.versions()) == 2


def test_when_a_version_takes_effect_every_container_has_seen_it_however_slowly_it_was_written(
    make_stage: Any, stage: Stage, operator: Caller, clock: FakeClock
) -> None:
    other = make_stage().wiring.programs

    def just_before_it_is_written() -> None:
        clock.advance(seconds=10)
        assert len(other.versions()) == 1

    make_stage(client=InterruptedClient(stage.store.client, just_before_it_is_written))
    assert put(operator, "second").json["effective_from"] == "2026-03-02T17:01:00Z"
    clock.advance(seconds=50)
    assert len(other.versions()) == 2


# ---- limits


def test_a_reason_is_printable_text(operator: Caller) -> None:
    for reason in ("", "x" * 201, "a\nb", 7):
        assert put(operator, "second", reason=reason).paths == ["reason"]


def test_a_document_that_no_item_could_hold_is_refused_with_its_size(stage: Stage) -> None:
    huge = document(stores=[{"id": f"store-{number}-{'é' * 50}", "time_zone": "America/New_York"} for number in range(1999)])
    huge["earning_rules"] = [
        {**earning_rule(f"r{number}"), "when": {"skus": ["é" * 60 + str(sku) for sku in range(100)]}} for number in range(10)
    ]
    wired = stage.wiring
    with pytest.raises(ProgramInvalidError) as refused:
        activate_program(huge, Activation("somebody"), programs=wired.programs, clock=wired.clock)
    [fault] = refused.value.faults
    assert fault["path"] == "$"
    assert str(DOCUMENT_BYTES_MAX) in fault["reason"]


def test_a_lost_answer_is_found_again(stage: Stage) -> None:
    """The version was written, and the store did not say so."""

    class Forgetful:
        def __getattr__(self, name: str) -> Any:
            return getattr(stage.wiring.programs, name)

        def add(self, version: ProgramVersion) -> None:
            stage.wiring.programs.add(version)
            raise TryAgainError

    programs: Any = Forgetful()
    made = activate_program(document(name="second"), Activation("me"), programs=programs, clock=stage.wiring.clock)
    assert (made.version, made.activated_by) == (2, "me")
