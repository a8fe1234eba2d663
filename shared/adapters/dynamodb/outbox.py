"""Messages on DynamoDB: one item each, whose state only moves forward."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.adapters.dynamodb.items import Item, instant_of
from shared.adapters.dynamodb.store import Outcome, Store
from shared.adapters.dynamodb.table import event_of_message, message_key
from shared.domain.calendar import instant_text
from shared.domain.errors import FaultError, TryAgainError
from shared.domain.message import Message, MessageState


def _token() -> str:
    return secrets.token_hex(8)


@dataclass(frozen=True)
class DynamoOutbox:
    """Messages over a `Store`. `token` names attempts, so that a lost answer is not taken for somebody else's message."""

    store: Store
    token: Callable[[], str] = _token

    def find(self, event: str) -> Message | None:
        """See ports.Outbox."""
        item = self.store.get(message_key(event))
        return None if item is None else message_of(item)

    def begin(self, message: Message) -> bool:
        """See ports.Outbox."""
        return self._put(message)

    def decline(self, message: Message) -> None:
        """See ports.Outbox."""
        self._put(message)

    def end(self, message: Message) -> None:
        """See ports.Outbox."""
        for _ in self.store.backoff.attempts():
            # Nobody but who began it comes here.
            change = self.store.update(message_item(message), expected={"state": MessageState.SENDING})
            outcome = self.store.transact([change]).outcome
            if outcome is Outcome.DONE or (outcome is Outcome.STALE and self.find(message.event) == message):
                return
            if outcome is Outcome.STALE:
                raise FaultError(code="a message that was not begun")

    def _put(self, message: Message) -> bool:
        """Keep the message where there is none for its event, or one that was put back; whether it was kept."""
        item = {**message_item(message), "attempt": self.token()}
        key = message_key(message.event)
        stored: Item | None = None
        for _ in self.store.backoff.attempts():
            if self.store.transact([self._write(item, stored)]).outcome is Outcome.DONE:
                return True
            stored = self.store.get(key)
            if stored is not None and stored["attempt"] == item["attempt"]:
                return True
            if stored is not None and stored["state"] != MessageState.PUT_BACK:
                return False
        raise TryAgainError

    def _write(self, item: Item, stored: Item | None) -> Any:
        if stored is None:
            # Nobody kept a message for this event.
            return self.store.put(item)
        # Nobody has taken it up since it was put back.
        return self.store.update(item, expected={"state": MessageState.PUT_BACK, "attempt": stored["attempt"]})


def message_item(message: Message) -> Item:
    """A message's item."""
    return {
        **message_key(message.event),
        "type": message.type,
        "for": message.member,
        "state": message.state,
        "at": instant_text(message.at),
        "template": message.template,
        "told": message.told,
    }


def message_of(item: Item) -> Message:
    """The message that an item holds."""
    return Message(
        event=event_of_message(item),
        type=item["type"],
        member=item["for"],
        state=MessageState(item["state"]),
        at=instant_of(item["at"]),
        template=item["template"],
        told=item["told"],
    )
