"""Findings of cdk-nag that stand, each with its reason. Anything else it finds fails the synth."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

from infra.campaign_machine import RESULTS
from infra.data_stack import DataStack
from infra.permissions import POWERS, Power
from infra.service_stack import ServiceStack
from infra.stages import Stage

NO_PLUS_PLAN = (
    "The plus plan bills every active member a month for adaptive sign-in; points are worth cents, and staff "
    "must bring a second factor. A shop that wants it changes the plan in infra/constructs/identity.py."
)
MEMBERS_CHOOSE_MFA = (
    "A second factor is each member's choice: a customer who must own an authenticator to collect points "
    "does not join. Staff must have one."
)
NO_RESOURCE_TO_NAME = "X-Ray's two write actions know no resource; they can send traces and read nothing."
NO_STREAM_TO_NAME = NO_RESOURCE_TO_NAME + " ListStreams, which Lambda asks for, tells names of streams only."
NO_DELIVERY_TO_NAME = "Log deliveries and X-Ray know no resource: the machine can send its own log and traces with them."
SCHEDULES_TO_COME = "Schedules are named after campaigns and events to come: all of this one group, and no other."
RUNS_TO_COME = "Executions are named after runs to come: all of this one machine, and no other's."
LISTS_TO_COME = "Lists are named by operators, results by Step Functions: all of this one bucket, which holds nothing else."
TEMPLATES_TO_COME = "Templates are named in the shop's program: any of them, and only in the one sender's name."
NO_ACCESS_LOG = (
    "Lists of members' numbers, kept for 90 days: operators write them, one role reads them. A log of accesses needs a "
    "second bucket and a retention of its own; an account that must have one records S3 data events in its trail."
)
PYTHON_CHOSEN = (
    "Python 3.13 on purpose: the pinned wheels are tested on it, and AWS patches it until 2029. A newer "
    "version is taken up with its wheels: infra/bundling/target.py and infra/constructs/function.py."
)


def acknowledge_findings(stage: Stage, data: DataStack, service: ServiceStack) -> None:
    """Record each reason on the very construct it is about, so that a like finding elsewhere still fails."""
    if data.members:
        _acknowledge(data.members.pool, {"COG8": NO_PLUS_PLAN, "COG2": MEMBERS_CHOOSE_MFA})
    if data.staff:
        _acknowledge(data.staff.pool, {"COG8": NO_PLUS_PLAN})
    _acknowledge(data.lists.bucket, {"S1": NO_ACCESS_LOG})
    for name, function in service.functions.items():
        powers = POWERS.get(name, ())
        anything = NO_STREAM_TO_NAME if Power.READ_STREAM in powers else NO_RESOURCE_TO_NAME
        _acknowledge(function.role, {"IAM5[Resource::*]": anything})
        if {Power.FIRE_LATER, Power.MAIL_LATER}.intersection(powers):
            schedules = f"schedule/{service.outlets.group_name}/*"
            _acknowledge(function.role, {_any_of("scheduler", schedules): SCHEDULES_TO_COME})
        if Power.MAIL in powers and stage.sender:
            _acknowledge(function.role, {_any_of("ses", "template/*"): TEMPLATES_TO_COME})
        _acknowledge(function.function, {"L1": PYTHON_CHOSEN})
    machine = service.outlets.machine
    runs = {_any_of("states", f"execution:{machine.name}{rest}"): RUNS_TO_COME for rest in (":*", "/*:*")}
    bucket = data.resolve(data.export_value(data.lists.bucket.bucket_arn))["Fn::ImportValue"]
    lists = {f"IAM5[Resource::{bucket}/{objects}]": LISTS_TO_COME for objects in ("*", f"{RESULTS}*")}
    _acknowledge(machine.role, {**runs, **lists, "IAM5[Resource::*]": NO_DELIVERY_TO_NAME})


def _any_of(service: str, resources: str) -> str:
    """The finding about a wildcard in an ARN of this account and region."""
    return f"IAM5[Resource::arn:<AWS::Partition>:{service}:<AWS::Region>:<AWS::AccountId>:{resources}]"


def _acknowledge(construct: IConstruct, reasons: dict[str, str]) -> None:
    for rule, reason in reasons.items():
        Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason))
