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
from infra.constructs.outlets import Outlets
from infra.stages import Stage
from shared.adapters.dynamodb.table import ALARM_INDEX, HISTORY_INDEX, RANKING_INDEX, ROSTER_INDEX

FIVE_MINUTES = Duration.minutes(5)
FIFTEEN_MINUTES = Duration.minutes(15)
SLOW_MS = 2_000
MANY_USER_ERRORS = 100
TICKS_MISSED = 3
# Both well within the day after which a stream forgets, and the two weeks after which a queue does.
STREAM_AGE_MS = 15 * 60 * 1_000
RETRY_AGE_SECONDS = 60 * 60
NAMESPACE = "Laurel"


@dataclass(frozen=True)
class Watched:
    """The parts of the service that measure themselves."""

    api: apigateway.HttpApi
    functions: tuple[LaurelFunction, ...]
    table: dynamodb.ITable
    outlets: Outlets


class Alarms(Construct):
    """Alarms on what a caller or the ledger would notice. They mail to `-c alarm_email=...` when given.

    A missing measurement is a quiet hour and no fault, but for the tick, which never rests. CloudWatch bills each
    measurement of an alarm, ten cents a month beyond an account's first ten: these are 59. Each function has two, but
    those with a limit of their own, which reach it in every campaign, have one; throttles of the table and its
    indexes are ten, a campaign's executions three.
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
            if function.concurrency is None:
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

        self._on_campaigns(stage, watched)
        self._on_events(stage, watched)

    def _on_campaigns(self, stage: Stage, watched: Watched) -> None:
        self._alarm(
            "Ticks",
            counted(stage, "Ticks", FIFTEEN_MINUTES),
            1,
            "no tick came through for 45 minutes: nothing that is due is done",
            periods=TICKS_MISSED,
            below=True,
        )
        self._alarm("Runs", _ended_badly(watched.outlets), 1, "a run of a campaign failed, was stopped or took over a day")
        self._alarm("RunsLate", counted(stage, "RunsLate"), 1, "a run of a campaign has not ended in time")
        failed = counted(stage, "MembersFailed")
        self._alarm("MembersFailed", failed, 1, "a campaign or a sweep passed a member over, because it failed for them")
        self._alarm("BudgetSpent", counted(stage, "CampaignBudgetSpent"), 1, "a campaign's budget is spent")

    def _on_events(self, stage: Stage, watched: Watched) -> None:
        queues = watched.outlets.queues
        (teller,) = (one.function for one in watched.functions if one.name == "events")
        age = teller.metric("IteratorAge", statistic="Maximum", period=FIVE_MINUTES)
        self._alarm("StreamAge", age, STREAM_AGE_MS, "entries wait over 15 minutes to become events", periods=3)
        self._alarm("EntryModified", counted(stage, "EntryModified"), 1, "an entry was changed or deleted: nothing may")
        for name, queue, what in (
            ("Failed", queues.failed, "a call that nobody waits for failed in the end"),
            ("Parked", queues.parked, "a record of the stream could not be read or told, and was put aside"),
        ):
            self._alarm(name, queue.metric_approximate_number_of_messages_visible(period=FIVE_MINUTES), 1, what)
        unsure, failed = counted(stage, "MessageUnsure"), counted(stage, "MessageFailed")
        self._alarm("MessageUnsure", unsure, 1, "a mail may or may not have been sent, and is not sent again")
        self._alarm("MessageFailed", failed, 1, "a mail could not be sent")
        waiting = queues.retry.metric_approximate_age_of_oldest_message(period=FIVE_MINUTES)
        self._alarm("RetryAge", waiting, RETRY_AGE_SECONDS, "a record that was sent again waits for over an hour")

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        threshold: int,
        what: str,
        *,
        periods: int = 1,
        below: bool = False,
    ) -> None:
        """At or above the threshold is bad; with `below`, under it is, and so is no measurement at all."""
        operators, missing = cloudwatch.ComparisonOperator, cloudwatch.TreatMissingData
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=(operators.LESS_THAN_THRESHOLD if below else operators.GREATER_THAN_OR_EQUAL_TO_THRESHOLD),
            treat_missing_data=missing.BREACHING if below else missing.NOT_BREACHING,
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
    """One dashboard: is it up, is it fast, is the table well, what do functions, campaigns and events do."""

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
            _campaign_row(stage, watched),
        ]
        cloudwatch.Dashboard(self, "Dashboard", dashboard_name=stage.resource_name("overview"), widgets=rows)


def _campaign_row(stage: Stage, watched: Watched) -> list[cloudwatch.IWidget]:
    """Does the clock tick, do runs come to an end, do entries become events and mails."""
    machine, queues = watched.outlets.machine.machine, watched.outlets.queues
    function = {one.name: one.function for one in watched.functions}
    runs = [machine.metric_started(), machine.metric_succeeded(), machine.metric_failed(), machine.metric_timed_out()]
    lengths = [queue.metric_approximate_number_of_messages_visible() for queue in (queues.failed, queues.parked, queues.retry)]
    return [
        _graph("Ticks and runs", [counted(stage, "Ticks"), *runs]),
        _graph("Age of the stream, ms", [function["events"].metric("IteratorAge", statistic="Maximum")]),
        _graph("Put aside", [*lengths, function["messages"].metric_errors()]),
    ]


def counted(stage: Stage, name: str, period: Duration = FIVE_MINUTES) -> cloudwatch.Metric:
    """A figure that functions count themselves (shared/entrypoint/metrics.py)."""
    return cloudwatch.Metric(
        namespace=NAMESPACE, metric_name=name, dimensions_map={"stage": stage.name}, statistic="Sum", period=period
    )


def _ended_badly(outlets: Outlets) -> cloudwatch.MathExpression:
    machine = outlets.machine.machine
    using: dict[str, cloudwatch.IMetric] = {
        "failed": machine.metric_failed(),
        "stopped": machine.metric_aborted(),
        "timed_out": machine.metric_timed_out(),
    }
    terms = " + ".join(f"FILL({name}, 0)" for name in using)
    return cloudwatch.MathExpression(expression=terms, using_metrics=using, label="ended badly", period=FIVE_MINUTES)


def _graph(title: str, metrics: list[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=metrics, width=8)


def _throttles(table: dynamodb.ITable) -> cloudwatch.MathExpression:
    """Requests throttled on the table or one of its indexes, of any operation."""
    using = {
        "reads": table.metric("ReadThrottleEvents", statistic="Sum"),
        "writes": table.metric("WriteThrottleEvents", statistic="Sum"),
    }
    # With these four indexes it is ten metrics, all that one alarm takes.
    for name in (HISTORY_INDEX, RANKING_INDEX, ALARM_INDEX, ROSTER_INDEX):
        index = {"TableName": table.table_name, "GlobalSecondaryIndexName": name}
        using[f"{name}_reads"] = table.metric("ReadThrottleEvents", statistic="Sum", dimensions_map=index)
        using[f"{name}_writes"] = table.metric("WriteThrottleEvents", statistic="Sum", dimensions_map=index)
    # No throttle means no measurement: FILL keeps one series without data from hiding another that has some.
    terms = " + ".join(f"FILL({name}, 0)" for name in using)
    return cloudwatch.MathExpression(expression=terms, using_metrics=using, label="throttles", period=FIVE_MINUTES)
