"""A DynamoDB client that refuses what a function's role does not allow, keys and all, as AWS would.

No local engine looks at the partition keys that a role is held to: MiniStack enforces actions and resources,
moto nothing. So the conditions would first be tried in production; here they are tried before.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

Request = tuple[str, str | None, set[str]]
"""An action (`PutItem`), the index it goes to, and the partition keys it names."""

_OF_A_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


class NotAllowedError(AssertionError):
    """The role lacks a permission that the code needs."""


class GuardedClient:
    """Passes on what `statements`, those of a function's role, allow; `serve` sets them before each call.

    `needed` are the writes that were asked for: function, action, and the pattern of keys that allowed it.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self.serve("", [])
        self.needed: set[tuple[str, str, str]] = set()

    def serve(self, function: str, statements: list[dict[str, Any]]) -> None:
        """From now on these are the rights."""
        self.function, self.statements = function, statements

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_item(self, **arguments: Any) -> Any:
        """As the client's, if the role may."""
        self._check(("GetItem", None, {_key(arguments["Key"])}))
        return self._client.get_item(**arguments)

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 - the SDK's own name
        """As the client's, if the role may."""
        for wanted in RequestItems.values():
            self._check(("BatchGetItem", None, {_key(key) for key in wanted["Keys"]}))
        return self._client.batch_get_item(RequestItems=RequestItems)

    def query(self, **arguments: Any) -> Any:
        """As the client's, if the role may."""
        # Of a query's values the partition key is the one compared first.
        partition = arguments["KeyConditionExpression"].split()[2]
        value = arguments["ExpressionAttributeValues"][partition]["S"]
        self._check(("Query", arguments.get("IndexName"), {value}))
        return self._client.query(**arguments)

    def transact_write_items(self, **arguments: Any) -> Any:
        """As the client's, if the role may do each part by itself."""
        for part in arguments["TransactItems"]:
            for request in _parts(part):
                self._check(request)
        return self._client.transact_write_items(**arguments)

    def _check(self, request: Request) -> None:
        allowing = [statement for statement in self.statements if _allows(statement, request)]
        if not allowing:
            raise NotAllowedError(f"no statement of the role allows {request}")
        action, _, keys = request
        patterns = {pattern for statement in allowing for pattern in keys_of(statement) or ()}
        self.needed |= {(self.function, action, one) for one in patterns for key in keys if fnmatchcase(key, one)}


def _parts(part: dict[str, Any]) -> Iterator[Request]:
    for kind, detail in part.items():
        yield _OF_A_TRANSACTION[kind], None, {_key(detail["Item"] if kind == "Put" else detail["Key"])}


def _key(item: dict[str, Any]) -> str:
    return str(item["pk"]["S"])


def keys_of(statement: dict[str, Any]) -> list[str] | None:
    """The patterns of partition keys that a statement is held to; None: any key."""
    found: list[str] | None = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
    return found


def _allows(statement: dict[str, Any], request: Request) -> bool:
    action, index, keys = request
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    resource = str(statement["Resource"])
    on_index = f"/index/{index}" in resource if index else "/index/" not in resource
    patterns = keys_of(statement)
    held = patterns is None or all(any(fnmatchcase(key, pattern) for pattern in patterns) for key in keys)
    return f"dynamodb:{action}" in actions and on_index and held
