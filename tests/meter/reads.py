"""The prices of reads: each needs the whole items that DynamoDB opened, whatever part of them it gave back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.meter.item_size import item_size
from tests.meter.units import Item, read_units, transactional_read_units

Price = Callable[[Any, str, dict[str, Any], dict[str, Any]], float]
"""Client, table, the request's body and the parsed answer, to read units."""

_NARROWING = frozenset({"ProjectionExpression", "FilterExpression", "Select", "AttributesToGet"})


def reads_of(operation: str) -> Price | None:
    """How to price an operation that reads; None for one that has no price here."""
    return _PRICES.get(operation)


def _get_item(client: Any, table: str, payload: dict[str, Any], answer: dict[str, Any]) -> float:
    return read_units(_size(_whole(client, table, payload["Key"])), consistent=payload.get("ConsistentRead", False))


def _batch_get_item(client: Any, table: str, payload: dict[str, Any], answer: dict[str, Any]) -> float:
    """Each item is rounded up by itself; keys left unprocessed cost nothing."""
    wanted = payload["RequestItems"].get(table, {"Keys": []})
    left = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
    consistent = wanted.get("ConsistentRead", False)
    read = [key for key in wanted["Keys"] if key not in left]
    return sum(read_units(_size(_whole(client, table, key)), consistent=consistent) for key in read)


def _transact_get_items(client: Any, table: str, payload: dict[str, Any], answer: dict[str, Any]) -> float:
    keys = [part["Get"]["Key"] for part in payload["TransactItems"] if part["Get"]["TableName"] == table]
    return transactional_read_units(_whole(client, table, key) for key in keys)


def _query(client: Any, table: str, payload: dict[str, Any], answer: dict[str, Any]) -> float:
    """A page is rounded up as one. What a filter or a projection left out was read all the same: ask again without them."""
    return _page(client.query(**_widened(payload)), payload)


def _scan(client: Any, table: str, payload: dict[str, Any], answer: dict[str, Any]) -> float:
    return _page(client.scan(**_widened(payload)), payload)


def _page(page: dict[str, Any], payload: dict[str, Any]) -> float:
    return read_units(sum(map(item_size, page["Items"])), consistent=payload.get("ConsistentRead", False))


def _widened(payload: dict[str, Any]) -> dict[str, Any]:
    """The same request for whole items, without the names and values that only what was left out used."""
    wide = {name: value for name, value in payload.items() if name not in _NARROWING}
    used = wide.get("KeyConditionExpression", "")
    for part in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        kept = {name: value for name, value in wide.pop(part, {}).items() if name in used}
        if kept:
            wide[part] = kept
    return wide


def _whole(client: Any, table: str, key: Item) -> Item | None:
    item: Item | None = client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    return item


def _size(item: Item | None) -> int:
    return 0 if item is None else item_size(item)


_PRICES: dict[str, Price] = {
    "GetItem": _get_item,
    "BatchGetItem": _batch_get_item,
    "TransactGetItems": _transact_get_items,
    "Query": _query,
    "Scan": _scan,
}
