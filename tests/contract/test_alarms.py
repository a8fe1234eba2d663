"""Alarms and the roster: who is found when, and that no write and no sweep ever moves an alarm later than it must ring."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.domain.alarm import SHARDS, STEP, Alarm, floored, shard_of
from shared.domain.control import Act
from shared.domain.decision import Decision, View, Wanted
from shared.domain.entry import MemberId, closure_key, merge_key
from shared.domain.member import Profile
from shared.domain.standing import Course
from shared.domain.transferring import merge
from tests.contract.campaigner import BIRTHDAY, Campaigner, campaign, member_of
from tests.contract.counter import interrupted
from tests.contract.ledgers import Place, closing
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import NOON

WITH_PROFILE = Wanted(profile=True)


@pytest.fixture
def there(place: Place, clock: FakeClock) -> Campaigner:
    return Campaigner(place, clock)


def due(there: Campaigner, until: datetime | None = None, page: int = 100) -> list[MemberId]:
    """All whose alarm rang, shard by shard, page by page."""
    found: list[MemberId] = []
    for shard in range(SHARDS):
        after = None
        while True:
            members, after = there.place.alarms.due(shard, until or there.clock.now(), page, after)
            assert all(shard_of(member) == shard for member in members)
            found += members
            if after is None:
                break
    return found


def listed(there: Campaigner, page: int = 100) -> list[MemberId]:
    """The roster, shard by shard, page by page."""
    found: list[MemberId] = []
    for shard in range(SHARDS):
        after = None
        while True:
            members, after = there.place.alarms.roster(shard, page, after)
            assert all(shard_of(member) == shard for member in members)
            found += members
            if after is None:
                break
    return found


def of_shards(*shards: int, count: int) -> list[int]:
    """The first numbers whose members are in these shards."""
    found = (number for number in itertools.count() if shard_of(member_of(number)) in shards)
    return list(itertools.islice(found, count))


def view(there: Campaigner, member: MemberId) -> View:
    return there.ledger.view(member, WITH_PROFILE)


def alarms(there: Campaigner, member: MemberId) -> tuple[datetime | None, datetime | None]:
    """When the wallet's alarm rings, and the profile's."""
    seen = view(there, member)
    return seen.wallet.alarm.at, seen.profile.alarm.at if seen.profile else None


def in_days(days: int) -> Alarm:
    return Alarm(floored(NOON + timedelta(days=days)))


# ---- who is found


def test_whoever_enrols_is_looked_at_once_and_then_left_alone(there: Campaigner) -> None:
    member = there.enrol(1)
    assert due(there) == [member]
    there.visit(member)
    assert due(there, NOON + timedelta(days=10_000)) == []
    assert alarms(there, member) == (None, None)


def test_an_alarm_rings_at_its_instant_and_not_before(there: Campaigner) -> None:
    member = there.enrol(1)
    assert there.place.alarms.settle(view(there, member), in_days(3), Alarm())
    rings = in_days(3).at
    assert rings is not None
    assert due(there, rings - timedelta(seconds=1)) == []
    assert due(there, rings) == [member]


def test_the_earliest_alarm_comes_first(there: Campaigner) -> None:
    mine = [there.enrol(number) for number in of_shards(5, count=6)]
    there.enrol(*of_shards(6, count=1))
    for days, member in enumerate(reversed(mine)):
        assert there.place.alarms.settle(view(there, member), in_days(days), Alarm())
    assert there.place.alarms.due(5, NOON + timedelta(days=365), 100) == (mine[::-1], None)
    assert there.place.alarms.due(5, NOON + timedelta(days=1), 100)[0] == mine[::-1][:2]


@pytest.mark.parametrize("page", [1, 2, 3, 7, 100])
def test_pages_have_everybody_once_and_end(there: Campaigner, page: int) -> None:
    members = [there.enrol(number) for number in of_shards(0, 3, 31, count=18)]
    assert sorted(due(there, page=page)) == members
    assert sorted(listed(there, page=page)) == members


def test_a_shard_is_listed_in_order_of_id(there: Campaigner) -> None:
    members = [there.enrol(number) for number in reversed(of_shards(7, 8, count=12))]
    for shard in range(SHARDS):
        found = there.place.alarms.roster(shard, 100)[0]
        assert found == sorted(member for member in members if shard_of(member) == shard)


def test_a_member_whose_wallet_and_profile_ring_at_once_is_one_member(there: Campaigner) -> None:
    member = there.enrol(1)
    assert there.place.alarms.settle(view(there, member), in_days(0), in_days(0))
    assert due(there) == [member]
    # Of two pages, each may name them.
    assert set(due(there, page=1)) == {member}


def test_somebody_who_is_due_while_the_pages_are_read_disturbs_nobody(there: Campaigner) -> None:
    members = [there.enrol(number) for number in of_shards(1, 2, count=14)]
    found: list[MemberId] = []
    for shard in range(SHARDS):
        after = None
        while True:
            page, after = there.place.alarms.due(shard, NOON, 1, after)
            for member in page:
                found.append(member)
                # Whoever was looked at leaves the index, the place in it stays.
                there.visit(member)
            if after is None:
                break
    assert sorted(found) == members


# ---- what writes do


def test_an_order_sets_the_alarm_to_when_its_points_are_gone_and_a_later_one_leaves_it(there: Campaigner) -> None:
    member = there.enrol(1)
    there.visit(member)
    there.buy(member)
    first, _ = alarms(there, member)
    assert first == datetime.fromisoformat("2027-03-02T05:00:00+00:00")
    there.clock.advance(days=10)
    there.buy(member)
    assert alarms(there, member) == (first, None)


def test_an_order_never_moves_an_alarm_later(there: Campaigner) -> None:
    member = there.enrol(1)
    assert there.place.alarms.settle(view(there, member), in_days(2), Alarm())
    there.buy(member)
    assert alarms(there, member)[0] == in_days(2).at


def test_a_profile_that_changed_is_looked_at_anew(there: Campaigner) -> None:
    member = there.enrol(1)
    there.visit(member)
    assert due(there) == []

    def move(profile: Profile) -> Profile:
        return replace(profile, time_zone="Pacific/Auckland", version=profile.version + 1)

    there.place.members.update(member, move)
    assert due(there) == [member]
    assert listed(there) == [member]


# ---- what a sweep sets


def test_settling_again_changes_nothing(there: Campaigner) -> None:
    member = there.enrol(1)
    for _ in range(2):
        assert there.place.alarms.settle(view(there, member), in_days(3), in_days(9))
        assert alarms(there, member) == (in_days(3).at, in_days(9).at)


def test_what_is_remembered_of_the_program_is_kept_and_forgotten(there: Campaigner) -> None:
    member = there.enrol(1)
    told = Alarm(in_days(3).at, (7, 30), (60,))
    assert there.place.alarms.settle(view(there, member), told, Alarm())
    assert view(there, member).wallet.alarm == told
    there.buy(member)
    assert view(there, member).wallet.alarm == told
    assert there.place.alarms.settle(view(there, member), Alarm(), Alarm())
    assert view(there, member).wallet.alarm == Alarm()


def test_a_sweep_that_is_slower_than_an_order_sets_nothing(there: Campaigner) -> None:
    member = there.enrol(1)
    seen = view(there, member)
    there.buy(member)
    before = alarms(there, member)
    assert not there.place.alarms.settle(seen, in_days(9999), seen.profile.alarm if seen.profile else Alarm())
    assert alarms(there, member) == before


def test_a_sweep_that_is_slower_than_a_change_of_the_profile_sets_nothing(there: Campaigner) -> None:
    member = there.enrol(1)
    seen = view(there, member)
    there.place.members.update(member, lambda profile: replace(profile, locale="de-DE", version=profile.version + 1))
    assert not there.place.alarms.settle(seen, Alarm(), Alarm())
    assert due(there) == [member]


def test_a_sweep_that_is_slower_than_another_undoes_nothing(there: Campaigner) -> None:
    member = there.enrol(1)
    slow, quick = view(there, member), view(there, member)
    # Between the two a campaign was started.
    assert there.place.alarms.settle(quick, in_days(5), in_days(6))
    assert not there.place.alarms.settle(slow, in_days(300), Alarm())
    assert alarms(there, member) == (in_days(5).at, in_days(6).at)


@pytest.mark.parametrize("with_alarm", [False, True])
def test_an_order_that_began_before_a_sweep_does_not_undo_its_alarm(there: Campaigner, with_alarm: bool) -> None:
    member = there.enrol(1)
    there.visit(member)
    if with_alarm:
        assert there.place.alarms.settle(view(there, member), in_days(100), Alarm())

    def sweep() -> None:
        assert there.place.alarms.settle(view(there, member), Alarm(in_days(5).at, (), (60,)), Alarm())

    slow = Campaigner(replace(there.place, ledger=interrupted(there.ledger, sweep)), there.clock)
    slow.buy(member)
    assert view(there, member).wallet.alarm == Alarm(in_days(5).at, (), (60,))
    assert view(there, member).wallet.sequence == 1


def test_a_grant_that_began_before_a_sweep_does_not_undo_its_alarm(there: Campaigner) -> None:
    there.offer(campaign())
    there.act()
    member = there.enrol(1)

    def sweep() -> None:
        assert there.place.alarms.settle(view(there, member), in_days(5), Alarm())

    assert there.give(member, ledger=interrupted(there.ledger, sweep)) == "granted"
    assert (alarms(there, member)[0], there.points(member)) == (in_days(5).at, 50)


def test_a_write_whose_day_comes_before_the_alarm_moves_it_there(there: Campaigner) -> None:
    there.offer(campaign())
    there.act()
    member = there.enrol(1)
    there.visit(member)
    silent_from = alarms(there, member)[0]
    assert silent_from == datetime.fromisoformat("2026-05-01T04:00:00+00:00")
    there.clock.advance(days=10)
    there.buy(member)
    # Looked at on the day that it was, and then set to ten days later.
    assert alarms(there, member)[0] == silent_from
    there.clock.advance(days=50)
    assert there.visit(member) == {}
    assert alarms(there, member)[0] == datetime.fromisoformat("2026-05-11T04:00:00+00:00")


# ---- who left


def test_whoever_leaves_is_in_neither_index(there: Campaigner) -> None:
    there.offer(campaign(), campaign("birthday", BIRTHDAY))
    there.act()
    there.act("birthday")
    member, stays = there.enrol(1, birth_date=NOON.date()), there.enrol(2)
    there.buy(member)
    there.place.members.close(member, closure_key(member), b"c" * 32, closing)
    assert (due(there, NOON + timedelta(days=9999)), listed(there)) == ([stays], [stays])
    assert alarms(there, member) == (None, None)
    # What came late does not bring them back, and a sweep that had seen them does nothing.
    assert there.visit(member) == {}
    assert (due(there, NOON + timedelta(days=9999)), listed(there)) == ([stays], [stays])


def test_a_sweep_that_saw_somebody_before_they_left_does_not_bring_them_back(there: Campaigner) -> None:
    member = there.enrol(1)
    seen = view(there, member)
    there.place.members.close(member, closure_key(member), b"c" * 32, closing)
    assert not there.place.alarms.settle(seen, in_days(3), in_days(3))
    assert (due(there, NOON + timedelta(days=9999)), listed(there)) == ([], [])


def test_of_two_who_are_merged_the_survivor_stays_in_both(there: Campaigner) -> None:
    there.offer(campaign())
    there.act()
    gone, stays = there.enrol(1), there.enrol(2)
    for member in (gone, stays):
        there.buy(member)
        there.visit(member)
    there.clock.advance(days=30)
    there.buy(gone)

    def decide(seen: View) -> Decision:
        return merge(seen, "twins", b"m" * 32, grocer.ZONE, Course.by(there.versions, there.version))

    there.place.members.close(gone, merge_key(gone), b"m" * 32, decide, into=stays)
    assert listed(there) == [stays]
    assert due(there, NOON + timedelta(days=9999)) == [stays]
    assert alarms(there, gone) == (None, None)
    # They are one person, who bought 30 days ago at the latest.
    there.clock.advance(days=59)
    for member in due(there):
        there.visit(member)
    assert there.points(stays) == 30
    there.clock.advance(days=1)
    assert due(there) == [stays]
    there.visit(stays)
    assert there.points(stays) == 80
    assert there.breaks(stays, gone) == []


def test_a_paused_campaign_keeps_its_alarms_and_a_cancelled_one_gives_them_up(there: Campaigner) -> None:
    there.offer(campaign())
    there.act()
    member = there.enrol(1)
    there.visit(member)
    there.act(act=Act.PAUSE)
    there.visit(member)
    assert alarms(there, member)[0] is not None
    there.act(act=Act.CANCEL)
    there.visit(member)
    assert alarms(there, member) == (None, None)


def test_an_alarm_rings_on_a_quarter_of_an_hour(there: Campaigner) -> None:
    there.offer(campaign("birthday", BIRTHDAY))
    there.act("birthday")
    member = there.enrol(1, birth_date=NOON.date(), time_zone="Asia/Kathmandu")
    there.visit(member)
    _, at = alarms(there, member)
    assert at == datetime.fromisoformat("2027-03-01T18:15:00+00:00")
    assert at is not None
    assert at == floored(at + STEP - timedelta(seconds=1))
