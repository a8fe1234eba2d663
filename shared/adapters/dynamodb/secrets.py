"""The key that signs cursors: made once per stage, kept in the table, read once per container.

A managed secret would cost more in a month than an idle program does.
"""

import secrets
from dataclasses import dataclass

from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import CURSOR_SECRET
from shared.domain.errors import TryAgainError

SECRET_BYTES = 32


@dataclass
class CursorSecret:
    """The signing key of a stage, 32 random bytes."""

    store: Store
    _value: bytes = b""

    def value(self) -> bytes:
        """The key; the first caller of a stage makes it. Raises TryAgainError."""
        if self._value:
            return self._value
        for _ in self.store.backoff.attempts():
            item = self.store.get(CURSOR_SECRET)
            if item is not None:
                self._value = bytes(item["value"])
                return self._value
            # Another container may make it at the same time; then its key is the one.
            self.store.transact([self.store.put({**CURSOR_SECRET, "value": secrets.token_bytes(SECRET_BYTES)})])
        raise TryAgainError
