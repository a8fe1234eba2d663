"""The network between the functions and their table: every request passes here, and others get their turn here.

It stands where the SDK hands a finished request to its HTTP session, so the SDK's parameters, retries, tokens, time-outs
and error parsing are the real ones. Each request waits, meets its fate, is executed at one instant, and waits again.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError
from greenlet import GreenletExit  # type: ignore[import-untyped]

from shared.adapters.dynamodb.client import CONFIG
from shared.adapters.dynamodb.table import ROSTER_PARTITION
from tests.engines.faults import Fault, suffer
from tests.engines.ministack import Backend
from tests.engines.wire import answer, operation_of, payload_of, with_payload
from tests.simulation.plan import WRITES, Fate, Interruption, Plan
from tests.simulation.world import World

Payload = dict[str, Any]
Rewrite = Callable[[str, Payload], Payload]
"""Changes a request on its way: operation and body in, body out. How a mutation is planted without touching the code."""

AfterWrite = Callable[[World, list[Payload]], None]
"""Looks at the table after each executed write; gets the keys it named."""

AfterRead = Callable[[World, list[Payload]], None]
"""Sees the items that a batch has just read, in the task that reads them; of a batch that is no snapshot, one by one."""

READ_TIMEOUT_SECONDS: int = CONFIG.read_timeout  # type: ignore[attr-defined]
"""How long the product's SDK waits for an answer before it gives up an attempt."""
_STALL_SECONDS = (1, 900)
_LATE_SECONDS = (0, 900)
_LAG = timedelta(seconds=1)
"""How far an index of keys is behind its table at most."""


class Network:
    """The way to one backend in one world. `send` is the transport of every client of that world."""

    def __init__(
        self,
        world: World,
        backend: Backend,
        plan: Plan,
        *,
        rewrite: Rewrite | None = None,
        after_write: AfterWrite | None = None,
        after_read: AfterRead | None = None,
    ) -> None:
        self.world = world
        self.calls = 0
        self._after_read = after_read
        self._touched: dict[tuple[str, str], datetime] = {}
        self._new: dict[tuple[str, str], datetime] = {}
        self._backend = backend
        self._plan = plan
        self._rewrite = rewrite
        self._after_write = after_write

    def send(self, request: AWSPreparedRequest) -> AWSResponse | None:
        """Carry one request; raises ReadTimeoutError, after the time that takes, where no answer comes back."""
        world = self.world
        if world.closed:
            raise GreenletExit
        operation, payload = operation_of(request), payload_of(request)
        self.calls += 1
        number = self.calls
        fate = self._plan.fate(operation, world.chance)
        sent = f"#{number} {operation} {_digest(payload)} {_targets(operation, payload)}"
        world.note(sent if fate is None else f"{sent} <- {fate.value}")
        try:
            response = self._carry(request, operation, payload, fate)
        except ReadTimeoutError:
            world.sleep(READ_TIMEOUT_SECONDS)
            world.note(f"#{number} no answer")
            raise
        world.note(f"#{number} {_outcome(response)}")
        return response

    def _carry(self, request: AWSPreparedRequest, operation: str, payload: Payload, fate: Fate | None) -> AWSResponse | None:
        world, chance = self.world, self.world.chance
        if self._rewrite is not None:
            payload = self._rewrite(operation, payload)
            request = with_payload(request, payload)
        world.pause()
        if fate is Interruption.KILLED_BEFORE:
            world.die()
        if fate is Interruption.STALLED_BEFORE:
            world.sleep(chance.randint(*_STALL_SECONDS))
        if fate in (Interruption.ARRIVES_LATE, Interruption.ARRIVES_TWICE):
            self._arrives_later(request)
        if fate is Interruption.ARRIVES_LATE:
            raise ReadTimeoutError(endpoint_url=request.url)
        if isinstance(fate, Fault):
            response = suffer(fate, request, self._execute, chance)
        else:
            response = self._arrive(request, operation, payload)
        world.pause()
        if fate is Interruption.KILLED_AFTER:
            world.die()
        if fate is Interruption.STALLED_AFTER:
            world.sleep(chance.randint(*_STALL_SECONDS))
        return response

    def _arrive(self, request: AWSPreparedRequest, operation: str, payload: Payload) -> AWSResponse:
        """What comes of a request that meets no fault; reads need not be snapshots."""
        if operation == "BatchGetItem" and self._plan.reads_apart(self.world.chance):
            return self._read_apart(request, payload)
        if operation == "Query" and "IndexName" in payload and self._plan.reads_apart(self.world.chance):
            return self._read_behind(request)
        return self._execute(request)

    def _execute(self, request: AWSPreparedRequest) -> AWSResponse:
        """The instant at which DynamoDB does it: no other task runs meanwhile."""
        operation = operation_of(request)
        response = self._backend.send(request)
        if operation in WRITES:
            self.world.note(f"   at the table: {operation} {_outcome(response)}")
            if response.status_code == 200:
                self._written(operation, payload_of(request))
        if operation == "BatchGetItem" and self._after_read is not None and response.status_code == 200:
            answered = json.loads(response.content)["Responses"]
            self._after_read(self.world, [item for items in answered.values() for item in items])
        return response

    def _written(self, operation: str, payload: Payload) -> None:
        for write in _writes(operation, payload):
            key = _key_of(write)
            place, now = (key["pk"]["S"], key["sk"]["S"]), self.world.now()
            self._touched[place] = now
            if "Item" in write:
                self._new.setdefault(place, now)
        if self._after_write is not None:
            self._after_write(self.world, _keys_written(operation, payload))

    def _arrives_later(self, request: AWSPreparedRequest) -> None:
        """Let the request come to the table on its own, when nobody waits for its answer."""

        def arrive() -> None:
            self._execute(request)

        sender = self.world.current
        late = self.world.spawn("late request", arrive, after_seconds=self.world.chance.randint(*_LATE_SECONDS))
        late.knows = copy.deepcopy(sender.knows) if sender else {}

    def _read_apart(self, request: AWSPreparedRequest, payload: Payload) -> AWSResponse:
        """Read each key of a batch at an instant of its own, in any order."""
        world = self.world
        parts = [(table, key) for table, wanted in payload["RequestItems"].items() for key in wanted["Keys"]]
        world.chance.shuffle(parts)
        found: dict[str, list[Any]] = {table: [] for table in payload["RequestItems"]}
        for table, key in parts:
            part = {"RequestItems": {table: payload["RequestItems"][table] | {"Keys": [key]}}}
            response = self._execute(with_payload(request, part))
            if response.status_code != 200:
                return response
            found[table] += json.loads(response.content)["Responses"][table]
            world.pause()
        return answer({"Responses": found, "UnprocessedKeys": {}})

    def _read_behind(self, request: AWSPreparedRequest) -> AWSResponse:
        """Read an index that lags: it does not show some of the newest entries yet, in no order."""
        response = self._execute(request)
        if response.status_code != 200:
            return response
        page = json.loads(response.content)
        rows = page["Items"]
        if rows and "seq" not in rows[0]:
            shown = [row for row in rows if not self._lags(row)]
            return answer(page | {"Items": shown, "Count": len(shown)})
        newest = sorted(range(len(rows)), key=lambda row: -int(rows[row]["seq"]["N"]))[: self.world.chance.randint(0, 3)]
        hidden = {row for row in newest if self.world.chance.random() < 0.5}
        shown = [row for number, row in enumerate(rows) if number not in hidden]
        return answer(page | {"Items": shown, "Count": len(shown)})

    def _lags(self, row: Payload) -> bool:
        """Whether an index of keys does not show yet what was written to it a moment ago; the roster, only who is new."""
        place = (row["pk"]["S"], row["sk"]["S"])
        touched = (self._new if ROSTER_PARTITION in row else self._touched).get(place)
        return touched is not None and self.world.now() - touched < _LAG and self.world.chance.random() < 0.5


