"""SDK clients with the product's own settings: made once per process, handed out as good as new.

Making a client and its first call cost more than a whole world does, and each world starts many containers.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import botocore.session
from botocore import UNSIGNED
from botocore.retries.quota import RetryQuota

from shared.adapters.dynamodb.client import CONFIG
from tests.engines.engine import REGION
from tests.engines.wire import Transport, clear_transport, set_transport

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_idle: list[_Reusable] = []


class Clients:
    """The clients of one world. `take` gives one; `give_back` ends the world's use of all of them."""

    def __init__(self) -> None:
        self._taken: list[_Reusable] = []

    def take(self, transport: Transport) -> DynamoDBClient:
        """A client whose every request goes to `transport`."""
        reusable = _idle.pop() if _idle else _Reusable()
        self._taken.append(reusable)
        reusable.quota.release(RetryQuota.INITIAL_CAPACITY)
        set_transport(reusable.client, transport)
        return reusable.client

    def give_back(self) -> None:
        """Cut all of this world's clients off from it."""
        for reusable in self._taken:
            clear_transport(reusable.client)
        _idle.extend(self._taken)
        self._taken.clear()


class _Reusable:
    """A client and its retry quota, the one thing that a call leaves behind in it for the next."""

    def __init__(self) -> None:
        self.quota = RetryQuota()
        with patch("botocore.retries.quota.RetryQuota", lambda: self.quota):
            self.client: DynamoDBClient = _session().create_client("dynamodb", region_name=REGION, config=CONFIG)
        # No engine checks signatures, and making one takes a third of a call.
        self.client.meta.events.register_first("choose-signer.dynamodb", lambda **_: UNSIGNED)


@functools.cache
def _session() -> Any:
    """One parsed copy of botocore's data for all clients; credentials that no machine's settings can change."""
    session = botocore.session.Session()
    session.set_credentials("simulated", "simulated")
    return session
