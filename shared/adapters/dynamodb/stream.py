"""Records of the table's stream, as Lambda hands them over: DynamoDB's JSON, binaries in base 64."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.adapters.dynamodb.items import Item, entry_of, from_wire
from shared.adapters.dynamodb.store import aws_errors
from shared.domain.errors import FaultError
from shared.domain.streamed import UNREADABLE, Change, Posted, Tampered, Unreadable, Unrelated

INSERT = "INSERT"
_ENTRY_ATTRIBUTES = frozenset({"member", "seq", "kind"})
"""What every entry of the points' ledger has, and nothing else: wallets have no kind, entries of gift cards no sequence."""


def change_in(record: Mapping[str, Any]) -> Change:
    """What a record says. It never raises: what cannot be read is Unreadable."""
    try:
        return _change(record)
    except UNREADABLE as error:
        # The kind of error and the place, never the values: they may be personal.
        return Unreadable(f"{type(error).__name__} while reading {_place(record)}")


def _change(record: Mapping[str, Any]) -> Change:
    stored = record["dynamodb"]
    if record["eventName"] == INSERT:
        return _posted(stored["NewImage"])
    # Without the old image nobody can tell what was there; the table's stream carries both.
    if _is_entry(stored["OldImage"]):
        return Tampered(_place(record))
    return Unrelated()


def _posted(image: Mapping[str, Any]) -> Change:
    return Posted(entry_of(item_of(image))) if _is_entry(image) else Unrelated()


def _is_entry(image: Mapping[str, Any]) -> bool:
    return image.keys() >= _ENTRY_ATTRIBUTES


def item_of(image: Mapping[str, Any]) -> Item:
    """An image as an item in plain values."""
    return from_wire({name: _with_bytes(value) for name, value in image.items()})


def _with_bytes(value: Any) -> Any:
    """A value of DynamoDB's JSON whose binaries are bytes, as the SDK has them."""
    [(kind, held)] = value.items()
    match kind:
        case "B":
            return {kind: base64.b64decode(held, validate=True) if isinstance(held, str) else held}
        case "M":
            return {kind: {name: _with_bytes(part) for name, part in held.items()}}
        case "L":
            return {kind: [_with_bytes(part) for part in held]}
    return value


def _place(record: Mapping[str, Any]) -> str:
    """The key of the item that a record is about, as far as it tells."""
    stored = record.get("dynamodb")
    keys = stored.get("Keys") if isinstance(stored, Mapping) else None
    if not isinstance(keys, Mapping):
        return "a record without keys"
    parts = (keys.get("pk"), keys.get("sk"))
    return " ".join(str(part.get("S")) if isinstance(part, Mapping) else "?" for part in parts)


PAGE = 1000
"""Records that one GetRecords gives."""
PAGES_MAX = 100
"""Pages that are read for a batch of a few hundred records; some are empty on the way."""


@dataclass(frozen=True)
class TableStream:
    """A table's stream. `client` is that of DynamoDB Streams."""

    client: Any

    def between(self, stream: str, shard: str, first: str, last: str) -> Sequence[Mapping[str, Any]]:
        """See ports.Stream."""
        with aws_errors():
            found = self.client.get_shard_iterator(
                StreamArn=stream, ShardId=shard, ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=first
            )
        iterator, records = found["ShardIterator"], list[Mapping[str, Any]]()
        for _ in range(PAGES_MAX):
            with aws_errors():
                page = self.client.get_records(ShardIterator=iterator, Limit=PAGE)
            records += page["Records"]
            iterator = page.get("NextShardIterator")
            # A shard that is still written to has no last page.
            if iterator is None or (records and _number(records[-1]) >= int(last)):
                return [record for record in records if _number(record) <= int(last)]
        raise FaultError(code="the stream has no end of the batch")


def _number(record: Mapping[str, Any]) -> int:
    return int(record["dynamodb"]["SequenceNumber"])
