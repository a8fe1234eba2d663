"""What the keeper of members promises on every engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from shared.adapters.dynamodb.ledger import DynamoLedger
from shared.adapters.dynamodb.members import DynamoMembers
from shared.adapters.dynamodb.store import Store
from shared.domain.digest import request_hash
from shared.domain.entry import MemberId, closure_key
from shared.domain.errors import IdentityTakenError, MemberClosedError, MemberUnknownError, TryAgainError
from shared.domain.member import Consent, Identity, IdentityKind, Login, Profile
from shared.domain.wallet import Wallet
from tests.contract.ledgers import closing, record, store_of
from tests.engines.engine import Engine
from tests.fakes.clients import InterruptedClient
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, CAT, NOON, purchase

ADAS_LOGIN = Login("https://login.example.com/pool", "sub-ada")


def ada(**changes: Any) -> Profile:
    """Ada with every field filled in."""
    fields: dict[str, Any] = {
        "member": ADA,
        "customer_id": "customer-ada",
        "enrolled_at": NOON,
        "email": "ada@example.com",
        "phone": "+12015550123",
        "birth_date": date(1990, 2, 28),
        "time_zone": "Asia/Kolkata",
        "locale": "en-US",
        "login": ADAS_LOGIN,
        "consents": {"newsletter": Consent(True, NOON), "profiling": Consent(False, NOON)},
        "attributes": {"vip": True, "visits": 12, "size": "M"},
        **changes,
    }
    return Profile(**fields)


def bob(**changes: Any) -> Profile:
    """Bob with nothing but his customer id."""
    return Profile(**{"member": BOB, "customer_id": "customer-bob", "enrolled_at": NOON, **changes})


@pytest.fixture
def ledger(store: Store, clock: FakeClock) -> DynamoLedger:
    return DynamoLedger(store, clock)


@pytest.fixture
def members(store: Store, ledger: DynamoLedger) -> DynamoMembers:
    return DynamoMembers(store, ledger)


def enrol(members: DynamoMembers, profile: Profile) -> Any:
    """As the use case: the hash is of the request, which knows neither the member's id nor the time."""
    same = replace(profile, member=MemberId(""), enrolled_at=NOON)
    return members.enrol(profile, request_hash(same))


def close_member(members: DynamoMembers, member: MemberId) -> Any:
    digest = request_hash("closure", member)
    return members.close(member, closure_key(member), digest, closing)


def leads_to(members: DynamoMembers, profile: Profile) -> list[MemberId]:
    return [members.find(identity) for identity in profile.identities()]


def test_an_enrolled_member_has_their_profile_an_empty_wallet_and_every_identity(
    members: DynamoMembers, ledger: DynamoLedger
) -> None:
    receipt = enrol(members, ada())
    assert (receipt.member, receipt.customer_id, receipt.enrolled_at) == (ADA, "customer-ada", NOON)
    assert members.profile(ADA) == ada()
    assert ledger.view(ADA).wallet == Wallet(member=ADA, enrolled_at=NOON)
    assert leads_to(members, ada()) == [ADA] * 4


def test_the_same_enrolment_again_gets_the_first_receipt_and_makes_nobody(members: DynamoMembers) -> None:
    first = enrol(members, ada())
    again = enrol(members, ada(member=CAT, enrolled_at=NOON + timedelta(days=3)))
    assert again == first
    with pytest.raises(MemberUnknownError):
        members.profile(CAT)


def test_another_enrolment_of_the_same_customer_is_refused(members: DynamoMembers) -> None:
    enrol(members, ada())
    with pytest.raises(IdentityTakenError) as refused:
        enrol(members, ada(member=CAT, email="other@example.com"))
    assert refused.value.identity == "customer_id"


@pytest.mark.parametrize(
    ("kind", "taken"),
    [("email", {"email": "ada@example.com"}), ("phone", {"phone": "+12015550123"}), ("login", {"login": ADAS_LOGIN})],
)
def test_an_identity_belongs_to_one_member_and_a_refused_enrolment_leaves_nothing(
    members: DynamoMembers, ledger: DynamoLedger, kind: str, taken: dict[str, Any]
) -> None:
    enrol(members, ada())
    with pytest.raises(IdentityTakenError) as refused:
        enrol(members, bob(**taken))
    assert refused.value.identity == kind
    with pytest.raises(MemberUnknownError):
        members.find(Identity(IdentityKind.CUSTOMER_ID, "customer-bob"))
    with pytest.raises(MemberUnknownError):
        ledger.view(BOB)
    assert enrol(members, bob()).member == BOB


