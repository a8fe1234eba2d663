"""Digests of parsed requests, by which a repeated request is told from a changed one."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime


def request_hash(*values: object) -> bytes:
    """A digest (32 bytes) of a parsed request: equal requests are equal whatever their spelling, unset fields left out.

    Takes dataclasses and plain values; instants count as instants, not as text.
    """
    canonical = [_plain(value) for value in values]
    return hashlib.sha256(json.dumps(canonical, sort_keys=True, separators=(",", ":")).encode()).digest()


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | int):
        return value
    if is_dataclass(value):
        return _plain({part.name: getattr(value, part.name) for part in fields(value)})
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items() if part is not None}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Iterable):
        return [_plain(part) for part in value]
    raise TypeError(f"a request holds no {type(value).__name__}")
