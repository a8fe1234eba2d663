"""Fingerprints: what two accounts of one person have in common. A mailbox, a phone, a device, a way of paying."""

from dataclasses import dataclass
from enum import StrEnum


class FingerprintKind(StrEnum):
    """What was seen."""

    MAILBOX = "mailbox"
    PHONE = "phone"
    DEVICE = "device"
    PAYMENT = "payment"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Something that a member was seen with. `value` of a device or payment is the shop's own opaque hash."""

    kind: FingerprintKind
    value: str


SEEN_MAX = 20
"""Members that are kept of one fingerprint: of one that more were seen with it is known that it is crowded."""
KEPT_MAX = 10
"""Devices, and ways of paying, that a profile keeps; the last ones."""
