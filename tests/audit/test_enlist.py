"""Members of an older release are listed for sweeps and campaigns."""

from __future__ import annotations

from shared.audit.enlist import enlist
from shared.domain.alarm import shard_of
from tests.fakes import grocer
from tests.functional.conftest import Stage, bare_stage, clock, engine, make_stage, stage

__all__ = ["bare_stage", "clock", "engine", "make_stage", "stage"]


def test_members_from_before_are_enlisted_once(stage: Stage) -> None:
    store, alarms = stage.store, stage.wiring.alarms
    key = {"pk": {"S": f"MEMBER#{grocer.ADA}"}, "sk": {"S": "PROFILE"}}
    store.client.update_item(
        TableName=store.table,
        Key=key,
        UpdateExpression="REMOVE #roster, #wakes, #at",
        ExpressionAttributeNames={"#roster": "roster", "#wakes": "wakes", "#at": "wake_at"},
    )
    assert grocer.ADA not in alarms.roster(shard_of(grocer.ADA), 10)[0]
    assert enlist(store) == (1, 0)
    assert enlist(store) == (0, 0)
    assert grocer.ADA in alarms.roster(shard_of(grocer.ADA), 10)[0]
    assert grocer.ADA in alarms.due(shard_of(grocer.ADA), grocer.NOON, 10)[0]
