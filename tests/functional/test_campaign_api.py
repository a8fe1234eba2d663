"""What operators do with campaigns: start, pause, resume, cancel, try beforehand, and read what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.control import Act
from shared.domain.drawing import held_out
from shared.domain.errors import FaultError, TryAgainError
from shared.domain.reward import parse_reward
from shared.entrypoint import outlets
from shared.ports import Recurrence
from tests.fakes import grocer
from tests.fakes.outlets import FakeBus, FakeSchedules
from tests.functional.api import OPERATOR, Caller, Reply
from tests.functional.campaigning import Campaigning, campaign, shop

__all__ = ["shop"]

CAMPAIGNS = "/v1/campaigns"
WHY = {"reason": "the season begins"}
SILENCE = campaign("we_miss_you", {"kind": "silence", "days": 60})
DATED = campaign("xmas", {"kind": "date", "at": "2026-03-24T09:00"})
XMAS = datetime(2026, 3, 24, 13, tzinfo=UTC)
PERIOD = "once"
PRICED = [{"code": "points", "expiry": {"after": 365, "rounded_to": "day"}, "cost": {"points": 1, "minor_units": 1}}]
"""A point costs a cent."""


class Broken:
    """An outlet that fails at whatever it is asked for."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(*_: Any) -> Any:
            raise self.error

        return fail


def act(shop: Campaigning, id: str, verb: str, body: Any = None, caller: Caller | None = None) -> Reply:
    """An operator does something."""
    return (caller or shop.operator).post(f"{CAMPAIGNS}/{id}/{verb}", WHY if body is None else body)


def started(shop: Campaigning, *documents: dict[str, Any], **program: Any) -> None:
    """Campaigns that run from now on."""
    shop.offer(*documents, currencies=PRICED, **program)
    for document in documents:
        assert act(shop, document["id"], "start").json["state"] in ("running", "scheduled")


def seen(shop: Campaigning, id: str) -> dict[str, Any]:
    """A campaign as it is told."""
    reply = shop.operator.get(f"{CAMPAIGNS}/{id}")
    assert reply.status == 200, reply
    told: dict[str, Any] = reply.json
    return told


def report(shop: Campaigning, id: str) -> dict[str, Any]:
    """A campaign's report."""
    reply = shop.operator.get(f"{CAMPAIGNS}/{id}/report")
    assert reply.status == 200, reply
    told: dict[str, Any] = reply.json
    return told


def dry_run(shop: Campaigning, id: str, **body: Any) -> dict[str, Any]:
    """A dry run from its beginning to its end."""
    begun = act(shop, id, "dry-runs", body)
    assert (begun.status, begun.json["state"]) == (202, "running"), begun
    shop.machine.work()
    found = shop.operator.get(f"{CAMPAIGNS}/{id}/dry-runs/{begun.json['period']}")
    assert (found.status, found.json["state"]) == (200, "done"), found
    told: dict[str, Any] = found.json
    return told


# --- what runs


def test_a_campaign_is_a_draft_until_somebody_starts_it_and_says_why(shop: Campaigning) -> None:
    shop.offer(SILENCE, DATED)
    [silence, xmas] = shop.operator.get(CAMPAIGNS).json["campaigns"]
    assert (silence["id"], silence["state"], silence["trigger"], silence["version"]) == ("we_miss_you", "draft", "silence", 2)
    assert (xmas["state"], xmas["next_at"]) == ("draft", None)
    told = act(shop, "we_miss_you", "start")
    assert (told.status, told.json["state"]) == (200, "running")
    [step] = seen(shop, "we_miss_you")["steps"]
    assert (step["act"], step["at"], step["reason"]) == ("start", "2026-03-02T17:00:00Z", "the season begins")
    assert len(step["by"]) == 16
    assert seen(shop, "we_miss_you")["document"] == SILENCE
    assert act(shop, "xmas", "start").json["state"] == "scheduled"
    assert seen(shop, "xmas")["next_at"] == "2026-03-24T13:00:00Z"
    assert shop.operator.get(f"{CAMPAIGNS}/nobodys").problem == "campaign-unknown"


