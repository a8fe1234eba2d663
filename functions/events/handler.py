"""Domain events: from the table's stream to the bus, and again from the queue of records that were parked."""

from collections.abc import Sequence
from typing import Any

from aws_lambda_powertools import Logger

from functions.events.models import GivenUp, Strange, waiting_in
from functions.events.publish_entries import Record, Report, publish_entries
from shared.domain.errors import FaultError, LaurelError
from shared.entrypoint import metrics, outlets

logger = Logger()

QUEUE = "aws:sqs"


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Lambda's entry point: one batch of either source; the answer names the records that must come again."""
    records = event["Records"]
    failed = _queued(records) if records[0].get("eventSource") == QUEUE else _streamed(records)
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


def _streamed(records: Sequence[Record]) -> list[str]:
    """Sequence numbers of the records that failed; Lambda sends all from the lowest on again."""
    report = _publish(records)
    return [str(records[position]["dynamodb"]["SequenceNumber"]) for position in report.failed]


def _queued(messages: Sequence[dict[str, Any]]) -> list[str]:
    """Ids of the messages of which something failed; they alone come again."""
    records: list[Record] = []
    owners: list[str] = []
    failed: list[str] = []
    for message in messages:
        try:
            found = _records_of(message["body"])
        except LaurelError:
            failed.append(message["messageId"])
            continue
        records += found
        owners += [message["messageId"]] * len(found)
    report = _publish(records)
    return list(dict.fromkeys([*failed, *(owners[position] for position in report.failed)]))


def _records_of(body: str) -> Sequence[Record]:
    """The records that a message brings; one that brings none is parked as it came. Raises TryAgainError, FaultError."""
    match waiting_in(body):
        case Strange(text):
            return _parked_again(text, "is neither a record of the stream nor a batch that was given up")
        case GivenUp(stream, shard, first, last):
            try:
                return outlets.stream().between(stream, shard, first, last)
            except FaultError as error:
                return _parked_again(body, f"cannot be read from the stream any more: {error.code}")
        case record:
            return [record]


def _parked_again(text: str, reason: str) -> Sequence[Record]:
    outlets.parked().park({"reason": reason, "text": text})
    metrics.count("RecordParked")
    return []


def _publish(records: Sequence[Record]) -> Report:
    report = publish_entries(records, read=outlets.change_in, bus=outlets.bus(), parked=outlets.parked())
    if report.parked:
        metrics.count("RecordParked", report.parked)
    if report.tampered:
        metrics.count("EntryModified", len(report.tampered))
        logger.error("entries were changed or removed", places=report.tampered)
    logger.info("published", records=len(records), events=report.published, parked=report.parked, failed=len(report.failed))
    return report
