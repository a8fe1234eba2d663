"""Campaigns come once, for whom they are, whatever becomes of network and workers; and each promise is looked at."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from tests.simulation.campaign_promises import Watch, rest_violations, settled_violations
from tests.simulation.campaigns import LIST, Campaigns, program_document
from tests.simulation.clients import staff_event
from tests.simulation.invariants import Item
from tests.simulation.machinery import Backstage
from tests.simulation.plan import FATES, Plan
from tests.simulation.run import SCENARIOS, simulate
from tests.simulation.service import Service
from tests.simulation.world import World

SEEDS = 25
DAY = 86_400
_POINTS = {"kind": "points", "currency": "points", "points": 50}
_COMMON: dict[str, Any] = {"name": "A", "owner": "crm", "reason": "a test", "bonus": _POINTS, "frequency_capped": False}


def test_no_world_gives_anything_twice_or_forgets_anybody() -> None:
    happened: Counter[str] = Counter()
    for seed in range(SEEDS):
        verdict = simulate(seed, "campaigns")
        assert not verdict.violations, f"{verdict.violations}\nreplay: {verdict.replay}"
        happened.update(verdict.happened)
    assert len(happened) > len(FATES) - 3


def test_the_same_seed_gives_the_same_trace() -> None:
    for seed in range(2):
        first = simulate(seed, "campaigns")
        simulate(seed + 100, "campaigns")
        assert simulate(seed, "campaigns").digest == first.digest


@pytest.mark.parametrize(
    ("without", "seeds", "said"),
    [
        ("passed-condition", 20, "is due, counted"),
        ("tally-apart", 20, "is due, counted"),
        ("part-condition", 30, "went from sequence"),
        ("settle-guard", 60, ""),
    ],
)
def test_without_what_protects_it_some_world_breaks(without: str, seeds: int, said: str) -> None:
    broken = (
        seed for seed in range(seeds) if any(said in what for what in simulate(seed, "campaigns", without=without).violations)
    )
    assert next(broken, None) is not None, f"{seeds} worlds did not notice that the {without} was gone"


@dataclass
class Rush(Campaigns):
    """One date, all that works delivered twice; and members who change their minds `wavers` times within a second or so."""

    wavers: int = 0

    def begin(self, world: World, service: Service) -> None:
        """Start the campaign; let members waver while it is given."""
        self._act(world, service, self.document["campaigns"][0]["id"], "start", 0)
        for member in self.members:
            for _ in range(self.wavers):
                event = staff_event("PATCH", f"/v1/members/{member}", {"consents": {"news": world.chance.random() < 0.5}})
                self._send(world, service, "wavers", event, DAY + world.chance.uniform(0, 1.2))

    def _storm(self, behind: Backstage) -> None:
        """As often as there are calls."""
        behind.plan.left = 10_000


@pytest.mark.parametrize(
    ("without", "trigger", "campaign", "wavers", "seeds", "said"),
    [
        ("grant-condition", {}, {}, 0, 60, "was changed after it was written"),
        ("grants-condition", {}, {"grants_max": 1}, 0, 30, "of the budget grants:once 2 was given, there is 1"),
        (
            "winners-limit",
            {"draw": {"seed": "lucky", "winners": 1}},
            {"audience": {"consent": "news"}},
            25,
            40,
            "of the budget winners:once:once 2 was given, there is 1",
        ),
    ],
)
def test_without_what_protects_it_a_rush_breaks(
    without: str, trigger: dict[str, Any], campaign: dict[str, Any], wavers: int, seeds: int, said: str
) -> None:
    def program(world: World, days: list[date]) -> dict[str, Any]:
        once = {"kind": "date", "at": f"{days[1]}T00:00", **trigger}
        document = {**_COMMON, "id": "once", "trigger": once, **campaign}
        return {**program_document(world, days), "frequency_caps": [], "campaigns": [document]}

    def is_broken(seed: int) -> bool:
        plan = Plan(delivered_twice_rate=1.0, reads_apart_rate=1.0)
        return any(said in what for what in simulate(seed, "rush", without=without, plan=plan).violations)

    with (
        patch.dict(SCENARIOS, {"rush": lambda: Rush(wavers=wavers)}),
        patch("tests.simulation.campaigns.program_document", program),
        patch("tests.simulation.campaigns._moments", lambda world: [0.0, float(DAY)]),
    ):
        broken = next(filter(is_broken, range(seeds)), None)
    assert broken is not None, f"{seeds} worlds did not notice that the {without} was gone"


class Quiet(Campaigns):
    """Two orders of two members, one of which is given back; nobody interferes."""

    def begin(self, world: World, service: Service) -> None:
        """Start all campaigns."""
        for campaign in self.document["campaigns"]:
            self._act(world, service, campaign["id"], "start", 0)
        for after in (0, DAY):
            self._buy(world, service, after)


def _quiet_program(world: World, days: list[date]) -> dict[str, Any]:
    once = {"kind": "date", "at": f"{days[1]}T09:00"}
    campaigns: list[dict[str, Any]] = [
        {"id": "silence", "trigger": {"kind": "silence", "days": 1}, "grants_max": 3},
        {"id": "anniversary", "trigger": {"kind": "anniversary"}},
        {"id": "once", "trigger": once, "audience": {"consent": "news"}},
        {"id": "drawn", "trigger": {**once, "draw": {"seed": "lucky", "winners": 1}}},
        {"id": "chosen", "trigger": once, "audience": {"member_list": LIST}},
        {"id": "first", "trigger": {"kind": "purchase_number", "every": 1}, "caps": ["bonuses"]},
    ]
    return {
        **program_document(world, days),
        "campaigns": [{**_COMMON, **campaign} for campaign in campaigns],
        "frequency_caps": [],
        "caps": [{"id": "bonuses", "currency": "points", "scope": "program", "points": 9_000}],
        "currencies": [{"code": "points", "expiry": {"after": 5, "rounded_to": "day"}}],
        "messages": {"points_expiring_days": [1, 3]},
    }


@dataclass
class Recording(Watch):
    """Keeps what it is asked about bonuses."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def __call__(self, world: World, place: tuple[str, str], before: Item | None, item: Item) -> Iterator[str]:
        """See Watch."""
        if place[1] in ("GRANT", "NOTICE") and world.current:
            self.asked.append((copy.deepcopy(world.current.knows), place, before, item))
        return super().__call__(world, place, before, item)


