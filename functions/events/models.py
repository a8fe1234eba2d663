"""What the function `events` is fed with: batches of the stream, and of the queue of parked records that come again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BATCH = "DDBStreamBatchInfo"
"""Where Lambda tells of a batch that it gave up; it names the records and has none of them."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Records of the stream that Lambda gave up after its attempts: the shard's from `first` to `last`."""

    stream: str
    shard: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Strange:
    """A message that is none of ours."""

    text: str


def waiting_in(body: str) -> Mapping[str, Any] | GivenUp | Strange:
    """What a message of the queue holds: a record of the stream, or the word of a batch that was given up."""
    try:
        found = json.loads(body)
    except ValueError:
        return Strange(body)
    if not isinstance(found, dict):
        return Strange(body)
    batch, record = found.get(BATCH), found.get("record")
    if isinstance(batch, dict):
        names = ("streamArn", "shardId", "startSequenceNumber", "endSequenceNumber")
        told = [batch.get(name) for name in names]
        return GivenUp(*map(str, told)) if all(told) else Strange(body)
    return record if isinstance(record, dict) else Strange(body)
