"""Signs of farming: what two accounts have in common, where that leads, and what is no sign at all."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shared.domain.assessing import Sign, assess, assess_joining, joined, names_of, worst
from shared.domain.decision import Joins, Sighting, View
from shared.domain.fingerprint import SEEN_MAX, Fingerprint, FingerprintKind
from shared.domain.member import Profile
from shared.domain.referral import Abuse, Verdict
from shared.domain.wallet import Wallet
from tests.unit.circle import START, member

ANN, FAY, OLD, SUE = (member(name) for name in ("ann", "fay", "old", "sue"))
MAIL = Fingerprint(FingerprintKind.MAILBOX, "fay@example.com")
PHONE = Fingerprint(FingerprintKind.PHONE, "+15550100")
DEVICE = Fingerprint(FingerprintKind.DEVICE, "device-1")
CARD = Fingerprint(FingerprintKind.PAYMENT, "card-0001")
TODAY = date(2026, 3, 2)
ALLOW_ALL = Abuse.model_validate(
    {
        **dict.fromkeys(("same_mailbox", "same_phone", "same_device", "same_payment", "known_person", "ring"), "allow"),
        "shared_device": {"verdict": "allow"},
        "shared_payment": {"verdict": "allow"},
        "disposable": "allow",
    }
)


def profile(id: Any = FAY, **changes: Any) -> Profile:
    return Profile(member=id, customer_id=id, enrolled_at=START, **changes)


FRIEND = profile(email="fay@example.com", phone="+15550100", seen_with=(DEVICE, CARD))


def advocate(other: View | None = None, **changes: Any) -> View:
    """The advocate's view, with this profile."""
    wallet = Wallet(member=ANN, enrolled_at=START, merged_into=other.wallet.member if other else None)
    return View(wallet=wallet, now=START, profile=profile(ANN, **changes), other=other)


def sighting(*, by: View | None = None, path: tuple[str, ...] = (), **seen: Any) -> Sighting:
    """What is known beside the friend's view; `seen` are who was seen with the friend's fingerprints before."""
    places = {"mail": MAIL, "phone": PHONE, "device": DEVICE, "card": CARD}
    found = {places[name]: (*members, FAY) for name, members in seen.items()}
    return Sighting(friend=FRIEND, advocate=by or advocate(), path=path, seen=found)


def found(there: Sighting, **abuse: Any) -> list[Sign]:
    """The signs by a policy with these changes."""
    assert there.friend is not None
    return assess(there.friend, there, Abuse.model_validate(abuse))


def test_two_people_who_have_nothing_in_common_are_no_sign() -> None:
    alone = sighting(mail=(), phone=(), device=(), card=())
    assert found(alone) == []
    assert worst([]) == "allow"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"email": "fay@example.com"}, "same_mailbox"),
        ({"phone": "+15550100"}, "same_phone"),
        ({"seen_with": (DEVICE,)}, "same_device"),
        ({"seen_with": (CARD,)}, "same_payment"),
    ],
)
def test_what_the_profiles_of_advocate_and_friend_share_rejects(changes: dict[str, Any], name: str) -> None:
    assert found(sighting(by=advocate(**changes))) == [Sign(name, "reject")]


@pytest.mark.parametrize(
    ("place", "name"), [("mail", "same_mailbox"), ("phone", "same_phone"), ("device", "same_device"), ("card", "same_payment")]
)
def test_what_the_advocate_was_ever_seen_with_counts_too(place: str, name: str) -> None:
    seen: dict[str, Any] = {place: (ANN,)}
    assert found(sighting(**seen)) == [Sign(name, "reject")]


def test_addresses_of_one_mailbox_are_the_same_person() -> None:
    friend = profile(email="a.nn+friend@googlemail.com")
    there = Sighting(friend=friend, advocate=advocate(email="ann@gmail.com"))
    assert found(there) == [Sign("same_mailbox", "reject")]