@pytest.fixture(scope="module")
def watch() -> Recording:
    """What looked at each bonus of the quiet world."""
    return Recording()


@pytest.fixture(scope="module")
def at_rest(watch: Recording) -> dict[str, tuple[Any, ...]]:
    """What a quiet world is asked at its end, by the name of the promises that are asked."""
    asked: dict[str, tuple[Any, ...]] = {}

    def asking(name: str) -> Callable[..., list[str]]:
        def ask(*told: Any) -> list[str]:
            asked[name] = told
            return []

        return ask

    with (
        patch.dict(SCENARIOS, {"quiet": lambda: Quiet(watching=watch)}),
        patch("tests.simulation.campaigns.program_document", _quiet_program),
        patch("tests.simulation.campaigns._moments", lambda world: [0.0, float(DAY), 3.0 * DAY]),
        patch("tests.simulation.campaigns.rest_violations", asking("rest")),
        patch("tests.simulation.campaigns.settled_violations", asking("settled")),
    ):
        assert not simulate(1, "quiet", plan=Plan()).violations
    return asked


def _of(items: list[Item], pk: str, sk: str) -> Item:
    return next(item for item in items if item["pk"]["S"].startswith(pk) and item["sk"]["S"].startswith(sk))


def _add(item: Item, name: str, more: int) -> None:
    item[name] = {"N": str(int(item[name]["N"]) + more)}


def forget_a_grant_of_a_date(items: list[Item]) -> None:
    items.remove(_of(items, "GRANT#once#", "GRANT"))


def forget_a_grant_of_a_list(items: list[Item]) -> None:
    items.remove(_of(items, "GRANT#chosen#", "GRANT"))


def let_the_winner_lose(items: list[Item]) -> None:
    items.remove(_of(items, "GRANT#drawn#", "GRANT"))


def forget_silence(items: list[Item]) -> None:
    _everybody_slept(items)
    items.remove(_of(items, "GRANT#silence#", "GRANT"))


def _everybody_slept(items: list[Item]) -> None:
    for item in (item for item in items if item["sk"]["S"] == "WALLET"):
        counts = item["counts"]["M"]
        for name in [name for name in counts if name.startswith("gifted:silence")]:
            del counts[name]
    for item in [item for item in items if item["pk"]["S"].startswith("GRANT#silence#")]:
        if item["sk"]["S"] == "PASSED":
            items.remove(item)


def silence_the_alarms(items: list[Item]) -> None:
    for item in items:
        item.pop("wake_at", None)


def ring_the_alarms_late(items: list[Item]) -> None:
    for item in (item for item in items if "wake_at" in item):
        item["wake_at"] = {"S": "2037-01-01T00:00:00Z"}


