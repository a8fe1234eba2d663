"""What every engine gives: a low-level client and an empty table behind it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from shared.adapters.dynamodb.table import create_table_arguments

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ClientFactory = Callable[[], "DynamoDBClient"]
REGION = "us-east-1"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Engine:
    """One empty table; `client` reaches nothing else. `name` is the engine's, for test ids and skip reasons."""

    name: str
    client: DynamoDBClient
    table: str


def plain_client(*, endpoint_url: str | None = None, region: str = REGION, access_key: str = "test") -> DynamoDBClient:
    """A low-level client that reads no configuration of the machine and makes 4 attempts at most.

    Tests of the product pass the product's own factory instead; this one serves the engines' tests.
    """
    session = botocore.session.Session()
    session.register_component("data_loader", _models())
    client: Any = session.create_client(
        "dynamodb",
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key="test",
        endpoint_url=endpoint_url,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 4},
            connect_timeout=1,
            read_timeout=5,
            account_id_endpoint_mode="disabled",
        ),
    )
    return cast("DynamoDBClient", client)


@functools.cache
def _models() -> Loader:
    """botocore's parsed data: reading it again would cost each client a third of a second."""
    return Loader()


def fresh_name() -> str:
    """A table name no other engine of this process has."""
    return f"laurel-{next(_numbers)}"


def create_table(client: DynamoDBClient, name: str) -> None:
    """Make the empty table behind `client`."""
    arguments: dict[str, Any] = create_table_arguments(name)
    client.create_table(**arguments)
