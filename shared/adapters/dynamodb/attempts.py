"""Codes on DynamoDB and the misses of each caller: the counter is read in the same batch as the code.

A miss is counted before it is told, against the count as it was read, so of any number of simultaneous guesses at most
MISSES_MAX in a window hear that a code does not exist; the others are told to wait. A hit costs no write, hence guesses that
were already on their way when the last miss was counted may still find a code. A miss whose counting lost its answer may
count twice. The time is real time also on sandbox stages, as it is for tokens: a clock that stands still would lock a caller
out for ever.

Where several guess together, as a customer does at a till, a miss counts for each of them in one transaction, and none of them
may have used up theirs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.adapters.dynamodb.items import Item, instant_of
from shared.adapters.dynamodb.store import Outcome, Store
from shared.adapters.dynamodb.table import Key, attempts_key, code_key
from shared.domain.calendar import instant_text
from shared.domain.code import CodeKind, CodeOwner
from shared.domain.entry import MemberId
from shared.domain.errors import (
    GiftCardUnknownError,
    ReferralCodeUnknownError,
    TooManyAttemptsError,
    TryAgainError,
    UnknownError,
    VoucherUnknownError,
)
from shared.ports import Clock, Guesser

MISSES_MAX = 20
"""Misses that a caller may have in one window."""
ATTEMPT_WINDOW = timedelta(minutes=15)
"""A window begins with the first miss after the last one ended."""

UNKNOWN: dict[CodeKind, type[UnknownError]] = {
    CodeKind.REDEMPTION: VoucherUnknownError,
    CodeKind.GIFT_CARD: GiftCardUnknownError,
    CodeKind.REFERRAL: ReferralCodeUnknownError,
    CodeKind.CAMPAIGN: ReferralCodeUnknownError,
}


@dataclass(frozen=True)
class DynamoAttempts:
    """Codes and misses over a `Store`; `clock` tells real time."""

    store: Store
    clock: Clock

    def find(self, code: str, kind: CodeKind, caller: str) -> CodeOwner:
        """See ports.Attempts."""
        return self.find_any(code, (kind,), (Guesser(caller, MISSES_MAX),))

    def find_any(self, code: str, kinds: Sequence[CodeKind], guessers: Sequence[Guesser]) -> CodeOwner:
        """As `find`, a code of any of `kinds` (at least one) for several guessers together, each with a digest of their own.

        1 round trip on a hit, 2 on a miss. Raises the first kind's UnknownError, TooManyAttemptsError, TryAgainError.
        """
        found, *misses = self.store.get_all([code_key(code), *map(_key, guessers)])
        self.check(guessers, misses)
        if found is None or found["for"] not in kinds:
            self.count_miss(guessers, misses)
            raise UNKNOWN[kinds[0]]
        return owner_of(found)

    def check(self, guessers: Sequence[Guesser], misses: Sequence[Item | None]) -> None:
        """Refuse where any guesser is blocked, by the items under `attempts_key` as they were just read.

        Raises TooManyAttemptsError, which names the longest wait.
        """
        now = self.clock.now()
        ends = [blocked_until(item, now, guesser.misses_max) for guesser, item in zip(guessers, misses, strict=True)]
        until = max((end for end in ends if end is not None), default=None)
        if until is not None:
            raise TooManyAttemptsError(retry_after=math.ceil((until - now).total_seconds()))

    def count_miss(self, guessers: Sequence[Guesser], misses: Sequence[Item | None]) -> None:
        """Count one miss of each on top of the items as they were read; one round trip unless others miss at the same moment.

        Raises TooManyAttemptsError where the misses of a window were used up meanwhile, TryAgainError.
        """
        if not guessers:
            return
        for attempt in self.store.backoff.attempts():
            if attempt:
                misses = self.store.get_all(list(map(_key, guessers)))
                self.check(guessers, misses)
            writes = [self._one_more(guesser, item) for guesser, item in zip(guessers, misses, strict=True)]
            if self.store.transact(writes).outcome is Outcome.DONE:
                return
        raise TryAgainError

    def _one_more(self, guesser: Guesser, misses: Item | None) -> Any:
        now = self.clock.now()
        first: Item = {**_key(guesser), "window_started_at": instant_text(now), "misses": 1}
        if misses is None:
            return self.store.put(first)
        same_window = now < _window_end(misses)
        more = {**misses, "misses": misses["misses"] + 1} if same_window else first
        # Nobody counted another miss of this guesser since.
        return self.store.update(more, expected={"window_started_at": misses["window_started_at"], "misses": misses["misses"]})


def _key(guesser: Guesser) -> Key:
    return attempts_key(guesser.digest)


def blocked_until(misses: Item | None, now: datetime, misses_max: int = MISSES_MAX) -> datetime | None:
    """When the caller of this item may look up codes again; None where they may now. At most ATTEMPT_WINDOW ahead."""
    if misses is None or misses["misses"] < misses_max:
        return None
    # Another server's clock may be ahead of ours.
    end = min(_window_end(misses), now + ATTEMPT_WINDOW)
    return end if now < end else None


def _window_end(misses: Item) -> datetime:
    return instant_of(misses["window_started_at"]) + ATTEMPT_WINDOW


def code_item(code: str, owner: CodeOwner) -> Item:
    """A code as an item: put where none stands, so that no code is given twice."""
    item: Item = {**code_key(code), "for": owner.kind, "id": owner.id}
    return item if owner.member is None else {**item, "member": owner.member}


def owner_of(item: Item) -> CodeOwner:
    """The inverse of `code_item`."""
    member = item.get("member")
    return CodeOwner(CodeKind(item["for"]), item["id"], None if member is None else MemberId(member))
