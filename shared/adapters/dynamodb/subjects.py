"""What entries are about and what they do, as maps of an item: the names of the domain, without what is at its default."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, TypeAdapter

from shared.domain.counts import Forgotten
from shared.domain.effect import Effect, Standing
from shared.domain.entry import EntryKind
from shared.domain.membership import Term
from shared.domain.referred import Referred
from shared.domain.subject import (
    Activity,
    Adjustment,
    Award,
    Billing,
    Cancellation,
    Clawback,
    Grant,
    Invitation,
    Merge,
    Notice,
    Recognized,
    Redemption,
    Referral,
    Refund,
    Review,
    Ruling,
    Subject,
    Swept,
    Transfer,
    Use,
    Void,
)
from shared.domain.wallet import Wallet

_EFFECT = TypeAdapter(Effect)
_SUBJECTS: dict[EntryKind, TypeAdapter[Any]] = {
    EntryKind.REFUND: TypeAdapter(Refund),
    EntryKind.REDEMPTION: TypeAdapter(Redemption),
    EntryKind.USE: TypeAdapter(Use),
    EntryKind.CANCELLATION: TypeAdapter(Cancellation),
    EntryKind.ADJUSTMENT: TypeAdapter(Adjustment),
    EntryKind.TRANSFER: TypeAdapter(Transfer),
    EntryKind.ARRIVAL: TypeAdapter(Recognized | Transfer | Merge),
    EntryKind.ACTIVITY: TypeAdapter(Activity),
    EntryKind.VOID: TypeAdapter(Void),
    EntryKind.BILLING: TypeAdapter(Billing),
    EntryKind.REVIEW: TypeAdapter(Review),
    EntryKind.RECOGNITION: TypeAdapter(Recognized),
    EntryKind.MERGE: TypeAdapter(Merge),
    EntryKind.REFERRAL: TypeAdapter(Referral),
    EntryKind.RULING: TypeAdapter(Ruling),
    EntryKind.AWARD: TypeAdapter(Award),
    EntryKind.CLAWBACK: TypeAdapter(Clawback),
    EntryKind.INVITATION: TypeAdapter(Invitation),
    EntryKind.GRANT: TypeAdapter(Grant),
    EntryKind.NOTICE: TypeAdapter(Notice),
    EntryKind.SWEEP: TypeAdapter(Swept),
}


def effect_map(effect: Effect) -> dict[str, Any]:
    """An effect as a map; days as 2026-12-31."""
    found: dict[str, Any] = _EFFECT.dump_python(effect, mode="json", exclude_defaults=True)
    return found


def effect_of(found: Any) -> Effect:
    """The inverse of `effect_map`."""
    return _EFFECT.validate_python(plain(found))


_PARTS: dict[str, TypeAdapter[Any]] = {
    "terms": TypeAdapter(tuple[Term, ...]),
    "standing": TypeAdapter(Standing),
    "forgotten": TypeAdapter(Forgotten),
    "since": TypeAdapter(date),
    "referral": TypeAdapter(Referred),
    "active_at": TypeAdapter(Annotated[datetime, AfterValidator(lambda at: at.astimezone(UTC))]),
}
"""What a wallet keeps of a member's standing."""


def standing_map(wallet: Wallet) -> dict[str, Any]:
    """A wallet's standing as a map, without what there is not."""
    parts = {name: getattr(wallet, name) for name in _PARTS}
    return {name: _PARTS[name].dump_python(part, mode="json", exclude_defaults=True) for name, part in parts.items() if part}


def standing_of(found: Any) -> dict[str, Any]:
    """The inverse of `standing_map`, as fields of a wallet."""
    return {name: _PARTS[name].validate_python(plain(part)) for name, part in found.items()}


def subject_map(subject: Subject) -> dict[str, Any]:
    """What an entry is about as a map."""
    found: dict[str, Any] = TypeAdapter(type(subject)).dump_python(subject, mode="json", exclude_defaults=True)
    return found


def subject_of(kind: EntryKind, found: Any) -> Subject:
    """The inverse of `subject_map`, for an entry of this kind."""
    subject: Subject = _SUBJECTS[kind].validate_python(plain(found))
    return subject


def plain(value: Any) -> Any:
    """The table's numbers as `int`; there are no others."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return int(value) if isinstance(value, Decimal) else value
