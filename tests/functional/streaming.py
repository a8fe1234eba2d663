"""The table's stream as Lambda hands it over, made of what stands in a stage's table."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.functional.conftest import Stage


def lambda_form(value: Any) -> Any:
    """A value of the low-level API as the stream's records have it: binaries in base 64, sets as lists."""
    if isinstance(value, dict):
        return {name: lambda_form(part) for name, part in value.items()}
    if isinstance(value, list):
        return [lambda_form(part) for part in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def record(image: dict[str, Any], number: int = 1, name: str = "INSERT") -> dict[str, Any]:
    """A record of the stream about an item as it was written."""
    images = {"NewImage": image} if name == "INSERT" else {"OldImage": image, "NewImage": image}
    if name == "REMOVE":
        images.pop("NewImage")
    return json.loads(
        json.dumps(
            {
                "eventID": f"event-{number}",
                "eventName": name,
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": "us-east-1",
                "dynamodb": {
                    "ApproximateCreationDateTime": 1772470800,
                    "Keys": {key: image[key] for key in ("pk", "sk") if key in image},
                    **{name: lambda_form(value) for name, value in images.items()},
                    "SequenceNumber": f"{number:021}",
                    "SizeBytes": 700,
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                },
                "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/laurel/stream/2026-01-01T00:00:00.000",
            }
        )
    )


def entry_images(stage: Stage) -> list[dict[str, Any]]:
    """All entries of the points' ledger as they are stored, by member and sequence."""
    found = [item for item in stage.items() if "seq" in item and "kind" in item]
    return sorted(found, key=lambda item: (item["member"]["S"], int(item["seq"]["N"])))


def entry_records(stage: Stage) -> list[dict[str, Any]]:
    """The records of all entries."""
    return [record(image, number) for number, image in enumerate(entry_images(stage), start=1)]


def stream_batch(records: list[dict[str, Any]]) -> dict[str, Any]:
    """A batch of the stream."""
    return {"Records": records}


def queue_batch(*bodies: Any) -> dict[str, Any]:
    """A batch of the queue `retry`; ids `message-1`, `message-2`, ..."""
    return {
        "Records": [
            {
                "messageId": f"message-{number}",
                "receiptHandle": "handle",
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": {"ApproximateReceiveCount": "1"},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:laurel-local-retry",
            }
            for number, body in enumerate(bodies, start=1)
        ]
    }
