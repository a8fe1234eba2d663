"""All that functions reach beside the table: the bus, the machine, schedules, queues. Made before any function is."""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.constructs.machine import CampaignMachine
from infra.constructs.queues import Queues
from infra.stages import Stage

# The functions that schedules may call.
FIRED = ("bonuses", "messages")


class Outlets(Construct):
    """One bus, one group of schedules with the role they run under, one state machine, three queues.

    They name functions by their ARNs, which are known before the functions are: so nothing goes round in circles.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, lists: s3.IBucket) -> None:
        super().__init__(scope, construct_id)
        self.queues = Queues(self, "Queues", stage=stage)
        self.bus = events.EventBus(self, "Bus", event_bus_name=stage.namespace)
        self.group_name = stage.namespace
        self.group = scheduler.CfnScheduleGroup(self, "Schedules", name=self.group_name)
        self.schedule_role = self._role(stage)
        self.machine = CampaignMachine(self, "Campaigns", stage=stage, worker=function_arn(stage, "bonuses"), lists=lists)

    def _role(self, stage: Stage) -> iam.Role:
        """The role of every schedule. Only EventBridge Scheduler takes it on, for schedules of this group of this account."""
        called = [function_arn(stage, name) for name in FIRED]
        group = f"arn:{Aws.PARTITION}:scheduler:{Aws.REGION}:{Aws.ACCOUNT_ID}:schedule-group/{self.group_name}"
        statements = [
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=called),
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self.queues.failed.queue_arn]),
        ]
        return iam.Role(
            self,
            "ScheduleRole",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID, "aws:SourceArn": group}},
            ),
            description="What a schedule may do",
            inline_policies={"calls": iam.PolicyDocument(statements=statements)},
        )


def function_arn(stage: Stage, name: str) -> str:
    """The ARN of a function, made or not."""
    return f"arn:{Aws.PARTITION}:lambda:{Aws.REGION}:{Aws.ACCOUNT_ID}:function:{stage.resource_name(name.replace('_', '-'))}"
