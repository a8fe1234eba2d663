"""The state machine of campaigns, with the one role that may run it."""

from __future__ import annotations

import json

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from infra.campaign_machine import RESULTS, machine_definition
from infra.constructs.log_group import log_group
from infra.stages import Stage


class CampaignMachine(Construct):
    """`laurel-<stage>-campaigns`: what it does stands in infra/campaign_machine.py.

    `worker` is the ARN of the function it calls, which is not made yet; `lists` the bucket it reads members from.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, worker: str, lists: s3.IBucket) -> None:
        super().__init__(scope, construct_id)
        self.name = stage.resource_name("campaigns")
        self.log_group = log_group(self, "Logs", stage=stage)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "states.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
            description="What a run of a campaign may do",
            inline_policies={
                name: iam.PolicyDocument(statements=statements)
                for name, statements in self._policies(stage, worker, lists).items()
            },
        )
        definition = machine_definition(
            worker=worker, bucket=lists.bucket_name, workers=stage.campaign_workers, batched=not stage.local
        )
        self.machine = stepfunctions.StateMachine(
            self,
            "Machine",
            state_machine_name=self.name,
            state_machine_type=stepfunctions.StateMachineType.STANDARD,
            definition_body=stepfunctions.DefinitionBody.from_string(json.dumps(definition)),
            role=self.role.without_policy_updates(),
            # Which steps were taken, and not with whom: who a campaign is about stays out of the log.
            logs=stepfunctions.LogOptions(
                destination=self.log_group, level=stepfunctions.LogLevel.ALL, include_execution_data=False
            ),
            tracing_enabled=stage.traced,
        )

    @property
    def arn(self) -> str:
        """The machine's ARN."""
        return self.machine.state_machine_arn

    def _policies(self, stage: Stage, worker: str, lists: s3.IBucket) -> dict[str, list[iam.PolicyStatement]]:
        arn = f"arn:{Aws.PARTITION}:states:{Aws.REGION}:{Aws.ACCOUNT_ID}"
        policies = {
            "worker": [iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[worker])],
            # A Distributed Map starts an execution of the very machine for each shard or batch.
            "children": [
                iam.PolicyStatement(actions=["states:StartExecution"], resources=[f"{arn}:stateMachine:{self.name}"]),
                iam.PolicyStatement(
                    actions=["states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"],
                    resources=[f"{arn}:execution:{self.name}:*", f"{arn}:execution:{self.name}/*:*"],
                ),
            ],
            "lists": [
                iam.PolicyStatement(actions=["s3:GetObject"], resources=[lists.arn_for_objects("*")]),
                iam.PolicyStatement(
                    actions=["s3:PutObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"],
                    resources=[lists.arn_for_objects(f"{RESULTS}*")],
                ),
            ],
            # The rights over log deliveries know no resource.
            "logs": [
                iam.PolicyStatement(
                    actions=[
                        "logs:CreateLogDelivery",
                        "logs:GetLogDelivery",
                        "logs:UpdateLogDelivery",
                        "logs:DeleteLogDelivery",
                        "logs:ListLogDeliveries",
                        "logs:PutResourcePolicy",
                        "logs:DescribeResourcePolicies",
                        "logs:DescribeLogGroups",
                    ],
                    resources=["*"],
                )
            ],
        }
        if stage.traced:
            # Nor does X-Ray.
            policies["traces"] = [
                iam.PolicyStatement(
                    actions=[
                        "xray:PutTraceSegments",
                        "xray:PutTelemetryRecords",
                        "xray:GetSamplingRules",
                        "xray:GetSamplingTargets",
                    ],
                    resources=["*"],
                )
            ]
        return policies
