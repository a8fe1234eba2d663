"""Calls at times to come: at their time and not before, replaced and removed as often as one likes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from shared.adapters.aws import client_of
from shared.adapters.schedules import EventBridgeSchedules
from shared.domain.errors import FaultError, TryAgainError
from shared.ports import Recurrence
from tests.fakes.clock import FakeClock

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
BONUSES = "arn:aws:lambda:us-east-1:123456789012:function:laurel-dev-bonuses"
ROLE = "arn:aws:iam::123456789012:role/schedules"
FAILED = "arn:aws:sqs:us-east-1:123456789012:laurel-dev-failed"
FIRE = {"task": "fire", "campaign": "spring"}


@pytest.fixture
def schedules(monkeypatch: pytest.MonkeyPatch) -> Iterator[EventBridgeSchedules]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = client_of("scheduler")
        client.create_schedule_group(Name="laurel-dev")
        yield EventBridgeSchedules(client, "laurel-dev", ROLE, FAILED, FakeClock(NOON))


def found(schedules: EventBridgeSchedules, name: str = "spring") -> dict[str, Any]:
    """A schedule as it is kept."""
    answer: dict[str, Any] = schedules.client.get_schedule(Name=name, GroupName="laurel-dev")
    return answer


def names(schedules: EventBridgeSchedules) -> list[str]:
    return [one["Name"] for one in schedules.client.list_schedules(GroupName="laurel-dev")["Schedules"]]


def test_a_call_at_an_instant_comes_once_and_is_forgotten(schedules: EventBridgeSchedules) -> None:
    schedules.put("spring", NOON + timedelta(days=1), FIRE, BONUSES)
    one = found(schedules)
    assert (one["ScheduleExpression"], one["ScheduleExpressionTimezone"]) == ("at(2027-03-02T12:00:00)", "UTC")
    assert one["ActionAfterCompletion"] == "DELETE"
    assert one["FlexibleTimeWindow"] == {"Mode": "OFF"}


def test_it_calls_its_target_under_the_one_role_and_what_fails_is_kept(schedules: EventBridgeSchedules) -> None:
    schedules.put("spring", NOON + timedelta(days=1), FIRE, BONUSES)
    target = found(schedules)["Target"]
    assert (target["Arn"], target["RoleArn"]) == (BONUSES, ROLE)
    assert json.loads(target["Input"]) == FIRE
    assert target["DeadLetterConfig"] == {"Arn": FAILED}
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 5, "MaximumEventAgeInSeconds": 3600}


def test_an_instant_is_meant_whatever_zone_it_is_written_in(schedules: EventBridgeSchedules) -> None:
    schedules.put("spring", datetime(2027, 3, 2, 1, tzinfo=ZoneInfo("Pacific/Auckland")), FIRE, BONUSES)
    # 2027-03-01T12:00:00Z would be now.
    assert found(schedules)["ScheduleExpression"] == "at(2027-03-01T12:01:00)"
    schedules.put("autumn", datetime(2027, 10, 31, 2, 30, tzinfo=ZoneInfo("Europe/Rome"), fold=1), FIRE, BONUSES)
    assert found(schedules, "autumn")["ScheduleExpression"] == "at(2027-10-31T01:30:00)"


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=30), timedelta(days=400)])
def test_what_is_due_already_comes_at_once(schedules: EventBridgeSchedules, late: timedelta) -> None:
    # AWS refuses an instant that has passed when it reads it.
    schedules.put("spring", NOON - late, FIRE, BONUSES)
    assert found(schedules)["ScheduleExpression"] == "at(2027-03-01T12:01:00)"


def test_nothing_comes_a_moment_before_its_time(schedules: EventBridgeSchedules) -> None:
    schedules.put("spring", NOON + timedelta(hours=1, microseconds=1), FIRE, BONUSES)
    assert found(schedules)["ScheduleExpression"] == "at(2027-03-01T13:00:01)"


def test_a_call_that_comes_again_and_again_keeps_the_wall_clock_of_its_zone(schedules: EventBridgeSchedules) -> None:
    schedules.put("spring", Recurrence("0 9 ? * MON *", "Europe/Rome"), FIRE, BONUSES)
    one = found(schedules)
    assert (one["ScheduleExpression"], one["ScheduleExpressionTimezone"]) == ("cron(0 9 ? * MON *)", "Europe/Rome")
    assert one.get("ActionAfterCompletion", "NONE") == "NONE"


def test_putting_a_schedule_again_replaces_it(schedules: EventBridgeSchedules) -> None:
    schedules.put("spring", NOON + timedelta(days=1), FIRE, BONUSES)
    schedules.put("spring", NOON + timedelta(days=2), {"task": "fire", "campaign": "other"}, BONUSES)
    assert names(schedules) == ["spring"]
    assert found(schedules)["ScheduleExpression"] == "at(2027-03-03T12:00:00)"
    assert json.loads(found(schedules)["Target"]["Input"])["campaign"] == "other"


def test_removing_a_schedule_twice_is_as_good_as_once(schedules: EventBridgeSchedules) -> None:
    schedules.put("spring", NOON + timedelta(days=1), FIRE, BONUSES)
    for _ in range(2):
        schedules.remove("spring")
    assert names(schedules) == []


class Answering:
    """A client that answers each call as told: with an error's code, or None for all is well."""

    def __init__(self, **answers: list[str | None]) -> None:
        self.answers = answers
        self.called: list[str] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**_: Any) -> None:
            self.called.append(operation)
            if code := self.answers[operation].pop(0):
                raise ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 400}}, operation)

        return call


def over(client: Answering) -> EventBridgeSchedules:
    return EventBridgeSchedules(client, "laurel-dev", ROLE, FAILED, FakeClock(NOON))


def test_a_schedule_that_comes_while_it_is_replaced_is_made_anew() -> None:
    client = Answering(create_schedule=["ConflictException", None], update_schedule=["ResourceNotFoundException"])
    over(client).put("spring", NOON, FIRE, BONUSES)
    assert client.called == ["create_schedule", "update_schedule", "create_schedule"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ThrottlingException", TryAgainError),
        ("AccessDeniedException", FaultError),
        ("ServiceQuotaExceededException", FaultError),
    ],
)
def test_what_passes_by_itself_is_told_apart_from_what_does_not(code: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        over(Answering(create_schedule=[code])).put("spring", NOON, FIRE, BONUSES)
    with pytest.raises(error):
        over(Answering(create_schedule=["ConflictException"], update_schedule=[code])).put("spring", NOON, FIRE, BONUSES)
    with pytest.raises(error):
        over(Answering(delete_schedule=[code])).remove("spring")
