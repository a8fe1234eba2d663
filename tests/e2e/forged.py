"""Tokens that the local identity provider would never give, signed with its very own keys."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.e2e.laurel import Laurel


def claims_of(token: str) -> dict[str, Any]:
    """What a token says."""
    found: dict[str, Any] = json.loads(_decoded(token.split(".")[1]))
    return found


def changed(laurel: Laurel, token: str, **claims: Any) -> str:
    """The token with other claims, signed as its user pool signs: only what the claims say can be wrong with it."""
    said = claims_of(token)
    pool = said["iss"].rpartition("/")[2]
    # MiniStack keeps the pools' keys here; no API gives them away.
    pem = (laurel.folder.data / "cognito-pool-keys" / f"{pool}-access.pem").read_bytes()
    return _signed(token, said | claims, load_pem_private_key(pem, password=None))


def signed_by_another(token: str) -> str:
    """The very same claims under the same key's name, signed with a key of one's own."""
    return _signed(token, claims_of(token), rsa.generate_private_key(public_exponent=65537, key_size=2048))


def _signed(token: str, claims: dict[str, Any], key: Any) -> str:
    assert isinstance(key, rsa.RSAPrivateKey)
    header = token.partition(".")[0]  # it names the pool's key
    body = _encoded(json.dumps(claims).encode())
    signature = key.sign(f"{header}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{header}.{body}.{_encoded(signature)}"


def in_seconds(seconds: int) -> int:
    """A time as tokens write it; negative seconds are past."""
    return int(time.time()) + seconds


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
