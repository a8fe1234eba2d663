"""Fingerprints on DynamoDB: under a keyed digest, so that the table tells nobody's mailbox or phone.

They outlive their members: who closed an account and comes back as a friend is known. A digest tells nothing without the
stage's key, and nothing but ids of members stands under it.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.adapters.dynamodb.secrets import Secret
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import fingerprint_key
from shared.domain.decision import FingerprintsSeen
from shared.domain.fingerprint import SEEN_MAX, Fingerprint

DIGEST_SYMBOLS = 32
"""128 bits, in hexadecimal digits."""


@dataclass(frozen=True)
class Digests:
    """Keyed digests of fingerprints; `secret` is the stage's key for them."""

    secret: Secret

    def of(self, fingerprint: Fingerprint) -> str:
        """The digest of a fingerprint. Raises TryAgainError."""
        told = f"{fingerprint.kind} {fingerprint.value}".encode()
        return hmac.new(self.secret.value(), told, hashlib.sha256).hexdigest()[:DIGEST_SYMBOLS]


def seen_writes(store: Store, digests: Digests, seen: FingerprintsSeen) -> Iterator[Any]:
    """The writes that add a member to those who were seen with fingerprints, if nobody was added meanwhile."""
    for fingerprint, members in seen.seen.items():
        if seen.member in members or len(members) >= SEEN_MAX:
            continue
        item = {**fingerprint_key(digests.of(fingerprint)), "members": [*members, seen.member]}
        yield store.update(item, expected={"members": list(members)}) if members else store.put(item)
