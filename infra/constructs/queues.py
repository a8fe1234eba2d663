"""Where ends what nobody could do, and the way back from there."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.stages import Stage

# The longest there is: an operator may be on holiday.
KEPT = Duration.days(14)
# Lambda's advice: six times what its consumer may take.
RETRIED_AFTER = Duration.minutes(6)
ATTEMPTS = 3


class Queues(Construct):
    """`failed`: calls that failed in the end. `parked`: records of the stream that could not be read or told.

    `parked` is the dead-letter queue of `retry`, which feeds them again: the console's redrive leads from the one to the other.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.failed = self._queue(stage, "failed")
        self.parked = self._queue(stage, "parked")
        self.retry = self._queue(
            stage,
            "retry",
            visibility_timeout=RETRIED_AFTER,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.parked, max_receive_count=ATTEMPTS),
        )

    def _queue(
        self,
        stage: Stage,
        name: str,
        *,
        visibility_timeout: Duration | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            name.capitalize(),
            queue_name=stage.resource_name(name),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            # The local cloud speaks plain HTTP, and takes the refusal of that seriously.
            enforce_ssl=not stage.local,
            retention_period=KEPT,
            visibility_timeout=visibility_timeout,
            dead_letter_queue=dead_letter_queue,
        )
