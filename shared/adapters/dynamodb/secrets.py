"""Keys of a stage: each is made once, kept in the table, and read once per container.

A managed secret would cost more in a month than an idle program does.
"""

import secrets
from dataclasses import dataclass, field

from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import Key
from shared.domain.errors import TryAgainError

SECRET_BYTES = 32


@dataclass
class Secret:
    """A key of a stage, 32 random bytes, at `place` in the table."""

    store: Store
    place: Key
    _value: bytes = field(default=b"", repr=False)

    def exists(self) -> bool:
        """Whether anybody made it yet; nothing is written. Raises TryAgainError."""
        if not self._value:
            item = self.store.get(self.place)
            self._value = bytes(item["value"]) if item else b""
        return bool(self._value)

    def value(self) -> bytes:
        """The key; the first caller of a stage makes it. Raises TryAgainError."""
        if self._value:
            return self._value
        for _ in self.store.backoff.attempts():
            if self.exists():
                return self._value
            # Another container may make it at the same time; then its key is the one.
            self.store.transact([self.store.put({**self.place, "value": secrets.token_bytes(SECRET_BYTES)})])
        raise TryAgainError
