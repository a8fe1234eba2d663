"""Records that could not be processed, in a queue on SQS: an operator looks, mends, and lets them come again."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.adapters.dynamodb.store import aws_errors

BYTES_MAX = 250_000
"""Bytes of a message; SQS takes 256 KiB."""


@dataclass(frozen=True)
class ParkedQueue:
    """A queue by its URL. `client` is SQS's."""

    client: Any
    url: str

    def park(self, record: Mapping[str, Any]) -> None:
        """See ports.Parked. A record that is too large loses its images: its keys still say where the item is."""
        body = _json(record)
        if len(body.encode()) > BYTES_MAX:
            body = _json(without_images(record))
        with aws_errors():
            self.client.send_message(QueueUrl=self.url, MessageBody=body)


def without_images(record: Any) -> Any:
    """A record without the images of its item, and a word that they are missing."""
    if not isinstance(record, Mapping):
        return record
    images = {name: "left out: too large" for name in ("NewImage", "OldImage", "text") if name in record}
    return {name: without_images(part) for name, part in record.items()} | images


def _json(record: Any) -> str:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    """What the SDK has read and JSON does not know, as Lambda hands it over: binaries in base 64; and instants as text."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