def test_whoever_took_over_from_the_advocate_counts_as_the_advocate() -> None:
    heir = View(wallet=Wallet(member=SUE, enrolled_at=START), now=START, profile=profile(SUE, phone="+15550100"))
    assert found(sighting(by=advocate(other=heir))) == [Sign("same_phone", "reject")]
    assert found(sighting(by=advocate(other=heir), device=(SUE,))) == [
        Sign("same_device", "reject"),
        Sign("same_phone", "reject"),
    ]


def test_a_friend_who_took_over_from_the_advocate_is_the_same_person_whatever_the_policy() -> None:
    heir = View(wallet=Wallet(member=FAY, enrolled_at=START), now=START, profile=FRIEND)
    assert found(sighting(by=advocate(other=heir), mail=(), device=())) == [Sign("same_person", "reject")]
    assert assess(FRIEND, sighting(by=advocate(other=heir)), ALLOW_ALL) == [Sign("same_person", "reject")]


def test_whoever_came_after_the_friend_with_the_friends_mailbox_is_no_reason_against_the_friend() -> None:
    assert found(Sighting(friend=FRIEND, advocate=advocate(), seen={MAIL: (FAY, SUE)})) == []
    assert found(Sighting(friend=FRIEND, advocate=advocate(), seen={MAIL: (OLD, FAY, SUE)})) == [Sign("known_person", "reject")]


@pytest.mark.parametrize("place", ["mail", "phone"])
def test_a_mailbox_or_phone_of_somebody_else_is_a_known_person(place: str) -> None:
    seen: dict[str, Any] = {place: (SUE,)}
    assert found(sighting(**seen)) == [Sign("known_person", "reject")]


def test_a_shared_device_asks_for_a_look_from_the_first_other_member_on() -> None:
    assert found(sighting(device=(SUE,))) == [Sign("shared_device", "review")]
    assert found(sighting(card=(SUE,))) == [Sign("shared_payment", "review")]


def test_a_family_may_share_a_device_up_to_so_many_others() -> None:
    shared = {"shared_device": {"others_max": 2, "verdict": "reject"}}
    assert found(sighting(device=(SUE, OLD)), **shared) == []
    assert found(sighting(device=(SUE, OLD, member("bob"))), **shared) == [Sign("shared_device", "reject")]
    both = sighting(device=(SUE, OLD, ANN))
    assert found(both, same_device="allow", **shared) == [Sign("same_device", "allow")]


def test_a_device_that_more_were_seen_with_than_are_kept_is_crowded_however_many_others_are_allowed() -> None:
    shared = {"shared_device": {"others_max": 19}}
    others = tuple(member(f"m{number}") for number in range(SEEN_MAX - 1))
    assert found(sighting(device=others[:-1]), **shared) == []
    assert found(sighting(device=others), **shared) == [Sign("shared_device", "review")]


@pytest.mark.parametrize("place", ["mail", "phone", "device", "card"])
def test_what_is_shared_with_one_who_brought_the_advocate_is_a_ring(place: str) -> None:
    seen: dict[str, Any] = {place: (OLD,)}
    signs = found(sighting(path=(SUE, OLD), **seen))
    assert signs[0] == Sign("ring", "reject")


def test_what_is_allowed_between_advocate_and_friend_makes_no_ring() -> None:
    family = {"same_device": "allow", "shared_device": {"others_max": 5}}
    assert found(sighting(path=(OLD,), device=(OLD,)), **family) == []
    assert found(sighting(path=(OLD,), card=(OLD,)), **family) == [Sign("ring", "reject"), Sign("shared_payment", "review")]
    assert found(sighting(path=(OLD,), device=(OLD,)), same_device="review", shared_device={"others_max": 5}) == [
        Sign("ring", "reject")
    ]


