"""`make up`, `make down` and again: what they start, keep, share and leave alone."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from infra.local_cloud import server
from infra.local_cloud.cloud import Cloud
from infra.local_cloud.deploy import deploy
from infra.local_cloud.errors import LocalCloudError
from infra.local_cloud.state import LocalFolder
from infra.local_cloud.visit import Visit, pay_a_visit, set_up_catalog
from tests.e2e.laurel import Laurel

pytestmark = pytest.mark.e2e


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFolder]:
    """A folder without a cloud; what a test starts in it is stopped."""
    folder = LocalFolder(tmp_path_factory.mktemp("another-cloud"))
    yield folder
    server.stop(folder)


def test_deploying_again_changes_nothing(laurel: Laurel) -> None:
    cloudformation = laurel.cloud.client("cloudformation")
    before = cloudformation.describe_stacks()["Stacks"]
    assert deploy(laurel.folder, laurel.cloud) == (laurel.outputs, False)
    assert cloudformation.describe_stacks()["Stacks"] == before


def test_the_visit_that_make_up_shows_can_be_made_again_and_is_the_same(laurel: Laurel) -> None:
    set_up_catalog(laurel.operator)
    member_id = laurel.enrol_with(2_000)
    first = pay_a_visit(laurel.pos, customer="1707", member_id=member_id)
    assert [step.points for step in first.steps] == [0, -500, 0, 0, 35, -9, 125, -150, -500]
    assert [step.balance for step in first.steps] == [2000, 1500, 1500, 1500, 1535, 1526, 1651, 1501, 1001]
    before = laurel.wallet(member_id)
    assert pay_a_visit(laurel.pos, customer="1707", member_id=member_id) == first
    assert laurel.wallet(member_id) == before
    assert Visit.parse(json.dumps(asdict(first))) == first
    # What it leaves to try out.
    assert laurel.pos.expect("POST", "/v1/gift-cards/balance", {"code": first.card_code})["balance"] == 500
    assert laurel.stock("free_coffee")["available"] == 49
    laurel.pos.expect("POST", f"/v1/redemptions/{first.redemption_id}/cancel", {})
    assert laurel.stock("free_coffee")["available"] == 50


def test_a_cloud_that_runs_is_found_not_started_again(folder: LocalFolder) -> None:
    started = server.start(folder, port=server.free_port())
    pid = folder.pid_file.read_text()
    assert server.start(folder) == started
    assert folder.pid_file.read_text() == pid
    with pytest.raises(LocalCloudError, match="already runs on port"):
        server.start(folder, port=server.free_port())


def test_stopping_keeps_what_the_cloud_holds_and_starting_goes_on_from_there(folder: LocalFolder) -> None:
    first = Cloud(server.start(folder, port=server.free_port()))
    first.remember("something", "kept")
    first.close()
    assert server.stop(folder)
    assert not server.is_running(folder)
    second = Cloud(server.start(folder))
    assert second.settings == first.settings
    assert second.recall("something") == "kept"
    second.close()


def test_stopping_one_cloud_leaves_another_alone(laurel: Laurel, folder: LocalFolder) -> None:
    server.start(folder, port=server.free_port())
    assert server.stop(folder)
    assert server.is_running(laurel.folder)
    assert laurel.operator.call("GET", "/v1/program").status_code == 200


def test_a_process_that_got_the_number_of_a_dead_server_is_not_touched(folder: LocalFolder) -> None:
    server.start(folder, port=server.free_port())
    os.kill(int(folder.pid_file.read_text()), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while server.is_running(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    # The number goes to somebody else: this very process, which would end if it were signalled.
    folder.pid_file.write_text(str(os.getpid()))
    assert not server.stop(folder)


def test_a_taken_port_is_one_clear_line(folder: LocalFolder) -> None:
    with socket.create_server((server.HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(LocalCloudError) as refused:
            server.start(folder, port=port)
    assert str(refused.value).startswith(f"port {port} is taken by another program: choose another")
    assert "\n" not in str(refused.value)
    assert not server.is_running(folder)
