"""An event of the bus becomes one e-mail to the member: once, with consent, and not at night."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.messages.handler import handler
from shared.adapters.dynamodb.items import entry_item
from shared.domain.announcing import announced
from shared.domain.entry import EntryKind, gift_key, grant_key
from shared.domain.errors import FaultError, TryAgainError
from shared.domain.member import Consent
from shared.domain.message import Message, MessageState
from shared.domain.subject import Redemption
from shared.entrypoint import outlets, wiring
from shared.ports import MailAnswer
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, NOON, order
from tests.fakes.outlets import FakeMail, FakeSchedules
from tests.functional.api import OPERATOR, POS, Caller
from tests.functional.conftest import Stage, profile
from tests.functional.test_events import metrics_in
from tests.unit.test_announcing import entry, grant

WORDS = {
    "quiet_hours": {"start": "21:00", "end": "08:00"},
    "templates": {"WeMissYou": "miss", "BonusGranted": "bonus", "TierReached": "tier", "HappyBirthday": "birthday"},
}
LATE = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
"""Ten at night in the program's zone."""
MORNING = datetime(2026, 3, 3, 13, 0, tzinfo=UTC)
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:laurel-local-messages"


@dataclass(frozen=True)
class Shop:
    """A stage that mails, with what left it."""

    stage: Stage
    mail: FakeMail
    schedules: FakeSchedules
    clock: FakeClock

    def kept(self, event: dict[str, Any]) -> Message | None:
        """What became of an event's message."""
        return self.stage.wiring.outbox.find(event["detail"]["id"])

    def change(self, **changes: Any) -> None:
        """Ada's profile changes."""
        self.stage.wiring.members.update(ADA, lambda found: replace(found, **changes))

    def agree(self, *, granted: bool = True, purpose: str = "marketing") -> None:
        """Ada says yes or no."""
        self.stage.wiring.members.update(ADA, lambda found: found.with_consents({purpose: granted}, NOON))


@pytest.fixture
def open_shop(make_stage: Any, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Shop]:
    """Opens a shop whose program mails as `messages` say; Ada has agreed."""

    def open_shop(
        *, messages: Any = WORDS, sandbox: bool = False, sender: str | None = "club@example.com", **more: Any
    ) -> Shop:
        stage: Stage = make_stage(sandbox=sandbox)
        told = replace(stage.wiring, settings=stage.wiring.settings.model_copy(update={"sender": sender, "messages": FUNCTION}))
        stage.wiring = told
        monkeypatch.setattr(wiring, "wired", lambda: told)
        shop = Shop(stage, FakeMail(), FakeSchedules(), clock)
        monkeypatch.setattr(outlets, "mail", lambda: shop.mail)
        monkeypatch.setattr(outlets, "schedules", lambda: shop.schedules, raising=False)
        monkeypatch.setattr(outlets, "real_clock", lambda: clock)
        monkeypatch.setenv("LAUREL_TABLE", stage.store.table)
        monkeypatch.setenv("LAUREL_STAGE", "local")
        monkeypatch.setenv("LAUREL_MESSAGES", FUNCTION)
        stage.activate(grocer.version(messages=messages, **more))
        stage.wiring.members.enrol(profile(ADA, "ada"), b"x" * 32)
        shop.agree()
        return shop

    return open_shop


@pytest.fixture
def shop(open_shop: Callable[..., Shop]) -> Shop:
    """A shop that mails at once in the day time, and not at night."""
    return open_shop()


def on_the_bus(told: Any = None, type: str = "WeMissYou") -> dict[str, Any]:
    """An event as EventBridge calls; without an entry, the one of a silent member's bonus."""
    [event] = [event for event in announced(told or grant()) if event.type == type]
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "source": "laurel",
        "account": "000000000000",
        "time": "2026-03-02T17:00:01Z",
        "region": "us-east-1",
        "resources": [],
        "detail-type": type,
        "detail": json.loads(json.dumps(event.told())),
    }