def open_a_run(items: list[Item]) -> None:
    _of(items, "CAMPAIGN#VISIT", "RUN#")["ended_at"] = {"NULL": True}


def lose_a_run(items: list[Item]) -> None:
    items.remove(_of(items, "CAMPAIGN#once", "RUN#"))
    _of(items, "CAMPAIGN#once", "CONTROL")["steps"]["L"].pop()


def let_a_date_go_on(items: list[Item]) -> None:
    _of(items, "CAMPAIGN#once", "CONTROL")["steps"]["L"].pop()


def test_a_settled_world_breaks_nothing(at_rest: dict[str, tuple[Any, ...]]) -> None:
    assert settled_violations(*at_rest["settled"]) == []
    assert rest_violations(*at_rest["rest"]) == []


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (forget_a_grant_of_a_date, "were not given once"),
        (forget_a_grant_of_a_list, "were not given chosen"),
        (let_the_winner_lose, "drawn for once was won by"),
        (forget_silence, "was not given silence"),
        (silence_the_alarms, "the alarm rings at None"),
        (ring_the_alarms_late, "the alarm rings at 2037"),
        (open_a_run, "has not ended"),
        (open_a_run, "listed"),
        (lose_a_run, "has no run"),
        (let_a_date_go_on, "goes on"),
    ],
)
def test_a_broken_promise_is_seen_where_all_has_settled(
    at_rest: dict[str, tuple[Any, ...]], tamper: Callable[[list[Item]], None], said: str
) -> None:
    items, *more = at_rest["settled"]
    items = copy.deepcopy(items)
    tamper(items)
    found = settled_violations(items, *more)
    assert any(said in sentence for sentence in found), json.dumps(found, indent=1)


def give_twice(items: list[Item], given: list[Any], world: Any) -> None:
    grant = copy.deepcopy(_of(items, "GRANT#once#", "GRANT"))
    items.append({**grant, "pk": {"S": "GRANT#once#another#" + grant["member"]["S"]}})


def tell_twice(items: list[Item], given: list[Any], world: Any) -> None:
    notice = copy.deepcopy(_of(items, "NOTICE#", "NOTICE"))
    items.append({**notice, "pk": {"S": notice["pk"]["S"] + "0"}})


def give_two_gifts_in_a_year(items: list[Item], given: list[Any], world: Any) -> None:
    grant = copy.deepcopy(_of(items, "GRANT#anniversary#", "GRANT"))
    gifted = next(count["M"] for count in grant["effect"]["M"]["counts"]["L"] if "gifted:" in count["M"]["name"]["S"])
    gifted["day"] = {"S": "2026-06-01"}
    items.append({**grant, "pk": {"S": grant["pk"]["S"] + "0"}})


def count_one_more(items: list[Item], given: list[Any], world: Any) -> None:
    _add(_of(items, "CAMPAIGN#once", "TALLY#"), "granted", 1)


def overdraw(items: list[Item], given: list[Any], world: Any) -> None:
    _add(_of(items, "BUDGET#grants:silence", "EVER"), "spent", 1)


def overdraw_for_a_while(items: list[Item], given: list[Any], world: Any) -> None:
    world.spent_most = {**world.spent_most, "BUDGET#winners:drawn:once#0 EVER": 2}


def count_a_member_twice(items: list[Item], given: list[Any], world: Any) -> None:
    _add(_of(items, "CAMPAIGN#once", "PART#campaign#")["counts"]["M"], "granted", 1)


def look_at_everybody_twice(items: list[Item], given: list[Any], world: Any) -> None:
    for item in (item for item in items if item["sk"]["S"].startswith("PART#visit#")):
        counts = item["counts"]["M"]
        if "members" in counts:
            _add(counts, "members", 9)


def forget_what_an_order_brought(items: list[Item], given: list[Any], world: Any) -> None:
    items.remove(_of(items, "GRANT#first#", "GRANT"))


def break_down(items: list[Item], given: list[Any], world: Any) -> None:
    event, answer = given[0]
    given.append((event, replace(answer, status=500)))


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (give_twice, "was given 2 times"),
        (tell_twice, "was told 2 times"),
        (give_two_gifts_in_a_year, "was given anniversary for"),
        (count_one_more, "is due, counted"),
        (overdraw, "of the budget grants:silence"),
        (overdraw_for_a_while, "of the budget winners:drawn:once 2 was given, there is 1"),
        (count_a_member_twice, "given were"),
        (look_at_everybody_twice, "looked at"),
        (forget_what_an_order_brought, "named by"),
        (break_down, "was answered 500"),
    ],
)
def test_a_broken_promise_is_seen_at_the_end(
    at_rest: dict[str, tuple[Any, ...]], tamper: Callable[..., None], said: str
) -> None:
    items, given, world = at_rest["rest"]
    items, given, world = copy.deepcopy(items), list(given), copy.copy(world)
    tamper(items, given, world)
    found = rest_violations(items, given, world)
    assert any(said in sentence for sentence in found), json.dumps(found, indent=1)


