"""Tiers over merges and over what wallets forgot: credit is neither lost nor made, whoever takes over from whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.audit import audit
from shared.domain.calendar import local_day
from shared.domain.decision import Order, View
from shared.domain.earning import earn
from shared.domain.entry import Entry, MemberId
from shared.domain.history import fold
from shared.domain.program import ProgramVersion
from shared.domain.refunding import RefundRequest, refund
from shared.domain.standing import course_now, tier_now
from shared.domain.transferring import merge
from shared.domain.wallet import Wallet
from tests.fakes import grocer
from tests.fakes.grocer import ADA, BOB

LEVELS = [{"id": f"level_{n}", "name": f"Level {n}", "threshold": n * 1000} for n in range(6)]
LONG_AGO = datetime(2018, 1, 1, tzinfo=UTC)


def program(kind: str, number: int = 1, since: datetime = LONG_AGO, **changes: Any) -> ProgramVersion:
    """A level for each 1,000 points of a year of this kind; orders may be a week late, so wallets forget soon."""
    tiers = {"metric": "points", "currency": "points", "period": {"kind": kind}, "levels": LEVELS, **changes}
    return grocer.version(number, since, tiers=tiers, late_days_max=7)


def noon(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 17, tzinfo=UTC)


class Books:
    """A member's wallet and rows; each call changes them and proves them."""

    def __init__(self, versions: list[ProgramVersion], member: MemberId, enrolled_at: datetime) -> None:
        self.versions = versions
        self.wallet = Wallet(member=member, enrolled_at=enrolled_at)
        self.entries: list[Entry] = []

    def view(self, now: datetime, other: View | None = None) -> View:
        return View(wallet=self.wallet, now=now, history=self.entries[::-1], other=other)

    def post(self, entry: Entry, wallet: Wallet) -> Entry:
        self.wallet = wallet
        self.entries.append(entry)
        return entry

    def buys(self, at: datetime, dollars: int, days: int = 1) -> list[Entry]:
        """An order of so many dollars on each of so many days."""
        found = []
        for number in range(days):
            now = at + timedelta(days=number)
            order_id = f"{self.wallet.member}-{len(self.entries)}"
            order = grocer.purchase(order_id, dollars * 100, occurred_at=now, member_id=self.wallet.member)
            decision = earn(self.view(now), order, self.versions)
            found.append(self.post(decision.entry, decision.wallet))
        return found

    def refunds(self, bought: Entry, now: datetime, amount: int | None = None, survivor: Books | None = None) -> None:
        """Money of an order goes back; a merged member's order changes the survivor's books too."""
        order_id = bought.key.partition(":")[2]
        request = RefundRequest(order_id=order_id, refund_id="r1", occurred_at=now, amount=amount)
        view = self.view(now, survivor.view(now) if survivor else None)
        decision = refund(view, Order(bought), request, self.versions)
        self.post(decision.entry, decision.wallet)
        for entry, wallet in decision.others:
            assert survivor is not None
            survivor.post(entry, wallet)

    def merges_into(self, survivor: Books, now: datetime) -> None:
        course = course_now(self.versions, now)
        decision = merge(self.view(now, survivor.view(now)), "one person", b"digest", grocer.ZONE, course)
        self.post(decision.entry, decision.wallet)
        [(entry, wallet)] = decision.others
        survivor.post(entry, wallet)

    def tier(self, now: datetime) -> str:
        """The tier, with books that prove."""
        opened = Wallet(member=self.wallet.member, enrolled_at=self.wallet.enrolled_at)
        assert fold(opened, self.entries) == self.wallet
        assert list(audit(self.wallet, self.entries, self.versions)) == []
        level = tier_now(self.wallet, course_now(self.versions, now), local_day(now, grocer.ZONE))
        assert level is not None
        return level.id


def test_three_quiet_years_do_not_make_a_high_tier_in_a_new_account() -> None:
    old = Books([program("anniversary")], ADA, noon(2023, 1, 10))
    for year in (2023, 2024, 2025):
        old.buys(noon(year, 2, 9), 600)
    new = Books(old.versions, BOB, noon(2025, 11, 30))
    now = noon(2025, 12, 1)
    assert old.tier(now) == "level_0"
    old.merges_into(new, now)
    assert new.tier(now) == "level_0"


def test_a_tier_that_was_held_by_reviews_survives_a_merge_and_is_told() -> None:
    old = Books([program("calendar_year", downgrade="one_step")], ADA, noon(2020, 1, 5))
    old.buys(noon(2020, 1, 5), 100, days=60)
    old.buys(noon(2022, 6, 1), 1)
    assert old.wallet.forgotten is not None
    new = Books(old.versions, BOB, noon(2020, 1, 5))
    now = noon(2022, 6, 2)
    held = old.tier(now)
    old.merges_into(new, now)
    assert (held, new.tier(now)) == ("level_4", "level_4")
    stands = new.entries[-1].effect.stands
    assert stands is not None
    assert stands.tier == "level_4"


def test_refunds_after_a_merge_of_two_who_forgot_take_the_upgrade_with_them() -> None:
    versions = [program("calendar_year", downgrade="one_step")]
    ada, bob = Books(versions, ADA, noon(2020, 6, 1)), Books(versions, BOB, noon(2020, 6, 1))
    hers, his = ada.buys(noon(2023, 2, 1), 60, days=60), bob.buys(noon(2023, 3, 1), 20, days=60)
    for books in (ada, bob):
        books.buys(noon(2024, 3, 1), 1)
        assert books.wallet.forgotten is not None
    ada.merges_into(bob, noon(2024, 3, 5))
    # 4,800 points together in 2023.
    assert bob.tier(noon(2024, 3, 5)) == "level_4"
    for number, order in enumerate(hers[:14]):
        ada.refunds(order, noon(2024, 3, 6) + timedelta(hours=number), survivor=bob)
    # 840 fewer: 3,960.
    assert bob.tier(noon(2024, 3, 8)) == "level_3"
    bob.refunds(his[0], noon(2024, 3, 9))
    assert bob.tier(noon(2024, 3, 9)) == "level_3"


def test_refunding_a_point_of_an_old_order_after_the_years_changed_costs_no_more_than_that() -> None:
    versions = [program("calendar_year"), program("anniversary", 2, datetime(2025, 4, 1, 12, tzinfo=UTC))]
    ada = Books(versions, ADA, noon(2023, 10, 1))
    first, *_ = ada.buys(noon(2024, 2, 1), 51, days=80)
    ada.buys(noon(2025, 3, 1), 1)
    assert ada.wallet.forgotten is not None
    now = noon(2025, 5, 1)
    before = ada.tier(now)
    ada.refunds(first, now, amount=100)
    # 4,079 of 4,080 points are left.
    assert (before, ada.tier(now)) == ("level_4", "level_4")


def test_a_merge_with_an_older_member_keeps_the_survivors_own_credit() -> None:
    bob = Books([program("anniversary")], BOB, noon(2020, 6, 1))
    for at, dollars in ((noon(2023, 6, 10), 10), (noon(2024, 2, 1), 70), (noon(2024, 7, 2), 1)):
        bob.buys(at, dollars, days=60)
    assert bob.wallet.forgotten is not None
    now = noon(2024, 9, 10)
    before = bob.tier(now)
    ada = Books(bob.versions, ADA, noon(2020, 1, 5))
    ada.merges_into(bob, now)
    assert (before, bob.tier(now)) == ("level_4", "level_4")
