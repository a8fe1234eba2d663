"""One Lambda function with a role of its own, written by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.log_group import log_group
from infra.constructs.powers import Powers
from infra.constructs.table import LedgerTable
from infra.permissions import PERMISSIONS, POWERS, Permission, Power
from infra.stages import Stage

# Processor comes with memory: 512 MB is 0.29 of a core. A warm request needs 50 MB and a millisecond or two
# of processor, so memory hardly matters to it; a cold start is 0.4 core-seconds of imports. Half the memory
# would double the cold start; twice would halve it, at twice the price of warm requests, which mostly wait.
MEMORY_MB = 512
# A dry run of 1,000 orders is two core-seconds, a campaign's worker decides about members without a pause: a whole core.
MORE_MEMORY_MB = {"program": 1769, "bonuses": 1769}
# Below the gateway's 30 s, above the SDK's own bounded retries.
TIMEOUT = Duration.seconds(10)
# Those that no request waits for. A worker of a campaign stops before its time is up and goes on in the next call.
MORE_TIME = {"bonuses": Duration.minutes(5), "events": Duration.minutes(1), "messages": Duration.minutes(1)}
# How long a call that is not waited for may wait for its turn; it is tried three times in all.
WAITING_MAX = {"bonuses": Duration.hours(1), "messages": Duration.hours(6)}

# No SnapStart: for Python it is billed for each published version, by memory, for as long as the version
# exists (about 2 dollars a month and function at 512 MB, used or not) and again per restore, so an idle
# program would cost money; it needs a version and an alias per deploy, and restores connections and random
# state that are no longer good. What it saves is imports, and those are short once compiled and trimmed.

READING_KEY = ("kms:Decrypt", "kms:DescribeKey")
WRITING_KEY = (
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem"})


class LaurelFunction(Construct):
    """The Lambda of one folder of `functions/`: its role, its log group and its environment."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        stage: Stage,
        ledger: LedgerTable,
        powers: Powers,
        code: lambda_.Code,
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self.concurrency = concurrency(name, stage)
        self.log_group = log_group(self, "Logs", stage=stage)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What the {name} function may do",
            inline_policies=self._policies(stage, ledger, powers),
        )
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=stage.resource_name(name.replace("_", "-")),
            description=f"Laurel {stage.name}: {name}",
            runtime=_runtime(stage),
            architecture=_architecture(stage),
            handler=f"functions.{name}.handler.handler",
            code=code,
            # Nothing is added behind our back: the role is exactly what stands above.
            role=self.role.without_policy_updates(),
            log_group=self.log_group,
            memory_size=MORE_MEMORY_MB.get(name, MEMORY_MB),
            timeout=MORE_TIME.get(name, TIMEOUT),
            reserved_concurrent_executions=self.concurrency,
            tracing=lambda_.Tracing.ACTIVE if stage.traced else lambda_.Tracing.DISABLED,
            environment=environment(name, stage, ledger.table.table_name, powers),
            **self._unwaited(powers),
        )

    def _unwaited(self, powers: Powers) -> dict[str, Any]:
        """What becomes of calls that nobody waits for."""
        if self.name not in WAITING_MAX:
            return {}
        failed = powers.outlets.queues.failed
        return {"dead_letter_queue": failed, "max_event_age": WAITING_MAX[self.name], "retry_attempts": 2}

    def _policies(self, stage: Stage, ledger: LedgerTable, powers: Powers) -> dict[str, iam.PolicyDocument]:
        permissions = PERMISSIONS[self.name]
        policies = {"logs": [_writing_logs(self.log_group)]}
        held = POWERS.get(self.name, ())
        beside = [statement for power in held for statement in powers.statements(power)]
        if beside:
            policies["powers"] = beside
        if permissions:
            policies["table"] = [_on_table(permission, ledger, stage) for permission in permissions]
        if ledger.key and (permissions or Power.READ_STREAM in held):
            policies["key"] = [_through_dynamodb(permissions, ledger.key.key_arn)]
        if stage.traced:
            policies["traces"] = [_sending_traces()]
        return {name: iam.PolicyDocument(statements=found) for name, found in policies.items()}


def concurrency(name: str, stage: Stage) -> int | None:
    """How many calls of a function run at once where that is limited: a campaign must leave the API its share of the account's.

    The worker has two places besides those of one run, for ticks and schedules; members are mailed at the pace of one run.
    """
    limits = {"bonuses": stage.campaign_workers + 2, "messages": stage.campaign_workers}
    # A new account may have so few at all that none can be set apart, and nobody to starve.
    return limits.get(name) if stage.retained else None


def environment(name: str, stage: Stage, table_name: str, powers: Powers) -> dict[str, str]:
    """The settings of a function. None is a secret: the one secret there is lies in the table."""
    settings = {key: value for power in POWERS.get(name, ()) for key, value in powers.settings(power).items()}
    return {
        **settings,
        "LAUREL_TABLE": table_name,
        "LAUREL_STAGE": stage.name,
        "LAUREL_SANDBOX": str(stage.sandbox).lower(),
        "POWERTOOLS_SERVICE_NAME": name,
        "POWERTOOLS_METRICS_NAMESPACE": "Laurel",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        # Looking for plugins reads the metadata of every installed package, and there are none.
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
    }


def _on_table(permission: Permission, ledger: LedgerTable, stage: Stage) -> iam.PolicyStatement:
    arn = ledger.table.table_arn
    return iam.PolicyStatement(
        actions=[f"dynamodb:{action}" for action in permission.actions],
        resources=[f"{arn}/index/{permission.index}" if permission.index else arn],
        conditions=_under(permission.keys, stage) if permission.keys else None,
    )


def _under(keys: Iterable[str], stage: Stage) -> dict[str, dict[str, object]]:
    conditions: dict[str, dict[str, object]] = {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)},
        # ForAllValues holds when there is no key at all, so the key must be there.
        "Null": {"dynamodb:LeadingKeys": "false"},
    }
    if stage.local:
        # MiniStack enforces a role's actions and resources but never sets this key, so asking for it would
        # refuse every write. It is the one difference between a role here and on AWS.
        del conditions["Null"]
    return conditions


def _through_dynamodb(permissions: tuple[Permission, ...], key_arn: str) -> iam.PolicyStatement:
    """DynamoDB uses the table's key in the caller's name; the function can't use it on anything else."""
    writes = any(WRITES.intersection(permission.actions) for permission in permissions)
    return iam.PolicyStatement(
        actions=[*READING_KEY, *(WRITING_KEY if writes else ())],
        resources=[key_arn],
        conditions={"StringEquals": {"kms:ViaService": f"dynamodb.{Aws.REGION}.amazonaws.com"}},
    )


def _writing_logs(log_group: logs.LogGroup) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        # The ARN ends in `:*`, the streams of this one group.
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[log_group.log_group_arn],
    )


def _sending_traces() -> iam.PolicyStatement:
    # X-Ray knows no resource to name.
    return iam.PolicyStatement(actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"], resources=["*"])


def _runtime(stage: Stage) -> lambda_.Runtime:
    """Python 3.13; on the local cloud this interpreter's version, in which it runs every function."""
    if stage.local:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return lambda_.Runtime(version, lambda_.RuntimeFamily.PYTHON, supports_inline_code=True)
    return lambda_.Runtime.PYTHON_3_13


def _architecture(stage: Stage) -> lambda_.Architecture:
    """arm64, a fifth cheaper; on the local cloud the machine's own, which is not looked at."""
    return lambda_.Architecture.X86_64 if stage.local else lambda_.Architecture.ARM_64
