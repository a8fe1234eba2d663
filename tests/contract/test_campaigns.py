"""Grants on every engine: once, whole or not at all, by the state that the campaign has in the grant's own batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.code import CodeKind
from shared.domain.control import Act, CampaignState, Control, Step
from shared.domain.entry import EntryKey, MemberId, grant_key
from shared.domain.errors import CampaignStateError, EntryUnknownError, TryAgainError
from shared.domain.member import Consent
from tests.contract.campaigner import SILENCE, Campaigner, Document, campaign
from tests.contract.counter import GIFT_CARD, MUG, interrupted
from tests.contract.ledgers import Place, closing, dynamo_place, memory_place, store_of
from tests.contract.test_races import Together
from tests.contract.test_round_trips import READ, UNDONE, UNHEARD, WRITE, trips
from tests.engines.engine import Engine
from tests.engines.faults import Fault, FaultyWire, faulty
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import NOON

CAP: Document = {"id": "pot", "currency": "points", "scope": "program", "points": 120}
GRANTED, BUDGET = "granted", "budget"


@pytest.fixture
def there(place: Place, clock: FakeClock) -> Campaigner:
    return Campaigner(place, clock)


def running(there: Campaigner, *campaigns: Document, **program: Any) -> Campaigner:
    """The same, and its campaigns run."""
    there.offer(*campaigns, **program)
    for document in campaigns:
        there.act(document["id"])
    return there


# ---- once


def test_a_bonus_is_given_once_for_a_period_and_told_as_given_from_then_on(there: Campaigner) -> None:
    running(there, campaign())
    member = there.enrol(1)
    assert [there.give(member) for _ in range(3)] == [GRANTED] * 3
    assert there.points(member) == 50
    assert there.give(member, period="p2") == GRANTED
    assert [grant.period for grant in there.grants(member)] == ["p1", "p2"]
    assert there.points(member) == 100
    assert there.tally() == {"granted": 2, "points:points": 100}
    assert there.breaks(member) == []


def test_a_bonus_that_was_given_stays_so_whatever_the_document_says_by_then(there: Campaigner) -> None:
    running(there, campaign())
    member = there.enrol(1)
    there.give(member)
    there.offer(campaign(points=500))
    assert there.give(member) == GRANTED
    assert (there.points(member), there.tally()) == (50, {"granted": 1, "points:points": 50})


def test_counts_are_kept_for_each_campaign_and_each_moment_of_a_date(there: Campaigner) -> None:
    dated = {"kind": "recurrence", "every": "day", "at": "09:00"}
    running(there, campaign(), campaign("daily", dated, points=7))
    members = [there.enrol(number) for number in range(12)]
    for member in members:
        there.give(member)
        there.give(member, "daily", "d1")
    for member in members[:5]:
        there.give(member, "daily", "d2")
    assert there.place.campaigns.tallies("daily") == {
        "d1": {"granted": 12, "points:points": 84},
        "d2": {"granted": 5, "points:points": 35},
    }
    assert there.place.campaigns.tallies("we_miss_you") == {"ever": {"granted": 12, "points:points": 600}}
    assert there.place.campaigns.tallies("never") == {}


def test_it_is_told_who_of_many_was_given_a_bonus_for_a_period(there: Campaigner) -> None:
    running(there, campaign())
    members = [there.enrol(number) for number in range(120)]
    winners = members[::7]
    for member in winners:
        there.give(member)
    there.give(members[1], period="p2")
    given = there.place.campaigns.given
    assert given("we_miss_you", "p1", members) == set(winners)
    assert given("we_miss_you", "p2", members) == {members[1]}
    assert given("we_miss_you", "p1", []) == given("never", "p1", members[:3]) == frozenset()


def test_whom_a_campaign_gave_its_bonus_is_told_of_many_at_once(there: Campaigner) -> None:
    running(there, campaign())
    members = [there.enrol(number) for number in range(4)]
    for member in members[:2]:
        there.give(member)
    there.give(members[2], period="p2")
    assert there.place.campaigns.given("we_miss_you", "p1", members) == set(members[:2])
    assert there.place.campaigns.given("we_miss_you", "p1", members[2:]) == set()


def test_what_campaigns_give_beside_points_is_counted_and_there(there: Campaigner) -> None:
    there.counter.offer(MUG, stock=1)
    there.counter.offer(GIFT_CARD)
    bonuses: list[Document] = [
        {"kind": "multiplier", "currency": "points", "percent": 300, "days": 10},
        {"kind": "reward", "reward": "mug"},
        {"kind": "gift_card", "amount": 2500},
    ]
    running(there, *(campaign(bonus["kind"], bonus=bonus) for bonus in bonuses))
    member, other = there.enrol(1), there.enrol(2)
    for bonus in bonuses:
        assert [there.give(member, bonus["kind"]) for _ in range(2)] == [GRANTED] * 2
    assert there.give(other, "reward") == "sold_out"
    assert there.tally("multiplier") == {"granted": 1, "multipliers": 1}
    assert there.tally("reward") == {"granted": 1, "reward:mug": 1, "passed:sold_out": 1}
    assert there.tally("gift_card") == {"granted": 1, "money:USD": 2500}
    assert there.counter.left() == 0
    card = there.grants(member)[-1]
    assert card.code is not None
    assert there.place.codes.find(card.code, CodeKind.GIFT_CARD, "caller").id == card.gift_card
    there.buy(member, 10)
    assert there.points(member) == 30
    assert there.breaks(member, other) == []


def test_whoever_left_is_given_nothing_and_counts_nowhere(there: Campaigner) -> None:
    running(there, campaign())
    member = there.enrol(1)
    there.place.members.close(member, EntryKey(f"closure:{member}"), b"c" * 32, closing)
    assert there.give(member) == "closed"
    assert there.tally() == {}


# ---- whether it runs


def test_a_campaign_gives_while_it_runs(there: Campaigner) -> None:
    there.offer(campaign())
    member = there.enrol(1)
    said = [there.give(member)]
    for act in (Act.START, Act.PAUSE, Act.RESUME, Act.CANCEL):
        there.act(act=act)
        said.append(there.give(member, period=f"after-{act}"))
    assert said == ["not_running", GRANTED, "not_running", GRANTED, "not_running"]
    assert there.state() is CampaignState.ENDED
    assert [grant.period for grant in there.grants(member)] == ["after-start", "after-resume"]
    # Whoever comes while it does not run is not counted as passed over: it comes again when it does.
    assert there.tally() == {"granted": 2, "points:points": 100}


def test_after_a_pause_nothing_more_is_read_as_running(there: Campaigner) -> None:
    """A grant that had read the campaign as running when it was paused may still be posted; none that reads later is."""
    running(there, campaign())
    member, other = there.enrol(1), there.enrol(2)
    in_flight = interrupted(there.ledger, lambda: there.act(act=Act.PAUSE))
    assert there.give(member, ledger=in_flight) == GRANTED
    assert there.give(other, ledger=in_flight) == "not_running"
    assert there.tally() == {"granted": 1, "points:points": 50}


def test_a_grant_that_clashed_reads_anew_whether_the_campaign_runs(there: Campaigner) -> None:
    running(there, campaign())
    member = there.enrol(1)

    def order_and_pause() -> None:
        there.buy(member)
        there.act(act=Act.PAUSE)

    assert there.give(member, ledger=interrupted(there.ledger, order_and_pause)) == "not_running"
    assert there.grants(member) == []


def test_each_act_is_kept_with_who_when_and_why(there: Campaigner) -> None:
    there.offer(campaign())
    control = there.act()
    [step] = control.steps
    assert (step.act, step.at, step.by, step.reason, control.version) == (Act.START, NOON, "operator-1", "a test", 1)
    assert there.place.campaigns.controls(["we_miss_you"]) == {"we_miss_you": control}
    there.clock.advance(days=1)
    assert there.act(act=Act.PAUSE).version == 2
    found = there.place.campaigns.controls(["we_miss_you", "never", "we_miss_you_2"])
    assert [step.act for step in found["we_miss_you"].steps] == [Act.START, Act.PAUSE]
    assert found["never"] == Control("never")
    with pytest.raises(CampaignStateError):
        there.act(act=Act.PAUSE)
    assert there.place.campaigns.controls(["we_miss_you"]) == {"we_miss_you": found["we_miss_you"]}


def test_a_change_that_changes_nothing_writes_nothing(there: Campaigner) -> None:
    running(there, campaign())
    before = there.place.campaigns.controls(["we_miss_you"])["we_miss_you"]
    assert there.place.campaigns.change("we_miss_you", lambda control: control) == before
    assert there.place.campaigns.change("never", lambda control: control) == Control("never")


# ---- who is passed over


def test_whoever_is_passed_over_is_counted_once_with_the_first_reason(there: Campaigner) -> None:
    running(there, campaign())
    members = [there.enrol(number) for number in range(3)]
    passed = there.place.campaigns.pass_over
    for reason in ("budget", "budget", "sold_out"):
        for member in members:
            passed("we_miss_you", "p1", "ever", member, reason)
    passed("we_miss_you", "p2", "ever", members[0], "sold_out")
    assert there.tally() == {"passed:budget": 3, "passed:sold_out": 1}


def test_who_is_in_the_hold_out_stays_in_it_and_is_counted(there: Campaigner) -> None:
    running(there, campaign(hold_out_percent=50))
    members = [there.enrol(number) for number in range(20)]
    said = [there.give(member) for member in members]
    assert said == [there.give(member) for member in members]
    given = said.count(GRANTED)
    assert 0 < given < 20
    assert there.tally() == {"granted": given, "points:points": 50 * given, "passed:held_out": 20 - given}


def test_who_is_not_in_the_audience_counts_nowhere(there: Campaigner) -> None:
    running(there, campaign(audience={"segments": ["vip"], "consent": "marketing"}))
    yes = {"marketing": Consent(granted=True, at=NOON)}
    vip, plain = there.enrol(1, attributes={"vip": True}, consents=yes), there.enrol(2, consents=yes)
    silent = there.enrol(3, attributes={"vip": True})
    assert [there.give(member) for member in (vip, plain, silent)] == [GRANTED, "audience", "audience"]
    assert there.tally() == {"granted": 1, "points:points": 50}


# ---- within limits


@pytest.mark.parametrize(
    ("more", "program", "most"),
    [
        ({"grants_max": 2}, {}, 2),
        ({"caps": ["pot"]}, {"caps": [CAP]}, 2),
        ({"caps": ["pot"]}, {"caps": [{**CAP, "shards": 4}]}, 2),
        ({"caps": ["pot"], "grants_max": 1}, {"caps": [CAP]}, 1),
    ],
    ids=["grants", "cap", "sharded", "both"],
)
def test_a_bonus_is_given_whole_until_there_is_no_room_for_another(
    there: Campaigner, more: Document, program: Document, most: int
) -> None:
    running(there, campaign(**more), **program)
    members = [there.enrol(number) for number in range(5)]
    said = [there.give(member) for member in members]
    assert said == [GRANTED] * most + [BUDGET] * (5 - most)
    assert sum(map(there.points, members)) == 50 * most
    assert there.tally() == {"granted": most, "points:points": 50 * most, "passed:budget": 5 - most}
    # Whoever has one is told so also when there are none left.
    assert [there.give(member) for member in members] == said


def test_a_member_is_given_only_as_often_as_all_campaigns_together_may(there: Campaigner) -> None:
    others = [campaign("spring"), campaign("important", frequency_capped=False), campaign("summer")]
    running(there, campaign(), *others, frequency_caps=[{"per": "day", "count": 2}])
    member = there.enrol(1)
    said = [there.give(member, id) for id in ("we_miss_you", "spring", "summer", "important")]
    assert said == [GRANTED, GRANTED, "frequency", GRANTED]
    there.clock.advance(days=1)
    assert there.give(member, "summer", "p2") == GRANTED
    assert there.tally("summer") == {"granted": 1, "points:points": 50, "passed:frequency": 1}
    assert there.breaks(member) == []


# ---- with an order


def test_what_an_order_brought_is_taken_back_by_the_refund_that_undoes_it(there: Campaigner) -> None:
    running(there, campaign("second", {"kind": "purchase_number", "number": 2}, points=500))
    member = there.enrol(1)
    there.buy(member)
    there.buy(member)
    [grant] = there.grants(member)
    assert (there.points(member), grant.cause) == (520, "purchase:order-2")
    there.counter.refund("order-2", amount=100)
    assert there.points(member) == 519
    there.counter.refund("order-2", "r2")
    assert there.points(member) == 10
    assert there.tally("second") == {"granted": 1, "points:points": 500, "taken_back": 1, "points_back:points": 500}
    assert there.breaks(member) == []


# ---- at once


@pytest.fixture(params=["memory", "ministack"])
def busy(request: pytest.FixtureRequest, clock: FakeClock) -> Campaigner:
    """A place that threads can use at once."""
    if request.param == "memory":
        return Campaigner(memory_place(clock), clock)
    return Campaigner(dynamo_place(store_of(request.getfixturevalue("ministack_engine")), clock), clock)


def at_once(there: Campaigner, *gifts: tuple[MemberId, str, str]) -> list[str]:
    """Give all at once: all have read before anybody writes."""
    together: Any = Together(there.ledger, len(gifts))

    def send(gift: tuple[MemberId, str, str]) -> str:
        member, id, period = gift
        return there.give(member, id, period, ledger=together)

    with ThreadPoolExecutor(len(gifts)) as givers:
        return list(givers.map(send, gifts))


def test_of_many_who_give_the_same_bonus_one_does(busy: Campaigner) -> None:
    running(busy, campaign())
    member = busy.enrol(1)
    assert at_once(busy, *[(member, "we_miss_you", "p1")] * 8) == [GRANTED] * 8
    assert (busy.points(member), len(busy.grants(member))) == (50, 1)
    assert busy.tally() == {"granted": 1, "points:points": 50}
    assert busy.breaks(member) == []


@pytest.mark.parametrize(
    ("more", "program"), [({"grants_max": 3}, {}), ({"caps": ["pot"]}, {"caps": [{**CAP, "points": 199}]})]
)
def test_of_many_who_want_the_last_ones_as_many_have_them_as_there_are(
    busy: Campaigner, more: Document, program: Document
) -> None:
    running(busy, campaign(**more), **program)
    members = [busy.enrol(number) for number in range(12)]
    said = at_once(busy, *((member, "we_miss_you", "p1") for member in members))
    assert sorted(said) == [BUDGET] * 9 + [GRANTED] * 3
    assert sum(map(busy.points, members)) == 150
    assert busy.tally() == {"granted": 3, "points:points": 150, "passed:budget": 9}


def test_two_campaigns_that_come_at_once_heed_what_the_other_counted(busy: Campaigner) -> None:
    running(busy, campaign(), campaign("spring"), frequency_caps=[{"per": "day", "count": 1}])
    member = busy.enrol(1)
    said = at_once(busy, (member, "we_miss_you", "p1"), (member, "spring", "p1"))
    assert sorted(said) == ["frequency", GRANTED]
    assert busy.points(member) == 50


def test_an_order_and_a_bonus_at_once_are_both_posted(busy: Campaigner) -> None:
    running(busy, campaign())
    member = busy.enrol(1)
    slow = interrupted(busy.ledger, lambda: busy.buy(member))
    assert busy.give(member, ledger=slow) == GRANTED
    assert (busy.points(member), [entry.sequence for entry in busy.entries(member)]) == (60, [1, 2])


def test_of_many_operators_at_once_each_act_counts_in_turn(busy: Campaigner) -> None:
    busy.offer(campaign())
    busy.act()

    def pause(_: int) -> bool:
        try:
            busy.act(act=Act.PAUSE)
        except CampaignStateError:
            return False
        return True

    with ThreadPoolExecutor(6) as operators:
        assert sum(operators.map(pause, range(6))) == 1
    control = busy.place.campaigns.controls(["we_miss_you"])["we_miss_you"]
    assert ([step.act for step in control.steps], control.version) == ([Act.START, Act.PAUSE], 2)


# ---- lost answers


@pytest.fixture
def stored(ministack_engine: Engine, clock: FakeClock) -> Campaigner:
    return running(Campaigner(dynamo_place(store_of(ministack_engine), clock), clock), campaign(grants_max=1))


@pytest.fixture
def wire(ministack_engine: Engine) -> Iterator[FaultyWire]:
    with faulty(ministack_engine) as wire:
        yield wire


@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_a_bonus_is_given_once_whatever_was_heard(stored: Campaigner, wire: FaultyWire, fault: Fault) -> None:
    member = stored.enrol(1)
    wire.next(WRITE, fault)
    assert [stored.give(member), stored.give(member)] == [GRANTED] * 2
    assert (stored.points(member), stored.tally()) == (50, {"granted": 1, "points:points": 50})
    other = stored.enrol(2)
    wire.next(WRITE, fault)
    assert [stored.give(other), stored.give(other)] == [BUDGET] * 2
    assert stored.tally() == {"granted": 1, "points:points": 50, "passed:budget": 1}


@pytest.mark.parametrize("fault", UNDONE)
def test_a_giver_that_never_hears_gives_up_and_whoever_comes_next_gives(
    stored: Campaigner, wire: FaultyWire, fault: Fault
) -> None:
    member = stored.enrol(1)
    wire.next(READ, Fault.REQUEST_LOST)
    with pytest.raises(TryAgainError):
        stored.give(member)
    with pytest.raises(EntryUnknownError):
        stored.ledger.entry(grant_key("we_miss_you", "p1", member))
    wire.next(WRITE, fault)
    assert stored.give(member) == GRANTED


def test_a_bonus_is_a_read_and_a_transaction_and_given_again_a_read(stored: Campaigner, wire: FaultyWire) -> None:
    member, other = stored.enrol(1), stored.enrol(2)
    trips(wire)
    stored.give(member)
    assert trips(wire) == [READ, WRITE]
    stored.give(member)
    assert trips(wire) == [READ]
    stored.give(other)
    assert trips(wire) == [READ, WRITE]


@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_an_act_happens_once_whatever_was_heard(stored: Campaigner, wire: FaultyWire, fault: Fault) -> None:
    """As operators' requests have it: a step that is there already is not made again."""

    def pausing(step: Step) -> Callable[[Control], Control]:
        def change(control: Control) -> Control:
            done = control.steps[-1] == step
            return control if done else control.after(step, stored.document("we_miss_you"), stored.version.program.time_zone)

        return change

    wire.next(WRITE, fault)
    step = Step(Act.PAUSE, stored.clock.now(), "operator-1", "why")
    control = stored.place.campaigns.change("we_miss_you", pausing(step))
    assert [found.act for found in control.steps] == [Act.START, Act.PAUSE]
    assert control == stored.place.campaigns.controls(["we_miss_you"])["we_miss_you"]


def test_the_program_alone_starts_nothing(there: Campaigner) -> None:
    there.offer(campaign(trigger={**SILENCE, "days": 1}))
    member = there.enrol(1)
    there.clock.advance(days=30)
    assert there.visit(member) == {}
    assert there.state() is CampaignState.DRAFT
    there.act()
    assert there.visit(member) == {"we_miss_you:granted": 1}
    assert replace(there.grants(member)[0], version=0).trigger == "silence"