def test_an_operator_who_sends_the_same_again_changes_nothing_and_another_one_is_told_where_it_stands(
    shop: Campaigning,
) -> None:
    shop.offer(SILENCE)
    first = act(shop, "we_miss_you", "start")
    shop.clock.advance(minutes=5)
    assert act(shop, "we_miss_you", "start").json == first.json
    other = act(shop, "we_miss_you", "start", caller=Caller(OPERATOR, subject="operator-2"))
    assert (other.status, other.problem, other.json["state"], other.json["act"]) == (409, "campaign-state", "running", "start")
    assert act(shop, "we_miss_you", "start", {"reason": "another one"}).problem == "campaign-state"
    assert len(seen(shop, "we_miss_you")["steps"]) == 1


def test_each_state_allows_what_makes_sense_and_nothing_else(shop: Campaigning) -> None:
    shop.offer(SILENCE)
    course = [
        ("draft", {"start"}, "start"),
        ("running", {"pause", "cancel"}, "pause"),
        ("paused", {"resume", "cancel"}, "resume"),
        ("running", {"pause", "cancel"}, "cancel"),
        ("ended", set(), ""),
    ]
    number = 0
    for state, allowed, following in course:
        assert seen(shop, "we_miss_you")["state"] == state
        for verb in {"start", "pause", "resume", "cancel"} - allowed:
            number += 1
            reply = act(shop, "we_miss_you", verb, {"reason": f"try {number}"})
            assert (state, verb, reply.status, reply.problem) == (state, verb, 409, "campaign-state")
        if following:
            assert act(shop, "we_miss_you", following).status == 200
            shop.clock.advance(minutes=1)


def test_a_date_that_has_passed_is_not_started(shop: Campaigning, schedules: FakeSchedules) -> None:
    over = campaign("over", {"kind": "silence", "days": 60}, ends="2026-03-02T12:00")
    shop.offer(DATED, over)
    shop.clock.instant = XMAS
    refused = act(shop, "xmas", "start")
    assert (refused.status, refused.problem, refused.json["at"]) == (409, "campaign-over", "2026-03-24T13:00:00Z")
    assert act(shop, "over", "start").problem == "campaign-over"
    assert (seen(shop, "xmas")["state"], schedules.there) == ("draft", {})


def test_a_start_that_is_sent_again_after_the_date_meets_what_it_made(shop: Campaigning) -> None:
    started(shop, DATED)
    shop.clock.instant = XMAS
    shop.tick()
    again = act(shop, "xmas", "start")
    assert (again.status, again.json["state"]) == (200, "ended")
    assert [step["act"] for step in again.json["steps"]] == ["start", "finish"]
    assert again.json["steps"][-1]["by"] == "schedule"


def test_a_dated_campaign_comes_by_a_schedule_while_it_runs(shop: Campaigning, schedules: FakeSchedules) -> None:
    started(shop, DATED)
    [(name, put)] = schedules.there.items()
    assert (name, put.at, put.target) == ("local-campaign-xmas", XMAS, "arn:bonuses")
    assert put.payload == {"task": "fire", "campaign": "xmas", "at": "<aws.scheduler.scheduled-time>"}
    act(shop, "xmas", "pause")
    assert schedules.there == {}
    act(shop, "xmas", "resume")
    assert schedules.there == {name: put}
    act(shop, "xmas", "cancel")
    assert schedules.there == {}


@pytest.mark.parametrize(
    ("trigger", "cron", "next_at"),
    [
        ({"every": "day", "at": "09:05"}, "5 9 * * ? *", "2026-03-03T08:05:00Z"),
        ({"every": "week", "weekday": "sunday", "at": "00:00"}, "0 0 ? * SUN *", "2026-03-07T23:00:00Z"),
        ({"every": "month", "day": 28, "at": "23:59"}, "59 23 28 * ? *", "2026-03-28T22:59:00Z"),
    ],
)
def test_what_comes_again_comes_at_the_wall_clock_of_its_zone(
    shop: Campaigning, schedules: FakeSchedules, trigger: dict[str, Any], cron: str, next_at: str
) -> None:
    started(shop, campaign("again", {"kind": "recurrence", **trigger}, time_zone="Europe/Rome"))
    [put] = schedules.there.values()
    assert put.at == Recurrence(cron, "Europe/Rome")
    assert seen(shop, "again")["next_at"] == next_at