def test_a_member_who_agreed_gets_one_e_mail_with_all_that_the_event_tells(shop: Shop) -> None:
    event = on_the_bus()
    assert handler(event, None) == {"state": "sent", "told": "mail-1"}
    [mail] = shop.mail.sent
    assert (mail.address, mail.template) == ("ada@example.com", "miss")
    assert mail.data == {
        **event["detail"]["data"],
        "event": "WeMissYou",
        "customer_id": "customer-ada",
        "locale": None,
        "code": None,
        "reward_name": None,
    }
    kept = shop.kept(event)
    assert kept == Message(
        event=event["detail"]["id"],
        type="WeMissYou",
        member=ADA,
        state=MessageState.SENT,
        at=NOON,
        template="miss",
        told="mail-1",
    )


def test_every_event_twice_is_one_e_mail(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    events = [on_the_bus(grant(campaign=name)) for name in ("a", "b", "c")]
    events = [{**event, "detail": {**event["detail"], "id": f"{n}"}} for n, event in enumerate(events)]
    for event in [*events, *reversed(events), *events]:
        handler(event, None)
    assert [mail.data["campaign"] for mail in shop.mail.sent] == ["a", "b", "c"]
    assert metrics_in(capsys.readouterr().out) == {"MessageSent": 3}


def test_a_crash_between_the_e_mail_and_its_record_sends_nothing_twice(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.mail.next = [RuntimeError("the container is gone")]
    with pytest.raises(RuntimeError):
        handler(on_the_bus(), None)
    for _ in range(3):
        assert handler(on_the_bus(), None)["state"] == "sending"
    assert len(shop.mail.sent) == 1
    # Somebody may want to look: it may have been sent, or not.
    assert metrics_in(capsys.readouterr().out) == {"MessageUnsure": 3}


def test_where_the_provider_gives_no_answer_nothing_is_sent_twice(shop: Shop) -> None:
    shop.mail.next = [TryAgainError()]
    with pytest.raises(TryAgainError):
        handler(on_the_bus(), None)
    assert handler(on_the_bus(), None)["state"] == "sending"
    assert len(shop.mail.sent) == 1


def test_what_the_provider_is_too_busy_for_is_sent_the_next_time(shop: Shop) -> None:
    shop.mail.next = [MailAnswer(MessageState.PUT_BACK, "TooManyRequestsException")] * 2
    event = on_the_bus()
    for _ in range(2):
        with pytest.raises(TryAgainError):
            handler(event, None)
        kept = shop.kept(event)
        assert kept is not None
        assert (kept.state, kept.told) == (MessageState.PUT_BACK, "TooManyRequestsException")
    assert handler(event, None)["state"] == "sent"
    assert handler(event, None)["state"] == "sent"
    assert len(shop.mail.sent) == 1


def test_what_the_provider_refuses_is_kept_and_not_tried_again(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.mail.next = [MailAnswer(MessageState.FAILED, "MessageRejected")]
    event = on_the_bus()
    assert handler(event, None) == {"state": "failed", "told": "MessageRejected"}
    assert handler(event, None) == {"state": "failed", "told": "MessageRejected"}
    assert shop.mail.sent == []
    assert metrics_in(capsys.readouterr().out) == {"MessageFailed": 1}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda shop: shop.agree(granted=False), "no_consent"),
        (lambda shop: shop.change(consents={}), "no_consent"),
        (lambda shop: shop.change(email=None), "no_address"),
    ],
)
def test_who_cannot_be_mailed_is_not_and_it_is_kept_why(shop: Shop, spoil: Callable[[Shop], None], reason: str) -> None:
    spoil(shop)
    event = on_the_bus()
    assert handler(event, None) == {"state": "declined", "told": reason}
    kept = shop.kept(event)
    assert kept is not None
    assert (kept.state, kept.told) == (MessageState.DECLINED, reason)
    # What was declined stays so: nobody is mailed of an old thing because they agree today.
    shop.agree()
    shop.change(email="ada@example.com")
    assert handler(event, None)["state"] == "declined"
    assert shop.mail.sent == []


