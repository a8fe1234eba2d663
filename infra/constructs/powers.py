"""What each power of a function takes: rights, and settings that name what they are about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from infra.constructs.outlets import Outlets, function_arn
from infra.permissions import Power
from infra.stages import Stage

RECEIVING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


@dataclass(frozen=True)
class Powers:
    """The powers there are on one stage. `stream` is the ARN of the table's stream."""

    stage: Stage
    outlets: Outlets
    stream: str

    def statements(self, power: Power) -> list[iam.PolicyStatement]:
        """The lines of a role that a power is."""
        outlets, queues = self.outlets, self.outlets.queues
        granted: dict[Power, Callable[[], list[iam.PolicyStatement]]] = {
            Power.TELL: lambda: [_may(outlets.bus.event_bus_arn, "events:PutEvents")],
            Power.RUN: lambda: [_may(outlets.machine.arn, "states:StartExecution")],
            Power.FIRE_LATER: self._scheduling,
            Power.MAIL_LATER: self._scheduling,
            Power.MAIL: self._mailing,
            Power.READ_STREAM: self._reading,
            Power.PARK: lambda: [_may(queues.parked.queue_arn, "sqs:SendMessage")],
            Power.RETRY: lambda: [_may(queues.retry.queue_arn, *RECEIVING)],
            Power.FAIL: lambda: [_may(queues.failed.queue_arn, "sqs:SendMessage")],
        }
        return granted[power]()

    def settings(self, power: Power) -> dict[str, str]:
        """The settings that a function with the power has. None of them is a secret."""
        settings = {
            Power.TELL: {"LAUREL_BUS": self.outlets.bus.event_bus_name},
            Power.RUN: {"LAUREL_MACHINE": self.outlets.machine.arn},
            Power.FIRE_LATER: {**self._schedules(), "LAUREL_BONUSES": function_arn(self.stage, "bonuses")},
            Power.MAIL_LATER: {**self._schedules(), "LAUREL_MESSAGES": function_arn(self.stage, "messages")},
            Power.MAIL: {"LAUREL_SENDER": self.stage.sender} if self.stage.sender else {},
            Power.PARK: {"LAUREL_PARKED": self.outlets.queues.parked.queue_url},
        }
        return settings.get(power, {})

    def _reading(self) -> list[iam.PolicyStatement]:
        reading = ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream")
        # Lambda asks for the last one besides; it tells which tables have streams, and knows no resource.
        return [_may(self.stream, *reading), _may("*", "dynamodb:ListStreams")]

    def _schedules(self) -> dict[str, str]:
        return {
            "LAUREL_SCHEDULES": self.outlets.group_name,
            "LAUREL_SCHEDULE_ROLE": self.outlets.schedule_role.role_arn,
            "LAUREL_SCHEDULE_DLQ": self.outlets.queues.failed.queue_arn,
        }

    def _scheduling(self) -> list[iam.PolicyStatement]:
        # The local cloud takes every schedule for one of the group `default`.
        group = "default" if self.stage.local else self.outlets.group_name
        schedules = f"arn:{Aws.PARTITION}:scheduler:{Aws.REGION}:{Aws.ACCOUNT_ID}:schedule/{group}/*"
        passing = _may(self.outlets.schedule_role.role_arn, "iam:PassRole")
        passing.add_condition("StringEquals", {"iam:PassedToService": "scheduler.amazonaws.com"})
        return [_may(schedules, "scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule"), passing]

    def _mailing(self) -> list[iam.PolicyStatement]:
        sender = self.stage.sender
        if sender is None:
            return []
        if self.stage.local:
            # The local cloud asks for the right to send as anyone, and knows no sender.
            return [_may("*", "ses:SendEmail")]
        arn = f"arn:{Aws.PARTITION}:ses:{Aws.REGION}:{Aws.ACCOUNT_ID}"
        # The shop has proved to own the address itself or its domain, and names its templates in its program.
        resources = [f"{arn}:identity/{sender}", f"{arn}:identity/{sender.partition('@')[2]}", f"{arn}:template/*"]
        sending = iam.PolicyStatement(actions=["ses:SendEmail"], resources=resources)
        sending.add_condition("StringEquals", {"ses:FromAddress": sender})
        return [sending]


def _may(resource: str, *actions: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=[resource])
