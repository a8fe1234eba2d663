"""Log groups that forget: every one has a retention, by stage."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.stages import Stage

RETENTIONS = {
    1: logs.RetentionDays.ONE_DAY,
    7: logs.RetentionDays.ONE_WEEK,
    90: logs.RetentionDays.THREE_MONTHS,
}


def log_group(scope: Construct, construct_id: str, *, stage: Stage) -> logs.LogGroup:
    """A log group kept for the stage's days. Its name is generated, so that one left behind by a deleted
    production stack does not stand in the way of the next.
    """
    return logs.LogGroup(
        scope,
        construct_id,
        retention=RETENTIONS[stage.log_retention_days],
        removal_policy=RemovalPolicy.RETAIN if stage.retained else RemovalPolicy.DESTROY,
    )