def test_a_member_who_left_is_not_mailed(shop: Shop) -> None:
    assert Caller(OPERATOR).post(f"/v1/members/{ADA}/close", {}).status == 200
    assert handler(on_the_bus(), None)["told"] == "closed"


def test_an_event_without_a_template_is_declined(shop: Shop) -> None:
    event = on_the_bus(grant("anniversary"), "HappyAnniversary")
    assert handler(event, None) == {"state": "declined", "told": "no_template"}


def test_a_program_that_mails_nothing_keeps_nothing(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(messages=None)
    before = shop.stage.items()
    assert handler(on_the_bus(), None)["state"] is None
    assert shop.stage.items() == before


def test_a_stage_without_a_sender_mails_nothing(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(sender=None)
    assert handler(on_the_bus(), None)["state"] is None
    assert (shop.mail.sent, shop.kept(on_the_bus())) == ([], None)


# --- at night


def test_at_night_the_message_waits_for_the_morning(shop: Shop) -> None:
    shop.clock.instant = LATE
    for _ in range(2):
        assert handler(on_the_bus(), None)["state"] is None
    assert shop.mail.sent == []
    [(name, put)] = shop.schedules.there.items()
    assert (put.at, put.target) == (MORNING, FUNCTION)
    assert len(name) <= 64
    assert name.replace("-", "").isalnum()
    shop.clock.instant = MORNING
    assert handler(json.loads(json.dumps(put.payload)), None)["state"] == "sent"
    assert handler(json.loads(json.dumps(put.payload)), None)["state"] == "sent"
    assert len(shop.mail.sent) == 1


def test_consent_is_asked_again_in_the_morning(shop: Shop) -> None:
    shop.clock.instant = LATE
    handler(on_the_bus(), None)
    shop.agree(granted=False)
    shop.clock.instant = MORNING
    [put] = shop.schedules.there.values()
    assert handler(dict(put.payload), None)["told"] == "no_consent"
    assert shop.mail.sent == []


def test_whoever_moved_overnight_sleeps_on(shop: Shop) -> None:
    shop.clock.instant = LATE
    handler(on_the_bus(), None)
    shop.change(time_zone="Pacific/Honolulu")
    shop.clock.instant = MORNING
    [put] = shop.schedules.there.values()
    handler(dict(put.payload), None)
    later = max(shop.schedules.there.values(), key=lambda put: put.at)
    assert (later.at, len(shop.schedules.there)) == (datetime(2026, 3, 3, 18, 0, tzinfo=UTC), 2)
    shop.clock.instant = later.at
    assert handler(dict(later.payload), None)["state"] == "sent"
    assert len(shop.mail.sent) == 1


def test_a_sandboxs_night_is_by_its_own_clock_and_passes_in_real_time(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(sandbox=True)
    assert Caller(OPERATOR).put("/v1/test-clock", {"now": "2026-12-01T03:00:00Z"}).status == 200
    handler(on_the_bus(), None)
    [put] = shop.schedules.there.values()
    # Ten hours of the stage's night, from the real noon on.
    assert put.at == NOON + timedelta(hours=10)
    # The stage's clock stands still; the message does not wait for ever.
    shop.clock.instant = put.at
    assert handler(dict(put.payload), None)["state"] == "sent"


# --- what only the ledger knows


def written(shop: Shop, found: Any) -> None:
    """An entry stands in the table, past the ledger."""
    shop.stage.forged = True
    shop.stage.store.transact([shop.stage.store.put(entry_item(found))])


def test_the_code_of_a_gift_card_is_in_the_e_mail_and_in_no_event(shop: Shop) -> None:
    told = grant("birthday", "gift_card", gift_card="01HCARD", code="K7QM2XWD9HTC", amount=500, money="USD")
    written(shop, told)
    event = on_the_bus(told, "HappyBirthday")
    assert "K7QM2XWD9HTC" not in json.dumps(event)
    handler(event, None)
    [mail] = shop.mail.sent
    assert (mail.template, mail.data["code"], mail.data["amount"]) == ("birthday", "K7QM2XWD9HTC", 500)


def test_the_code_of_a_voucher_that_was_given_is_in_the_e_mail(shop: Shop) -> None:
    gift = Redemption(
        reward="mug",
        reward_version=1,
        name="A mug",
        benefit={"kind": "product", "sku": "mug"},
        currency="points",
        points=0,
        money="USD",
        code="7Q2MK7XWD9HT",
    )
    key = gift_key(grant_key("back", "2026", ADA))
    written(shop, entry(key, EntryKind.REDEMPTION, subject=gift))
    handler(on_the_bus(grant(bonus="reward", reward="mug", redemption=key)), None)
    [mail] = shop.mail.sent
    assert (mail.data["code"], mail.data["reward_name"]) == ("7Q2MK7XWD9HT", "A mug")


TIERS = {
    "metric": "points",
    "currency": "points",
    "period": {"kind": "anniversary"},
    "levels": [{"id": name, "name": name, "threshold": n * 10} for n, name in enumerate(("bronze", "silver", "gold"))],
}


def test_a_tier_that_was_reached_is_good_news(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(tiers=TIERS)
    till = Caller(POS)
    assert till.post("/v1/purchases", order("one", 1_500)).status == 201
    [told] = list(_entries(shop))
    event = on_the_bus(told, "TierReached")
    assert event["detail"]["data"]["tier"] == "silver"
    assert handler(event, None)["state"] == "sent"


def test_a_tier_that_was_fallen_to_is_not(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(tiers=TIERS)
    till = Caller(POS)
    till.post("/v1/purchases", order("one", 1_500))
    till.post("/v1/purchases", order("two", 1_500))
    assert till.post("/v1/purchases/two/refunds", {"refund_id": "1", "occurred_at": "2026-03-02T17:00:00Z"}).status == 201
    up, higher, down = (on_the_bus(told, "TierReached") for told in _entries(shop))
    assert down["detail"]["data"]["tier"] == "silver"
    assert [handler(event, None)["told"] for event in (up, higher, down)] == ["mail-1", "mail-2", "not_risen"]


def _entries(shop: Shop) -> Iterator[Any]:
    """All entries of Ada's, oldest first."""
    ledger = shop.stage.wiring.ledger
    return (ledger.entry(row.key) for row in sorted(ledger.view(ADA).history, key=lambda row: row.sequence))


# --- what is none of ours, and what is nobody's business


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"detail-type": "WeMissYou"},
        {"detail-type": "TickWanted", "detail": {}},
        {"detail-type": "WeMissYou", "detail": {"id": "x"}},
        {**on_the_bus(), "waited_until": "tomorrow"},
    ],
)
def test_what_cannot_be_read_raises_so_that_it_is_kept_for_an_operator(event: dict[str, Any], shop: Shop) -> None:
    with pytest.raises(FaultError):
        handler(event, None)
    assert shop.mail.sent == []


def test_no_log_holds_the_address(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    handler(on_the_bus(), None)
    shop.change(email="ada.lovelace@example.com")
    handler(on_the_bus(grant("birthday"), "HappyBirthday"), None)
    printed = capsys.readouterr()
    assert "@example.com" not in printed.out + printed.err


def test_what_is_kept_of_messages_holds_nothing_personal(shop: Shop) -> None:
    handler(on_the_bus(), None)
    [item] = [item for item in shop.stage.items() if item["pk"]["S"].startswith("MESSAGE#")]
    assert "example.com" not in json.dumps(item)
    assert "customer-ada" not in json.dumps(item)


def test_consents_that_were_given_in_another_name_do_not_count(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(messages={**WORDS, "consent": "club_news"})
    assert handler(on_the_bus(), None)["told"] == "no_consent"
    other = {**on_the_bus(), "detail": {**on_the_bus()["detail"], "id": "another"}}
    shop.change(consents={"club_news": Consent(granted=True, at=NOON)})
    assert handler(other, None)["state"] == "sent"
