"""What calls functions besides the API: the clock, the bus, the stream and what is sent again."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import eventbridge, lambda_svc

from infra.constructs.triggers import stream_filters
from shared.adapters.dynamodb.items import from_wire
from shared.adapters.dynamodb.store import Backoff
from shared.adapters.dynamodb.table import ENTRY_KINDS, is_entry
from shared.entrypoint import wiring
from shared.entrypoint.settings import Settings
from tests.engines.moto import moto_table
from tests.fakes import grocer
from tests.fakes.clients import product_client
from tests.fakes.clock import FakeClock
from tests.functional.api import OPERATOR, POS, Caller
from tests.infra.conftest import Resource, Synth, Synthesized

pytestmark = pytest.mark.infra

Item = dict[str, Any]


def rules(stage: Synthesized) -> dict[str, dict[str, Any]]:
    """The properties of each rule, by its name without the stage's."""
    found = [one["Properties"] for one in stage.of_type("Events::Rule").values()]
    return {one["Name"].split("-", 2)[2]: one for one in found}


def mapping(stage: Synthesized, name: str) -> dict[str, Any]:
    """The properties of an event source mapping: Stream or Retry."""
    [found] = [one for key, one in stage.of_type("Lambda::EventSourceMapping").items() if key.startswith(f"Triggers{name}")]
    properties: dict[str, Any] = found["Properties"]
    return properties


def patterns(stage: Synthesized) -> list[Any]:
    return [json.loads(one["Pattern"]) for one in mapping(stage, "Stream")["FilterCriteria"]["Filters"]]


@pytest.mark.parametrize(("stage", "expression"), [("prod", "cron(0/15 * * * ? *)"), ("local", "cron(0/1 * * * ? *)")])
def test_the_clock_ticks_on_the_minute(stage: str, expression: str, request: pytest.FixtureRequest) -> None:
    tick = rules(request.getfixturevalue(stage))["tick"]
    assert (tick["ScheduleExpression"], tick["State"]) == (expression, "ENABLED")
    # On every quarter of an hour, on which alarms lie.
    assert eventbridge._parse_cron_fields(expression)[0] >= {0, 15, 30, 45}


def test_a_tick_can_be_wanted_at_once(prod: Synthesized) -> None:
    wanted = rules(prod)["tick-wanted"]
    assert "OutletsBus" in str(wanted["EventBusName"])
    assert wanted["EventPattern"] == {"source": ["laurel"], "detail-type": ["TickWanted"]}


def test_ticks_go_to_the_worker_and_are_kept_where_they_could_not(prod: Synthesized) -> None:
    for name in ("tick", "tick-wanted"):
        [target] = rules(prod)[name]["Targets"]
        assert "bonuses" in str(target["Arn"])
        assert "OutletsQueuesFailed" in str(target["DeadLetterConfig"])
        # The next one comes by then.
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 900


@pytest.mark.parametrize(
    ("source", "kind", "mailed"),
    [
        ("laurel", "BonusGranted", True),
        ("laurel", "SomethingNewToTell", True),
        ("laurel", "EntryPosted", False),
        ("laurel", "TickWanted", False),
        ("another", "BonusGranted", False),
    ],
)
def test_what_is_told_is_mailed_but_not_every_entry(synth: Synth, source: str, kind: str, mailed: bool) -> None:
    mail = rules(synth("prod", sender="club@shop.example"))["mail"]
    [target] = mail["Targets"]
    assert "messages" in str(target["Arn"])
    assert "OutletsQueuesFailed" in str(target["DeadLetterConfig"])
    event = {"Source": source, "DetailType": kind, "Detail": "{}", "Account": "1", "Region": "us-east-1"}
    assert eventbridge._matches_pattern(json.dumps(mail["EventPattern"]), event) is mailed


def test_without_a_sender_nothing_is_handed_to_the_post_office(prod: Synthesized) -> None:
    assert set(rules(prod)) == {"tick", "tick-wanted"}


