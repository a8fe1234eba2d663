"""A friend becomes a member by the code that another member shared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functions.members.change_member import close_member
from functions.members.enrol_member import enrol_member
from functions.members.models import EnrolRequest
from shared.domain.entry import MemberId
from shared.domain.member import Enrolment, JoinedBy
from tests.fakes.clients import InterruptedClient
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB
from tests.functional.api import Caller
from tests.functional.bringing import CARD, PHONE_A, PHONE_B, Bringing
from tests.functional.conftest import Stage
from tests.functional.newcomer import MEMBERS, enrol


@pytest.fixture
def shop(stage: Stage) -> Bringing:
    """The grocer, who rewards Ada and her friends."""
    shop = Bringing(stage)
    shop.offer()
    return shop


def test_a_friend_joins_by_a_code_and_the_first_order_rewards_both(shop: Bringing) -> None:
    reply = shop.joins("fay", shop.code(ADA))
    assert (reply.status, reply.json["referral"]) == (201, {"state": "joined", "flagged": False})
    fay = reply.json["member_id"]
    assert shop.stands(fay) == ("joined", [])
    shop.buys(fay)
    assert shop.stands(fay) == ("held", [])
    assert (shop.pending(ADA), shop.pending(fay)) == (500, 250)


def test_a_code_is_read_however_it_is_written(shop: Bringing) -> None:
    shop.operator.put(f"{MEMBERS}/{ADA}/referral-code", {"code": "Annas-Cafe"})
    first = shop.joins("fay", "ANNA'S CAFÉ")
    again = shop.joins("fay", " annas cafe ")
    assert (first.status, again.text) == (201, first.text)


def test_an_enrolment_by_a_code_sent_again_gets_the_same_receipt_byte_for_byte(shop: Bringing, clock: FakeClock) -> None:
    code = shop.code(ADA)
    first = shop.joins("fay", code)
    shop.buys(first.json["member_id"])
    clock.advance(days=3)
    before = shop.stage.items()
    assert shop.joins("fay", code).text == first.text
    assert shop.stage.items() == before


def test_the_receipt_stays_the_same_after_the_advocate_chose_another_code_or_left(shop: Bringing) -> None:
    code = shop.code(ADA)
    first = shop.joins("fay", code)
    assert shop.operator.put(f"{MEMBERS}/{ADA}/referral-code", {"code": "ADA-LOVES-TEA"}).status == 200
    assert shop.joins("fay", code).text == first.text
    assert shop.operator.post(f"{MEMBERS}/{ADA}/close").status == 200
    assert shop.joins("fay", code).text == first.text


def test_the_receipt_stays_the_same_where_the_code_is_found_no_more(shop: Bringing) -> None:
    code = shop.code(ADA)
    first = shop.joins("fay", code)
    stored = shop.stage.wiring.referral_codes.own(ADA).code
    key = {"pk": {"S": f"CODE#{stored}"}, "sk": {"S": "CODE"}}
    shop.stage.store.client.delete_item(TableName=shop.stage.store.table, Key=key)
    assert shop.joins("fay", code).text == first.text
    assert shop.joins("gil", code).problem == "referral-code-unknown"


def test_the_same_customer_with_another_code_is_refused(shop: Bringing) -> None:
    assert shop.joins("fay", shop.code(ADA)).status == 201
    reply = shop.joins("fay", shop.code(BOB))
    assert (reply.status, reply.problem, reply.json["identity"]) == (409, "identity-taken", "customer_id")
    assert shop.joins("fay", "NOBODYS-CODE").problem == "identity-taken"


@pytest.mark.parametrize(
    ("code", "status", "problem"),
    [
        ("NOBODYS-CODE", 404, "referral-code-unknown"),
        ("abc", 422, "referral-code-invalid"),
        ("не код", 422, "referral-code-invalid"),
        ("", 422, "request-invalid"),
        ("A" * 101, 422, "request-invalid"),
        (7, 422, "request-invalid"),
        (None, 422, "request-invalid"),
    ],
)
def test_a_code_that_leads_nowhere_enrols_nobody_and_can_be_left_out(
    shop: Bringing, code: Any, status: int, problem: str
) -> None:
    reply = shop.till.post(MEMBERS, {"customer_id": "customer-7", "referral": {"code": code}})
    assert (reply.status, reply.problem) == (status, problem)
    kept = [item for item in shop.stage.items() if item["pk"]["S"].startswith(("IDENTITY#customer_id#customer-7", "REFERRER#"))]
    assert kept == []
    enrol(shop.till)


def test_whoever_tries_code_after_code_on_one_device_is_stopped_and_others_are_not(shop: Bringing) -> None:
    code = shop.code(ADA)
    for number in range(20):
        reply = shop.joins(f"guess-{number}", f"GUESS{number:04}", fingerprints={"device": PHONE_A})
        assert reply.problem == "referral-code-unknown"
    stopped = shop.joins("fay", code, fingerprints={"device": PHONE_A})
    assert (stopped.status, stopped.problem) == (429, "too-many-attempts")
    assert int(stopped.headers["Retry-After"]) > 0
    assert shop.joins("gil", code, fingerprints={"device": PHONE_B}).status == 201
    assert shop.joins("hal", code).status == 201


def test_who_is_stopped_still_gets_the_receipt_of_an_enrolment_before(shop: Bringing) -> None:
    code, told = shop.code(ADA), {"fingerprints": {"device": PHONE_A}}
    first = shop.joins("fay", code, **told)
    for number in range(20):
        shop.joins(f"guess-{number}", f"GUESS{number:04}", **told)
    assert shop.joins("gil", code, **told).status == 429
    assert shop.joins("fay", code, **told).text == first.text


def test_an_identity_that_another_has_refuses_the_friend_and_brings_nobody(shop: Bringing) -> None:
    code = shop.code(ADA)
    before = shop.stage.items()
    reply = shop.joins("fay", code, email="ada@example.com")
    assert (reply.status, reply.problem, reply.json["identity"]) == (409, "identity-taken", "email")
    # The stage's key for fingerprints is made at the first look.
    assert [item for item in shop.stage.items() if item["pk"]["S"] != "SECRET"] == [
        item for item in before if item["pk"]["S"] != "SECRET"
    ]


def test_without_referral_terms_a_friend_joins_all_the_same_and_the_referral_is_rejected(stage: Stage) -> None:
    shop = Bringing(stage)
    reply = shop.joins("fay", shop.code(ADA))
    assert (reply.status, reply.json["referral"]) == (201, {"state": "rejected", "flagged": False})
    fay = reply.json["member_id"]
    assert shop.stands(fay) == ("rejected", ["not_offered"])
    shop.buys(fay)
    assert (shop.pending(ADA), shop.pending(fay)) == (0, 0)


def test_before_there_is_a_program_a_code_is_refused_and_enrolling_without_one_works(bare_stage: Stage) -> None:
    shop = Bringing(bare_stage)
    ada = shop.member("ada")
    reply = shop.joins("fay", bare_stage.wiring.referral_codes.own(MemberId(ada)).code)
    assert (reply.status, reply.problem) == (409, "program-missing")
    shop.member("fay")


def test_where_the_enrolment_counts_both_are_rewarded_at_once(stage: Stage) -> None:
    shop = Bringing(stage)
    shop.offer(qualifies={"kind": "enrolment"}, hold_days=0)
    reply = shop.joins("fay", shop.code(ADA))
    assert reply.json["referral"] == {"state": "rewarded", "flagged": False}
    assert shop.active(ADA) == 500
    assert shop.joins("fay", shop.code(ADA)).text == reply.text


BAD_FINGERPRINTS: list[Any] = [
    {"device": "short"},
    {"device": "x" * 129},
    {"device": "with space"},
    {"device": "ünïcödë-hash"},
    {"device": 12345678},
    {"phone": "hash-of-a-phone"},
    [],
    "hash-of-a-device",
]


@pytest.mark.parametrize("told", BAD_FINGERPRINTS)
def test_a_fingerprint_of_the_wrong_form_is_refused(shop: Bringing, told: Any) -> None:
    before = shop.stage.items()
    reply = shop.till.post(MEMBERS, {"customer_id": "customer-7", "fingerprints": told})
    assert (reply.status, reply.problem) == (422, "request-invalid")
    assert shop.till.patch(f"{MEMBERS}/{ADA}", {"fingerprints": told}).problem == "request-invalid"
    assert shop.stage.items() == before


def test_fingerprints_are_never_answered(shop: Bringing) -> None:
    told = {"fingerprints": {"device": PHONE_A, "payment": CARD}}
    fay = shop.friend("fay", ADA, **told)
    shop.till.patch(f"{MEMBERS}/{fay}", {"fingerprints": {"device": PHONE_B}})
    shop.operator.get(f"{MEMBERS}/{fay}")
    shop.operator.get(f"{MEMBERS}/{fay}/referral")
    answers = "".join(reply.text for reply in (*shop.till.calls, *shop.operator.calls))
    assert "device-hash" not in answers
    assert CARD not in answers


def test_no_fingerprints_and_none_that_are_named_are_the_same_enrolment(shop: Bringing) -> None:
    first = shop.till.post(MEMBERS, {"customer_id": "customer-7"})
    for told in (None, {}, {"device": None}, {"device": None, "payment": None}):
        assert shop.till.post(MEMBERS, {"customer_id": "customer-7", "fingerprints": told, "referral": None}).text == first.text
    changed = shop.till.post(MEMBERS, {"customer_id": "customer-7", "fingerprints": {"device": PHONE_A}})
    assert changed.problem == "identity-taken"


def test_members_cannot_say_what_they_were_seen_with(shop: Bringing, ada: Caller) -> None:
    reply = ada.patch("/v1/me", {"fingerprints": {"device": PHONE_A}})
    assert (reply.status, reply.paths) == (422, ["fingerprints"])


def test_the_same_fingerprint_told_again_changes_nothing(shop: Bringing) -> None:
    shop.till.patch(f"{MEMBERS}/{ADA}", {"fingerprints": {"device": PHONE_A}})
    before = shop.stage.items()
    assert shop.till.patch(f"{MEMBERS}/{ADA}", {"fingerprints": {"device": PHONE_A}}).status == 200
    assert shop.stage.items() == before


def _fingerprints(stage: Stage) -> list[dict[str, Any]]:
    return [item for item in stage.items() if item["pk"]["S"].startswith("FINGERPRINT#")]


def test_what_members_are_seen_with_is_kept_before_anybody_can_bring_friends(stage: Stage) -> None:
    shop, before = Bringing(stage), len(_fingerprints(stage))
    early = shop.member("early", phone="+12015550177", fingerprints={"device": PHONE_A})
    # A mailbox, a phone and a device.
    assert len(_fingerprints(stage)) == before + 3
    shop.till.patch(f"{MEMBERS}/{early}", {"fingerprints": {"payment": CARD}})
    assert len(_fingerprints(stage)) == before + 4


# --- at the same moment --------------------------------------------------------------------------------------------------


def elsewhere(shop: Bringing, name: str, code: str, **told: Any) -> Callable[[], Enrolment]:
    """Another container enrols a friend: not by the same handler, which is at work."""
    calm, body = shop.stage.wiring, {"customer_id": f"customer-{name}", "email": f"{name}@example.com"}
    request = EnrolRequest.model_validate({**body, "referral": {"code": code}, **told})

    def enrols() -> Enrolment:
        codes = calm.referral_codes
        return enrol_member(request, "till-2", members=calm.members, programs=calm.programs, codes=codes, clock=calm.clock)

    return enrols


def test_two_tills_that_enrol_the_same_friend_at_once_enrol_one_member(shop: Bringing, make_stage: Any) -> None:
    code, first = shop.code(ADA), list[Enrolment]()
    there = elsewhere(shop, "fay", code)
    make_stage(client=InterruptedClient(shop.stage.store.client, lambda: first.append(there())))
    reply = shop.joins("fay", code)
    assert (reply.status, reply.json["member_id"]) == (201, first[0].member)
    assert len(shop.operator.get(f"{MEMBERS}/{ADA}/referrals").json["friends"]) == 1


def test_two_friends_who_join_at_once_on_one_device_see_each_other(stage: Stage, make_stage: Any) -> None:
    shop = Bringing(stage)
    shop.offer(abuse={"velocity": [{"per": "day", "friends_max": 1, "verdict": "review"}]})
    code, told = shop.code(ADA), {"fingerprints": {"device": PHONE_A}}
    # So that the stage's key is there.
    shop.member("first", fingerprints={"device": PHONE_B})
    first, there = list[Enrolment](), elsewhere(shop, "fay", code, **told)
    make_stage(client=InterruptedClient(stage.store.client, lambda: first.append(there())))
    second = shop.joins("gil", code, **told).json
    assert (first[0].referral, second["referral"]["flagged"]) == (JoinedBy("joined", flagged=False), True)
    assert shop.stands(second["member_id"]) == ("joined", ["shared_device", "velocity"])


def test_an_advocate_who_leaves_while_the_friend_joins_gets_nothing(shop: Bringing, make_stage: Any) -> None:
    shop.offer(3, qualifies={"kind": "enrolment"})
    code, calm = shop.code(ADA), shop.stage.wiring
    shop.member("first", fingerprints={"device": PHONE_B})

    def leaves() -> None:
        close_member(ADA, members=calm.members, programs=calm.programs)

    make_stage(client=InterruptedClient(shop.stage.store.client, leaves))
    assert shop.joins("fay", code).json["referral"] == {"state": "rejected", "flagged": False}
