"""The roles are not only small: they let every route do its work, down to the partition keys."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from shared.adapters.dynamodb.store import Backoff
from shared.entrypoint import wiring
from shared.entrypoint.settings import Settings
from tests.engines.moto import moto_table
from tests.fakes import grocer
from tests.fakes.clients import product_client
from tests.fakes.clock import FakeClock
from tests.functional.api import DOCUMENT, MEMBER, MEMBER_ISSUER, OPERATOR, POS, Caller, Reply, operation_of
from tests.infra.conftest import Synthesized
from tests.infra.role_guard import GuardedClient, NotAllowedError

pytestmark = pytest.mark.infra


@dataclass
class GuardedCaller(Caller):
    """A caller whose requests are served with the rights of the function that has the route, and no other."""

    def under(self, guard: GuardedClient, stage: Synthesized, served: set[tuple[str, str]]) -> GuardedCaller:
        """Whose rights, and where to write down which routes were served."""
        self.guard, self.stage, self.served = guard, stage, served
        return self

    def send(self, method: str, path: str, text: str | None = None, **options: Any) -> Reply:
        """As anyone's."""
        found = operation_of(method, path)
        assert found
        template, operation = found
        self.guard.statements = self.stage.role(operation["tags"][0]).get("table", [])
        self.served.add((method, template))
        reply = super().send(method, path, text, **options)
        assert reply.status < 500, reply.text
        return reply


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> Iterator[GuardedClient]:
    """The product on moto, behind the roles of its functions."""
    with moto_table(product_client) as engine:
        guard = GuardedClient(engine.client)
        backoff = Backoff(sleep=lambda _: None, rng=random.Random(1))
        settings = Settings(table=engine.table, stage="local", sandbox=True)
        wired = wiring.wire(settings, guard, FakeClock(grocer.NOON), backoff)  # type: ignore[arg-type]
        monkeypatch.setattr(wiring, "wired", lambda: wired)
        yield guard


def test_every_route_does_its_work_with_the_rights_of_its_role(guard: GuardedClient, dev: Synthesized) -> None:
    served: set[tuple[str, str]] = set()
    till = GuardedCaller(POS).under(guard, dev, served)
    operator = GuardedCaller(OPERATOR, subject="operator-1").under(guard, dev, served)
    ada = GuardedCaller(MEMBER, MEMBER_ISSUER, "sub-ada").under(guard, dev, served)

    assert operator.put("/v1/program", {"program": grocer.document()}).status == 200
    assert till.get("/v1/program").status == 200
    login = {"issuer": MEMBER_ISSUER, "subject": "sub-ada"}
    enrolled = till.post("/v1/members", {"customer_id": "ada", "email": "ada@example.com", "login": login})
    assert enrolled.status == 201
    member = enrolled.json["member_id"]
    path = f"/v1/members/{member}"
    assert till.get("/v1/members", customer_id="ada").status == 200
    assert till.get(path).status == 200
    # Claims one address and gives up another.
    assert operator.patch(path, {"email": "lovelace@example.com"}).status == 200

    assert till.post("/v1/purchases", grocer.order("order-1", member_id=member)).status == 201
    assert till.post("/v1/purchases", grocer.order("order-1", member_id=member)).status in (200, 201)
    assert till.post("/v1/purchases/quote", grocer.order("order-2", member_id=member)).status == 200
    orders = [grocer.order(f"order-{number}", member_id=member) for number in (2, 3)]
    assert till.post("/v1/purchases/batch", {"purchases": orders}).status == 200
    assert till.get("/v1/purchases/order-1").status == 200

    assert till.get(f"{path}/wallet").status == 200
    first = till.get(f"{path}/entries", limit=1)
    # A cursor is signed with a secret that its first use makes.
    assert first.json["cursor"]
    assert till.get(f"{path}/entries", limit=1, cursor=first.json["cursor"]).status == 200
    entry = first.json["entries"][0]["entry_id"]
    assert till.get(f"/v1/entries/{entry}").status == 200
    assert ada.get("/v1/me").status == 200
    assert ada.patch("/v1/me", {"locale": "en-GB"}).status == 200
    assert ada.get("/v1/me/wallet").status == 200
    assert ada.get("/v1/me/entries").status == 200
    assert ada.get(f"/v1/me/entries/{entry}").status == 200

    assert operator.get("/v1/test-clock").status == 200
    for day in ("2026-04-01", "2026-04-02"):
        assert operator.put("/v1/test-clock", {"now": f"{day}T00:00:00Z"}).status == 200
    assert operator.post(f"{path}/close").status == 200

    assert served == {
        (verb.upper(), template)
        for template, verbs in DOCUMENT["paths"].items()
        for verb, operation in verbs.items()
        # The document's own function has no right on the table to try.
        if operation["tags"] != ["openapi"]
    }


def put(pk: str) -> dict[str, Any]:
    return {"TransactItems": [{"Put": {"TableName": "ledger", "Item": {"pk": {"S": pk}, "sk": {"S": "any"}}}}]}


@pytest.mark.parametrize(
    ("function", "key"),
    [("earning", "MEMBER#1"), ("members", "ORDER#1"), ("wallets", "MEMBER#1"), ("program", "CLOCK"), ("openapi", "X")],
)
def test_a_role_is_refused_where_it_has_no_business(dev: Synthesized, function: str, key: str) -> None:
    guard = GuardedClient(client=None)
    guard.statements = dev.role(function).get("table", [])
    with pytest.raises(NotAllowedError):
        guard.transact_write_items(**put(key))
