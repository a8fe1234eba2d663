"""Reads and transactions on the table, with every answer of AWS read in one place.

A write ends in one of three ways: done; `Outcome.STALE`, something is no longer as it was read; or `Outcome.BUSY`, DynamoDB
could not say now. After the last two the caller reads again and decides again. Anything else is FaultError: a fault of ours,
and an alarm.
"""

import random
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from shared.adapters.dynamodb.items import Item, from_wire, to_wire
from shared.adapters.dynamodb.table import Key
from shared.domain.errors import FaultError, TryAgainError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ATTEMPTS_MAX = 16
"""Rounds of read, decide and write before the caller is told to try again; each lost round is another's won one."""
BACKOFF_BASE_SECONDS = 0.02
BACKOFF_MAX_SECONDS = 0.4

BUSY_CODES = frozenset(
    {
        "InternalServerError",
        "ItemCollectionSizeLimitExceededException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
"""Error and cancellation codes that say nothing about the state of the items."""

BATCH_MAX = 100
"""Keys that one BatchGetItem takes."""

CANCELLED = "TransactionCanceledException"
"""The error code of a transaction that did not happen; its reasons say why."""

ABSENT = object()
"""What `update` expects of an attribute that the item had not."""

# Nothing is stored under this key yet: the item is new.
ITEM_IS_NEW = "attribute_not_exists(pk)"


class Outcome(Enum):
    """How a transaction ended, where it ended without a fault."""

    DONE = "done"
    STALE = "stale"
    BUSY = "busy"


@dataclass(frozen=True)
class Result:
    """A transaction's end; for STALE, the positions of the writes whose conditions failed."""

    outcome: Outcome
    failed: tuple[int, ...] = ()


@dataclass(frozen=True)
class Backoff:
    """Full jitter between attempts. `sleep` takes seconds."""

    sleep: Callable[[Any], None] = time.sleep
    rng: random.Random = field(default_factory=random.Random)

    def attempts(self) -> Iterator[int]:
        """Attempt numbers from 0, with a pause before each but the first; raises TryAgainError after the last."""
        for attempt in range(ATTEMPTS_MAX):
            if attempt:
                self.sleep(self.rng.uniform(0, min(BACKOFF_MAX_SECONDS, BACKOFF_BASE_SECONDS * 2**attempt)))
            yield attempt
        raise TryAgainError


@dataclass(frozen=True)
class Store:
    """One table behind one client. Items are plain values; `put`, `update` and `delete` make transaction members."""

    client: "DynamoDBClient"
    table: str
    backoff: Backoff = field(default_factory=Backoff)

    def get(self, key: Key) -> Item | None:
        """One item, strongly consistent, or None where there is none."""
        with aws_errors():
            found = self.client.get_item(TableName=self.table, Key=to_wire(key), ConsistentRead=True)
        return from_wire(found["Item"]) if "Item" in found else None

    def get_all(self, keys: Sequence[Key]) -> list[Item | None]:
        """Items in strongly consistent batches of BATCH_MAX, in the order of `keys`; one round trip each unless AWS is short.

        Each item is as it was at some moment of the call; a batch is no snapshot of all of them.
        """
        found: list[Item | None] = []
        for start in range(0, len(keys), BATCH_MAX):
            found += self._batch(keys[start : start + BATCH_MAX])
        return found

    def _batch(self, keys: Sequence[Key]) -> list[Item | None]:
        found: dict[tuple[str, str], Item] = {}
        wanted: Any = {self.table: {"Keys": [to_wire(key) for key in keys], "ConsistentRead": True}}
        for _ in self.backoff.attempts():
            with aws_errors():
                answer = self.client.batch_get_item(RequestItems=wanted)
            for wire in answer.get("Responses", {}).get(self.table, []):
                item = from_wire(wire)
                found[item["pk"], item["sk"]] = item
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                break
        return [found.get((key["pk"], key["sk"])) for key in keys]

    def query(self, **arguments: Any) -> Iterator[Item]:
        """All items of a query, page by page as they are asked for."""
        while True:
            with aws_errors():
                page = self.client.query(TableName=self.table, **arguments)
            yield from (from_wire(item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def put(self, item: Item, condition: str = ITEM_IS_NEW) -> Any:
        """Put an item, by default only where none stands."""
        return {"Put": {"TableName": self.table, "Item": to_wire(item), "ConditionExpression": condition}}

    def update(self, item: Item, *, expected: Item, sparse: Collection[str] = ()) -> Any:
        """Set every attribute of `item` where the attributes `expected` are as read. Attributes not named stay.

        ABSENT is expected where the item had none. Those of `sparse` that the item has not are removed: they are keys of
        indexes, in which it is then no more.
        """
        values = {name: value for name, value in item.items() if name not in ("pk", "sk")}
        removed = [name for name in sparse if name not in item]
        read = {name: value for name, value in expected.items() if value is not ABSENT}
        return {
            "Update": {
                "TableName": self.table,
                "Key": to_wire({"pk": item["pk"], "sk": item["sk"]}),
                "UpdateExpression": " ".join(
                    [
                        *(["SET " + ", ".join(f"#{name} = :{name}" for name in values)] if values else []),
                        *(["REMOVE " + ", ".join(f"#{name}" for name in removed)] if removed else []),
                    ]
                ),
                "ConditionExpression": " AND ".join(
                    f"#{name} = :{name}_read" if name in read else f"attribute_not_exists(#{name})" for name in expected
                ),
                "ExpressionAttributeNames": {f"#{name}": name for name in (*values, *expected, *removed)},
                "ExpressionAttributeValues": to_wire(
                    {f":{name}": value for name, value in values.items()}
                    | {f":{name}_read": value for name, value in read.items()}
                ),
            }
        }

    def delete(self, key: Key, *, expected: Item) -> Any:
        """Delete an item where the attributes `expected` are as read."""
        return {
            "Delete": {
                "TableName": self.table,
                "Key": to_wire(key),
                "ConditionExpression": " AND ".join(f"#{name} = :{name}_read" for name in expected),
                "ExpressionAttributeNames": {f"#{name}": name for name in expected},
                "ExpressionAttributeValues": to_wire({f":{name}_read": value for name, value in expected.items()}),
            }
        }

    def set(self, update: Any) -> bool:
        """One `put` or `update` by itself, at half the units of a transaction; False where its condition does not hold.

        Only for what may happen twice: the SDK asks again where an answer is lost. Raises TryAgainError.
        """
        arguments = dict(update.get("Update") or update["Put"])
        call = self.client.update_item if "Update" in update else self.client.put_item
        try:
            with aws_errors():
                call(**arguments)
        except FaultError as fault:
            if fault.code == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def transact(self, writes: list[Any]) -> Result:
        """All of `writes` (at most 100) or none."""
        try:
            self.client.transact_write_items(TransactItems=writes)
        except (ClientError, ConnectionError, HTTPClientError) as error:
            # By its code: the SDK makes the classes of a client's errors at first use, twice where two threads come at once.
            if isinstance(error, ClientError) and error.response["Error"]["Code"] == CANCELLED:
                return read_cancellation(error)
            # The write may have happened: only reading again can tell.
            if is_busy(error):
                return Result(Outcome.BUSY)
            raise _fault(error) from error
        return Result(Outcome.DONE)


def read_cancellation(error: ClientError) -> Result:
    """Tell a clash from a fault, by the codes of all members in order.

    Any conflict or throttle makes the whole answer BUSY: a condition that failed beside one may have failed against a state
    that no longer holds. Only conditions: STALE. Anything else is a FaultError.
    """
    codes = [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
    unknown = set(codes) - {"None", "ConditionalCheckFailed"} - BUSY_CODES
    if unknown or not set(codes) - {"None"}:
        raise FaultError(code=", ".join(sorted(unknown)) or "TransactionCanceled") from error
    if any(code in BUSY_CODES for code in codes):
        return Result(Outcome.BUSY)
    return Result(Outcome.STALE, tuple(n for n, code in enumerate(codes) if code == "ConditionalCheckFailed"))


def is_busy(error: Exception) -> bool:
    """Whether an error of the SDK says that the same call may pass later."""
    if isinstance(error, ClientError):
        # A front end that fails answers in words of its own, so the status counts as well as the code.
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= HTTPStatus.INTERNAL_SERVER_ERROR or error.response["Error"]["Code"] in BUSY_CODES
    return isinstance(error, ConnectionError | HTTPClientError)


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turn what passes by itself into TryAgainError, and all else that AWS answers into FaultError."""
    try:
        yield
    except (ClientError, ConnectionError, HTTPClientError) as error:
        if is_busy(error):
            raise TryAgainError from error
        raise _fault(error) from error


def _fault(error: Exception) -> FaultError:
    return FaultError(code=error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__)
