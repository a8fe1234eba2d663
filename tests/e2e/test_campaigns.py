"""Campaigns on the deployed stage: real ticks and schedules, a real state machine, the stream, the bus, and the mail.

Moves the test clock by months, so it runs after all else (conftest.py).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import pytest

from infra.local_cloud.event_log import EventLog
from infra.local_cloud.machinery import BUS, MAIL, TICK, TICK_WANTED, Machinery
from infra.local_cloud.mailroom import Mailroom
from infra.local_cloud.occasions import DORA, EMIL, SILENT_DAYS, Awaited, Guests, Party
from infra.local_cloud.retail import STORE_ZONE
from infra.local_cloud.state import ACCOUNT, REGION, REPOSITORY
from shared.adapters.dynamodb.table import message_key
from tests.e2e.laurel import Laurel
from tests.e2e.test_program import GROCER

pytestmark = pytest.mark.e2e

T = TypeVar("T")

CROWD = 240
"""Members of the campaign that is paused: a run over them takes seconds."""
ON_THEIR_WAY_MAX = 8
"""Bonuses that may land after a pause was answered: one of each worker that had read before it."""
GIVEN, EXPIRES_AFTER = 10, 30
POISON = {
    "pk": {"S": "GRANT#of-a-later-release"},
    "sk": {"S": "GRANT"},
    "member": {"S": "nobody"},
    "seq": {"N": "1"},
    "kind": {"S": "from_the_future"},
}


def until(found: Callable[[], T], what: str, seconds: float = 90) -> T:
    """What is found, asked for again and again until there is something."""
    deadline = time.monotonic() + seconds
    while not (there := found()):
        assert time.monotonic() < deadline, f"no {what} within {seconds:.0f} s"
        time.sleep(0.3)
    return there


def campaign(id: str, trigger: dict[str, Any], currency: str = "points", **audience: Any) -> dict[str, Any]:
    """A campaign for the members whose segment has its name."""
    return {
        "id": id,
        "name": id.title(),
        "owner": "crm",
        "reason": "a test",
        "trigger": trigger,
        "audience": audience or {"segments": [id]},
        "bonus": {"kind": "points", "currency": currency, "points": GIVEN},
    }


@dataclass
class Shop:
    """The stage with its campaigns; day 0 is `begins`, a noon of the shop's zone."""

    laurel: Laurel
    begins: datetime
    machinery: Machinery
    mailroom: Mailroom
    log: EventLog

    def program(self) -> dict[str, Any]:
        """The program, whose dates are days of this stage's time."""

        def on(day: int, hour: int) -> dict[str, Any]:
            return {"kind": "date", "at": f"{self.at(day, hour):%Y-%m-%dT%H:%M}"}

        return {
            "name": "Campaigns",
            "time_zone": STORE_ZONE.key,
            "money_currency": "USD",
            "currencies": [{"code": "points", "expiry": {"after": EXPIRES_AFTER, "rounded_to": "day"}}, {"code": "stars"}],
            "earning_rules": [
                {"id": "base", "kind": "purchase", "currency": "points", "per_amount": {"points": 1, "minor_units": 100}}
            ],
            "tiers": {
                "metric": "spend",
                "period": {"kind": "rolling", "days": 365},
                "levels": [
                    {"id": "silver", "name": "Silver", "threshold": 0},
                    {"id": "gold", "name": "Gold", "threshold": 50_000},
                ],
            },
            "campaigns": [
                campaign("quiet", {"kind": "silence", "days": 10}),
                campaign("party", on(12, 9)),
                campaign("listed", on(14, 9), member_list="lists/november.json"),
                campaign("news", on(47, 9)),
                campaign("late", on(48, 23)),
                # In a currency of its own, which never expires: or a crowd would be told of it.
                campaign("crowd", on(50, 9), currency="stars"),
            ],
            "messages": {
                "consent": "marketing",
                "quiet_hours": {"start": "21:00", "end": "08:00"},
                "templates": {"BonusGranted": "birthday"},
            },
        }

    def at(self, day: int, hour: int = 12) -> datetime:
        """An hour of a day."""
        return (self.begins + timedelta(days=day)).replace(hour=hour)

    def comes(self, day: int, hour: int = 12) -> None:
        """The stage's clock moves there."""
        self.laurel.move_clock(self.at(day, hour))

    def act(self, campaign: str, act: str) -> dict[str, Any]:
        """What an operator does with a campaign."""
        return self.laurel.operator.expect("POST", f"/v1/campaigns/{campaign}/{act}", {"reason": f"to {act} it"})

    def report(self, campaign: str) -> dict[str, Any]:
        """What a campaign gave."""
        return self.laurel.operator.expect("GET", f"/v1/campaigns/{campaign}/report")

    def member(self, *segments: str, **fields: Any) -> str:
        """A new member of these segments."""
        return self.laurel.enrol(attributes=dict.fromkeys(segments, True), **fields)

    def grants(self, member: str) -> list[str]:
        """The campaigns that gave a member something, the newest first."""
        history = self.laurel.pos.expect("GET", f"/v1/members/{member}/entries?limit=50")["entries"]
        return [entry["entry_id"].split(":")[1] for entry in history if entry["kind"] == "grant"]

    def told(self, member: str, kind: str) -> list[dict[str, Any]]:
        """Events of a type about a member, each once."""
        return [one for one in self.log.read() if (one["detail-type"], one["detail"]["member_id"]) == (kind, member)]

    def execution(self, campaign: str) -> dict[str, Any]:
        """The execution of the state machine that ran a dated campaign, once it has ended."""
        states = self.laurel.cloud.client("stepfunctions")
        machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:laurel-local-campaigns"
        prefix = f"campaign.{campaign}."

        def ended() -> list[dict[str, Any]]:
            there: list[dict[str, Any]] = states.list_executions(stateMachineArn=machine)["executions"]
            return [one for one in there if one["name"].startswith(prefix) and one["status"] != "RUNNING"]

        return until(ended, f"execution of {campaign}")[0]

    @contextmanager
    def without(self, *rules: str) -> Iterator[None]:
        """These rules call nobody meanwhile."""
        self.machinery.stop(*rules)
        try:
            yield
        finally:
            self.machinery.go_on(*rules)

    def mails(self, address: str) -> list[str]:
        """Ids of the mails to an address."""
        return [mail.message_id for mail in self.mailroom.sent() if mail.to == address]

    def tell(self, event: dict[str, Any]) -> dict[str, Any]:
        """Call the function that mails, as the bus or a schedule does; its answer."""
        answer = self.laurel.cloud.client("lambda").invoke(
            FunctionName="laurel-local-messages", Payload=json.dumps(event).encode()
        )
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        return found

    def message(self, event_id: str) -> dict[str, Any]:
        """What is kept of the mail of an event."""
        table, key = self.laurel.outputs["TableName"], message_key(event_id)
        dynamodb = self.laurel.cloud.client("dynamodb")
        item = until(
            lambda: dynamodb.get_item(TableName=table, Key={name: {"S": text} for name, text in key.items()}).get("Item"),
            f"message of {event_id}",
        )
        return {name: next(iter(value.values())) for name, value in item.items()}


