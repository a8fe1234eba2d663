"""Calls at times to come, on EventBridge Scheduler."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from shared.adapters.dynamodb.store import aws_errors
from shared.ports import Clock, Recurrence

SOONEST = timedelta(minutes=1)
"""From now to the next instant that a schedule may be for: AWS refuses one that has passed by the time it reads it."""
ATTEMPTS_MAX = 5
AGE_SECONDS_MAX = 3600
"""How often, and for how long, a call is tried again that the function did not take."""

THERE = "ConflictException"
NOT_THERE = "ResourceNotFoundException"


@dataclass(frozen=True)
class EventBridgeSchedules:
    """One group of schedules, the role they call functions under, the queue of calls that failed. `clock` tells real time."""

    client: Any
    group: str
    role: str
    failed: str
    clock: Clock

    def put(self, name: str, when: datetime | Recurrence, payload: Mapping[str, Any], target: str) -> None:
        """See ports.Schedules. In texts of the payload `<aws.scheduler.scheduled-time>` becomes the instant it was due at."""
        schedule = {
            "Name": name,
            "GroupName": self.group,
            # To the minute: a window would let a birthday come late.
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": target,
                "RoleArn": self.role,
                "Input": json.dumps(payload, separators=(",", ":"), ensure_ascii=False),
                "RetryPolicy": {"MaximumRetryAttempts": ATTEMPTS_MAX, "MaximumEventAgeInSeconds": AGE_SECONDS_MAX},
                "DeadLetterConfig": {"Arn": self.failed},
            },
            **self._times(when),
        }
        with aws_errors():
            try:
                self.client.create_schedule(**schedule)
            except ClientError as error:
                if error.response["Error"]["Code"] != THERE:
                    raise
                self._replace(schedule)

    def remove(self, name: str) -> None:
        """See ports.Schedules."""
        with aws_errors():
            try:
                self.client.delete_schedule(Name=name, GroupName=self.group)
            except ClientError as error:
                if error.response["Error"]["Code"] != NOT_THERE:
                    raise

    def _replace(self, schedule: Mapping[str, Any]) -> None:
        try:
            self.client.update_schedule(**schedule)
        except ClientError as error:
            if error.response["Error"]["Code"] != NOT_THERE:
                raise
            # It came, or another caller removed it, in between: then it is new.
            self.client.create_schedule(**schedule)

    def _times(self, when: datetime | Recurrence) -> dict[str, str]:
        if isinstance(when, Recurrence):
            return {
                "ScheduleExpression": f"cron({when.cron})",
                "ScheduleExpressionTimezone": when.zone,
                "ActionAfterCompletion": "NONE",
            }
        instant = max(when, self.clock.now() + SOONEST).astimezone(UTC)
        # Whole seconds, rounded up: it never comes before its time.
        whole = instant + timedelta(microseconds=-instant.microsecond % 1_000_000)
        return {
            "ScheduleExpression": f"at({whole:%Y-%m-%dT%H:%M:%S})",
            "ScheduleExpressionTimezone": "UTC",
            "ActionAfterCompletion": "DELETE",
        }
