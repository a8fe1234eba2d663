"""Billing events as entries: what a wallet keeps of years of them, and what it need not keep."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.billing import tell_billing
from shared.domain.decision import View
from shared.domain.entry import Entry
from shared.domain.errors import MemberClosedError, OccurredInFutureError, RequestInvalidError, TrialUsedError
from shared.domain.history import fold
from shared.domain.membership import BillingEvent, active_at
from shared.domain.program import ProgramVersion
from shared.domain.wallet import Wallet
from tests.fakes.grocer import ADA, NOON, OPENED, version

MONTHLY = {"id": "monthly", "name": "Monthly", "price": 999, "term": {"months": 1}, "trial_days": 7}
PROTECTING = {**MONTHLY, "id": "prime", "protects_tier": True}
PLANS = version(memberships=[MONTHLY, PROTECTING])
WALLET = Wallet(member=ADA, enrolled_at=OPENED)


def event(id: str, kind: Any = "started", at: datetime = NOON, **changes: Any) -> BillingEvent:
    fields: dict[str, Any] = {"event_id": id, "member_id": ADA, "plan": "monthly", "kind": kind, "occurred_at": at, **changes}
    return BillingEvent(**fields)


def told(
    wallet: Wallet, what: BillingEvent, now: datetime | None = None, versions: tuple[ProgramVersion, ...] = (PLANS,)
) -> tuple[Entry, Wallet]:
    decision = tell_billing(View(wallet=wallet, now=now or what.occurred_at), what, versions)
    return decision.entry, decision.wallet


def month(number: int) -> datetime:
    """The same hour of the n-th month after that of the tests."""
    return NOON.replace(year=NOON.year + (NOON.month - 1 + number) // 12, month=(NOON.month - 1 + number) % 12 + 1)


def billed(months: int, plan: str) -> tuple[list[Entry], Wallet]:
    entries, wallet = [], WALLET
    for number in range(months):
        at = month(number)
        renewal = event(f"bill-{number}", "renewed", at, plan=plan, starts_at=at)
        entry, wallet = told(wallet, renewal)
        entries.append(entry)
    return entries, wallet


def test_years_of_renewals_do_not_pile_up_in_the_wallet() -> None:
    entries, wallet = billed(60, "monthly")
    assert len(wallet.terms) <= 14 + 12
    assert active_at(wallet.terms, month(59)) == ("monthly",)
    # An order may be 400 days late: what it could ask about is still there.
    assert active_at(wallet.terms, month(59) - timedelta(days=400)) == ("monthly",)
    assert fold(WALLET, entries) == wallet


def test_terms_that_protect_a_tier_are_all_kept() -> None:
    _, wallet = billed(30, "prime")
    assert len(wallet.terms) == 30


def test_a_trial_is_never_forgotten() -> None:
    _, wallet = told(WALLET, event("trial", "trial_started"))
    for number in range(1, 40):
        _, wallet = told(wallet, event(f"bill-{number}", "renewed", month(number), starts_at=month(number)))
    with pytest.raises(TrialUsedError):
        told(wallet, event("another", "trial_started", month(40)))


def test_an_entry_tells_the_term_by_the_local_clock_and_gives_no_points() -> None:
    entry, wallet = told(WALLET, event("bill-1"))
    assert (entry.key, entry.kind, entry.postings, entry.why) == ("billing:bill-1", "billing", (), ())
    [term] = wallet.terms
    assert (term.plan, term.starts, term.ends) == ("monthly", NOON, month(1) - timedelta(hours=1))


def test_a_plan_that_is_sold_no_more_is_billed_as_it_was() -> None:
    _, wallet = told(WALLET, event("bill-1"), versions=(PLANS, version(2)))
    assert active_at(wallet.terms, NOON) == ("monthly",)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(RequestInvalidError):
        told(WALLET, event("bill-1", plan="yearly"))
    with pytest.raises(OccurredInFutureError):
        told(WALLET, event("bill-1"), now=NOON - timedelta(minutes=6))
    with pytest.raises(MemberClosedError):
        told(replace(WALLET, closed=True), event("bill-1"))