def test_the_loser_of_two_enrolments_at_once_gets_the_winners_receipt(
    members: DynamoMembers, engine: Engine, ledger: DynamoLedger
) -> None:
    late = InterruptedClient(engine.client, lambda: enrol(members, ada()))
    receipt = enrol(DynamoMembers(store_of(engine, late), ledger), ada(member=CAT))
    assert receipt.member == ADA
    with pytest.raises(MemberUnknownError):
        ledger.view(CAT)


def test_an_update_moves_the_identities_with_the_profile(members: DynamoMembers) -> None:
    enrol(members, ada())
    after = members.update(ADA, lambda profile: replace(profile, email="new@example.com", phone=None, version=2))
    assert members.profile(ADA) == after == ada(email="new@example.com", phone=None, version=2)
    assert leads_to(members, after) == [ADA] * 3
    for freed in (Identity(IdentityKind.EMAIL, "ada@example.com"), Identity(IdentityKind.PHONE, "+12015550123")):
        with pytest.raises(MemberUnknownError):
            members.find(freed)


def test_a_freed_identity_can_be_taken_by_another_member_and_not_clawed_back(members: DynamoMembers) -> None:
    enrol(members, ada())
    members.update(ADA, lambda profile: replace(profile, email=None, version=2))
    enrol(members, bob(email="ada@example.com"))
    assert members.find(Identity(IdentityKind.EMAIL, "ada@example.com")) == BOB
    with pytest.raises(IdentityTakenError) as refused:
        members.update(ADA, lambda profile: replace(profile, email="ada@example.com", version=3))
    assert refused.value.identity == "email"
    assert members.profile(ADA).email is None


def test_a_refused_update_changes_neither_profile_nor_identities(members: DynamoMembers) -> None:
    enrol(members, ada())
    enrol(members, bob(phone="+12015550199"))
    with pytest.raises(IdentityTakenError):
        members.update(BOB, lambda profile: replace(profile, email="bob@example.com", phone="+12015550123", version=2))
    assert members.profile(BOB) == bob(phone="+12015550199")
    assert members.find(Identity(IdentityKind.PHONE, "+12015550199")) == BOB
    with pytest.raises(MemberUnknownError):
        members.find(Identity(IdentityKind.EMAIL, "bob@example.com"))


def test_an_update_that_changes_nothing_writes_nothing(members: DynamoMembers) -> None:
    enrol(members, ada())
    assert members.update(ADA, lambda profile: profile) == ada()
    assert members.profile(ADA).version == 1


def test_two_updates_at_once_are_both_kept(members: DynamoMembers) -> None:
    enrol(members, ada())

    def slow(profile: Profile) -> Profile:
        if profile.version == 1:
            members.update(ADA, lambda other: replace(other, locale="de-DE", version=2))
        return replace(profile, time_zone="Europe/Berlin", version=profile.version + 1)

    members.update(ADA, slow)
    assert members.profile(ADA) == ada(locale="de-DE", time_zone="Europe/Berlin", version=3)


def test_an_identity_that_another_takes_in_between_is_refused(members: DynamoMembers) -> None:
    enrol(members, ada(email=None))

    def slow(profile: Profile) -> Profile:
        enrol(members, bob(email="both@example.com"))
        return replace(profile, email="both@example.com", version=2)

    with pytest.raises(IdentityTakenError):
        members.update(ADA, slow)
    assert members.find(Identity(IdentityKind.EMAIL, "both@example.com")) == BOB


def test_an_update_that_loses_every_race_is_told_to_try_again(members: DynamoMembers) -> None:
    enrol(members, ada())

    def outrun(profile: Profile) -> Profile:
        members.update(ADA, lambda other: replace(other, locale="fr-FR", version=other.version + 1))
        return replace(profile, locale="de-DE", version=profile.version + 1)

    with pytest.raises(TryAgainError):
        members.update(ADA, outrun)
    assert members.profile(ADA).locale == "fr-FR"


