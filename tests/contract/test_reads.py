"""Reads that decide are strongly consistent. No engine for tests is ever stale, so the requests are looked at."""

from __future__ import annotations

import random
from typing import Any

import pytest

from shared.adapters.dynamodb.clock import TestClock
from shared.adapters.dynamodb.store import Backoff
from shared.domain.code import CodeKind
from shared.domain.decision import Wanted
from shared.domain.digest import request_hash
from shared.domain.entry import closure_key
from shared.domain.errors import VoucherUnknownError
from shared.domain.member import Profile
from shared.domain.reward import parse_reward
from shared.entrypoint.settings import Settings
from shared.entrypoint.wiring import wire
from tests.contract.counter import MUG
from tests.contract.ledgers import closing, record, store_of
from tests.engines.engine import Engine
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, NOON, purchase


def test_every_read_but_the_history_is_strongly_consistent(ministack_engine: Engine, clock: FakeClock) -> None:
    asked: list[tuple[str, bool]] = []

    def look(params: Any, model: Any, **_: object) -> None:
        reads = params["RequestItems"].values() if model.name == "BatchGetItem" else [params]
        if model.name in {"GetItem", "BatchGetItem", "Query"} and "IndexName" not in params:
            asked.extend((model.name, read.get("ConsistentRead", False)) for read in reads)

    ministack_engine.client.meta.events.register("before-parameter-build.dynamodb", look)
    settings = Settings(table=ministack_engine.table, stage="local", sandbox=True)
    backoff = Backoff(sleep=lambda _: None, rng=random.Random(1))
    wired = wire(settings, ministack_engine.client, clock, backoff)
    wired.programs.add(grocer.version())
    profile = Profile(member=ADA, customer_id="c", enrolled_at=NOON)
    for _ in range(2):
        wired.members.enrol(profile, request_hash("c"))
    wired.members.find(next(iter(profile.identities())))
    wired.members.profile(ADA)
    wired.programs.latest()
    entry = record(wired.ledger, purchase())
    wired.ledger.entry(entry.key)
    wired.rewards.put(parse_reward(MUG), NOON)
    wired.rewards.set_stock("mug", 5, NOON.date())
    wanted = Wanted(reward="mug", profile=True, entries=(entry.key,), other=ADA)
    wired.ledger.decide_and_post(closure_key(ADA), ADA, request_hash("closure", ADA), closing, wanted)
    wired.ledger.order("order-1")
    for ask in (wired.rewards.all, lambda: wired.rewards.get("mug"), lambda: wired.rewards.versions("mug")):
        ask()
    with pytest.raises(VoucherUnknownError):
        wired.attempts.find("0" * 12, CodeKind.REDEMPTION, "till")
    list(wired.ledger.rows(wired.ledger.view(ADA).wallet))
    wired.cursor_secret.value()
    TestClock(store_of(ministack_engine), clock).now()
    assert {name for name, _ in asked} == {"GetItem", "BatchGetItem", "Query"}
    assert [name for name, consistent in asked if not consistent] == []