def noon_of(day: datetime) -> datetime:
    """Noon of a day of the shop's zone."""
    return day.astimezone(STORE_ZONE).replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module", autouse=True)
def since() -> int:
    """When these tests began, in real milliseconds: others before them take rights away."""
    return int(time.time() * 1000)


@pytest.fixture(scope="module")
def shop(laurel: Laurel) -> Iterator[Shop]:
    """The stage with a program of campaigns; afterwards the grocer's program is in force again."""
    begins = noon_of(laurel.now() + timedelta(days=1))
    laurel.move_clock(begins)
    log = EventLog(laurel.cloud, laurel.outputs["BusName"], "e2e-events")
    log.listen("BonusGranted", "TierReached", "PointsExpired")
    shop = Shop(laurel, begins, Machinery(laurel.cloud), Mailroom(laurel.cloud), log)
    shop.mailroom.set_up()
    laurel.put_in_force(shop.program())
    yield shop
    log.close()
    laurel.put_in_force(GROCER)


def test_what_make_up_shows_comes_by_the_deployed_schedule_when_the_clock_is_moved(laurel: Laurel) -> None:
    morning = noon_of(laurel.now() + timedelta(days=SILENT_DAYS + 1)).replace(hour=8)
    visitors = Guests(laurel.pos, morning, prefix="e2e")
    for evening, step in visitors.steps:
        laurel.move_clock(evening)
        step()
    guests = visitors.named()
    log = EventLog(laurel.cloud, laurel.outputs["BusName"], "e2e-demo")
    party = Party(laurel.operator, log, Mailroom(laurel.cloud), laurel.move_clock)
    party.begin()
    ids = {name: member for member, name in guests.items()}
    awaited = [Awaited("HappyBirthday", ids[DORA], DORA), Awaited("WeMissYou", ids[EMIL], EMIL)]
    occasions = party.celebrate(awaited, guests, morning)
    assert [(one.who, one.what, one.points, one.mailed) for one in occasions.shown] == [
        (DORA, "HappyBirthday", 100, True),
        (EMIL, "WeMissYou", 50, True),
    ]
    birthday, silence = occasions.shown
    midnight = morning.replace(hour=0)
    assert datetime.fromisoformat(silence.due) == midnight
    assert midnight < datetime.fromisoformat(birthday.due) <= morning
    assert birthday.entry_id == f"grant:birthday:{morning.year}:{ids[DORA]}"
    # It can be interrupted, and asked for again.
    party.begin()
    assert party.celebrate(awaited, guests, morning).shown == occasions.shown
    log.close()


