"""Cursors: where a list goes on, signed so that they fit only the request they came from."""

import hashlib
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from shared.domain.errors import CursorInvalidError

_SHA256 = {"digest_method": hashlib.sha256}


def sign_cursor(position: Any, secret: bytes, *scope: object) -> str:
    """An opaque cursor for a JSON `position` within `scope` (route, member, filters)."""
    return _serializer(secret, scope).dumps(position)


def read_cursor(cursor: str, secret: bytes, *scope: object) -> Any:
    """The position of a cursor that `sign_cursor` made with the same secret and scope. Raises CursorInvalidError."""
    try:
        return _serializer(secret, scope).loads(cursor)
    except BadData as error:
        raise CursorInvalidError from error


def _serializer(secret: bytes, scope: tuple[object, ...]) -> URLSafeSerializer:
    salt = "\n".join(str(part) for part in ("laurel cursor", *scope))
    return URLSafeSerializer(secret, salt=salt.encode(), signer_kwargs=_SHA256)
