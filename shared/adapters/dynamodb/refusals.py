"""Refusals under a caller's key, kept so that an invocation that wakes up late meets them (the rules of points, 18)."""

from pydantic import TypeAdapter

from shared.adapters.dynamodb.items import Item
from shared.adapters.dynamodb.subjects import plain
from shared.adapters.dynamodb.table import entry_key
from shared.domain import errors
from shared.domain.entry import EntryKey
from shared.domain.errors import RefusalError

REFUSAL = "refusal"


def refusal_item(key: EntryKey, request_hash: bytes, refusal: RefusalError) -> Item:
    """The refusal as the answer of the request: no sequence, hence not in the history."""
    refused = type(refusal)
    data = TypeAdapter(refused).dump_python(refusal, mode="json")
    return {**entry_key(key), "kind": REFUSAL, "error": refused.__name__, "data": data, "hash": request_hash}


def refusal_of(item: Item) -> RefusalError:
    """The inverse of `refusal_item`."""
    refused: type[RefusalError] = getattr(errors, item["error"])
    return TypeAdapter(refused).validate_python(plain(item["data"]))
