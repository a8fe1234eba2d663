"""What the state machine of campaigns promises: everyone is reached, so many at a time, and it comes to an end."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import stepfunctions

from infra.campaign_machine import machine_definition
from tests.infra.conftest import Synth, Synthesized

pytestmark = pytest.mark.infra

LAMBDA = "arn:aws:states:::lambda:invoke"
DEFINITION = machine_definition(worker="the worker", bucket="the bucket", workers=8, batched=True)
STATES: dict[str, Any] = DEFINITION["States"]
MAPS = {name: state for name, state in STATES.items() if state["Type"] == "Map"}


def every(states: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All states, those of the maps too."""
    for name, state in states.items():
        yield name, state
        if state["Type"] == "Map":
            yield from every(state["ItemProcessor"]["States"])


def deployed(stage: Synthesized) -> dict[str, Any]:
    """The definition as deployed; what CloudFormation fills in is left out."""
    definition = stage.only("StepFunctions::StateMachine")["Properties"]["DefinitionString"]
    parts = definition["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else "filled-in" for part in parts)
    found: dict[str, Any] = json.loads(text.replace("laurel-local-", "laurel-dev-"))
    return found


def test_a_run_goes_over_its_list_where_it_has_one_and_over_all_shards_where_not() -> None:
    choice = STATES[DEFINITION["StartAt"]]
    assert choice["Choices"] == [{"Variable": "$.list", "IsString": True, "Next": "Over its members"}]
    assert choice["Default"] == "Over all shards"


def test_each_shard_is_an_execution_of_its_own_that_may_take_hours() -> None:
    for state in MAPS.values():
        assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert STATES["Over all shards"]["ItemSelector"] == {
        "task": "shard",
        "run.$": "$.run",
        "shard.$": "$$.Map.Item.Value",
        "cursor": None,
    }


def test_no_more_workers_run_at_once_than_the_stage_says(synth: Synth, prod: Synthesized) -> None:
    for stage, workers in ((prod, 8), (synth("prod", campaign_workers="40"), 40)):
        states = deployed(stage)["States"]
        assert {state["MaxConcurrency"] for state in states.values() if state["Type"] == "Map"} == {workers}


def test_a_worker_that_is_not_done_is_called_again_with_what_it_answered() -> None:
    loops = [(name, state) for name, state in every(STATES) if state["Type"] == "Task"]
    assert len(loops) == 3
    states = dict(every(STATES))
    for name, task in loops:
        assert (task["Resource"], task["Parameters"]) == (LAMBDA, {"FunctionName": "the worker", "Payload.$": "$"})
        assert task["OutputPath"] == "$.Payload"
        asked = states[task["Next"]]
        assert asked["Choices"][0]["Variable"] == "$.done"
        assert asked["Default"] == name
        assert states[asked["Choices"][0]["Next"]] == {"Type": "Succeed"}


def test_a_call_that_fails_is_repeated_and_one_that_finds_no_place_waits_for_hours() -> None:
    for _, task in every(STATES):
        if task["Type"] != "Task":
            continue
        waiting, failing = task["Retry"]
        assert waiting["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
        assert waiting["MaxAttempts"] * waiting["MaxDelaySeconds"] >= 12 * 3_600
        # The last one must stand alone: crashes, time-outs, whatever Lambda answers.
        assert failing["ErrorEquals"] == ["States.ALL"]
        assert failing["MaxAttempts"] >= 5
        assert failing["BackoffRate"] > 1


def test_a_call_is_given_up_only_after_the_workers_own_time_limit(prod: Synthesized) -> None:
    limit = prod.functions()["bonuses"]["Timeout"]
    assert all(task["TimeoutSeconds"] > limit for _, task in every(STATES) if task["Type"] == "Task")


def test_a_run_is_finished_only_when_everyone_was_reached() -> None:
    for state in MAPS.values():
        # Nothing is tolerated, so the map itself fails where a child of it does.
        assert not {name for name in state if name.startswith("Tolerated")}
        assert "Catch" not in state
        assert state["Next"] == "Finish"
        # What the run is called lives on.
        assert state["ResultPath"] is None
    assert STATES["Finish"]["Parameters"] == {"task": "finish", "run.$": "$.run"}


def test_a_run_ends_within_a_day_or_rings() -> None:
    assert DEFINITION["TimeoutSeconds"] == 86_400


def test_a_list_is_read_from_the_bucket_and_handed_out_in_batches() -> None:
    members = STATES["Over its members"]
    assert members["ItemReader"] == {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "the bucket", "Key.$": "$.list"},
    }
    assert members["ItemBatcher"] == {"MaxItemsPerBatch": 100}
    # The answers of a large list are more than a state may hold.
    assert members["ResultWriter"]["Parameters"] == {"Bucket": "the bucket", "Prefix": "results"}


@pytest.mark.parametrize("members", [["ada"], ["ada", "grace", "joan"]])
def test_a_batch_becomes_the_call_of_a_worker(members: list[str]) -> None:
    unpack = STATES["Over its members"]["ItemProcessor"]["States"]["Unpack a batch"]
    batch = {"Items": [{"run": "list.vip.1", "member": member} for member in members]}
    called, following = stepfunctions._execute_pass(unpack, batch, {})
    assert called == {"task": "list", "run": "list.vip.1", "members": members}
    assert following == "Work on a batch"


def test_names_of_states_are_unique_in_the_whole_machine() -> None:
    names = [name for name, _ in every(STATES)]
    assert len(names) == len(set(names))
    assert all(len(name) <= 80 for name in names)


def test_every_step_leads_to_a_step_that_is_there() -> None:
    for states in (STATES, *(state["ItemProcessor"]["States"] for state in MAPS.values())):
        led_to = {state[key] for state in states.values() for key in ("Next", "Default") if key in state}
        led_to |= {choice["Next"] for state in states.values() for choice in state.get("Choices", [])}
        assert led_to <= set(states)


def test_the_local_machine_has_fewer_workers_and_no_batches_and_differs_in_nothing_else(
    local: Synthesized, synth: Synth
) -> None:
    here, there = (stage["States"] for stage in (deployed(local), deployed(synth("dev", campaign_workers="2"))))
    del there["Over its members"]["ItemBatcher"]
    unpack = [one["Over its members"]["ItemProcessor"]["States"].pop("Unpack a batch") for one in (here, there)]
    assert here == there
    assert [one["Parameters"]["members.$"] for one in unpack] == ["States.Array($.member)", "$.Items[*].member"]


def test_the_machine_is_named_standard_logged_and_traced(prod: Synthesized) -> None:
    machine = prod.only("StepFunctions::StateMachine")["Properties"]
    assert (machine["StateMachineName"], machine["StateMachineType"]) == ("laurel-prod-campaigns", "STANDARD")
    assert machine["TracingConfiguration"] == {"Enabled": True}
    logging = machine["LoggingConfiguration"]
    # Which steps, but not with whom.
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)


def test_it_calls_the_worker_of_its_stage(prod: Synthesized) -> None:
    definition = str(prod.only("StepFunctions::StateMachine")["Properties"]["DefinitionString"])
    assert ":function:laurel-prod-bonuses" in definition
    assert "ListsBucket" in definition
