"""What calls functions besides the API: the clock, the bus, the table's stream."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.function import LaurelFunction
from infra.constructs.outlets import Outlets
from infra.stages import Stage

SOURCE = "laurel"
TICK_WANTED = "TickWanted"
# Told of every entry, for other systems: nothing that a member is mailed about.
ENTRY_POSTED = "EntryPosted"

# A tick that comes later than this is the next one.
TICK_AGE_MAX = Duration.minutes(15)
RECORDS_MAX = 100
ATTEMPTS = 5
# A stream forgets after 24 hours: what could not be told by then is put aside an hour before.
RECORD_AGE_MAX = Duration.hours(23)


class Triggers(Construct):
    """The tick, ticks that are wanted at once, mail, and the stream that becomes events."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        outlets: Outlets,
        functions: Mapping[str, LaurelFunction],
        stream: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage, self._outlets = stage, outlets
        bonuses, messages, teller = functions["bonuses"], functions["messages"], functions["events"]
        # On the minute: what is due at a quarter of an hour is done then, and alarms are rounded to one.
        on_time = events.Schedule.expression(f"cron(0/{stage.tick_minutes} * * * ? *)")
        self._call(bonuses, events.Rule(self, "Tick", rule_name=stage.resource_name("tick"), schedule=on_time), TICK_AGE_MAX)
        self._call(bonuses, self._on_bus("tick-wanted", [TICK_WANTED]), TICK_AGE_MAX)
        if stage.sender:
            self._call(messages, self._on_bus("mail", events.Match.anything_but(TICK_WANTED, ENTRY_POSTED)))
        self._feed_from_stream(teller, stream)
        self._feed_again(teller)

    def _on_bus(self, name: str, detail_types: list[str]) -> events.Rule:
        return events.Rule(
            self,
            name,
            rule_name=self._stage.resource_name(name),
            event_bus=self._outlets.bus,
            event_pattern=events.EventPattern(source=[SOURCE], detail_type=detail_types),
        )

    def _call(self, function: LaurelFunction, rule: events.Rule, age_max: Duration | None = None) -> None:
        failed = self._outlets.queues.failed
        rule.add_target(targets.LambdaFunction(function.function, dead_letter_queue=failed, max_event_age=age_max))

    def _feed_from_stream(self, function: LaurelFunction, stream: str) -> None:
        """Entries that were posted, of the published kinds; and any that was changed or deleted, which must never be."""
        mapping = lambda_.CfnEventSourceMapping
        given_up = mapping.OnFailureProperty(destination=self._outlets.queues.parked.queue_arn)
        filters = [mapping.FilterProperty(pattern=json.dumps(one)) for one in stream_filters(self._stage.published)]
        mapping(
            self,
            "Stream",
            function_name=function.function.function_name,
            event_source_arn=stream,
            starting_position="TRIM_HORIZON",
            batch_size=RECORDS_MAX,
            maximum_batching_window_in_seconds=1,
            bisect_batch_on_function_error=True,
            maximum_retry_attempts=ATTEMPTS,
            maximum_record_age_in_seconds=int(RECORD_AGE_MAX.to_seconds()),
            function_response_types=["ReportBatchItemFailures"],
            filter_criteria=mapping.FilterCriteriaProperty(filters=filters),
            destination_config=mapping.DestinationConfigProperty(on_failure=given_up),
        )

    def _feed_again(self, function: LaurelFunction) -> None:
        lambda_.CfnEventSourceMapping(
            self,
            "Retry",
            function_name=function.function.function_name,
            event_source_arn=self._outlets.queues.retry.queue_arn,
            batch_size=10,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(maximum_concurrency=2),
        )


def stream_filters(published: tuple[str, ...]) -> tuple[dict[str, object], ...]:
    """Which records of the stream are looked at. An entry is what has a sequence number and a kind."""
    there = [{"exists": True}]
    kinds = list(published) or there
    return (
        {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"seq": {"N": there}, "kind": {"S": kinds}}}},
        {"eventName": ["MODIFY", "REMOVE"], "dynamodb": {"OldImage": {"seq": {"N": there}, "kind": {"S": there}}}},
    )
