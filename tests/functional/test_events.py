"""The table's stream becomes events on the bus: at least once, with nothing lost, whatever one record holds."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest

from functions.events.handler import handler
from shared.entrypoint import outlets
from tests.fakes.grocer import ADA, order
from tests.fakes.outlets import FakeBus, FakeParked, FakeStream
from tests.functional.api import Caller
from tests.functional.conftest import Stage
from tests.functional.streaming import entry_images, entry_records, queue_batch, record, stream_batch

GIVEN = {"currency": "points", "points": 30, "reason": "a bruised apple"}
ALL_WELL: dict[str, Any] = {"batchItemFailures": []}


@dataclass(frozen=True)
class Outside:
    """What the function reaches."""

    bus: FakeBus
    parked: FakeParked
    stream: FakeStream


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Outside:
    """A bus, a queue and a stream that keep what they are given."""
    found = Outside(FakeBus(), FakeParked(), FakeStream())
    monkeypatch.setattr(outlets, "bus", lambda: found.bus)
    monkeypatch.setattr(outlets, "parked", lambda: found.parked)
    monkeypatch.setattr(outlets, "stream", lambda: found.stream)
    return found


@pytest.fixture
def records(stage: Stage, till: Caller, operator: Caller) -> list[dict[str, Any]]:
    """Two orders of Ada's, an adjustment, a refund; and one order of Bob's."""
    assert till.post("/v1/purchases", order("a", 5_000)).status == 201
    assert till.post("/v1/purchases", order("b", 900)).status == 201
    assert operator.post(f"/v1/members/{ADA}/adjustments", GIVEN, key="adjust-1").status == 201
    assert till.post("/v1/purchases/a/refunds", {"refund_id": "1", "occurred_at": "2026-03-02T17:00:00Z"}).status == 201
    assert till.post("/v1/purchases", order("c", 100, member_id="01HB0B00000000000000000000")).status == 201
    return entry_records(stage)


def failures(*names: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": name} for name in names]}


def number(position: int) -> str:
    """The sequence number of the record at a position."""
    return f"{position + 1:021}"


def metrics_in(text: str) -> dict[str, int]:
    """What was counted, out of what was printed."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith('{"_aws"')]
    found: dict[str, int] = {}
    for line in lines:
        [told] = line["_aws"]["CloudWatchMetrics"]
        assert (told["Namespace"], told["Dimensions"], line["stage"]) == ("Laurel", [["stage"]], "local")
        [metric] = told["Metrics"]
        found[metric["Name"]] = found.get(metric["Name"], 0) + int(line[metric["Name"]][0])
    return found


def test_every_entry_is_told_with_its_sequence(records: list[dict[str, Any]], outside: Outside) -> None:
    assert handler(stream_batch(records), None) == ALL_WELL
    posted = [event.detail for event in outside.bus.taken if event.type == "EntryPosted"]
    assert [(told["member_id"], told["sequence"]) for told in posted if told["member_id"] == ADA] == [
        (ADA, sequence) for sequence in (1, 2, 3, 4)
    ]
    assert [told["data"]["kind"] for told in posted] == ["purchase", "purchase", "adjustment", "refund", "purchase"]
    assert outside.parked.records == []


def test_what_is_told_is_what_the_api_answers_of_the_entry(
    records: list[dict[str, Any]], outside: Outside, till: Caller
) -> None:
    handler(stream_batch(records), None)
    for event in outside.bus.taken:
        told = event.detail
        answered = till.get(f"/v1/entries/{told['entry_id']}").json
        for name in ("member_id", "sequence", "occurred_at", "recorded_at"):
            assert told[name] == answered[name]
        if event.type == "EntryPosted":
            assert told["data"]["balances"] == answered["balances"]


def test_a_batch_that_comes_twice_is_told_twice_under_the_same_ids(records: list[dict[str, Any]], outside: Outside) -> None:
    handler(stream_batch(records), None)
    once = list(outside.bus.taken)
    handler(stream_batch(records), None)
    assert outside.bus.taken == once * 2


def test_no_event_holds_anything_personal(records: list[dict[str, Any]], outside: Outside) -> None:
    handler(stream_batch(records), None)
    text = json.dumps([event.detail for event in outside.bus.taken])
    assert "example.com" not in text
    assert "customer-" not in text


