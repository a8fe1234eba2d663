"""The single writes inside a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.engines.wire import binaries
from tests.meter.units import Item

_KEY = ("pk", "sk")


@dataclass(frozen=True, slots=True)
class Write:
    """One item that a request writes: its key, and the whole item where the request carries it."""

    key: Item
    item: Item | None


def writes_of(operation: str, payload: dict[str, Any], table: str) -> list[Write]:
    """The writes to `table` in a request, condition checks of a transaction included: they cost as writes do."""
    match operation:
        case "PutItem" | "UpdateItem" | "DeleteItem":
            parts = [payload]
        case "TransactWriteItems":
            parts = [part for write in payload["TransactItems"] for part in write.values()]
        case "BatchWriteItem":
            requests = payload["RequestItems"].get(table, [])
            parts = [part | {"TableName": table} for request in requests for part in request.values()]
        case _:
            parts = []
    return [_write(binaries(part)) for part in parts if part["TableName"] == table]


def _write(part: dict[str, Any]) -> Write:
    if "Key" in part:
        return Write(part["Key"], None)
    return Write({name: part["Item"][name] for name in _KEY}, part["Item"])
