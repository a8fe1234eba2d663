"""A customer who becomes a member, with every field there is."""

from __future__ import annotations

from typing import Any

from tests.functional.api import MEMBER_ISSUER, Caller

MEMBERS = "/v1/members"
NEW: dict[str, Any] = {
    "customer_id": "customer-7",
    "email": "Zoë.Example@Example.COM",
    "phone": "+1 (201) 555-0177",
    "birth_date": "1992-02-29",
    "time_zone": "Asia/Kathmandu",
    "locale": "pt-BR",
    "login": {"issuer": MEMBER_ISSUER, "subject": "sub-zoe"},
    "consents": {"newsletter": True, "profiling": False},
    "attributes": {"vip": True, "visits": 12, "size": "M"},
}


def enrol(caller: Caller, **changes: Any) -> str:
    """Enrol a member with these fields and no others; gives their id."""
    reply = caller.post(MEMBERS, {"customer_id": "customer-7", **changes})
    assert reply.status == 201, reply
    member: str = reply.json["member_id"]
    return member