def test_exactly_the_records_whose_events_the_bus_did_not_take_come_again(
    records: list[dict[str, Any]], outside: Outside
) -> None:
    outside.bus.refuses = lambda event: event.detail["sequence"] in (2, 4)
    assert handler(stream_batch(records), None) == failures(number(1), number(3))
    outside.bus.refuses = lambda _: False
    # Lambda sends all from the lowest one on again: nothing is missing then, and what comes twice has the same id.
    assert handler(stream_batch(records[1:]), None) == ALL_WELL
    assert set(outside.bus.ids) >= {f"purchase:{name}/EntryPosted" for name in "abc"} | {"refund:a:1/EntryPosted"}


def test_a_record_whose_events_were_taken_in_part_comes_again_whole(stage: Stage, outside: Outside, operator: Caller) -> None:
    assert operator.post(f"/v1/members/{ADA}/adjustments", GIVEN, key="k").status == 201
    [image] = entry_images(stage)
    image = {**image, "lapsed": {"L": [{"N": "3"}]}}
    outside.bus.refuses = lambda event: event.type == "VoucherLapsed"
    assert handler(stream_batch([record(image)]), None) == failures(number(0))
    assert [event.type for event in outside.bus.taken] == ["EntryPosted"]


def notice(zone: str | None) -> dict[str, Any]:
    """Attributes of a notice that was made in a zone."""
    words = {"what": "expiring", "currency": "points", "on": "2026-03-09"}
    numbers = {"points": "1", "days": "7"}
    subject = {name: {"S": word} for name, word in words.items()} | {name: {"N": count} for name, count in numbers.items()}
    return {"kind": {"S": "notice"}, "zone": {"S": zone} if zone else {"NULL": True}, "subject": {"M": subject}}


GONE: dict[str, Any] = {}
BREAKS: dict[str, dict[str, Any]] = {
    "a kind of a later release": {"kind": {"S": "tombola"}},
    "a key of a later release": {"pk": {"S": "TOMBOLA#1"}, "sk": {"S": "TOMBOLA"}},
    "a key beside one of a later release": {"pk": {"S": "TOMBOLA#1"}, "sk": {"S": "USE"}},
    "an account of a later release": {"postings": {"L": [{"L": [{"S": "issued"}, {"S": "limbo"}, {"S": "points"}]}]}},
    "no postings": {"postings": GONE},
    "a sequence that is no number": {"seq": {"S": "seven"}},
    "a sequence beyond all numbers": {"seq": {"N": "NaN"}},
    "a time that is none": {"recorded_at": {"S": "yesterday"}},
    "a type that DynamoDB has not": {"after": {"X": "1"}},
    "two types at once": {"after": {"L": [], "S": ""}},
    "a binary that is none": {"hash": {"B": "~~~"}},
    "a notice of no zone": notice(None),
    "a notice of a zone that is none": notice("Mars/Olympus"),
}


def broken(image: dict[str, Any], how: str) -> dict[str, Any]:
    """An entry's image that nobody can read."""
    return {name: value for name, value in {**deepcopy(image), **BREAKS[how]}.items() if value is not GONE}


