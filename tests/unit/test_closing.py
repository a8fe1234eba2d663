"""A member leaves: all there is is forfeited, debt is forgiven, nothing personal stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from shared.domain.history import fold, folded
from shared.domain.member import Consent, Identity, IdentityKind, Login, Profile, close
from shared.domain.purse import Purse
from shared.domain.wallet import Wallet
from tests.fakes.grocer import ADA, NOON, OPENED, ZONE, earn, earning_rule, purchase, version

WALLET = Wallet(member=ADA, enrolled_at=OPENED)
TWO_CURRENCIES = version(
    currencies=[{"code": "points", "pending_days": 14}, {"code": "stars", "expiry": {"after": 30, "rounded_to": "day"}}],
    earning_rules=[earning_rule(), earning_rule("stars", "stars", 1, 1000)],
)


def test_active_and_pending_points_of_every_currency_are_forfeited() -> None:
    _, wallet = earn(WALLET, purchase(amount=5000), [TWO_CURRENCIES], now=NOON)
    entry, closed = close(wallet, now=NOON, zone=ZONE)
    assert [(p.debit, p.credit, p.currency, p.points) for p in entry.postings] == [
        ("pending", "adjusted", "points", 50),
        ("active", "adjusted", "stars", 5),
    ]
    assert closed.closed
    assert all((purse.active, purse.pending, purse.debt) == (0, 0, 0) for purse in closed.purses)
    assert (entry.key, entry.kind, entry.sequence, entry.purchase) == (f"closure:{ADA}", "closure", 2, None)


def test_what_the_date_took_is_booked_as_expired_and_not_as_forfeited() -> None:
    _, wallet = earn(WALLET, purchase(amount=5000), [TWO_CURRENCIES], now=NOON)
    entry, _ = close(wallet, now=NOON + timedelta(days=31), zone=ZONE)
    assert [(p.debit, p.credit, p.currency) for p in entry.postings] == [
        ("pending", "active", "points"),
        ("active", "expired", "stars"),
        ("active", "adjusted", "points"),
    ]


def test_debt_is_forgiven() -> None:
    indebted = replace(WALLET, purses=(Purse("points", debt=30, redeemed=30),))
    entry, closed = close(indebted, now=NOON, zone=ZONE)
    assert [(p.debit, p.credit, p.points) for p in entry.postings] == [("adjusted", "debt", 30)]
    assert closed.purse("points").balance == 0


def test_an_empty_wallet_can_be_closed() -> None:
    entry, closed = close(WALLET, now=NOON, zone=ZONE)
    assert (entry.postings, entry.after, closed.closed, closed.sequence) == ((), (), True, 1)


def test_the_closing_is_recorded_no_earlier_than_the_entry_before() -> None:
    late = datetime(2026, 3, 3, 5, tzinfo=UTC)
    _, wallet = earn(WALLET, purchase(), [version()], now=late)
    entry, _ = close(wallet, now=late - timedelta(minutes=1), zone=ZONE)
    assert (entry.recorded_at, entry.occurred_at, entry.recorded_on) == (late, late, date(2026, 3, 3))


def test_closing_is_a_rule_of_the_fold_and_not_a_number() -> None:
    """Whatever is found to have come before it or to come after it is forfeited as well."""
    first, wallet = earn(WALLET, purchase(amount=1000), [version()], now=NOON)
    closure, closed = close(wallet, now=NOON, zone=ZONE)
    assert fold(WALLET, [first, closure]) == closed
    second, _ = earn(wallet, purchase("order-2", 700), [version()], now=NOON)
    more_before = fold(WALLET, [first, second, replace(closure, sequence=3)])
    assert (more_before.purse("points").active, more_before.purse("points").adjusted) == (0, 17)
    more_after, postings = folded(closed, [closure, first], replace(second, sequence=3))
    assert (more_after.purse("points").active, more_after.purse("points").adjusted) == (0, 17)
    assert more_after.closed
    assert postings[-1].credit == "adjusted"


def test_a_profile_leads_from_every_identity_that_it_has() -> None:
    profile = Profile(member=ADA, customer_id="c", enrolled_at=NOON, email="a@example.com", login=Login("https://i", "s"))
    assert profile.identities() == {
        Identity(IdentityKind.CUSTOMER_ID, "c"),
        Identity(IdentityKind.EMAIL, "a@example.com"),
        Identity(IdentityKind.LOGIN, "https://i s"),
    }


def test_an_erased_profile_keeps_ids_and_dates_and_nothing_personal() -> None:
    profile = Profile(
        member=ADA,
        customer_id="c",
        enrolled_at=OPENED,
        version=4,
        email="a@example.com",
        phone="+12015550123",
        birth_date=date(1990, 1, 1),
        time_zone="UTC",
        locale="en",
        login=Login("https://i", "s"),
        consents={"post": Consent(True, NOON)},
        attributes={"a": 1},
    )
    erased = profile.erased(NOON)
    assert erased == Profile(member=ADA, customer_id="c", enrolled_at=OPENED, version=5, closed_at=NOON)


def test_a_consent_said_again_keeps_its_time_and_a_changed_one_gets_a_new_one() -> None:
    later = NOON + timedelta(days=1)
    first = Profile(member=ADA, customer_id="c", enrolled_at=NOON).with_consents({"a": True, "b": True}, NOON)
    then = first.with_consents({"a": True, "b": False, "c": True}, later)
    assert then.consents == {"a": Consent(True, NOON), "b": Consent(False, later), "c": Consent(True, later)}
    assert first.consents["b"] == Consent(True, NOON)
