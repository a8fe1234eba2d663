"""One local cloud for all end-to-end tests of a process: on a free port, in a folder of its own, deployed to for real.

It shares nothing with the one of `make up`, which may run beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local_cloud import server
from infra.local_cloud.api import api_address
from infra.local_cloud.cloud import Cloud
from infra.local_cloud.demo import Replay
from infra.local_cloud.deploy import deploy
from infra.local_cloud.state import LocalFolder
from infra.local_cloud.tokens import IdentityProvider
from tests.e2e.laurel import Laurel


@pytest.fixture(scope="session")
def laurel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laurel]:
    """The stacks, deployed by the CDK command line, with the grocer's program in force since 2017-01-01."""
    folder = LocalFolder(tmp_path_factory.mktemp("local-cloud"))
    cloud = Cloud(server.start(folder, port=server.free_port()))
    try:
        outputs, _ = deploy(folder, cloud)
        laurel = Laurel(folder, cloud, outputs, api_address(cloud, outputs), IdentityProvider(cloud, outputs))
        Replay(laurel.pos, laurel.operator).set_up_program()
        yield laurel
        laurel.close()
    finally:
        server.stop(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever moves the stage's clock the furthest comes last: it never goes back."""
    items.sort(key=lambda item: item.path.name == "test_campaigns.py")