@pytest.mark.parametrize("how", BREAKS)
def test_a_record_that_nobody_can_read_is_parked_whole_and_the_batch_goes_on(
    how: str, records: list[dict[str, Any]], stage: Stage, outside: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    poison = record(broken(entry_images(stage)[1], how), 2)
    assert handler(stream_batch([records[0], poison, *records[2:]]), None) == ALL_WELL
    [kept] = outside.parked.records
    assert kept["record"] == poison
    assert "customer" not in kept["reason"]
    assert len([event for event in outside.bus.taken if event.type == "EntryPosted"]) == 4
    assert metrics_in(capsys.readouterr().out) == {"RecordParked": 1}


@pytest.mark.parametrize("poison", [{}, {"eventName": "INSERT"}, {"eventName": "INSERT", "dynamodb": None}, {"dynamodb": []}])
def test_a_record_that_is_none_stops_nothing(poison: dict[str, Any], records: list[dict[str, Any]], outside: Outside) -> None:
    assert handler(stream_batch([records[0], poison, *records[1:]]), None) == ALL_WELL
    assert len(outside.parked.records) == 1
    assert len([event for event in outside.bus.taken if event.type == "EntryPosted"]) == 5


def test_what_cannot_be_parked_comes_again_and_is_not_lost(
    records: list[dict[str, Any]], stage: Stage, outside: Outside
) -> None:
    poison = record(broken(entry_images(stage)[1], "a kind of a later release"), 2)
    outside.parked.full = True
    assert handler(stream_batch([records[0], poison, *records[2:]]), None) == failures(number(1))


@pytest.mark.parametrize("name", ["MODIFY", "REMOVE"])
def test_an_entry_that_was_changed_or_removed_rings(
    name: str, records: list[dict[str, Any]], stage: Stage, outside: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    tampered = record(entry_images(stage)[0], 1, name)
    assert handler(stream_batch([tampered]), None) == ALL_WELL
    assert metrics_in(capsys.readouterr().out) == {"EntryModified": 1}
    assert outside.bus.taken == []


def test_items_that_are_no_entries_are_nobodys_business(stage: Stage, outside: Outside) -> None:
    others = [item for item in stage.items() if "kind" not in item or "seq" not in item]
    assert len(others) > 3
    batch = [record(item, n, name) for name in ("INSERT", "MODIFY", "REMOVE") for n, item in enumerate(others)]
    assert handler(stream_batch(batch), None) == ALL_WELL
    assert (outside.bus.taken, outside.parked.records) == ([], [])


def test_what_was_parked_is_told_once_it_comes_again(records: list[dict[str, Any]], outside: Outside) -> None:
    parked = [{"reason": "old code", "record": one} for one in records[:2]]
    assert handler(queue_batch(*parked), None) == ALL_WELL
    assert outside.bus.ids == ["purchase:a/EntryPosted", "purchase:b/EntryPosted"]


def test_only_the_messages_that_failed_come_again(records: list[dict[str, Any]], outside: Outside) -> None:
    outside.bus.refuses = lambda event: event.detail["sequence"] == 2
    parked = [{"reason": "old code", "record": one} for one in records[:3]]
    assert handler(queue_batch(*parked), None) == failures("message-2")


def test_what_still_cannot_be_read_is_parked_again_as_it_was(stage: Stage, records: Any, outside: Outside) -> None:
    poison = record(broken(entry_images(stage)[1], "a kind of a later release"), 2)
    handler(stream_batch([poison]), None)
    first = list(outside.parked.records)
    assert handler(queue_batch(first[0]), None) == ALL_WELL
    assert outside.parked.records == first * 2


@pytest.mark.parametrize("body", ["no json", "[]", "7", '{"record": 1}', '{"DDBStreamBatchInfo": {"shardId": "s"}}'])
def test_a_message_that_is_none_of_ours_is_parked_as_it_came(body: str, outside: Outside, stage: Stage) -> None:
    assert handler(queue_batch(body), None) == ALL_WELL
    [kept] = outside.parked.records
    assert kept["text"] == body
    outside.parked.full = True
    assert handler(queue_batch(body), None) == failures("message-1")


def given_up(first: int, last: int) -> dict[str, Any]:
    """What Lambda says of a batch that it gave up: it names the records and has none of them."""
    return {
        "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 6},
        "DDBStreamBatchInfo": {
            "shardId": "shardId-1",
            "startSequenceNumber": number(first),
            "endSequenceNumber": number(last),
            "batchSize": last - first + 1,
            "streamArn": "arn:aws:dynamodb:us-east-1:000000000000:table/laurel/stream/2026",
        },
    }


def test_a_batch_that_lambda_gave_up_is_read_from_the_stream_again(records: list[dict[str, Any]], outside: Outside) -> None:
    outside.stream.records = records
    assert handler(queue_batch(given_up(1, 2)), None) == ALL_WELL
    assert [event.detail["sequence"] for event in outside.bus.taken if event.type == "EntryPosted"] == [2, 3]


def test_a_batch_that_the_stream_no_longer_has_is_parked_with_the_reason(outside: Outside, stage: Stage) -> None:
    outside.stream.trimmed = True
    assert handler(queue_batch(given_up(1, 2)), None) == ALL_WELL
    [kept] = outside.parked.records
    assert json.loads(kept["text"]) == given_up(1, 2)
    assert "TrimmedDataAccessException" in kept["reason"]
