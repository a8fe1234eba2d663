"""Whoever would farm rewards by bringing themselves is found, and honest families are treated as the shop says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.functional.bringing import CARD, PHONE_A, PHONE_B, TABLET, Bringing
from tests.functional.conftest import Stage
from tests.functional.newcomer import MEMBERS

DOMAINS = "/v1/referrals/disposable-domains"
SAME_KINDS = ["device", "payment"]
HASHES = {"device": TABLET, "payment": CARD}


@pytest.fixture
def shop(stage: Stage) -> Bringing:
    """The grocer with the default policy."""
    shop = Bringing(stage)
    shop.offer()
    return shop


@pytest.fixture
def lenient(stage: Stage) -> Any:
    """A shop whose policy of abuse is as told: `lenient(same_device="allow")`."""

    def make(**abuse: Any) -> Bringing:
        shop = Bringing(stage)
        shop.offer(abuse=abuse)
        return shop

    return make


def nothing_given(shop: Bringing, *members: str) -> bool:
    """Whether nobody got points for bringing or being brought."""
    return all(shop.pending(member) == 0 for member in members)


# --- oneself -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("email", ["adalovelace@gmail.com", "a.d.a.lovelace+shop@gmail.com", "ada.lovelace@googlemail.com"])
def test_whoever_brings_themselves_by_another_address_of_the_same_mailbox_joins_and_gets_nothing(
    shop: Bringing, email: str
) -> None:
    ada = shop.member("lovelace", email="ada.lovelace@gmail.com")
    reply = shop.joins("fay", shop.code(ada), email=email)
    assert (reply.status, reply.json["referral"]) == (201, {"state": "rejected", "flagged": False})
    fay = reply.json["member_id"]
    shop.buys(fay)
    assert shop.stands(fay) == ("rejected", ["same_mailbox"])
    assert nothing_given(shop, ada, fay)
    assert shop.flagged() == []


def test_dots_tell_people_apart_where_the_provider_does_not_ignore_them(shop: Bringing) -> None:
    ada = shop.member("lovelace", email="ada.lovelace@example.com")
    assert shop.joins("fay", shop.code(ada), email="adalovelace@example.com").json["referral"]["state"] == "joined"


def test_the_same_phone_number_enrols_nobody_twice(shop: Bringing) -> None:
    ada = shop.member("lovelace", phone="+12015550177")
    reply = shop.joins("fay", shop.code(ada), phone="+1 201 555 0177")
    assert (reply.status, reply.problem, reply.json["identity"]) == (409, "identity-taken", "phone")


@pytest.mark.parametrize("kind", SAME_KINDS)
@pytest.mark.parametrize(
    ("verdict", "joined"),
    [
        ("allow", {"state": "joined", "flagged": False}),
        ("review", {"state": "joined", "flagged": True}),
        ("reject", {"state": "rejected", "flagged": False}),
    ],
)
def test_the_policy_says_what_a_fingerprint_of_the_advocate_leads_to(
    lenient: Any, kind: str, verdict: str, joined: dict[str, Any]
) -> None:
    shop = lenient(**{f"same_{kind}": verdict})
    ada = shop.member("lovelace", fingerprints={kind: HASHES[kind]})
    reply = shop.joins("fay", shop.code(ada), fingerprints={kind: HASHES[kind]})
    assert reply.json["referral"] == joined
    fay = reply.json["member_id"]
    shop.buys(fay)
    given = (500, 250) if verdict == "allow" else (0, 0)
    assert (shop.pending(ada), shop.pending(fay)) == given


@pytest.mark.parametrize("kind", SAME_KINDS)
@pytest.mark.parametrize(("verdict", "state"), [("allow", "held"), ("review", "qualified"), ("reject", "rejected")])
def test_a_fingerprint_that_is_told_only_after_joining_is_seen_when_the_friend_qualifies(
    lenient: Any, kind: str, verdict: str, state: str
) -> None:
    shop = lenient(**{f"same_{kind}": verdict})
    ada = shop.member("lovelace", fingerprints={kind: HASHES[kind]})
    fay = shop.friend("fay", ada)
    assert shop.stands(fay) == ("joined", [])
    shop.till.patch(f"{MEMBERS}/{fay}", {"fingerprints": {kind: HASHES[kind]}})
    shop.buys(fay)
    assert shop.stands(fay)[0] == state
    assert (f"same_{kind}" in shop.stands(fay)[1]) == (verdict != "allow")
    assert nothing_given(shop, ada, fay) == (verdict != "allow")


def test_a_fingerprint_that_the_advocate_tells_only_after_the_friend_joined_is_seen_too(shop: Bringing) -> None:
    ada = shop.member("lovelace")
    fay = shop.friend("fay", ada, fingerprints={"device": PHONE_A})
    shop.till.patch(f"{MEMBERS}/{ada}", {"fingerprints": {"device": PHONE_A}})
    shop.buys(fay)
    assert shop.stands(fay) == ("rejected", ["same_device"])


def test_an_address_that_is_told_only_after_joining_is_seen_too(shop: Bringing) -> None:
    ada = shop.member("lovelace", email="ada.lovelace@gmail.com")
    fay = shop.friend("fay", ada, email=None)
    shop.till.patch(f"{MEMBERS}/{fay}", {"email": "adalovelace+2@gmail.com"})
    shop.buys(fay)
    assert shop.stands(fay) == ("rejected", ["same_mailbox"])
    assert nothing_given(shop, ada, fay)


# --- one person, many accounts -------------------------------------------------------------------------------------------


def test_many_friends_on_one_device_that_is_not_the_advocates_are_looked_at(lenient: Any) -> None:
    shop = lenient(shared_device={"others_max": 1, "verdict": "review"})
    ada = shop.member("lovelace", fingerprints={"device": PHONE_A})
    friends = [shop.friend(f"fay-{number}", ada, fingerprints={"device": PHONE_B}) for number in range(4)]
    assert [shop.stands(friend) for friend in friends] == [
        ("joined", []),
        ("joined", []),
        ("joined", ["shared_device"]),
        ("joined", ["shared_device"]),
    ]
    for friend in friends:
        shop.buys(friend)
    # The first two are looked at once more, when they qualify: by then four share the device.
    assert [shop.stands(friend)[0] for friend in friends] == ["qualified"] * 4
    assert sorted(shop.flagged()) == sorted(friends)
    assert nothing_given(shop, ada, *friends)


def test_two_friends_on_one_device_are_fine_where_the_shop_allows_two(lenient: Any) -> None:
    shop = lenient(shared_device={"others_max": 1, "verdict": "reject"})
    ada = shop.member("lovelace")
    friends = [shop.friend(f"fay-{number}", ada, fingerprints={"device": PHONE_B}) for number in range(2)]
    for friend in friends:
        shop.buys(friend)
    assert [shop.stands(friend) for friend in friends] == [("held", []), ("held", [])]
    assert shop.pending(ada) == 1000


def test_a_member_who_left_and_comes_back_as_a_friend_is_known(shop: Bringing) -> None:
    ada, eve = shop.member("lovelace"), shop.member("eve", email="eve.adams@gmail.com")
    assert shop.operator.post(f"{MEMBERS}/{eve}/close").status == 200
    reply = shop.joins("eve-again", shop.code(ada), email="eveadams@gmail.com")
    assert reply.json["referral"] == {"state": "rejected", "flagged": False}
    back = reply.json["member_id"]
    shop.buys(back)
    assert shop.stands(back) == ("rejected", ["known_person"])
    assert nothing_given(shop, ada, back)


def test_a_phone_number_that_was_given_up_is_known_too(lenient: Any) -> None:
    shop = lenient(known_person="review")
    ada, eve = shop.member("lovelace"), shop.member("eve", phone="+12015550177")
    shop.till.patch(f"{MEMBERS}/{eve}", {"phone": None})
    back = shop.friend("eve-again", ada, phone="+12015550177")
    assert shop.stands(back) == ("joined", ["known_person"])
    assert shop.flagged() == [back]


# --- rings ---------------------------------------------------------------------------------------------------------------


def ring(shop: Bringing, members: int, first: dict[str, Any], last: dict[str, Any]) -> list[str]:
    """Members of whom each brings the next, and the last one brings somebody: the first one once more."""
    found = [shop.member("member-0", **first)]
    for number in range(1, members):
        found.append(shop.friend(f"member-{number}", found[-1], fingerprints={"device": f"device-of-{number:04}"}))
    return [*found, shop.friend("closing", found[-1], **last)]


WHO: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"fingerprints": {"device": PHONE_A}}, {"fingerprints": {"device": PHONE_A}}, ["ring", "shared_device"]),
    ({"fingerprints": {"payment": CARD}}, {"fingerprints": {"payment": CARD}}, ["ring", "shared_payment"]),
    ({"email": "ada.lovelace@gmail.com"}, {"email": "adalovelace@gmail.com"}, ["ring", "known_person"]),
]


@pytest.mark.parametrize("members", [2, 3, 10])
@pytest.mark.parametrize(("first", "last", "signs"), WHO, ids=["device", "payment", "mailbox"])
def test_a_ring_that_comes_back_to_its_first_member_is_found(
    shop: Bringing, members: int, first: dict[str, Any], last: dict[str, Any], signs: list[str]
) -> None:
    *found, closing = ring(shop, members, first, last)
    shop.buys(closing)
    assert shop.stands(closing) == ("rejected", signs)
    assert nothing_given(shop, *found, closing)


def test_a_ring_that_closes_only_after_joining_is_found_when_the_friend_qualifies(shop: Bringing) -> None:
    *found, closing = ring(shop, 3, {"fingerprints": {"device": PHONE_A}}, {})
    assert shop.stands(closing) == ("joined", [])
    shop.till.patch(f"{MEMBERS}/{closing}", {"fingerprints": {"device": PHONE_A}})
    shop.buys(closing)
    assert shop.stands(closing) == ("rejected", ["ring", "shared_device"])
    assert nothing_given(shop, *found, closing)


def test_a_ring_may_be_looked_at_by_an_operator_instead(lenient: Any) -> None:
    shop = lenient(ring="review", shared_device={"others_max": 5, "verdict": "review"})
    *_, closing = ring(shop, 3, {"fingerprints": {"device": PHONE_A}}, {"fingerprints": {"device": PHONE_A}})
    assert shop.stands(closing) == ("joined", ["ring"])
    assert shop.flagged() == [closing]


# --- families ------------------------------------------------------------------------------------------------------------


def family(shop: Bringing) -> list[str]:
    """A mother brings two of the house, and one of them a third: all on the tablet in the kitchen."""
    seen = {"fingerprints": {"device": TABLET}}
    mother = shop.member("mother", **seen)
    son = shop.friend("son", mother, **seen)
    daughter = shop.friend("daughter", mother, **seen)
    aunt = shop.friend("aunt", son, **seen)
    for friend in (son, daughter, aunt):
        shop.buys(friend)
    return [mother, son, daughter, aunt]


def test_a_family_on_one_device_is_rewarded_where_the_shop_allows_it(lenient: Any) -> None:
    shop = lenient(same_device="allow", shared_device={"others_max": 19, "verdict": "review"})
    mother, son, daughter, aunt = family(shop)
    assert [shop.stands(friend) for friend in (son, daughter, aunt)] == [("held", [])] * 3
    assert [shop.pending(one) for one in (mother, son, daughter, aunt)] == [1000, 750, 250, 250]


def test_a_family_on_one_device_is_rewarded_once_an_operator_has_looked(lenient: Any, clock: FakeClock) -> None:
    shop = lenient(same_device="review", ring="review", shared_device={"others_max": 0, "verdict": "review"})
    mother, *friends = family(shop)
    assert sorted(shop.flagged()) == sorted(friends)
    assert nothing_given(shop, mother, *friends)
    clock.advance(days=20)
    for friend in friends:
        assert shop.rules(friend, "pass").status == 201
    assert shop.flagged() == []
    # They qualified long ago: what they get is held no more.
    assert [shop.stands(friend)[0] for friend in friends] == ["rewarded"] * 3
    assert shop.active(mother) == 1000


def test_a_family_on_one_device_gets_nothing_where_the_shop_says_so(lenient: Any) -> None:
    shop = lenient(same_device="reject", shared_device={"others_max": 0, "verdict": "reject"})
    mother, *friends = family(shop)
    assert [shop.stands(friend)[0] for friend in friends] == ["rejected"] * 3
    assert nothing_given(shop, mother, *friends)


def test_an_operator_rejects_what_looks_wrong_for_good(lenient: Any) -> None:
    shop = lenient(same_device="review")
    ada = shop.member("lovelace", fingerprints={"device": PHONE_A})
    fay = shop.friend("fay", ada, fingerprints={"device": PHONE_A})
    assert shop.rules(fay, "reject").status == 201
    shop.buys(fay)
    assert (shop.stands(fay)[0], shop.flagged()) == ("rejected", [])
    assert nothing_given(shop, ada, fay)


# --- too many, too fast --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("per", "days"), [("day", 1), ("week", 7), ("month", 31), ("year", 366)])
def test_more_friends_than_usual_in_a_period_are_looked_at(lenient: Any, clock: FakeClock, per: str, days: int) -> None:
    shop = lenient(velocity=[{"per": per, "friends_max": 2, "verdict": "review"}])
    ada = shop.member("lovelace")
    friends = [shop.friend(f"fay-{number}", ada) for number in range(3)]
    assert [shop.stands(friend)[1] for friend in friends] == [[], [], ["velocity"]]
    clock.advance(days=days)
    assert shop.stands(shop.friend("fay-later", ada)) == ("joined", [])


def test_each_advocate_is_counted_alone(lenient: Any) -> None:
    shop = lenient(velocity=[{"per": "day", "friends_max": 1, "verdict": "reject"}])
    ada, bob = shop.member("lovelace"), shop.member("builder")
    shop.friend("fay", ada)
    assert shop.stands(shop.friend("gil", bob)) == ("joined", [])
    assert shop.stands(shop.friend("hal", ada)) == ("rejected", ["velocity"])


# --- disposable mail -----------------------------------------------------------------------------------------------------


def test_a_disposable_mail_domain_is_looked_at_and_so_are_domains_under_it(shop: Bringing) -> None:
    ada = shop.member("lovelace")
    assert shop.operator.put(DOMAINS, {"domains": ["Throwaway.EXAMPLE.com"]}).json == {"domains": ["throwaway.example.com"]}
    emails = ["fay@throwaway.example.com", "gil@mx.throwaway.example.com", f"hal@{'x.' * 20}throwaway.example.com"]
    friends = [shop.friend(f"friend-{number}", ada, email=email) for number, email in enumerate(emails)]
    assert [shop.stands(friend) for friend in friends] == [("joined", ["disposable"])] * 3
    assert sorted(shop.flagged()) == sorted(friends)
    others = ["fay@example.com", "gil@notthrowaway.example.com", "hal@throwaway.example.com.example.net"]
    friends = [shop.friend(f"other-{number}", ada, email=email) for number, email in enumerate(others)]
    assert [shop.stands(friend) for friend in friends] == [("joined", [])] * 3


def test_who_joined_by_a_disposable_address_is_rewarded_once_let_pass(shop: Bringing) -> None:
    ada = shop.member("lovelace")
    shop.operator.put(DOMAINS, {"domains": ["throwaway.example.com"]})
    fay = shop.friend("fay", ada, email="fay@throwaway.example.com")
    shop.buys(fay)
    assert shop.stands(fay) == ("qualified", ["disposable"])
    assert shop.rules(fay, "pass").status == 201
    assert (shop.pending(ada), shop.pending(fay)) == (500, 250)


def test_the_list_of_disposable_domains_is_read_in_pages_and_a_domain_comes_off_it(shop: Bringing) -> None:
    named = [f"mail-{number:03}.example.com" for number in range(60)]
    assert shop.operator.put(DOMAINS, {"domains": named}).status == 200
    # Sent again nothing changes, however it is written.
    before = shop.stage.items()
    assert shop.operator.put(DOMAINS, {"domains": [name.upper() for name in named]}).json == {"domains": named}
    assert shop.stage.items() == before
    found: list[str] = []
    page = shop.operator.get(DOMAINS).json
    while True:
        found += page["domains"]
        if page["cursor"] is None:
            break
        page = shop.operator.get(DOMAINS, cursor=page["cursor"]).json
    assert found == named
    gone = {"domain": named[7], "listed": False}
    assert shop.operator.send("DELETE", f"{DOMAINS}/{named[7]}").json == gone
    assert shop.operator.send("DELETE", f"{DOMAINS}/{named[7].upper()}").json == gone
    assert named[7] not in shop.operator.get(DOMAINS, limit=100).json["domains"]


def test_a_domain_in_any_script_is_one_domain(shop: Bringing) -> None:
    ada = shop.member("lovelace")
    assert shop.operator.put(DOMAINS, {"domains": ["xn--bcher-kva.example.com"]}).json == {"domains": ["bücher.example.com"]}
    friends = [
        shop.friend("fay", ada, email="fay@BÜCHER.example.com"),
        shop.friend("gil", ada, email="gil@xn--bcher-kva.example.com"),
    ]
    assert [shop.stands(friend)[1] for friend in friends] == [["disposable"]] * 2
    shop.operator.send("DELETE", f"{DOMAINS}/xn--bcher-kva.example.com")
    assert shop.operator.get(DOMAINS).json["domains"] == []


@pytest.mark.parametrize(
    "domains",
    [
        [],
        None,
        "example.com",
        ["com"],
        ["a b.example.com"],
        ["ada@example.com"],
        ["example.com."],
        [7],
        ["x" * 254],
        ["é"],
        [""],
    ],
)
def test_what_is_no_domain_of_mail_is_refused(shop: Bringing, domains: Any) -> None:
    before = shop.stage.items()
    assert shop.operator.put(DOMAINS, {"domains": domains}).problem == "request-invalid"
    assert shop.stage.items() == before


def test_at_most_a_hundred_domains_are_listed_at_once(shop: Bringing) -> None:
    named = [f"mail-{number:03}.example.com" for number in range(101)]
    assert shop.operator.put(DOMAINS, {"domains": named}).paths == ["domains"]
    assert shop.operator.put(DOMAINS, {"domains": named[:100]}).status == 200


# --- those who leave -----------------------------------------------------------------------------------------------------


def test_the_reward_goes_to_whoever_took_over_from_the_advocate(shop: Bringing) -> None:
    ada, heir = shop.member("lovelace"), shop.member("heir")
    code = shop.code(ada)
    fay = shop.friend("fay", ada)
    assert shop.operator.post(f"{MEMBERS}/{ada}/merge", {"into": heir, "reason": "two accounts"}).status == 200
    shop.buys(fay)
    assert (shop.pending(heir), shop.pending(fay)) == (500, 250)
    # The code that was shared goes on working, too.
    gil = shop.joins("gil", code).json["member_id"]
    shop.buys(gil)
    assert (shop.stands(gil)[0], shop.pending(heir)) == ("held", 1000)


def test_nobody_joins_by_the_code_of_an_advocate_who_left(shop: Bringing) -> None:
    ada = shop.member("lovelace")
    code = shop.code(ada)
    shop.operator.post(f"{MEMBERS}/{ada}/close")
    reply = shop.joins("fay", code)
    assert reply.json["referral"] == {"state": "rejected", "flagged": False}
    fay = reply.json["member_id"]
    shop.buys(fay)
    assert shop.stands(fay) == ("rejected", ["advocate_left"])
    assert nothing_given(shop, fay)


def test_a_friend_whose_advocate_leaves_later_gets_what_was_promised(shop: Bringing) -> None:
    ada = shop.member("lovelace")
    fay = shop.friend("fay", ada)
    shop.operator.post(f"{MEMBERS}/{ada}/close")
    shop.buys(fay)
    assert (shop.stands(fay)[0], shop.pending(fay)) == ("held", 250)


def test_a_friend_who_turns_out_to_be_the_advocate_brings_nothing(shop: Bringing) -> None:
    ada = shop.member("lovelace")
    fay = shop.friend("fay", ada)
    assert shop.operator.post(f"{MEMBERS}/{fay}/merge", {"into": ada, "reason": "one person"}).status == 200
    assert shop.stands(fay)[0] == "rejected"
    shop.buys(ada)
    assert nothing_given(shop, ada)


@pytest.mark.parametrize("email", ["fay@example.com", None])
def test_an_advocate_who_turns_out_to_be_the_friend_brings_nothing(shop: Bringing, email: str | None) -> None:
    ada = shop.member("lovelace")
    fay = shop.friend("fay", ada, email=email)
    assert shop.operator.post(f"{MEMBERS}/{ada}/merge", {"into": fay, "reason": "one person"}).status == 200
    shop.buys(fay)
    assert (shop.stands(fay), shop.pending(fay)) == (("rejected", ["same_person"]), 0)


# --- campaigns -----------------------------------------------------------------------------------------------------------

SPRING: dict[str, Any] = {
    "id": "spring",
    "qualifies": {"kind": "orders", "net_min": 1000},
    "hold_days": 7,
    "friend": [{"currency": "points", "points": 300}],
    "starts_at": "2026-03-01T00:00:00Z",
    "ends_at": "2026-03-10T00:00:00Z",
}
CODES = "/v1/referrals/campaigns/spring/codes"


@pytest.fixture
def campaigning(stage: Stage) -> Bringing:
    """The grocer with a campaign of ten days."""
    shop = Bringing(stage)
    shop.offer(campaigns=[SPRING], link="https://shop.example/join?c={code}")
    return shop


def test_friends_join_by_a_campaigns_code_while_it_runs(campaigning: Bringing) -> None:
    given = campaigning.operator.post(CODES, {"code": "Spring-26"})
    assert (given.status, given.json) == (
        201,
        {"campaign": "spring", "code": "SPRING-26", "link": "https://shop.example/join?c=SPRING-26"},
    )
    fay = campaigning.joins("fay", "spring26").json["member_id"]
    campaigning.buys(fay, 1000)
    assert (campaigning.stands(fay)[0], campaigning.pending(fay)) == ("held", 300)


def test_a_campaign_may_have_many_codes_and_the_same_one_again_is_the_same(campaigning: Bringing) -> None:
    made = campaigning.operator.post(CODES, {})
    assert campaigning.operator.post(CODES, {"code": None}).text == made.text
    chosen = campaigning.operator.post(CODES, {"code": "RADIO-SPOT"})
    assert campaigning.operator.post(CODES, {"code": "RADIO-SPOT"}).text == chosen.text
    for number, reply in enumerate((made, chosen)):
        assert campaigning.joins(f"fay-{number}", reply.json["code"]).json["referral"]["state"] == "joined"


@pytest.mark.parametrize(("day", "state"), [(9, "joined"), (10, "rejected")])
def test_after_its_end_a_campaign_brings_nobody(campaigning: Bringing, clock: FakeClock, day: int, state: str) -> None:
    code = campaigning.operator.post(CODES, {}).json["code"]
    clock.instant = clock.instant.replace(day=day, hour=0)
    reply = campaigning.joins("fay", code)
    assert reply.json["referral"] == {"state": state, "flagged": False}
    assert campaigning.stands(reply.json["member_id"])[1] == ([] if state == "joined" else ["campaign_over"])


def test_a_campaign_that_the_program_has_no_more_brings_nobody(campaigning: Bringing, clock: FakeClock) -> None:
    code = campaigning.operator.post(CODES, {}).json["code"]
    campaigning.offer(3, clock.now())
    reply = campaigning.joins("fay", code)
    assert reply.json["referral"] == {"state": "rejected", "flagged": False}
    assert campaigning.operator.post(CODES, {}).problem == "campaign-unknown"


def test_only_a_campaign_of_the_newest_version_gets_a_code(stage: Stage) -> None:
    shop = Bringing(stage)
    unknown = shop.operator.post(CODES, {})
    assert (unknown.status, unknown.problem) == (404, "campaign-unknown")
    shop.offer(campaigns=[SPRING])
    assert shop.operator.post("/v1/referrals/campaigns/autumn/codes", {}).problem == "campaign-unknown"


def test_a_campaign_takes_no_code_of_a_member(campaigning: Bringing) -> None:
    ada = campaigning.member("lovelace")
    campaigning.operator.put(f"{MEMBERS}/{ada}/referral-code", {"code": "LOVELY"})
    reply = campaigning.operator.post(CODES, {"code": "lovely"})
    assert (reply.status, reply.problem) == (409, "referral-code-taken")


# --- nothing personal ----------------------------------------------------------------------------------------------------


def written(stage: Stage, *partitions: str) -> str:
    """All that stands in these partitions."""
    return json.dumps([item for item in stage.items() if item["pk"]["S"].startswith(partitions)], default=repr)


def test_nothing_personal_stands_in_logs_or_beside_fingerprints(shop: Bringing, caplog: pytest.LogCaptureFixture) -> None:
    told = {"phone": "+12015550177", "fingerprints": {"device": PHONE_A, "payment": CARD}}
    ada = shop.member("lovelace", email="ada.lovelace@gmail.com", **told)
    code = shop.code(ada)
    fay = shop.friend("fay", ada, email="adalovelace@gmail.com", fingerprints=told["fingerprints"])
    shop.joins("gil", "WRONG-CODE", fingerprints=told["fingerprints"])
    shop.joins("hal", code, phone=told["phone"])
    shop.till.patch(f"{MEMBERS}/{fay}", {"fingerprints": {"device": PHONE_B}})
    shop.buys(fay)
    shop.operator.put(DOMAINS, {"domains": ["throwaway.example.com"]})
    logged = str([vars(record) for record in caplog.records])
    items = written(shop.stage, "FINGERPRINT#")
    lists = written(shop.stage, "REFERRER#", "REFERRAL#", "FLAGS", "FUNNEL#")
    personal = ["lovelace", "adalovelace", "2015550177", PHONE_A, PHONE_B, CARD]
    assert len(caplog.records) >= len(shop.till.calls) + len(shop.operator.calls)
    for word in (*personal, code, code.replace("-", ""), "WRONG-CODE", "WRONGCODE"):
        assert word not in logged, word
    for word in (*personal, code):
        assert word not in items, word
    for word in personal:
        assert word not in lists, word