Knows = dict[tuple[str, str], Item]


def _read(knows: Knows, sk: str, pk: str = "") -> Item:
    return next(item for (found_pk, found), item in knows.items() if found == sk and found_pk.startswith(pk))


def _member_of(item: Item) -> str:
    """Where the one is who was given it: its writer may have looked at others before."""
    return f"MEMBER#{item['member']['S']}"


def read_a_pause(knows: Knows, item: Item) -> None:
    campaign = item["subject"]["M"]["campaign"]["S"]
    steps = _read(knows, "CONTROL", f"CAMPAIGN#{campaign}")["steps"]["L"]
    steps.append({"L": [{"S": "pause"}, *copy.deepcopy(steps[-1]["L"][1:])]})


def read_nothing(knows: Knows, item: Item) -> None:
    knows.clear()


def read_of_somebody_who_left(knows: Knows, item: Item) -> None:
    _read(knows, "WALLET", _member_of(item))["closed"] = {"BOOL": True}


def read_no_consent(knows: Knows, item: Item) -> None:
    _read(knows, "PROFILE", _member_of(item))["consents"] = {"M": {}}


def read_another_enrolment(knows: Knows, item: Item) -> None:
    _read(knows, "WALLET", _member_of(item))["enrolled_at"] = {"S": "2025-11-11T12:00:00Z"}


def give_too_early(knows: Knows, item: Item) -> None:
    item["subject"]["M"]["due_at"] = {"S": "2027-01-01T00:00:00Z"}


def give_for_another_period(knows: Knows, item: Item) -> None:
    item["subject"]["M"]["period"] = {"S": "twice"}


def win_with_another_ticket(knows: Knows, item: Item) -> None:
    item["subject"]["M"]["ticket"] = {"S": "0" * 16}


def tell_too_early(knows: Knows, item: Item) -> None:
    item["subject"]["M"]["on"] = {"S": "2026-12-31"}


def _again(watch: Recording, pk: str, tamper: Callable[[Knows, Item], None] | None) -> list[str]:
    """What is wrong with the first bonus whose key begins so, when it is looked at once more."""
    knows, place, before, item = copy.deepcopy(next(asked for asked in watch.asked if asked[1][0].startswith(pk)))
    if tamper:
        tamper(knows, item)
    looked = Watch(watch.lists, watch.programs, watch.stands)
    return list(looked(SimpleNamespace(current=SimpleNamespace(knows=knows)), place, before, item))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pk", "tamper", "said"),
    [
        ("GRANT#silence#", read_a_pause, "was read"),
        ("GRANT#once#", read_a_pause, "was read"),
        ("GRANT#first#", read_a_pause, "was read"),
        ("GRANT#once#", read_nothing, "had not read"),
        ("GRANT#once#", read_of_somebody_who_left, "who had left"),
        ("GRANT#once#", read_no_consent, "had not agreed"),
        ("GRANT#anniversary#", read_another_enrolment, "owed was None"),
        ("GRANT#once#", give_too_early, "was given before"),
        ("GRANT#chosen#", give_for_another_period, "is of no moment"),
        ("GRANT#drawn#", win_with_another_ticket, "theirs is"),
        ("NOTICE#", tell_too_early, "tells"),
    ],
)
def test_a_bonus_that_does_not_follow_from_what_was_read_is_seen(
    at_rest: dict[str, tuple[Any, ...]], watch: Recording, pk: str, tamper: Callable[[Knows, Item], None], said: str
) -> None:
    assert _again(watch, pk, None) == []
    assert any(said in sentence for sentence in _again(watch, pk, tamper)), _again(watch, pk, tamper)


def test_a_run_that_ended_stays_ended() -> None:
    run: Item = {
        "pk": {"S": "CAMPAIGN#once"},
        "sk": {"S": "RUN#campaign#once"},
        "ended_at": {"S": "2026-03-02T12:00:00Z"},
        "attempt": {"N": "1"},
    }
    again = {**run, "ended_at": {"NULL": True}, "attempt": {"N": "3"}}
    found = list(Watch()(World(0), ("CAMPAIGN#once", "RUN#campaign#once"), run, again))
    assert ["goes on" in found[0], "from attempt 1 to 3" in found[1]] == [True, True]