def test_what_a_change_refuses_leaves_the_profile_alone(members: DynamoMembers) -> None:
    enrol(members, ada())

    def refuse(profile: Profile) -> Profile:
        raise MemberClosedError

    with pytest.raises(MemberClosedError):
        members.update(ADA, refuse)
    assert members.profile(ADA) == ada()


def test_an_unknown_member_or_identity_is_unknown(members: DynamoMembers) -> None:
    for ask in (
        lambda: members.profile(ADA),
        lambda: members.find(Identity(IdentityKind.LOGIN, ADAS_LOGIN.identity.value)),
        lambda: members.update(ADA, lambda profile: profile),
        lambda: close_member(members, ADA),
    ):
        with pytest.raises(MemberUnknownError):
            ask()


def test_closing_forfeits_points_and_erases_all_that_is_personal(
    members: DynamoMembers, ledger: DynamoLedger, store: Store, clock: FakeClock
) -> None:
    enrol(members, ada())
    record(ledger, purchase(amount=2500))
    clock.advance(days=2)
    entry = close_member(members, ADA)
    purse = ledger.view(ADA).wallet.purse("points")
    assert (purse.active, purse.adjusted) == (0, 25)
    assert members.profile(ADA) == Profile(
        member=ADA, customer_id="customer-ada", enrolled_at=NOON, version=2, closed_at=entry.recorded_at
    )
    kept = str(store.client.scan(TableName=store.table)["Items"])
    for personal in ("ada@example.com", "+12015550123", "1990-02-28", "sub-ada", "Kolkata", "newsletter", "visits"):
        assert personal not in kept


def test_closing_frees_every_identity_but_the_customer_id(members: DynamoMembers) -> None:
    enrol(members, ada())
    close_member(members, ADA)
    assert members.find(Identity(IdentityKind.CUSTOMER_ID, "customer-ada")) == ADA
    enrol(members, bob(email="ada@example.com", phone="+12015550123", login=ADAS_LOGIN))
    assert members.find(ADAS_LOGIN.identity) == BOB


def test_a_delayed_enrolment_of_a_closed_member_brings_nobody_back(members: DynamoMembers) -> None:
    first = enrol(members, ada())
    close_member(members, ADA)
    assert enrol(members, ada(member=CAT)) == first
    assert members.profile(ADA).closed_at is not None
    with pytest.raises(MemberUnknownError):
        members.find(Identity(IdentityKind.EMAIL, "ada@example.com"))


def test_closing_twice_answers_as_the_first_time(members: DynamoMembers, clock: FakeClock) -> None:
    enrol(members, ada())
    first = close_member(members, ADA)
    clock.advance(days=1)
    assert close_member(members, ADA) == first
    assert members.profile(ADA).version == 2


def test_an_order_that_slips_in_before_the_closing_is_forfeited_with_the_rest(
    members: DynamoMembers, ledger: DynamoLedger, engine: Engine, clock: FakeClock
) -> None:
    enrol(members, ada())
    late = store_of(engine, InterruptedClient(engine.client, lambda: record(ledger, purchase(amount=900))))
    entry = close_member(DynamoMembers(late, DynamoLedger(late, clock)), ADA)
    assert entry.sequence == 2
    assert ledger.view(ADA).wallet.purse("points").adjusted == 9


def test_a_profile_that_changes_just_before_the_closing_is_erased_all_the_same(
    members: DynamoMembers, ledger: DynamoLedger, engine: Engine, clock: FakeClock
) -> None:
    enrol(members, ada())

    def move() -> None:
        members.update(ADA, lambda profile: replace(profile, email="new@example.com", version=2))

    late = store_of(engine, InterruptedClient(engine.client, move))
    close_member(DynamoMembers(late, DynamoLedger(late, clock)), ADA)
    assert members.profile(ADA).email is None
    for email in ("ada@example.com", "new@example.com"):
        with pytest.raises(MemberUnknownError):
            members.find(Identity(IdentityKind.EMAIL, email))


def test_the_longest_identities_fit_their_keys(members: DynamoMembers) -> None:
    login = Login("https://" + "i" * 200, "s" * 128)
    profile = ada(customer_id="c" * 64, email="e" * 242 + "@example.com", login=login)
    enrol(members, profile)
    assert leads_to(members, profile) == [ADA] * 4