def test_what_comes_next_lies_within_the_campaigns_own_time(shop: Campaigning) -> None:
    daily = {"kind": "recurrence", "every": "day", "at": "09:00"}
    later = campaign("later", daily, starts="2026-04-01T09:00", ends="2026-04-02T09:00")
    silent = campaign("silent", {"kind": "silence", "days": 60}, starts="2026-04-01T00:00")
    started(shop, later, silent)
    assert seen(shop, "silent")["next_at"] == "2026-04-01T04:00:00Z"
    assert seen(shop, "later")["next_at"] == "2026-04-01T13:00:00Z"
    shop.clock.instant = datetime(2026, 4, 1, 13, tzinfo=UTC)
    assert (seen(shop, "later")["state"], seen(shop, "later")["next_at"]) == ("running", None)
    act(shop, "later", "pause")
    assert seen(shop, "later")["next_at"] is None


def test_a_date_that_nobody_saw_pass_is_made_up_for_however_late(shop: Campaigning) -> None:
    started(shop, DATED)
    member = shop.member("ann")
    shop.clock.advance(days=200)
    shop.tick()
    assert [grant.due_at for grant in shop.grants(member)] == [XMAS]
    assert seen(shop, "xmas")["state"] == "ended"


def test_nothing_is_started_whose_schedule_could_not_be_kept(shop: Campaigning, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.offer(DATED)
    monkeypatch.setattr(outlets, "schedules", lambda: Broken(TryAgainError()))
    assert act(shop, "xmas", "start").status == 503
    assert seen(shop, "xmas")["state"] == "draft"


def test_a_pause_holds_also_where_the_schedule_stays_behind(shop: Campaigning, monkeypatch: pytest.MonkeyPatch) -> None:
    started(shop, DATED)
    member = shop.member("ann")
    monkeypatch.setattr(outlets, "schedules", lambda: Broken(FaultError(code="AccessDenied")))
    assert act(shop, "xmas", "pause").json["state"] == "paused"
    shop.clock.instant = XMAS
    shop.tick()
    assert shop.grants(member) == []


def test_whoever_starts_or_resumes_wants_a_tick_at_once(shop: Campaigning, bus: FakeBus) -> None:
    shop.offer(SILENCE)
    for verb in ("start", "pause", "resume", "cancel"):
        act(shop, "we_miss_you", verb)
    assert [(event.type, dict(event.detail)) for event in bus.taken] == [
        ("TickWanted", {"because": "campaign_start", "campaign": "we_miss_you"}),
        ("TickWanted", {"because": "campaign_resume", "campaign": "we_miss_you"}),
    ]


def test_a_bus_that_does_not_answer_stops_nobody(shop: Campaigning, bus: FakeBus, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.offer(SILENCE)
    bus.refuses = lambda _: True
    assert act(shop, "we_miss_you", "start").status == 200
    act(shop, "we_miss_you", "pause")
    monkeypatch.setattr(outlets, "bus", lambda: Broken(FaultError(code="AccessDenied")))
    assert act(shop, "we_miss_you", "resume").json["state"] == "running"


def test_a_clock_that_is_set_wants_a_tick(make_stage: Any, bus: FakeBus) -> None:
    make_stage(sandbox=True)
    operator = Caller(OPERATOR)
    assert operator.put("/v1/test-clock", {"now": "2027-01-01T00:00:00Z"}).status == 200
    assert [(event.type, dict(event.detail)) for event in bus.taken] == [("TickWanted", {"because": "clock_set"})]
    bus.refuses = lambda _: True
    assert operator.put("/v1/test-clock", {"now": "2027-02-01T00:00:00Z"}).status == 200
    # A clock that was not moved wakes nobody.
    assert operator.put("/v1/test-clock", {"now": "2027-01-15T00:00:00Z"}).problem == "clock-backward"
    assert len(bus.taken) == 1


def test_a_campaign_that_left_the_program_has_ended_and_can_still_be_cancelled(shop: Campaigning) -> None:
    started(shop, SILENCE, DATED)
    shop.offer(DATED, effective_from=shop.clock.now())
    assert [one["id"] for one in shop.operator.get(CAMPAIGNS).json["campaigns"]] == ["xmas"]
    gone = seen(shop, "we_miss_you")
    assert (gone["state"], gone["in_program"], gone["version"], gone["document"]) == ("ended", False, 2, SILENCE)
    refused = act(shop, "we_miss_you", "pause")
    assert (refused.problem, refused.json["state"]) == ("campaign-state", "ended")
    for _ in range(2):
        cancelled = act(shop, "we_miss_you", "cancel")
        assert (cancelled.status, cancelled.json["state"]) == (200, "ended")
    assert [step["act"] for step in cancelled.json["steps"]] == ["start", "cancel"]
    assert report(shop, "we_miss_you")["state"] == "ended"


def test_a_campaign_that_a_version_to_come_leaves_out_runs_until_then(shop: Campaigning) -> None:
    started(shop, SILENCE)
    renamed = campaign("xmas", DATED["trigger"], name="Christmas")
    shop.offer(renamed, effective_from=datetime(2026, 3, 10, tzinfo=UTC))
    told = shop.operator.get(CAMPAIGNS).json["campaigns"]
    assert [(one["id"], one["state"], one["version"]) for one in told] == [("xmas", "draft", 3), ("we_miss_you", "running", 2)]
    shop.clock.instant = datetime(2026, 3, 10, tzinfo=UTC)
    assert seen(shop, "we_miss_you")["state"] == "ended"


def test_a_campaign_may_be_called_what_it_likes(shop: Campaigning) -> None:
    started(shop, campaign("all", DATED["trigger"]))
    member = shop.member("ann")
    shop.clock.instant = XMAS
    shop.tick()
    assert len(shop.grants(member)) == 1
    assert report(shop, "all")["granted"] == 1


# --- what it would give


def silent_members(shop: Campaigning, count: int) -> list[str]:
    """Members who have been silent for sixty days."""
    members = [shop.member(f"m{number}") for number in range(count)]
    shop.clock.advance(days=60)
    return members


def test_a_dry_run_tells_what_the_campaign_then_gives(shop: Campaigning) -> None:
    document = campaign("we_miss_you", {"kind": "silence", "days": 60}, hold_out_percent=20)
    shop.offer(document, currencies=PRICED)
    members = silent_members(shop, 20)
    shop.member("late")
    out = sum(held_out("we_miss_you", member, 20) for member in members)
    tried = dry_run(shop, "we_miss_you", breakage_percent=20)
    assert 0 < out < 20
    assert (tried["looked_at"], tried["eligible"], tried["members"], tried["held_out"]) == (21, 20 - out, 20 - out, out)
    points = (20 - out) * 50
    # A cent a point, a fifth of which is never spent.
    assert tried["cost"] == points * 4 // 5
    assert tried["points"] == [{"currency": "points", "given": points, "taken_back": 0, "cost": points * 4 // 5}]
    assert not any(map(shop.grants, members))
    act(shop, "we_miss_you", "start")
    shop.tick()
    told = report(shop, "we_miss_you")
    assert (told["granted"], told["points"][0]["given"], told["held_out"]) == (20 - out, points, out)
    assert told["cost"] == points
    # It was for then: what was given since changes nothing of it.
    again = shop.operator.get(f"{CAMPAIGNS}/we_miss_you/dry-runs/{tried['period']}").json
    assert again == tried


def test_a_dry_run_knows_for_how_many_there_is_room(shop: Campaigning) -> None:
    caps = [{"id": "purse", "currency": "points", "scope": "program", "points": 520}]
    document = campaign("xmas", DATED["trigger"], caps=["purse"], grants_max=15)
    shop.offer(document, currencies=PRICED, caps=caps)
    members = [shop.member(f"m{number}") for number in range(20)]
    tried = dry_run(shop, "xmas")
    assert tried["room"] == [{"limit": "grants_max", "left": 15}, {"limit": "cap:purse", "left": 10}]
    assert (tried["eligible"], tried["members"], tried["granted"], tried["cost"]) == (20, 10, 10, 500)
    act(shop, "xmas", "start")
    shop.clock.instant = XMAS
    shop.tick()
    told = report(shop, "xmas")
    assert sum(len(shop.grants(member)) for member in members) == told["granted"] == 10
    assert told["passed"] == [{"reason": "budget", "members": 10}]
    assert told["limits"] == [
        {"limit": "grants_max", "currency": None, "most": 15, "spent": 10, "left": 5},
        {"limit": "purse", "currency": "points", "most": 520, "spent": 500, "left": 20},
    ]
    assert dry_run(shop, "xmas")["members"] == 0


def test_a_dry_run_of_a_draw_promises_no_more_than_its_winners(shop: Campaigning) -> None:
    trigger = {"kind": "date", "at": "2026-03-24T09:00", "draw": {"seed": "s", "winners": 3}}
    shop.offer(campaign("draw", trigger))
    for number in range(20):
        shop.member(f"m{number}")
    tried = dry_run(shop, "draw")
    assert (tried["eligible"], tried["members"], tried["points"][0]["given"], tried["cost"]) == (20, 3, 150, None)


def test_a_dry_run_tells_rewards_by_their_stock_and_gift_cards_by_their_money(shop: Campaigning) -> None:
    mug = {"id": "mug", "name": "Mug", "benefit": {"kind": "free_product", "sku": "mug"}, "currency": "points"}
    reward = campaign("mugs", DATED["trigger"], bonus={"kind": "reward", "reward": "mug"})
    card = campaign("cards", DATED["trigger"], bonus={"kind": "gift_card", "amount": 500})
    double = campaign("double", DATED["trigger"], bonus={"kind": "multiplier", "currency": "points", "percent": 200, "days": 9})
    shop.offer(reward, card, double)
    for number in range(4):
        shop.member(f"m{number}")
    assert dry_run(shop, "mugs")["members"] == 0
    shop.clock.advance(minutes=1)
    wired = shop.stage.wiring
    wired.rewards.put(parse_reward({**mug, "price": {"points": 9}, "stock_limited": True}), shop.clock.now())
    wired.rewards.set_stock("mug", 3, shop.clock.now().date())
    tried = dry_run(shop, "mugs")
    assert (tried["eligible"], tried["rewards"]) == (4, [{"reward": "mug", "granted": 3}])
    assert tried["room"] == [{"limit": "stock", "left": 3}]
    assert dry_run(shop, "cards")["gift_cards"] == [{"currency": "USD", "amount": 2000}]
    assert (dry_run(shop, "double")["multipliers"], dry_run(shop, "double")["cost"]) == (4, 0)
    for id in ("mugs", "cards", "double"):
        act(shop, id, "start")
    shop.clock.instant = XMAS
    shop.tick()
    assert report(shop, "mugs")["rewards"] == [{"reward": "mug", "granted": 3}]
    assert report(shop, "mugs")["passed"] == [{"reason": "sold_out", "members": 1}]
    assert report(shop, "cards")["gift_cards"] == [{"currency": "USD", "amount": 2000}]
    assert report(shop, "double")["multipliers"] == 4


def test_a_dry_run_that_is_under_way_is_not_begun_twice(shop: Campaigning) -> None:
    shop.offer(SILENCE)
    shop.member("ann")
    first = act(shop, "we_miss_you", "dry-runs", {}).json
    shop.clock.advance(minutes=1)
    assert act(shop, "we_miss_you", "dry-runs", {}).json == first
    assert act(shop, "we_miss_you", "dry-runs", {"breakage_percent": 5}).json["period"] != first["period"]
    running = shop.operator.get(f"{CAMPAIGNS}/we_miss_you/dry-runs/{first['period']}").json
    assert (running["state"], running["looked_at"], running["members"]) == ("running", 0, 0)
    shop.machine.work()
    assert act(shop, "we_miss_you", "dry-runs", {}).json["period"] != first["period"]


def test_a_paused_campaign_can_be_tried_as_well(shop: Campaigning) -> None:
    started(shop, SILENCE)
    silent_members(shop, 3)
    act(shop, "we_miss_you", "pause")
    assert dry_run(shop, "we_miss_you")["members"] == 3


def test_a_dry_run_over_a_list_looks_at_its_members_alone(shop: Campaigning) -> None:
    shop.offer(campaign("xmas", DATED["trigger"], audience={"member_list": "vip.json"}))
    members = [shop.member(f"m{number}") for number in range(5)]
    shop.machine.lists["vip.json"] = [*members[:3], "01HN0B0DY00000000000000000"]
    assert dry_run(shop, "xmas")["members"] == 3
    act(shop, "xmas", "start")
    shop.clock.instant = XMAS
    shop.tick()
    told = report(shop, "xmas")
    run = next(run for run in told["runs"] if run["kind"] == "campaign")
    assert (told["granted"], run["parts_done"], run["parts"]) == (3, 1, None)


def test_what_comes_with_orders_is_not_tried_over_members(shop: Campaigning) -> None:
    shop.offer(campaign("tenth", {"kind": "purchase_number", "number": 10}))
    reply = act(shop, "tenth", "dry-runs", {})
    assert (reply.status, reply.problem) == (422, "request-invalid")
    assert shop.operator.get(f"{CAMPAIGNS}/tenth/dry-runs/2026-01-01T00-00-00Z").problem == "run-unknown"
    assert act(shop, "nobodys", "dry-runs", {}).problem == "campaign-unknown"
    for breakage in (-1, 101, "5", None):
        assert act(shop, "tenth", "dry-runs", {"breakage_percent": breakage}).status == 422


# --- what it gave


def test_a_campaign_that_is_cancelled_half_way_leaves_a_true_report(shop: Campaigning) -> None:
    members = [shop.member(f"m{number}") for number in range(40)]
    started(shop, DATED)
    shop.clock.instant = XMAS
    handler, done = shop.machine.handler, []

    def cancelled_on_the_way(work: dict[str, Any]) -> dict[str, Any]:
        answer = handler(work)
        done.append(work)
        if len(done) == 16:
            assert act(shop, "xmas", "cancel").json["state"] == "ended"
        return answer

    shop.machine.handler = cancelled_on_the_way
    shop.tick()
    shop.tick()
    told = report(shop, "xmas")
    granted = sum(len(shop.grants(member)) for member in members)
    assert 0 < told["granted"] == granted < 40
    assert (told["state"], told["points"][0]["given"], told["cost"]) == ("ended", 50 * granted, 50 * granted)
    [run] = told["runs"]
    assert (run["kind"], run["period"], run["parts"]) == ("campaign", PERIOD, 32)
    assert 16 <= run["parts_done"] < 32
    assert [(period["period"], period["granted"]) for period in told["periods"]] == [(PERIOD, granted)]


def test_the_report_takes_off_what_refunds_took_back(shop: Campaigning) -> None:
    started(shop, campaign("second", {"kind": "purchase_number", "every": 2}, points=500, grants_max=3))
    member = shop.member("ann")
    orders = [shop.buys(member) for _ in range(4)]
    refund = {"refund_id": "r", "occurred_at": "2026-03-02T17:00:00Z"}
    assert shop.till.post(f"/v1/purchases/{orders[1]}/refunds", refund).status == 201
    told = report(shop, "second")
    assert (told["granted"], told["taken_back"], told["cost"]) == (2, 1, 500)
    assert told["points"] == [{"currency": "points", "given": 1000, "taken_back": 500, "cost": 500}]
    assert told["limits"] == [{"limit": "grants_max", "currency": None, "most": 3, "spent": 1, "left": 2}]
    assert [period["period"] for period in told["periods"]] == ["ever"]


def test_what_comes_again_is_reported_by_its_days(shop: Campaigning) -> None:
    daily = {"kind": "recurrence", "every": "day", "at": "13:00"}
    started(shop, campaign("daily", daily), frequency_caps=[{"per": "month", "count": 2}])
    shop.member("ann")
    for _ in range(3):
        shop.clock.advance(days=1)
        shop.tick()
    told = report(shop, "daily")
    assert [(one["period"], one["granted"]) for one in told["periods"]] == [
        ("2026-03-02", 1),
        ("2026-03-03", 1),
        ("2026-03-04", 0),
    ]
    assert told["periods"][-1]["passed"] == told["passed"] == [{"reason": "frequency", "members": 1}]
    assert [run["parts_done"] for run in told["runs"] if run["kind"] == "campaign"] == [32, 32, 32]


def test_nothing_was_given_before_anything_was(shop: Campaigning) -> None:
    shop.offer(SILENCE)
    told = report(shop, "we_miss_you")
    assert (told["state"], told["granted"], told["cost"], told["periods"], told["runs"]) == ("draft", 0, 0, [], [])
    assert (told["limits"], told["draw"]) == ([], None)
    assert shop.operator.get(f"{CAMPAIGNS}/we_miss_you/draws/2026").problem == "run-unknown"


# --- draws


def ticket(campaign: str, period: str, seed: str, member: str) -> str:
    """A member's ticket, as docs/draws.md has it."""
    words = "\n".join(["laurel-draw-1", campaign, period, seed, member])
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def drawn(shop: Campaigning, draw: dict[str, Any], count: int = 40, **more: Any) -> tuple[list[str], dict[str, Any]]:
    """The members, and the draw that was held."""
    members = [shop.member(f"m{number}") for number in range(count)]
    started(shop, campaign("draw", {**DATED["trigger"], "draw": draw}, **more))
    shop.clock.instant = XMAS
    shop.tick()
    reply = shop.operator.get(f"{CAMPAIGNS}/draw/draws/{PERIOD}")
    assert reply.status == 200, reply
    assert report(shop, "draw")["draw"] == reply.json
    return members, reply.json


def test_whoever_knows_the_seed_can_hold_the_draw_again(shop: Campaigning) -> None:
    members, told = drawn(shop, {"seed": "lottery of 24 March: 7 19 23 31 40 44", "winners": 5}, hold_out_percent=30)
    seed, period = told["seed"], told["period"]
    inside = [member for member in members if not held_out("draw", member, 30)]
    expected = sorted((ticket("draw", period, seed, member), member) for member in inside)[:5]
    assert [(one["ticket"], one["member_id"]) for one in told["winners"]] == expected
    assert (told["winners_max"], told["granted"], told["chance"], told["state"]) == (5, 5, None, "done")
    assert told["passed_over"] == []
    for one in told["winners"]:
        entry = shop.operator.get(f"/v1/entries/{one['entry_id']}")
        assert entry.status == 200
        assert [grant.ticket for grant in shop.grants(one["member_id"])] == [one["ticket"]]


def test_a_winner_who_left_before_the_bonus_came_is_told_as_passed_over(shop: Campaigning) -> None:
    handler = shop.machine.handler
    closed: list[str] = []

    def closing_before_the_end(work: dict[str, Any]) -> dict[str, Any]:
        if work["task"] == "finish" and work["run"].startswith("campaign.") and not closed:
            run = shop.stage.wiring.runs.run(work["run"])
            closed.append(next(iter(shop.stage.wiring.runs.candidates(run)))[1])
            assert shop.operator.post(f"/v1/members/{closed[0]}/close").status == 200
        return handler(work)

    shop.machine.handler = closing_before_the_end
    _, told = drawn(shop, {"seed": "s", "winners": 3})
    assert [one["member_id"] for one in told["passed_over"]] == closed
    assert (len(told["winners"]), told["granted"]) == (3, 3)
    assert told["passed_over"][0]["ticket"] < told["winners"][0]["ticket"]


def test_by_chance_whoevers_ticket_is_low_enough_has_won(shop: Campaigning) -> None:
    members, told = drawn(shop, {"seed": "s", "chance": {"win": 1, "of": 3}})
    assert (told["tickets_below"], told["chance"]) == ("5555555555555556", {"win": 1, "of": 3})
    won = {member for member in members if ticket("draw", PERIOD, "s", member) < told["tickets_below"]}
    assert {member for member in members if shop.grants(member)} == won
    assert (told["granted"], told["winners"]) == (len(won), [])
    assert 0 < len(won) < len(members)


def test_a_draw_keeps_the_seed_that_was_in_force_at_its_moment(shop: Campaigning) -> None:
    _, told = drawn(shop, {"seed": "first", "winners": 2})
    changed = campaign("draw", {**DATED["trigger"], "draw": {"seed": "second", "winners": 9}})
    shop.offer(changed, effective_from=shop.clock.now())
    again = shop.operator.get(f"{CAMPAIGNS}/draw/draws/{PERIOD}").json
    assert again == told


def test_steps_never_run_backward_though_clocks_differ(shop: Campaigning) -> None:
    shop.offer(SILENCE)
    shop.act("we_miss_you", Act.START)
    shop.clock.advance(seconds=-2)
    assert seen(shop, "we_miss_you")["state"] == "running"
    paused = act(shop, "we_miss_you", "pause").json
    assert (paused["state"], [step["at"] for step in paused["steps"]]) == ("paused", ["2026-03-02T17:00:00Z"] * 2)


def test_before_there_is_a_program_there_is_no_campaign(bare_stage: Any) -> None:
    operator = Caller(OPERATOR)
    assert operator.get(CAMPAIGNS).json == {"campaigns": []}
    assert operator.post(f"{CAMPAIGNS}/spring/start", WHY).problem == "campaign-unknown"
    assert grocer.NOON.tzinfo is not None
