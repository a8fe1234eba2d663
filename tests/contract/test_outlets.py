"""The bus, the queue, mail and the stream on AWS's own client: limits kept, every answer read."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import ANY, Stubber
from moto import mock_aws

from shared.adapters.aws import client_of
from shared.adapters.bus import ATTEMPTS_MAX, BATCH_BYTES_MAX, BATCH_MAX, EventBridgeBus
from shared.adapters.dynamodb.items import entry_item, to_wire
from shared.adapters.dynamodb.stream import TableStream, change_in
from shared.adapters.dynamodb.table import create_table_arguments
from shared.adapters.mail import CONFIG, SesMail
from shared.adapters.parked import BYTES_MAX, ParkedQueue
from shared.domain.errors import FaultError, TryAgainError
from shared.domain.message import MessageState
from shared.domain.streamed import Posted, Tampered, Unrelated
from shared.ports import BusEvent, Email
from tests.unit.test_announcing import entry, grant

REGION = "us-east-1"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account with nothing in it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield


def event(number: int, size: int = 10) -> BusEvent:
    return BusEvent("EntryPosted", {"id": f"event-{number}", "text": "x" * size})


@dataclass
class StubbornBus:
    """A client of EventBridge that takes what `refuses` lets through, or raises."""

    refuses: Any = lambda _entry, _call: None
    calls: list[list[dict[str, str]]] = field(default_factory=list)

    def put_events(self, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - the SDK's own name
        """As EventBridge's."""
        self.calls.append(Entries)
        told = []
        for one in Entries:
            code = self.refuses(json.loads(one["Detail"]).get("id", ""), len(self.calls))
            if isinstance(code, Exception):
                raise code
            told.append({"ErrorCode": code, "ErrorMessage": "no"} if code else {"EventId": "e"})
        return {"FailedEntryCount": sum("ErrorCode" in one for one in told), "Entries": told}


def stubborn(refuses: Any, slept: list[float] | None = None) -> tuple[EventBridgeBus, StubbornBus]:
    client = StubbornBus(refuses)
    return EventBridgeBus(client, "laurel-local", sleep=(slept if slept is not None else []).append), client


def failing(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "ada@example.com"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Op"
    )


# --- the bus


def test_the_bus_takes_more_events_than_one_call_may_bring() -> None:
    boto3.client("events", REGION).create_event_bus(Name="laurel-local")
    # The engine refuses calls of more than ten, as EventBridge does.
    assert EventBridgeBus(client_of("events"), "laurel-local").publish([event(n) for n in range(23)]) == []


def test_an_event_goes_to_the_stages_own_bus_under_the_source_that_rules_ask_for() -> None:
    bus, client = stubborn(lambda _name, _call: None)
    bus.publish([BusEvent("TickWanted", {"at": "Zürich"})])
    assert client.calls == [
        [{"Source": "laurel", "DetailType": "TickWanted", "Detail": '{"at":"Zürich"}', "EventBusName": "laurel-local"}]
    ]


def test_events_go_in_order_ten_at_a_time() -> None:
    bus, client = stubborn(lambda _name, _call: None)
    assert bus.publish([event(n) for n in range(25)]) == []
    assert [len(call) for call in client.calls] == [10, 10, 5]
    assert [json.loads(one["Detail"]).get("id", "") for call in client.calls for one in call] == [
        f"event-{n}" for n in range(25)
    ]
    assert bus.publish([]) == []


def test_a_batch_never_grows_over_what_the_bus_takes_in_bytes() -> None:
    bus, client = stubborn(lambda _name, _call: None)
    # Letters of two bytes each.
    assert bus.publish([BusEvent("EntryPosted", {"id": str(n), "text": "ü" * 30_000}) for n in range(9)]) == []
    assert [len(call) for call in client.calls] == [4, 4, 1]
    assert all(sum(len(one["Detail"].encode()) for one in call) <= BATCH_BYTES_MAX for call in client.calls)


def test_exactly_those_are_told_that_the_bus_never_took() -> None:
    stuck = {"event-3", "event-12", "event-24"}
    slept: list[float] = []
    bus, client = stubborn(lambda name, _call: "InternalFailure" if name in stuck else None, slept)
    assert bus.publish([event(n) for n in range(25)]) == [3, 12, 24]
    # What was taken is not sent again.
    assert [len(call) for call in client.calls] == [10, 10, 5, 3, 3]
    assert len(slept) == ATTEMPTS_MAX - 1


