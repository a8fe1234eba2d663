"""moto, in process. It ignores ClientRequestToken, accepts some of what AWS rejects and is not thread-safe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from moto import mock_aws

from tests.engines.engine import ClientFactory, Engine, create_table, fresh_name, plain_client


@contextmanager
def moto_table(make_client: ClientFactory = plain_client) -> Iterator[Engine]:
    """An empty table on moto. Clients made inside are moto's; one made before is not: botocore's hook is set at birth."""
    with mock_aws():
        client, name = make_client(), fresh_name()
        create_table(client, name)
        yield Engine("moto", client, name)
