"""Findings of cdk-nag that stand, each with its reason. Anything else it finds fails the synth."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

from infra.data_stack import DataStack
from infra.service_stack import ServiceStack

NO_PLUS_PLAN = (
    "The plus plan bills every active member a month for adaptive sign-in; points are worth cents, and staff "
    "must bring a second factor. A shop that wants it changes the plan in infra/constructs/identity.py."
)
MEMBERS_CHOOSE_MFA = (
    "A second factor is each member's choice: a customer who must own an authenticator to collect points "
    "does not join. Staff must have one."
)
NO_RESOURCE_TO_NAME = "X-Ray's two write actions know no resource; they can send traces and read nothing."
PYTHON_CHOSEN = (
    "Python 3.13 on purpose: the pinned wheels are tested on it, and AWS patches it until 2029. A newer "
    "version is taken up with its wheels: infra/bundling/target.py and infra/constructs/function.py."
)


def acknowledge_findings(data: DataStack, service: ServiceStack) -> None:
    """Record each reason on the very construct it is about, so that a like finding elsewhere still fails."""
    if data.members:
        _acknowledge(data.members.pool, {"COG8": NO_PLUS_PLAN, "COG2": MEMBERS_CHOOSE_MFA})
    if data.staff:
        _acknowledge(data.staff.pool, {"COG8": NO_PLUS_PLAN})
    for function in service.functions.values():
        _acknowledge(function.role, {"IAM5[Resource::*]": NO_RESOURCE_TO_NAME})
        _acknowledge(function.function, {"L1": PYTHON_CHOSEN})


def _acknowledge(construct: IConstruct, reasons: dict[str, str]) -> None:
    for rule, reason in reasons.items():
        Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason))