def test_what_is_throttled_passes_the_next_time() -> None:
    bus, client = stubborn(lambda name, call: "ThrottlingException" if name == "event-1" and call == 1 else None)
    assert bus.publish([event(n) for n in range(3)]) == []
    assert len(client.calls) == 2


@pytest.mark.parametrize(
    "error",
    [
        failing("ThrottlingException"),
        failing("InternalException", 500),
        ReadTimeoutError(endpoint_url="x"),
        EndpointConnectionError(endpoint_url="x"),
    ],
)
def test_a_call_that_is_lost_fails_its_batch_and_no_other(error: Exception) -> None:
    bus, _ = stubborn(lambda name, _call: error if int(name.removeprefix("event-")) in range(BATCH_MAX) else None)
    assert bus.publish([event(n) for n in range(25)]) == list(range(BATCH_MAX))


def test_a_bus_that_refuses_us_is_a_fault() -> None:
    bus, _ = stubborn(lambda _name, _call: failing("AccessDeniedException"))
    with pytest.raises(FaultError) as fault:
        bus.publish([event(1)])
    assert fault.value.code == "AccessDeniedException"


# --- the queue of parked records


@pytest.fixture
def parked() -> ParkedQueue:
    """An empty queue."""
    return ParkedQueue(client_of("sqs"), boto3.client("sqs", REGION).create_queue(QueueName="parked")["QueueUrl"])


def bodies(parked: ParkedQueue) -> list[Any]:
    """What waits in the queue."""
    found = boto3.client("sqs", REGION).receive_message(QueueUrl=parked.url, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in found.get("Messages", [])]


def test_a_record_is_parked_whole(parked: ParkedQueue) -> None:
    record = {
        "reason": "an unknown kind: tombola",
        "record": {"eventName": "INSERT", "dynamodb": {"Keys": {"pk": {"S": "Zürich"}}}},
    }
    parked.park(record)
    assert bodies(parked) == [record]


def test_a_record_that_the_sdk_read_is_parked_as_lambda_would_hand_it_over(parked: ParkedQueue) -> None:
    parked.park({"reason": "r", "record": {"dynamodb": {"NewImage": {"hash": {"B": b"h" * 32}}}}})
    [found] = bodies(parked)
    assert base64.b64decode(found["record"]["dynamodb"]["NewImage"]["hash"]["B"]) == b"h" * 32


def test_a_record_too_large_for_the_queue_keeps_its_keys(parked: ParkedQueue) -> None:
    image = {"lines": {"S": "x" * BYTES_MAX}}
    keys = {"pk": {"S": "ORDER#1"}, "sk": {"S": "PURCHASE"}}
    parked.park({"reason": "r", "record": {"eventName": "INSERT", "dynamodb": {"Keys": keys, "NewImage": image}}})
    [found] = bodies(parked)
    assert found["record"]["dynamodb"] == {"Keys": keys, "NewImage": "left out: too large"}


def test_a_queue_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(FaultError):
        ParkedQueue(client_of("sqs"), f"https://sqs.{REGION}.amazonaws.com/123456789012/nobody").park({"reason": "r"})


# --- mail


EMAIL = Email("ada@example.com", "miss", {"points": 50, "locale": "de-AT", "code": None})


@pytest.fixture
def ses() -> Iterator[tuple[SesMail, Stubber]]:
    """Mail, and what SES will answer."""
    client = client_of("sesv2", CONFIG)
    with Stubber(client) as stubber:
        yield SesMail(client, "club@example.com"), stubber
        stubber.assert_no_pending_responses()


def test_an_e_mail_is_handed_over_with_its_template_and_data(ses: tuple[SesMail, Stubber]) -> None:
    mail, stubber = ses
    expected = {
        "FromEmailAddress": "club@example.com",
        "Destination": {"ToAddresses": ["ada@example.com"]},
        "Content": {"Template": {"TemplateName": "miss", "TemplateData": ANY}},
    }
    stubber.add_response("send_email", {"MessageId": "0100-id"}, expected)
    assert mail.send(EMAIL) == (MessageState.SENT, "0100-id")


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("MessageRejected", MessageState.FAILED),
        ("BadRequestException", MessageState.FAILED),
        ("TooManyRequestsException", MessageState.PUT_BACK),
        ("ThrottlingException", MessageState.PUT_BACK),
        ("LimitExceededException", MessageState.PUT_BACK),
        ("SendingPausedException", MessageState.PUT_BACK),
        ("AccountSuspendedException", MessageState.PUT_BACK),
        ("MailFromDomainNotVerifiedException", MessageState.PUT_BACK),
        ("NotFoundException", MessageState.PUT_BACK),
        ("AccessDeniedException", MessageState.PUT_BACK),
    ],
)
def test_what_is_refused_is_told_apart_from_what_may_be_sent_later(
    code: str, state: MessageState, ses: tuple[SesMail, Stubber]
) -> None:
    mail, stubber = ses
    stubber.add_client_error("send_email", code, "Email address is not verified: ada@example.com", 400)
    assert mail.send(EMAIL) == (state, code)