def test_the_tick_of_each_minute_finds_who_stayed_away(shop: Shop) -> None:
    member, other = shop.member("quiet"), shop.member()
    with shop.without(TICK_WANTED):
        shop.act("quiet", "start")
        shop.comes(9)
        assert shop.grants(member) == []
        shop.comes(10)
        until(lambda: shop.grants(member), "bonus by the tick")
    assert (shop.grants(member), shop.grants(other)) == (["quiet"], [])


def test_a_schedule_of_one_moment_starts_the_machine_over_all_shards(shop: Shop) -> None:
    members, other = [shop.member("party") for _ in range(5)], shop.member()
    schedules = shop.laurel.cloud.client("scheduler")

    def names() -> list[str]:
        return [one["Name"] for one in schedules.list_schedules(GroupName=BUS)["Schedules"]]

    with shop.without(TICK, TICK_WANTED):
        assert shop.act("party", "start")["state"] == "scheduled"
        assert "local-campaign-party" in names()
        shop.comes(12)
        # A minute ahead is the soonest that a schedule may be for.
        until(lambda: all(map(shop.grants, members)), "bonus by the schedule", 180)
        assert shop.execution("party")["status"] == "SUCCEEDED"
        until(lambda: "local-campaign-party" not in names(), "end of the schedule")
    assert [shop.grants(member) for member in [*members, other]] == [["party"]] * 5 + [[]]
    report = until(lambda: (found := shop.report("party"))["state"] == "ended" and found, "end of the campaign")
    [run] = report["runs"]
    assert (run["parts_done"], run["parts"], run["attempt"]) == (32, 32, 1)
    assert (report["granted"], report["points"][0]["given"]) == (5, 5 * GIVEN)
    for member in members:
        [event] = until(partial(shop.told, member, "BonusGranted"), "BonusGranted")
        assert event["detail"]["entry_id"] == f"grant:party:{run['period']}:{member}"
        assert event["detail"]["sequence"] == 1


