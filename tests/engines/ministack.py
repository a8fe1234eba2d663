"""MiniStack's DynamoDB, called in process: no socket, no event loop, about 2,000 transactions a second.

MiniStack keeps its tables in module state, scoped by AWS account and region. Every backend here is an
account of its own, so any number live side by side in one process and closing one frees all it held.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from ministack.core.responses import AccountRegionScopedDict, request_scope  # type: ignore[import-untyped]
from ministack.services import dynamodb  # type: ignore[import-untyped]

from tests.engines.engine import REGION, ClientFactory, Engine, create_table, fresh_name, plain_client
from tests.engines.wire import body_of, clear_transport, operation_of, parse_items, respond, set_transport

Item = dict[str, Any]
_accounts = itertools.count(1)
_turn = threading.Lock()


class MiniStackError(Exception):
    """MiniStack refused a request of the test's own; carries its status and answer."""


class Backend:
    """One account of MiniStack's DynamoDB, apart from all others of this process."""

    def __init__(self) -> None:
        self.account = f"{next(_accounts):012d}"

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Answer a prepared botocore request: the transport for `wire.set_transport`."""
        status, answer = self.handle(operation_of(request), body_of(request))
        return respond(status, answer, url=request.url)

    def handle(self, operation: str, body: bytes) -> tuple[int, bytes]:
        """Run one operation on its JSON body; gives the HTTP status and the JSON answer."""
        headers = {"x-amz-target": f"DynamoDB_20120810.{operation}"}
        # As the server's event loop does: one operation ends before the next begins, whatever thread it comes from.
        with _turn, request_scope(self.account, REGION):
            # The handler is a coroutine for its server's sake and never waits: one step runs it to its end.
            running = dynamodb.handle_request("POST", "/", headers, body, {})
            try:
                running.send(None)
            except StopIteration as finished:
                status, _, answer = finished.value
                return status, answer
        running.close()
        raise MiniStackError(f"{operation} waited for something: call it through an event loop")

    def ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """The test's own look at the table, past clients, faults and meters; low-level attribute values.

        Arguments hold no binaries; answers do, as bytes.
        """
        status, answer = self.handle(operation, json.dumps(arguments).encode())
        parsed: dict[str, Any] = parse_items(answer)
        if status != 200:
            raise MiniStackError(f"{operation}: {status} {parsed}")
        return parsed

    def items(self, table: str) -> list[Item]:
        """All items of a table in key order, as low-level attribute values."""
        found: list[Item] = []
        start: dict[str, Any] = {}
        while True:
            page = self.ask("Scan", TableName=table, ConsistentRead=True, **start)
            found += page["Items"]
            if "LastEvaluatedKey" not in page:
                return sorted(found, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def close(self) -> None:
        """Forget all this account held, also the tokens of its transactions and its stream records."""
        for store in vars(dynamodb).values():
            if isinstance(store, AccountRegionScopedDict):
                mine = [scope for scope, _ in store.all_items() if scope[0] == self.account]
                for account, region, key in mine:
                    store.pop_scoped(account, region, key)


@contextmanager
def ministack_table(make_client: ClientFactory = plain_client) -> Iterator[Engine]:
    """An empty table on MiniStack's request handler, in process."""
    backend, client, name = Backend(), make_client(), fresh_name()
    set_transport(client, backend.send)
    try:
        create_table(client, name)
        yield Engine("ministack", client, name)
    finally:
        clear_transport(client)
        backend.close()