def test_a_fault_of_the_provider_tells_nothing_of_whether_it_was_sent(ses: tuple[SesMail, Stubber]) -> None:
    mail, stubber = ses
    stubber.add_client_error("send_email", "InternalFailure", "ada@example.com", 500)
    with pytest.raises(TryAgainError) as unsure:
        mail.send(EMAIL)
    # No traceback may print the address.
    assert unsure.value.__suppress_context__


class Unplugged:
    """A client whose line breaks."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def send_email(self, **_: Any) -> None:
        """As SES's."""
        raise self.error


def test_an_e_mail_that_never_left_may_be_sent_later() -> None:
    for error in (EndpointConnectionError(endpoint_url="x"), ConnectTimeoutError(endpoint_url="x")):
        assert SesMail(Unplugged(error), "club@example.com").send(EMAIL).state is MessageState.PUT_BACK


def test_an_e_mail_whose_answer_was_lost_may_be_out() -> None:
    with pytest.raises(TryAgainError):
        SesMail(Unplugged(ReadTimeoutError(endpoint_url="x")), "club@example.com").send(EMAIL)


def test_the_sdk_never_sends_an_e_mail_again_by_itself() -> None:
    assert client_of("sesv2", CONFIG).meta.config.retries["total_max_attempts"] == 1


# --- the stream


@pytest.fixture
def written() -> tuple[str, str, list[dict[str, Any]]]:
    """A table's stream of five entries, of which the last was changed, and a wallet: its ARN, its shard, its records."""
    client, streams = boto3.client("dynamodb", REGION), boto3.client("dynamodbstreams", REGION)
    table = client.create_table(
        **create_table_arguments("laurel"), StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    )
    for number in range(1, 6):
        item = entry_item(entry(f"sweep:ada:{number}", sequence=number)) if number < 5 else entry_item(grant())
        client.put_item(TableName="laurel", Item=to_wire(item))
    client.put_item(TableName="laurel", Item=to_wire({**item, "zone": "Mars"}))
    client.put_item(TableName="laurel", Item={"pk": {"S": "MEMBER#1"}, "sk": {"S": "WALLET"}, "seq": {"N": "1"}})
    arn = table["TableDescription"]["LatestStreamArn"]
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    start = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    return arn, shard["ShardId"], streams.get_records(ShardIterator=start["ShardIterator"])["Records"]


def test_records_of_an_engines_own_stream_say_what_was_posted(written: tuple[str, str, list[dict[str, Any]]]) -> None:
    *posted, gave, changed, wallet = map(change_in, written[2])
    assert [one.entry for one in posted if isinstance(one, Posted)] == [
        entry(f"sweep:ada:{number}", sequence=number) for number in range(1, 5)
    ]
    assert gave == Posted(grant())
    assert changed == Tampered("GRANT#back#2026-01-01#01HADA00000000000000000000 GRANT")
    assert wallet == Unrelated()


def test_a_batch_is_read_once_more_from_its_first_record_to_its_last(
    written: tuple[str, str, list[dict[str, Any]]],
) -> None:
    arn, shard, records = written
    first, last = (records[n]["dynamodb"]["SequenceNumber"] for n in (1, 3))
    assert TableStream(client_of("dynamodbstreams")).between(arn, shard, first, last) == records[1:4]


class Trimmed:
    """A client of a stream that forgot."""

    def get_shard_iterator(self, **_: Any) -> None:
        """As the stream's."""
        raise failing("TrimmedDataAccessException")


def test_records_that_the_stream_forgot_are_a_fault() -> None:
    with pytest.raises(FaultError):
        TableStream(Trimmed()).between("arn", "shard", "1", "2")