def test_a_list_in_the_bucket_says_who_is_given_something(shop: Shop) -> None:
    listed, others = [shop.member() for _ in range(4)], [shop.member("listed") for _ in range(2)]
    bucket = shop.laurel.outputs["ListsBucket"]
    # A name that is nobody's stops nobody else.
    body = json.dumps([*listed, "01HZZZZZZZZZZZZZZZZZZZZZZZ"]).encode()
    shop.laurel.cloud.client("s3").put_object(Bucket=bucket, Key="lists/november.json", Body=body)
    shop.act("listed", "start")
    shop.comes(14)
    assert shop.execution("listed")["status"] == "SUCCEEDED"
    assert [shop.grants(member) for member in [*listed, *others]] == [["listed"]] * 4 + [[]] * 2
    report = until(lambda: (found := shop.report("listed"))["state"] == "ended" and found, "end of the campaign")
    assert report["granted"] == 4


def test_what_the_ledger_records_is_told_on_the_bus_and_what_cannot_be_read_keeps_nothing_back(shop: Shop) -> None:
    table, dynamodb = shop.laurel.outputs["TableName"], shop.laurel.cloud.client("dynamodb")
    member = shop.member()
    dynamodb.put_item(TableName=table, Item=POISON)
    order = shop.laurel.pos.expect("POST", "/v1/purchases", shop.laurel.order(member, amount=60_000))
    [risen] = until(lambda: shop.told(member, "TierReached"), "TierReached")
    assert (risen["detail"]["data"]["tier"], risen["detail"]["sequence"]) == ("gold", order["sequence"])
    parked = until(lambda: _received(shop, "parked"), "parked record")
    assert [json.loads(body)["record"]["dynamodb"]["NewImage"]["kind"] for body in parked] == [POISON["kind"]]
    # What an operator sends again that still cannot be read is parked again.
    queues = shop.laurel.cloud.client("sqs")
    queues.send_message(QueueUrl=queues.get_queue_url(QueueName="laurel-local-retry")["QueueUrl"], MessageBody=parked[0])
    again = until(lambda: _received(shop, "parked"), "record that is parked again")
    assert [json.loads(body)["reason"] for body in again] == [json.loads(parked[0])["reason"]]
    dynamodb.delete_item(TableName=table, Key={name: POISON[name] for name in ("pk", "sk")})

    shop.comes(14 + EXPIRES_AFTER + 1)
    [expired] = until(lambda: shop.told(member, "PointsExpired"), "PointsExpired")
    assert expired["detail"]["data"]["currencies"] == [{"currency": "points", "points": 600}]
    assert expired["detail"]["entry_id"] == f"sweep:{member}:{expired['detail']['sequence']}"


def test_a_mail_is_sent_once_and_not_to_who_never_agreed(shop: Shop) -> None:
    address, stranger = "reader@example.com", "stranger@example.com"
    reader = shop.member("news", email=address, consents={"marketing": True})
    other = shop.member("news", email=stranger)
    shop.act("news", "start")
    shop.comes(47)
    [event] = until(lambda: shop.told(reader, "BonusGranted"), "BonusGranted")
    [sent] = until(lambda: shop.mails(address), "mail")
    kept = shop.message(event["detail"]["id"])
    assert (kept["state"], kept["told"], kept["template"]) == ("sent", sent, "birthday")
    assert shop.tell(event)["state"] == "sent"
    assert shop.mails(address) == [sent]
    [unwanted] = until(lambda: shop.told(other, "BonusGranted"), "BonusGranted")
    declined = shop.message(unwanted["detail"]["id"])
    assert (declined["state"], declined["told"]) == ("declined", "no_consent")
    assert shop.mails(stranger) == []