def test_the_stream_is_read_whole_in_small_steps_and_given_up_before_it_forgets(prod: Synthesized) -> None:
    stream = mapping(prod, "Stream")
    assert "StreamArn" in str(stream["EventSourceArn"])
    assert "events" in str(stream["FunctionName"])
    assert stream["StartingPosition"] == "TRIM_HORIZON"
    assert (stream["BatchSize"], stream["MaximumBatchingWindowInSeconds"]) == (100, 1)
    assert (stream["BisectBatchOnFunctionError"], stream["MaximumRetryAttempts"]) == (True, 5)
    assert stream["MaximumRecordAgeInSeconds"] == 23 * 3_600
    assert stream["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert "OutletsQueuesParked" in str(stream["DestinationConfig"]["OnFailure"]["Destination"])


def test_what_was_put_aside_can_be_sent_again(prod: Synthesized) -> None:
    again = mapping(prod, "Retry")
    assert "OutletsQueuesRetry" in str(again["EventSourceArn"])
    assert "events" in str(again["FunctionName"])
    assert again["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    queues = {one["Properties"]["QueueName"]: one["Properties"] for one in prod.of_type("SQS::Queue").values()}
    assert set(queues) == {"laurel-prod-failed", "laurel-prod-parked", "laurel-prod-retry"}
    # The console redrives a dead-letter queue only.
    redrive = queues["laurel-prod-retry"]["RedrivePolicy"]
    assert "OutletsQueuesParked" in str(redrive["deadLetterTargetArn"])
    assert redrive["maxReceiveCount"] == 3
    # A message is shown again only when its first call must have ended.
    assert queues["laurel-prod-retry"]["VisibilityTimeout"] >= 6 * prod.functions()["events"]["Timeout"]
    assert {one["MessageRetentionPeriod"] for one in queues.values()} == {14 * 86_400}
    assert {one["SqsManagedSseEnabled"] for one in queues.values()} == {True}


def test_all_entries_and_any_change_of_one_come_from_the_stream(prod: Synthesized) -> None:
    there = [{"exists": True}]
    posted = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"seq": {"N": there}, "kind": {"S": there}}}}
    changed = {"eventName": ["MODIFY", "REMOVE"], "dynamodb": {"OldImage": {"seq": {"N": there}, "kind": {"S": there}}}}
    assert patterns(prod) == [posted, changed]


def test_the_kinds_that_are_published_are_a_stages_setting(synth: Synth) -> None:
    posted, changed = patterns(synth("prod", published="grant,notice"))
    assert posted["dynamodb"]["NewImage"]["kind"] == {"S": ["grant", "notice"]}
    # A change rings whatever the kind is.
    assert changed["dynamodb"]["OldImage"]["kind"] == {"S": [{"exists": True}]}


def test_a_filter_of_all_kinds_is_as_long_as_lambda_takes() -> None:
    assert all(len(json.dumps(one)) < 4_096 for one in stream_filters(ENTRY_KINDS))


@pytest.fixture
def items(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Item]]:
    """A table's items after some purchases, a gift card, a refund, and a refusal that is kept."""
    with moto_table(product_client) as engine:
        backoff = Backoff(sleep=lambda _: None, rng=random.Random(1))
        settings = Settings(table=engine.table, stage="local", sandbox=True)
        wired = wiring.wire(settings, engine.client, FakeClock(grocer.NOON), backoff)
        monkeypatch.setattr(wiring, "wired", lambda: wired)
        till, operator = Caller(POS), Caller(OPERATOR)
        assert operator.put("/v1/program", {"program": grocer.document()}).status == 200
        member = till.post("/v1/members", {"customer_id": "ada"}).json["member_id"]
        for number in (1, 2):
            assert till.post("/v1/purchases", grocer.order(f"order-{number}", member_id=member)).status == 201
        back = {"refund_id": "r1", "occurred_at": "2026-03-02T17:00:00Z"}
        assert till.post("/v1/purchases/order-1/refunds", back).status == 201
        assert operator.post("/v1/gift-cards", {"amount": 5_000, "currency": "USD"}, key="card-1").status == 201
        benefit = {"kind": "discount", "amount": 500}
        dear = {"name": "Dear", "benefit": benefit, "currency": "points", "price": {"points": 10**6}}
        assert operator.put("/v1/rewards/dear", dear).status == 200
        refused = till.post(f"/v1/members/{member}/redemptions", {"reward_id": "dear"}, key="wish-1")
        assert refused.problem == "points-short"
        yield engine.client.scan(TableName=engine.table)["Items"]


def passes(record: Resource, published: tuple[str, ...] = ()) -> bool:
    """Whether a record of the stream reaches the function."""
    return any(lambda_svc._match_esm_filter(record, one) for one in stream_filters(published))


def test_of_all_that_is_written_entries_alone_come_from_the_stream(items: list[Item]) -> None:
    kept = [item for item in items if passes({"eventName": "INSERT", "dynamodb": {"NewImage": item}})]
    assert sorted(item["kind"]["S"] for item in kept) == ["purchase", "purchase", "refund"]
    assert kept == [item for item in items if is_entry(from_wire(item))]
    assert len(items) > 2 * len(kept)


def test_a_change_of_an_entry_comes_from_the_stream_and_one_of_a_wallet_does_not(items: list[Item]) -> None:
    for event in ("MODIFY", "REMOVE"):
        seen = [item for item in items if passes({"eventName": event, "dynamodb": {"OldImage": item, "NewImage": item}})]
        assert seen == [item for item in items if is_entry(from_wire(item))]


def test_only_published_kinds_pass_where_some_are_named(items: list[Item]) -> None:
    kept = [item for item in items if passes({"eventName": "INSERT", "dynamodb": {"NewImage": item}}, ("refund",))]
    assert [item["kind"]["S"] for item in kept] == ["refund"]