def _digest(value: Any) -> str:
    """Eight digits of a canonical hash: two runs that differ anywhere in a request differ here."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def _writes(operation: str, payload: Payload) -> list[Payload]:
    if operation == "TransactWriteItems":
        return [next(iter(write.values())) for write in payload["TransactItems"]]
    return [payload]


def _key_of(write: Payload) -> Payload:
    return {name: value for name, value in (write.get("Key") or write["Item"]).items() if name in ("pk", "sk")}


def _keys_written(operation: str, payload: Payload) -> list[Payload]:
    return [_key_of(write) for write in _writes(operation, payload)]


def _targets(operation: str, payload: Payload) -> str:
    """The keys a request names, for the reader of a trace."""
    if operation in WRITES:
        keys = _keys_written(operation, payload)
    elif "RequestItems" in payload:
        keys = [key for table in payload["RequestItems"].values() for key in table["Keys"]]
    else:
        keys = [payload["Key"]] if "Key" in payload else []
    return " ".join("/".join(value["S"] for value in key.values()) for key in keys)


def _outcome(response: AWSResponse | None) -> str:
    """An answer in one line: its status, a hash of its body, and the reasons of a cancelled transaction."""
    if response is None:
        return "left to the network"
    if not response.content.startswith(b"{"):
        return f"{response.status_code} {response.content.decode()}"
    body = json.loads(response.content)
    reasons = [reason["Code"] for reason in body.get("CancellationReasons", ())]
    what = body.get("__type", "ok").rpartition("#")[2]
    return " ".join(filter(None, [str(response.status_code), what, ",".join(reasons), _digest(body)]))