def test_a_mail_of_the_night_waits_for_a_schedule_of_the_morning(shop: Shop) -> None:
    address = "sleeper@example.com"
    sleeper = shop.member("late", email=address, consents={"marketing": True})
    schedules = shop.laurel.cloud.client("scheduler")

    def waiting() -> list[str]:
        there = schedules.list_schedules(GroupName=BUS)["Schedules"]
        return [one["Name"] for one in there if one["Name"].startswith("message-")]

    shop.act("late", "start")
    shop.comes(48, 23)
    until(lambda: shop.told(sleeper, "BonusGranted"), "BonusGranted")
    [name] = until(waiting, "schedule")
    schedule = schedules.get_schedule(Name=name, GroupName=BUS)
    at = datetime.strptime(schedule["ScheduleExpression"], "at(%Y-%m-%dT%H:%M:%S)").replace(tzinfo=UTC)
    # Nine hours of real time to eight in the morning.
    assert timedelta(hours=8, minutes=50) < at - datetime.now(UTC) < timedelta(hours=9, minutes=1)
    assert shop.mails(address) == []
    shop.comes(49, 9)
    call = json.loads(schedule["Target"]["Input"])
    assert [shop.tell(call)["state"] for _ in range(2)] == ["sent", "sent"]
    assert len(shop.mails(address)) == 1


def test_a_pause_stops_a_run_at_once_and_a_cancelled_campaign_has_a_true_report(shop: Shop) -> None:
    with ThreadPoolExecutor(4) as tills:
        list(tills.map(lambda _: shop.member("crowd"), range(CROWD)))
    # The local cloud would start a process for each of them who is mailed at once.
    shop.machinery.stop(MAIL)

    def granted(at_least: int) -> int:
        def counted() -> int:
            count: int = shop.report("crowd")["granted"]
            return count if count >= at_least else 0

        return until(counted, f"{at_least} bonuses")

    shop.act("crowd", "start")
    shop.comes(50)
    granted(5)
    assert shop.act("crowd", "pause")["state"] == "paused"
    answered = granted(5)
    time.sleep(5)
    paused = granted(5)
    assert paused - answered <= ON_THEIR_WAY_MAX
    assert paused < CROWD, "the run was over before it could be paused: let the crowd be larger"
    assert shop.act("crowd", "resume")["state"] == "running"
    granted(paused + 5)
    assert shop.act("crowd", "cancel")["state"] == "ended"
    answered = granted(paused + 5)
    time.sleep(5)
    report = shop.report("crowd")
    assert report["state"] == "ended"
    assert paused + 5 <= report["granted"] <= min(answered + ON_THEIR_WAY_MAX, CROWD)
    assert report["granted"] == _entries(shop, "GRANT#crowd#")
    assert report["points"][0]["given"] == report["granted"] * GIVEN


@pytest.mark.usefixtures("shop")
def test_no_function_was_refused_what_it_does_and_none_failed_at_a_member(laurel: Laurel, since: int) -> None:
    logs = laurel.cloud.client("logs")
    said: list[str] = []
    for group in logs.describe_log_groups()["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"], startTime=since):
            said += [one["message"][:500] for one in page["events"]]
    assert any('"message":"ticked"' in line for line in said), "the logs are not where they are looked for"
    assert [line for line in said if "AccessDenied" in line or "member_failed" in line] == []


@pytest.mark.usefixtures("shop")
def test_the_books_are_proven_after_all_of_it(laurel: Laurel) -> None:
    command = [sys.executable, "-m", "shared.audit", "--table", laurel.outputs["TableName"]]
    proof = subprocess.run(command, cwd=REPOSITORY, env=laurel.cloud.environment(), capture_output=True, text=True, check=False)
    assert proof.returncode == 0, proof.stdout + proof.stderr


def _received(shop: Shop, queue: str) -> list[str]:
    """Bodies of the messages of one of the stage's queues, which are taken out of it."""
    queues = shop.laurel.cloud.client("sqs")
    url = queues.get_queue_url(QueueName=f"laurel-local-{queue}")["QueueUrl"]
    messages = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in messages]


def _entries(shop: Shop, prefix: str) -> int:
    """How many entries of a kind there are."""
    pages = shop.laurel.cloud.client("dynamodb").get_paginator("scan")
    options = {
        "TableName": shop.laurel.outputs["TableName"],
        "FilterExpression": "begins_with(pk, :prefix) AND attribute_exists(seq)",
        "ExpressionAttributeValues": {":prefix": {"S": prefix}},
        "Select": "COUNT",
    }
    return sum(page["Count"] for page in pages.paginate(**options))
