"""The programs people know (docs/presets.md), each put in force on the deployed stage and driven over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from infra.local_cloud.api import Caller
from infra.local_cloud.demo import PROGRAM, rfc3339
from tests.e2e.laurel import Laurel
from tests.presets.promises import PROMISES
from tests.presets.shop import Desk, Shop, Told, preset

pytestmark = pytest.mark.e2e

STALENESS_SECONDS = 1.5
"""Real seconds after which every function of a sandbox stage has seen a new version of the program."""


@pytest.fixture(scope="module")
def zone(laurel: Laurel) -> Iterator[str]:
    """The stage's time zone, which no program changes; afterwards the grocer's program is in force again."""
    grocer: dict[str, Any] = json.loads(PROGRAM.read_text(encoding="utf-8"))
    yield grocer["time_zone"]
    shop = _shop(laurel, {"program": grocer, "rewards": []})
    shop.open()
    time.sleep(STALENESS_SECONDS)


@pytest.fixture
def shop(laurel: Laurel, zone: str, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A shop with the preset that the test names, in the stage's zone; afterwards its rewards are out of the catalog."""
    document = preset(request.param)
    document["program"]["time_zone"] = zone
    shop = _shop(laurel, document)
    shop.open()
    time.sleep(STALENESS_SECONDS)
    yield shop
    for reward in document["rewards"]:
        assert shop.operator("DELETE", f"/v1/rewards/{reward['id']}").status == 200


@pytest.mark.parametrize(("shop", "id"), [(id, id) for id in PROMISES], indirect=["shop"], ids=list(PROMISES))
def test_a_preset_gives_what_its_model_publishes_and_explains_every_point(shop: Shop, id: str) -> None:
    PROMISES[id](shop)


def _shop(laurel: Laurel, document: dict[str, Any]) -> Shop:
    def now() -> datetime:
        return datetime.fromisoformat(laurel.operator.expect("GET", "/v1/test-clock")["now"])

    def wait(period: timedelta) -> None:
        laurel.operator.expect("PUT", "/v1/test-clock", {"now": rfc3339(now() + period)})

    def sign_in(name: str) -> tuple[dict[str, str], Desk]:
        login = laurel.identities.member(f"{name}@example.com")
        app = laurel.caller(laurel.identities.member_token(login.email))
        return {"issuer": login.issuer, "subject": login.subject}, _desk(app)

    return Shop(document, _desk(laurel.pos), _desk(laurel.operator), now, wait, sign_in)


def _desk(caller: Caller) -> Desk:
    def call(method: str, path: str, body: object = None, *, key: str | None = None) -> Told:
        answer = caller.call(method, path, body, key=key)
        return Told(answer.status_code, answer.text)

    return call
