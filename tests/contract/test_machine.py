"""Starting runs of campaigns: once for each attempt, whatever a run is called and however often it is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from shared.adapters.aws import client_of
from shared.adapters.machine import StepFunctionsMachine, execution_name
from shared.domain.errors import FaultError, TryAgainError

ROLE = "arn:aws:iam::123456789012:role/machine"
DEFINITION = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield client_of("stepfunctions")


@pytest.fixture
def machine(client: Any) -> StepFunctionsMachine:
    made = client.create_state_machine(name="campaigns", definition=json.dumps(DEFINITION), roleArn=ROLE)
    return StepFunctionsMachine(client, made["stateMachineArn"])


def started(machine: StepFunctionsMachine) -> dict[str, Any]:
    """What each execution was started with, by its name."""
    executions = machine.client.list_executions(stateMachineArn=machine.arn)["executions"]
    described = (machine.client.describe_execution(executionArn=one["executionArn"]) for one in executions)
    return {one["name"]: json.loads(one["input"]) for one in described}


def test_a_run_goes_over_its_shards(machine: StepFunctionsMachine) -> None:
    machine.start("fire.spring.20270301", 1, range(3), None)
    assert started(machine) == {"fire.spring.20270301.1": {"run": "fire.spring.20270301", "shards": [0, 1, 2], "list": None}}


def test_a_run_goes_over_its_list(machine: StepFunctionsMachine) -> None:
    machine.start("fire.vip.once", 1, [], "vip.json")
    assert started(machine) == {"fire.vip.once.1": {"run": "fire.vip.once", "shards": [], "list": "vip.json"}}


def test_an_attempt_that_is_started_twice_is_one_run(machine: StepFunctionsMachine) -> None:
    for _ in range(2):
        machine.start("sweep.all.1", 1, [0], None)
    assert list(started(machine)) == ["sweep.all.1.1"]


def test_an_attempt_that_has_ended_is_not_started_again(machine: StepFunctionsMachine) -> None:
    machine.start("sweep.all.1", 1, [0], None)
    [execution] = machine.client.list_executions(stateMachineArn=machine.arn)["executions"]
    machine.client.stop_execution(executionArn=execution["executionArn"])
    machine.start("sweep.all.1", 1, [0], None)
    assert list(started(machine)) == ["sweep.all.1.1"]


def test_each_attempt_is_a_run_of_its_own(machine: StepFunctionsMachine) -> None:
    for attempt in (1, 2):
        machine.start("sweep.all.1", attempt, [0], None)
    assert set(started(machine)) == {"sweep.all.1.1", "sweep.all.1.2"}


@pytest.mark.parametrize("run", ["fire." + "x" * 90, "fire.été.2027", "fire.a b.1", "fire.x:y.1"])
def test_any_name_of_a_run_becomes_one_that_an_execution_may_have(run: str, machine: StepFunctionsMachine) -> None:
    machine.start(run, 1, [0], None)
    [name] = started(machine)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,80}", name)
    assert name != execution_name(run, 2)
    assert name != execution_name(run + "z", 1)


def test_a_name_that_may_stay_stays() -> None:
    assert execution_name("fire.spring.20270301", 12) == "fire.spring.20270301.12"


class Refusing:
    """A client that refuses every start."""

    def __init__(self, code: str, status: int) -> None:
        self.code, self.status = code, status

    def start_execution(self, **_: Any) -> None:
        """As Step Functions, on a bad day."""
        raise ClientError({"Error": {"Code": self.code}, "ResponseMetadata": {"HTTPStatusCode": self.status}}, "StartExecution")


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ThrottlingException", 400, TryAgainError),
        ("InternalError", 500, TryAgainError),
        ("AccessDeniedException", 400, FaultError),
        ("StateMachineDoesNotExist", 400, FaultError),
    ],
)
def test_what_passes_by_itself_is_told_apart_from_what_does_not(code: str, status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        StepFunctionsMachine(Refusing(code, status), "arn").start("run", 1, [0], None)
