"""A customer becomes a member, once."""
# ruff: noqa: RUF001 - look-alike digits and letters are what these tests send

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA
from tests.functional.api import MEMBER_ISSUER, Caller
from tests.functional.conftest import Stage
from tests.functional.newcomer import MEMBERS, NEW, enrol


def test_an_enrolled_member_can_be_read_with_every_field_in_its_normal_form(till: Caller, operator: Caller) -> None:
    receipt = till.post(MEMBERS, NEW)
    assert receipt.status == 201
    member = receipt.json["member_id"]
    assert receipt.json == {
        "member_id": member,
        "customer_id": "customer-7",
        "enrolled_at": "2026-03-02T17:00:00Z",
        "referral": None,
    }
    assert operator.get(f"{MEMBERS}/{member}").json == {
        **NEW,
        "member_id": member,
        "status": "active",
        "enrolled_at": "2026-03-02T17:00:00Z",
        "closed_at": None,
        "merged_into": None,
        "email": "zoë.example@example.com",
        "phone": "+12015550177",
        "consents": {
            "newsletter": {"granted": True, "at": "2026-03-02T17:00:00Z"},
            "profiling": {"granted": False, "at": "2026-03-02T17:00:00Z"},
        },
    }


def test_a_customer_id_alone_is_enough(till: Caller) -> None:
    member = enrol(till)
    found = till.get(f"{MEMBERS}/{member}").json
    assert (found["email"], found["login"], found["consents"], found["attributes"]) == (None, None, {}, {})


def test_the_same_enrolment_again_gets_the_same_receipt_byte_for_byte(stage: Stage, till: Caller, clock: FakeClock) -> None:
    first = till.post(MEMBERS, NEW)
    before = stage.items()
    clock.advance(days=3)
    same = [NEW, {**NEW, "email": "zoë.example@example.com", "phone": "+12015550177"}, dict(reversed(NEW.items()))]
    assert {till.post(MEMBERS, body).text for body in same} == {first.text}
    assert stage.items() == before


def test_fields_left_out_or_null_are_the_same_enrolment(till: Caller) -> None:
    first = till.post(MEMBERS, {"customer_id": "customer-7"})
    explicit = {"customer_id": "customer-7", "email": None, "login": None, "consents": {}, "attributes": {}}
    assert till.post(MEMBERS, explicit).text == first.text


@pytest.mark.parametrize(
    ("taken", "identity"),
    [
        ({"customer_id": "customer-ada"}, "customer_id"),
        ({"email": "ADA@example.com"}, "email"),
        ({"login": {"issuer": MEMBER_ISSUER, "subject": "sub-ada"}}, "login"),
    ],
)
def test_an_identity_of_another_member_is_refused_and_nobody_is_enrolled(
    stage: Stage, till: Caller, taken: dict[str, Any], identity: str
) -> None:
    before = stage.items()
    reply = till.post(MEMBERS, {"customer_id": "customer-7", **taken})
    assert (reply.status, reply.problem, reply.json["identity"]) == (409, "identity-taken", identity)
    assert ADA not in reply.text
    assert stage.items() == before
    enrol(till)


BAD: dict[str, list[Any]] = {
    "customer_id": [None, "", 7, "a b", "é", "x" * 65, ".", "\ud800", ["c"]],
    "email": [
        "",
        "ada",
        "ada@",
        "@example.com",
        "a b@example.com",
        1,
        "x" * 300 + "@example.com",
        "ada@example.com\n",
        "a\u0000@example.com",
    ],
    "phone": [
        "",
        "12",
        "2015550123",
        "+1",
        "phone",
        12015550123,
        "+１２０１５５５０１２３",
        "+1201555012345678901234567890123",
    ],
    "birth_date": ["", "1990-1-1", "1990-02-30", "01/02/1990", 19900101, "1990-01-01T00:00:00Z", "１990-01-01", "1850-01-01"],
    "time_zone": ["", "Mars/Olympus", "new_york", "america/new_york", 5, "../../etc/passwd", "EST5EDT4", "\ud800"],
    "locale": ["", "EN", "english", "en_US", "en-us", 1, "en-US\n"],
    "login": [
        "sub-7",
        {},
        {"issuer": MEMBER_ISSUER},
        {"issuer": "http://x", "subject": "a"},
        {"issuer": MEMBER_ISSUER, "subject": "a b"},
    ],
    "consents": [
        None,
        [],
        {"Newsletter": True},
        {"a": "yes"},
        {"a": 1},
        {"a": None},
        {f"a{n}": True for n in range(51)},
        {"\ud800": True},
    ],
    "attributes": [None, [], {"a": 1.5}, {"a": None}, {"a": []}, {"A": 1}, {"a": "x" * 257}, {"a": 10**13}, {"a": "\ud800"}],
    "enrolled_at": ["2020-01-01T00:00:00Z"],
    "points": [100],
}


@pytest.mark.parametrize("field", BAD)
def test_an_enrolment_with_a_bad_field_is_refused_and_claims_nothing(stage: Stage, till: Caller, field: str) -> None:
    before = stage.items()
    for value in BAD[field]:
        reply = till.post(MEMBERS, {"customer_id": "customer-7", field: value})
        assert (value, reply.status, reply.problem) == (value, 422, "request-invalid")
        assert any(path == field or path.startswith(f"{field}.") for path in reply.paths), (value, reply)
        assert stage.items() == before
    enrol(till)


def test_a_birth_date_to_come_is_refused(stage: Stage, till: Caller) -> None:
    assert till.post(MEMBERS, {"customer_id": "customer-7", "birth_date": "2026-03-04"}).problem == "request-invalid"
