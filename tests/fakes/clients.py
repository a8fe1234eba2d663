"""DynamoDB clients for tests: the product's own settings, and one whose history index lags."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from shared.adapters.dynamodb.client import CONFIG

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@functools.cache
def _descriptions() -> Loader:
    """botocore's parsed data: reading it again would cost each client a third of a second."""
    return Loader()


def product_client(**config: Any) -> DynamoDBClient:
    """A client as the product makes it, but without the SDK's own retries, which sleep; `config` overrides more."""
    session = botocore.session.Session()
    session.register_component("data_loader", _descriptions())
    settings = CONFIG.merge(Config(**{"retries": {"total_max_attempts": 1}, **config}))
    client: Any = session.create_client(
        "dynamodb",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=settings.merge(Config(account_id_endpoint_mode="disabled")),
    )
    return cast("DynamoDBClient", client)


class LaggingClient:
    """A client whose history index has not yet seen the entries with the sequence numbers `hidden`."""

    def __init__(self, client: Any, hidden: set[int]) -> None:
        self._client = client
        self.hidden = hidden

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def query(self, **arguments: Any) -> Any:
        """As the client's, without what the index does not show yet."""
        page = self._client.query(**arguments)
        if "IndexName" in arguments:
            page["Items"] = [item for item in page["Items"] if int(item["seq"]["N"]) not in self.hidden]
        return page


class StingyClient:
    """A client whose batches read one key each, the last of those asked for, and hand the others back."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.batches = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 - the SDK's own name
        """As the client's, one key at a time."""
        self.batches += 1
        [(table, wanted)] = RequestItems.items()
        *left, taken = wanted["Keys"]
        page = self._client.batch_get_item(RequestItems={table: {**wanted, "Keys": [taken]}})
        return {**page, "UnprocessedKeys": {table: {**wanted, "Keys": left}} if left else {}}


class InterruptedClient:
    """A client that lets something else happen just before its next transaction, once."""

    def __init__(self, client: Any, happens: Callable[[], object]) -> None:
        self._client = client
        self._happens: Callable[[], object] | None = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **arguments: Any) -> Any:
        """As the client's, a moment too late."""
        happens, self._happens = self._happens, None
        if happens is not None:
            happens()
        return self._client.transact_write_items(**arguments)


class OvertakenClient:
    """A client that lets something else happen right after its next read of a partition, once."""

    def __init__(self, client: Any, happens: Callable[[], object]) -> None:
        self._client = client
        self._happens: Callable[[], object] | None = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def query(self, **arguments: Any) -> Any:
        """As the client's; what it read is old news a moment later."""
        page = self._client.query(**arguments)
        happens, self._happens = self._happens, None
        if happens is not None:
            happens()
        return page


class TornClient:
    """A client whose next batch is no snapshot, as DynamoDB's are none: something happens before its wallets are read, once."""

    def __init__(self, client: Any, happens: Callable[[], object]) -> None:
        self._client = client
        self._happens: Callable[[], object] | None = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 - the SDK's own name
        """As the client's, in two parts at two moments."""
        [(table, wanted)] = RequestItems.items()
        wallets = [key for key in wanted["Keys"] if key["sk"]["S"] == "WALLET"]
        others = [key for key in wanted["Keys"] if key not in wallets]
        happens, self._happens = self._happens, None
        if happens is None or not wallets or not others:
            return self._client.batch_get_item(RequestItems=RequestItems)
        early = self._client.batch_get_item(RequestItems={table: {**wanted, "Keys": others}})
        happens()
        late = self._client.batch_get_item(RequestItems={table: {**wanted, "Keys": wallets}})
        found = [*early["Responses"][table], *late["Responses"][table]]
        return {**late, "Responses": {table: found}}
