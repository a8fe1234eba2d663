"""What entries are about and what they do, as maps of an item: the names of the domain, without what is at its default."""

from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from shared.domain.effect import Effect
from shared.domain.entry import EntryKind
from shared.domain.subject import Adjustment, Cancellation, Merge, Redemption, Refund, Subject, Transfer, Use

_EFFECT = TypeAdapter(Effect)
_SUBJECTS: dict[EntryKind, TypeAdapter[Any]] = {
    EntryKind.REFUND: TypeAdapter(Refund),
    EntryKind.REDEMPTION: TypeAdapter(Redemption),
    EntryKind.USE: TypeAdapter(Use),
    EntryKind.CANCELLATION: TypeAdapter(Cancellation),
    EntryKind.ADJUSTMENT: TypeAdapter(Adjustment),
    EntryKind.TRANSFER: TypeAdapter(Transfer),
    EntryKind.ARRIVAL: TypeAdapter(Transfer | Merge),
    EntryKind.MERGE: TypeAdapter(Merge),
}


def effect_map(effect: Effect) -> dict[str, Any]:
    """An effect as a map; days as 2026-12-31."""
    found: dict[str, Any] = _EFFECT.dump_python(effect, mode="json", exclude_defaults=True)
    return found


def effect_of(found: Any) -> Effect:
    """The inverse of `effect_map`."""
    return _EFFECT.validate_python(plain(found))


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