@pytest.mark.parametrize("verdict", ["allow", "review", "reject"])
def test_each_sign_leads_where_the_policy_says(verdict: Verdict) -> None:
    names = ("same_mailbox", "same_phone", "same_device", "same_payment", "known_person", "ring", "disposable")
    abuse = Abuse.model_validate(
        {
            **dict.fromkeys(names, verdict),
            "shared_device": {"verdict": verdict},
            "shared_payment": {"verdict": verdict},
            "velocity": [{"per": "day", "friends_max": 1, "verdict": verdict}],
        }
    )
    by = advocate(email="fay@example.com", phone="+15550100", seen_with=(DEVICE, CARD))
    seen = {MAIL: (SUE,), DEVICE: (OLD, SUE), CARD: (OLD, SUE)}
    joins = Joins({"day": (TODAY, 1)})
    there = Sighting(friend=FRIEND, advocate=by, path=(OLD,), seen=seen, joins=joins, disposable=True)
    signs = assess_joining(FRIEND, there, abuse, TODAY)
    expected = {*names, "shared_device", "shared_payment", "velocity"} - ({"ring"} if verdict == "allow" else set())
    assert {sign.name for sign in signs} == expected
    assert {sign.verdict for sign in signs} == {verdict} == {worst(signs)}
    assert names_of(signs) == (() if verdict == "allow" else tuple(dict.fromkeys(sign.name for sign in signs)))


def test_of_several_signs_the_worst_decides_in_any_order() -> None:
    signs = [Sign("a", "review"), Sign("b", "reject"), Sign("c", "allow")]
    assert worst(signs) == worst(signs[::-1]) == "reject"
    assert worst(signs[::2]) == "review"
    assert names_of([*signs, *signs]) == ("a", "b")


def test_where_all_is_allowed_nothing_is_left() -> None:
    by = advocate(email="fay@example.com", seen_with=(DEVICE, CARD))
    signs = assess(FRIEND, sighting(by=by, path=(OLD,), device=(OLD, SUE), card=(OLD,)), ALLOW_ALL)
    assert (worst(signs), names_of(signs)) == ("allow", ())


def test_only_joining_asks_for_the_mail_domain_and_for_haste() -> None:
    there = Sighting(friend=FRIEND, advocate=advocate(), disposable=True, joins=Joins({"day": (TODAY, 99)}))
    abuse = Abuse.model_validate({"velocity": [{"per": "day", "friends_max": 1, "verdict": "reject"}]})
    assert assess(FRIEND, there, abuse) == []
    assert assess_joining(FRIEND, there, abuse, TODAY) == [Sign("disposable", "review"), Sign("velocity", "reject")]


@pytest.mark.parametrize(
    ("per", "since", "day", "counted"),
    [
        ("day", date(2026, 3, 2), date(2026, 3, 2), 7),
        ("day", date(2026, 3, 1), date(2026, 3, 2), 0),
        ("week", date(2026, 3, 2), date(2026, 3, 8), 7),
        ("week", date(2026, 3, 2), date(2026, 3, 9), 0),
        ("month", date(2026, 3, 1), date(2026, 3, 31), 7),
        ("month", date(2026, 3, 1), date(2026, 4, 1), 0),
        ("year", date(2026, 1, 1), date(2026, 12, 31), 7),
        ("year", date(2026, 1, 1), date(2027, 1, 1), 0),
    ],
)
def test_friends_are_counted_by_the_calendar_period_of_the_local_day(per: str, since: date, day: date, counted: int) -> None:
    assert joined(Joins({per: (since, 7)}), per, day) == counted


def test_haste_begins_with_the_friend_after_as_many_as_are_fine() -> None:
    abuse = Abuse.model_validate({"velocity": [{"per": "day", "friends_max": 3, "verdict": "reject"}]})
    signs = [
        assess_joining(FRIEND, Sighting(joins=Joins({"day": (TODAY, so_far)}) if so_far else Joins()), abuse, TODAY)
        for so_far in range(5)
    ]
    assert [len(found) for found in signs] == [0, 0, 0, 1, 1]


def test_a_campaigns_friend_has_nobody_to_share_with_but_may_be_known() -> None:
    there = Sighting(friend=FRIEND, seen={MAIL: (SUE,), DEVICE: (FAY,)})
    assert found(there) == [Sign("known_person", "reject")]
