"""What wakes someone, and what they then look at."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.constructs.function import LaurelFunction
from infra.stages import Stage
from shared.adapters.dynamodb.table import HISTORY_INDEX, RANKING_INDEX

FIVE_MINUTES = Duration.minutes(5)
SLOW_MS = 2_000
MANY_USER_ERRORS = 100


@dataclass(frozen=True)
class Watched:
    """The parts of the service that measure themselves."""

    api: apigateway.HttpApi
    functions: tuple[LaurelFunction, ...]
    table: dynamodb.ITable


class Alarms(Construct):
    """Alarms on what a caller or the ledger would notice. They mail to `-c alarm_email=...` when given.

    A missing measurement is a quiet hour and no fault. CloudWatch bills each measurement of an alarm, ten
    cents a month beyond an account's first ten: these are 35, two for each function and nine more.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        watched: Watched,
    ) -> None:
        super().__init__(scope, construct_id)
        api, table = watched.api, watched.table
        self._topic = self._topic_for(stage)
        self._alarm("ServerErrors", api.metric_server_error(period=FIVE_MINUTES, statistic="Sum"), 1, "5xx answers")
        self._alarm(
            "Latency",
            api.metric_latency(period=FIVE_MINUTES, statistic="p99"),
            SLOW_MS,
            f"1 request in 100 takes over {SLOW_MS} ms",
            periods=3,
        )
        for function in watched.functions:
            lambda_function = function.function
            self._alarm(
                f"{function.name}-errors",
                lambda_function.metric_errors(period=FIVE_MINUTES),
                1,
                f"the {function.name} function crashed or ran out of time",
            )
            self._alarm(
                f"{function.name}-throttles",
                lambda_function.metric_throttles(period=FIVE_MINUTES),
                1,
                f"the {function.name} function met the account's limit of concurrent executions",
            )
        self._alarm("TableThrottles", _throttles(table), 1, "DynamoDB throttled a request on the table")
        # DynamoDB counts these for the whole account and region, and a cancelled transaction may be among
        # them, which is how a repeated request ends: a few are daily life, many mean a bug or a wrong role.
        self._alarm(
            "UserErrors",
            table.metric_user_errors(period=FIVE_MINUTES),
            MANY_USER_ERRORS,
            f"DynamoDB refused {MANY_USER_ERRORS} requests of this account in 5 minutes, three times running",
            periods=3,
        )

    def _alarm(self, construct_id: str, metric: cloudwatch.IMetric, threshold: int, what: str, *, periods: int = 1) -> None:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"Laurel: {what}",
        )
        if self._topic:
            alarm.add_alarm_action(actions.SnsAction(self._topic))

    def _topic_for(self, stage: Stage) -> sns.Topic | None:
        if not stage.alarm_email:
            return None
        topic = sns.Topic(self, "Topic", display_name=f"Laurel {stage.name}", enforce_ssl=True)
        topic.add_subscription(subscriptions.EmailSubscription(stage.alarm_email))
        return topic


class Overview(Construct):
    """One dashboard: is it up, is it fast, is the table well, what does each function do."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        watched: Watched,
    ) -> None:
        super().__init__(scope, construct_id)
        api, table = watched.api, watched.table
        lambdas = [function.function for function in watched.functions]
        rows: list[list[cloudwatch.IWidget]] = [
            [
                _graph("Requests", [api.metric_count(statistic="Sum")]),
                _graph("Refused and failed", [api.metric_client_error(), api.metric_server_error()]),
                _graph("Latency, ms", [api.metric_latency(statistic=kind) for kind in ("p50", "p90", "p99")]),
            ],
            [
                _graph("Function errors", [one.metric_errors() for one in lambdas]),
                _graph("Function p99, ms", [one.metric_duration(statistic="p99") for one in lambdas]),
                _graph(
                    "Concurrent executions",
                    [one.metric("ConcurrentExecutions", statistic="Maximum") for one in lambdas],
                ),
            ],
            [
                _graph(
                    "Table units",
                    [
                        table.metric_consumed_read_capacity_units(),
                        table.metric_consumed_write_capacity_units(),
                    ],
                ),
                _graph("Table throttles", [_throttles(table)]),
                # Two callers on one wallet or order: retried, and a sign of a hot member when it grows.
                _graph("Transactions in conflict", [table.metric("TransactionConflict", statistic="Sum")]),
            ],
        ]
        cloudwatch.Dashboard(self, "Dashboard", dashboard_name=stage.resource_name("overview"), widgets=rows)


def _graph(title: str, metrics: list[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=metrics, width=8)


def _throttles(table: dynamodb.ITable) -> cloudwatch.MathExpression:
    """Requests throttled on the table or one of its indexes, of any operation."""
    using = {
        "reads": table.metric("ReadThrottleEvents", statistic="Sum"),
        "writes": table.metric("WriteThrottleEvents", statistic="Sum"),
    }
    for name in (HISTORY_INDEX, RANKING_INDEX):
        index = {"TableName": table.table_name, "GlobalSecondaryIndexName": name}
        using[f"{name}_reads"] = table.metric("ReadThrottleEvents", statistic="Sum", dimensions_map=index)
        using[f"{name}_writes"] = table.metric("WriteThrottleEvents", statistic="Sum", dimensions_map=index)
    # No throttle means no measurement: FILL keeps one series without data from hiding another that has some.
    terms = " + ".join(f"FILL({name}, 0)" for name in using)
    return cloudwatch.MathExpression(expression=terms, using_metrics=using, label="throttles", period=FIVE_MINUTES)
