"""Who the members are: finding, changing, closing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, order
from tests.functional.api import MEMBER, MEMBER_ISSUER, Caller
from tests.functional.conftest import Stage
from tests.functional.newcomer import MEMBERS, NEW, enrol


def test_tills_find_a_member_by_each_identity_however_it_is_written(till: Caller) -> None:
    member = enrol(till, email=NEW["email"], phone=NEW["phone"])
    for query in (
        {"customer_id": "customer-7"},
        {"email": "ZOË.example@EXAMPLE.com"},
        {"phone": "+1-201-555-0177"},
        {"phone": "+12015550177"},
    ):
        [found] = till.get(MEMBERS, **query).json["members"]
        assert found["member_id"] == member


def test_nobody_is_found_by_an_identity_that_nobody_has(till: Caller) -> None:
    for query in ({"customer_id": "x"}, {"email": "nobody@example.com"}, {"phone": "+12015550199"}):
        assert till.get(MEMBERS, **query).json == {"members": []}


def test_a_search_names_exactly_one_identity_in_its_right_form(till: Caller) -> None:
    wrong = [
        *("", "customer_id=a&email=a%40example.com", "email=nonsense", "phone=555", "customer_id=a%20b", "name=ada"),
        *("customer_id=customer-ada,x", "customer_id=customer-ada&customer_id=x", "customer_id="),
        *("email=ada%40example.com,bob%40example.com", "login=x", "member_id=" + ADA),
    ]
    accepted = [query for query in wrong if till.send("GET", MEMBERS, query=query).problem != "request-invalid"]
    assert accepted == []


def test_a_change_touches_only_the_fields_that_it_names(till: Caller, clock: FakeClock) -> None:
    member = till.post(MEMBERS, NEW).json["member_id"]
    path = f"{MEMBERS}/{member}"
    before = till.get(path).json
    clock.advance(days=1)
    after = till.patch(path, {"locale": "en-US", "phone": None, "consents": {"newsletter": False, "post": True}})
    assert after.status == 200
    assert (
        after.json
        == till.get(path).json
        == {
            **before,
            "locale": "en-US",
            "phone": None,
            "consents": {
                "newsletter": {"granted": False, "at": "2026-03-03T17:00:00Z"},
                "profiling": {"granted": False, "at": "2026-03-02T17:00:00Z"},
                "post": {"granted": True, "at": "2026-03-03T17:00:00Z"},
            },
        }
    )


def test_attributes_are_merged_and_one_set_to_null_goes_away(till: Caller) -> None:
    member = enrol(till, attributes={"size": "M", "visits": 12})
    after = till.patch(f"{MEMBERS}/{member}", {"attributes": {"size": None, "colour": "red", "vip": False}}).json
    assert after["attributes"] == {"visits": 12, "colour": "red", "vip": False}


@pytest.mark.parametrize(("before", "after"), [(True, 1), (1, True), (False, 0), (0, False)])
def test_a_number_and_a_yes_or_no_are_two_values(till: Caller, before: Any, after: Any) -> None:
    member = enrol(till, attributes={"employee": before})
    assert till.patch(f"{MEMBERS}/{member}", {"attributes": {"employee": after}}).json["attributes"]["employee"] is after
    assert till.get(f"{MEMBERS}/{member}").json["attributes"]["employee"] is after


def test_the_same_change_again_changes_nothing(stage: Stage, till: Caller, clock: FakeClock) -> None:
    change = {"email": "new@example.com", "consents": {"newsletter": True}}
    first = till.patch(f"{MEMBERS}/{ADA}", change)
    before = stage.items()
    clock.advance(days=1)
    assert till.patch(f"{MEMBERS}/{ADA}", change).text == first.text
    assert till.patch(f"{MEMBERS}/{ADA}", {}).text == first.text
    assert stage.items() == before


def test_a_changed_identity_finds_its_member_and_frees_the_old_one(till: Caller) -> None:
    till.patch(f"{MEMBERS}/{ADA}", {"email": "new@example.com"})
    assert till.get(MEMBERS, email="ada@example.com").json == {"members": []}
    assert till.get(MEMBERS, email="new@example.com").json["members"][0]["member_id"] == ADA
    assert till.patch(f"{MEMBERS}/{BOB}", {"email": "ada@example.com"}).status == 200


def test_a_change_to_anothers_identity_is_refused_and_changes_nothing(stage: Stage, till: Caller) -> None:
    before = stage.items()
    reply = till.patch(f"{MEMBERS}/{BOB}", {"email": "ada@example.com", "locale": "de-DE"})
    assert (reply.status, reply.problem) == (409, "identity-taken")
    assert stage.items() == before


def test_only_an_operator_links_a_login(stage: Stage, till: Caller, operator: Caller) -> None:
    login = {"login": {"issuer": MEMBER_ISSUER, "subject": "sub-new"}}
    before = stage.items()
    reply = till.patch(f"{MEMBERS}/{ADA}", login)
    assert (reply.status, reply.problem, reply.json["scopes_any"]) == (403, "forbidden", ["laurel/operator"])
    assert till.patch(f"{MEMBERS}/{ADA}", {"login": None}).status == 403
    assert stage.items() == before
    assert operator.patch(f"{MEMBERS}/{ADA}", login).status == 200
    assert Caller(MEMBER, MEMBER_ISSUER, "sub-new").get("/v1/me").json["member_id"] == ADA
    assert Caller(MEMBER, MEMBER_ISSUER, "sub-ada").get("/v1/me").problem == "login-unknown"


def test_members_read_and_change_their_own_profile_and_no_identity_of_theirs(
    stage: Stage, ada: Caller, operator: Caller
) -> None:
    changed = ada.patch("/v1/me", {"birth_date": "1990-05-01", "time_zone": "Europe/Lisbon", "consents": {"post": True}})
    assert changed.status == 200
    assert ada.get("/v1/me").text == changed.text == operator.get(f"{MEMBERS}/{ADA}").text
    before = stage.items()
    for change in (
        {"email": "me@example.com"},
        {"phone": "+12015550177"},
        {"login": None},
        {"attributes": {"vip": True}},
        {"customer_id": "x"},
        {"status": "closed"},
        {"member_id": BOB},
    ):
        assert ada.patch("/v1/me", change).problem == "request-invalid", change
    assert stage.items() == before


def test_the_same_subject_of_another_issuer_is_another_person(stage: Stage) -> None:
    assert Caller(MEMBER, "https://elsewhere.example.com", "sub-ada").get("/v1/me").problem == "login-unknown"


def test_someone_who_is_no_member_has_no_profile(stranger: Caller) -> None:
    for reply in (stranger.get("/v1/me"), stranger.patch("/v1/me", {})):
        assert (reply.status, reply.problem) == (404, "login-unknown")


def test_an_unknown_member_can_be_neither_read_nor_changed_nor_closed(stage: Stage, operator: Caller) -> None:
    path, before = f"{MEMBERS}/{grocer.CAT}", stage.items()
    for reply in (operator.get(path), operator.patch(path, {"locale": "en"}), operator.post(f"{path}/close")):
        assert (reply.status, reply.problem) == (404, "member-unknown")
    assert stage.items() == before


def test_closing_answers_with_the_entry_that_took_the_points(till: Caller, operator: Caller) -> None:
    till.post("/v1/purchases", order(amount=2500))
    reply = operator.post(f"{MEMBERS}/{ADA}/close")
    assert reply.status == 200
    assert (reply.json["entry_id"], reply.json["kind"], reply.json["sequence"]) == (f"closure:{ADA}", "closure", 2)
    assert reply.json["balances"] == [{"currency": "points", "balance": 0, "active": 0, "pending": 0, "debt": 0}]
    [posting] = till.get(f"/v1/entries/closure:{ADA}").json["postings"]
    assert (posting["debit"], posting["credit"], posting["points"]) == ("active", "adjusted", 25)


def test_closing_twice_answers_the_same_bytes(stage: Stage, operator: Caller, clock: FakeClock) -> None:
    first = operator.post(f"{MEMBERS}/{ADA}/close")
    before = stage.items()
    clock.advance(days=1)
    assert operator.post(f"{MEMBERS}/{ADA}/close").text == first.text
    assert stage.items() == before


def test_a_closed_member_is_erased_and_can_not_be_changed(stage: Stage, till: Caller, operator: Caller, ada: Caller) -> None:
    operator.post(f"{MEMBERS}/{ADA}/close")
    found = operator.get(f"{MEMBERS}/{ADA}").json
    assert (found["status"], found["closed_at"], found["customer_id"]) == ("closed", "2026-03-02T17:00:00Z", "customer-ada")
    assert {found[name] for name in ("email", "phone", "birth_date", "time_zone", "locale", "login")} == {None}
    assert ada.get("/v1/me").problem == "login-unknown"
    before = stage.items()
    reply = till.patch(f"{MEMBERS}/{ADA}", {"email": "ada@example.com"})
    assert (reply.status, reply.problem) == (409, "member-closed")
    assert stage.items() == before
    assert not [item for item in before if "ada@example.com" in str(item) or "sub-ada" in str(item)]


def test_a_member_can_be_closed_where_no_program_is_in_force(make_stage: Any) -> None:
    make_stage()
    till, operator = Caller("laurel/pos"), Caller("laurel/operator")
    member = enrol(till)
    assert operator.post(f"{MEMBERS}/{member}/close").status == 200
