"""Campaigns and the nightly book-keeping: what comes by date, while members live, operators interfere, and workers die.

A world has a few moments, some around a midnight somewhere, days, months or a year apart. At each of them everything comes at
once: ticks, mostly several, the machine's workers, purchases, refunds, redemptions, profiles that change, members who merge or
leave, operators who start, pause, resume, cancel and edit. After some of them the network is sound for a while, ticks come
until nothing is due, and everybody must have what they are to have.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import functions.campaigns.handler
import functions.earning.handler
import functions.members.handler
import functions.program.handler
import functions.redemption.handler
from shared.domain.calendar import local_day
from shared.domain.digest import request_hash
from shared.domain.entry import MemberId
from shared.domain.member import Consent, Login, Profile
from shared.domain.program import ProgramVersion, parse_program
from shared.domain.reward import parse_reward
from shared.entrypoint.wiring import Wiring
from tests.simulation.campaign_promises import Watch, rest_violations, settled_violations
from tests.simulation.clients import Firm, insist, phone_event, staff_event
from tests.simulation.invariants import ZONE, Item
from tests.simulation.machinery import TICK, Backstage, Machine, Worker, deployed, small
from tests.simulation.service import Answer, Event, Service
from tests.simulation.world import START, World

DAY, HOUR, MINUTE = 86_400, 3_600, 60
SINCE = START - timedelta(days=400)
LIST = "chosen.json"
# Within a round trip, a while, and when the ticks are over.
_JITTER_SECONDS = (0, 0, 0.01, 0.05, 0.3, 1, 5, 60)
_COPIES = (1, 1, 2)
_DAYS_APART = ((0, 1, 2, 3, 4, 5, 6, 7), (0, 1, 2, 3, 29, 30, 31, 45, 60), (0, 2, 29, 120, 304, 305, 365, 366))
_MIDNIGHTS = (5 * HOUR, 11 * HOUR, 10 * HOUR, 18 * HOUR + 15 * MINUTE, 17 * HOUR)
"""In New York (in winter), Auckland, Honolulu, Kathmandu; and noon in New York: seconds of a day in UTC."""
_ZONES = (None, None, "Pacific/Auckland", "Pacific/Honolulu", "Asia/Kathmandu")
_SETTLES_AFTER_SECONDS = 4 * DAY
_ROUNDS_MAX = 16
_OPERATOR = "laurel/operator"
_FAULTS_MAX = 10
"""How many faults come with one moment at most."""


@dataclass
class Campaigns:
    """Three to six members, two to five campaigns, three or four moments."""

    functions: dict[str, Any] = field(
        default_factory=lambda: {
            "/v1/purchases": functions.earning.handler,
            "/v1/members": functions.members.handler,
            "/v1/me/": functions.redemption.handler,
            "/v1/program": functions.program.handler,
            "/v1/campaigns": functions.campaigns.handler,
        }
    )
    members: list[MemberId] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    moments: list[float] = field(default_factory=list)
    watching: Watch = field(default_factory=Watch)
    skews: Sequence[float] = (0.0, 0.0, -1.5, 1.5)

    def prepare(self, world: World, wired: Wiring) -> None:
        """Put a program and a reward into force, and enrol the members."""
        chance = world.chance
        self.moments = _moments(world)
        days = [local_day(START + timedelta(seconds=after), ZONE) for after in self.moments]
        self.document = program_document(world, days)
        program = parse_program(self.document)
        self.watching.programs[1] = program
        wired.programs.add(ProgramVersion(1, SINCE, SINCE, program))
        wired.rewards.put(parse_reward(_MUG), SINCE)
        wired.rewards.set_stock("mug", chance.choice((1, 2, 9)), local_day(START, ZONE))
        for number in range(chance.randint(3, 6)):
            member = MemberId(f"01ARZ3NDEKTSV4RRFFQ69G5FA{number}")
            enrolled_at = chance.choice((START - timedelta(days=10), _a_year_before(chance.choice(days))))
            profile = Profile(
                member=member,
                customer_id=f"c-{number}",
                enrolled_at=enrolled_at,
                login=_login(member),
                birth_date=_born(world, days),
                time_zone=chance.choice(_ZONES),
                consents={"news": Consent(chance.random() < 0.8, SINCE)},
            )
            wired.members.enrol(profile, request_hash(profile))
            self.members.append(member)
        listed = [*self.members, *chance.sample(self.members, 2), "01ARZ3NDEKTSV4RRFFQ69G5FZZ"]
        self.watching.lists[LIST] = chance.sample(listed, chance.randint(3, len(listed)))

    def sized(self) -> AbstractContextManager[None]:
        """Few shards, small pages."""
        return small()

    @contextmanager
    def staged(self, behind: Backstage) -> Iterator[None]:
        """Set up the machine; let it tick, and settle."""
        worker = Worker(behind)
        machine = Machine(behind, worker, self.watching.lists)
        world, chance = behind.world, behind.world.chance
        behind.plan.left = 0
        for after in self.moments:
            world.spawn("storm", partial(self._storm, behind), after_seconds=after)
            for _ in range(chance.choice((1, 2, 2, 3))):
                self._tick(world, worker, after + chance.choice(_JITTER_SECONDS))
            for _ in range(chance.choice((0, 1, 2))):
                self._tick(world, worker, after + 20 * MINUTE + chance.choice(_JITTER_SECONDS))
            if chance.random() < 0.4:
                world.spawn("settles", partial(self._settle, behind, worker, machine), after_seconds=after + 2 * HOUR)
        last = self.moments[-1] + _SETTLES_AFTER_SECONDS
        world.spawn("settles", partial(self._settle, behind, worker, machine), after_seconds=last)
        with deployed(machine):
            yield

    def begin(self, world: World, service: Service) -> None:
        """Spawn the callers."""
        chance = world.chance
        for campaign in self.document["campaigns"]:
            after = self.moments[0] if chance.random() < 0.8 else chance.choice(self.moments)
            self._act(world, service, campaign["id"], "start", after)
        for after in self.moments:
            for _ in range(chance.choice((0, 1, 2))):
                self._buy(world, service, after)
            for does, share in (
                (self._change, 0.5),
                (self._change, 0.3),
                (self._redeem, 0.3),
                (self._interfere, 0.5),
                (self._edit, 0.25),
                (self._enrol, 0.2),
                (self._leave, 0.15),
                (self._try_dry, 0.1),
                (self._waver, 0.15),
            ):
                if chance.random() < share:
                    does(world, service, after)

    def violations(self, items: list[Item], service: Service) -> list[str]:
        """See campaign_promises.py."""
        return rest_violations(items, service.given, service.world)

    # What works by itself.

    def _storm(self, behind: Backstage) -> None:
        behind.plan.left = behind.world.chance.randint(0, _FAULTS_MAX)

    def _tick(self, world: World, worker: Worker, after: float) -> None:
        world.spawn("ticks", worker.tick, after_seconds=after)

    def _settle(self, behind: Backstage, worker: Worker, machine: Machine) -> None:
        """Nothing goes wrong any more, and ticks come until nothing is due; then everybody has what they must have."""
        world = behind.world
        behind.plan.left = 0
        for _ in range(_ROUNDS_MAX):
            before = _told_by_operators(behind.items())
            answer = worker.call(TICK)
            quiet = answer == {"members": 0, "begun": [], "again": []} and not machine.going
            items = behind.items()
            if quiet and _told_by_operators(items) == before:
                world.note("has settled")
                for broken in settled_violations(items, world.now(), self.watching.lists):
                    world.violate(broken)
                return
            while machine.going:
                world.sleep(MINUTE)
            world.sleep(20 * MINUTE)
        world.violate("ticks never came to an end")

    # What callers do. Each spawns its tasks and comes back at once.

    def _act(self, world: World, service: Service, campaign: str, act: str, after: float) -> None:
        """One or two operators do something with a campaign."""
        for _ in range(world.chance.choice(_COPIES)):
            path, body = f"/v1/campaigns/{campaign}/{act}", {"reason": f"why {self._number('act')}"}
            event = staff_event("POST", path, body, scope=_OPERATOR, client=f"operator-{world.chance.randint(1, 2)}")
            self._send(world, service, f"{act} {campaign}", event, after)

    def _interfere(self, world: World, service: Service, after: float) -> None:
        """A campaign is paused, perhaps for good; or cancelled."""
        chance = world.chance
        campaign, after = chance.choice(self.document["campaigns"])["id"], after + chance.choice(_JITTER_SECONDS)
        if chance.random() < 0.25:
            self._act(world, service, campaign, "cancel", after)
            return
        self._act(world, service, campaign, "pause", after)
        later = [moment for moment in self.moments if moment > after]
        if chance.random() < 0.8:
            back = chance.choice([after + 0.3, after + 1, after + 30 * MINUTE, *later])
            self._act(world, service, campaign, "resume", back)

    def _edit(self, world: World, service: Service, after: float) -> None:
        """An operator changes the program there, and perhaps back again at another moment."""
        chance = world.chance
        changed = edited(self.document, chance.choice(_EDITS))
        later = [moment for moment in self.moments if moment > after]
        for document, at in ((changed, after), *([(self.document, chance.choice(later))] if later else [])):
            event = staff_event("PUT", "/v1/program", {"program": document, "reason": "edited"}, scope=_OPERATOR)
            self._send(world, service, f"edits {self._number('edit')}", event, at)

    def _try_dry(self, world: World, service: Service, after: float) -> None:
        alone = [c for c in self.document["campaigns"] if not c["trigger"]["kind"].startswith("purchase")]
        for campaign in alone[:1]:
            path = f"/v1/campaigns/{campaign['id']}/dry-runs"
            event = staff_event("POST", path, {"breakage_percent": 20}, scope=_OPERATOR)
            self._send(world, service, f"tries {campaign['id']}", event, after)

    def _buy(self, world: World, service: Service, after: float) -> None:
        """An order from one or two tills; then, by chance, a refund of it."""
        chance, order = world.chance, f"order-{self._number('order')}"
        after += chance.choice(_JITTER_SECONDS)
        amount = chance.choice((400, 2_000, 7_000))
        body = {
            "order_id": order,
            "member_id": chance.choice(self.members),
            "currency": "USD",
            "occurred_at": (START + timedelta(seconds=int(after) - chance.choice((0, 0, 5, HOUR)))).isoformat(),
            "lines": [{"sku": "sku", "quantity": 1, "amount": amount}],
        }
        refunds = partial(self._refund, world, service, order, amount) if chance.random() < 0.5 else None
        for copy in range(chance.choice(_COPIES)):
            event = staff_event("POST", "/v1/purchases", body)
            self._send(world, service, f"{order}.{copy}", event, after, then=None if copy else refunds)

    def _refund(self, world: World, service: Service, order: str, amount: int, _: Answer) -> None:
        chance = world.chance
        for number in range(chance.choice((1, 1, 2))):
            body: dict[str, Any] = {"refund_id": f"r-{number}", "occurred_at": world.now().isoformat()}
            if chance.random() < 0.5:
                body["amount"] = chance.choice((1, amount // 2, amount))
            event = staff_event("POST", f"/v1/purchases/{order}/refunds", body)
            self._send(world, service, f"refunds {order}", event, chance.choice((0, 1, MINUTE, DAY)))

    def _change(self, world: World, service: Service, after: float) -> None:
        """A member moves, has another birth date, or agrees or not to be written to."""
        chance, member = world.chance, world.chance.choice(self.members)
        days = [local_day(START + timedelta(seconds=moment), ZONE) for moment in self.moments]
        born = _born(world, days)
        body = chance.choice(
            (
                {"time_zone": chance.choice(_ZONES)},
                {"birth_date": born.isoformat() if born else None},
                {"consents": {"news": chance.random() < 0.5}},
            )
        )
        event = staff_event("PATCH", f"/v1/members/{member}", body)
        self._send(world, service, f"changes {member[-1]}", event, after + chance.choice(_JITTER_SECONDS))

    def _waver(self, world: World, service: Service, after: float) -> None:
        """Everybody changes their mind a few times within seconds."""
        for member in self.members:
            for _ in range(world.chance.choice((1, 2, 3))):
                event = staff_event("PATCH", f"/v1/members/{member}", {"consents": {"news": world.chance.random() < 0.5}})
                self._send(world, service, f"wavers {member[-1]}", event, after + world.chance.uniform(0, 4))

    def _redeem(self, world: World, service: Service, after: float) -> None:
        member, key = world.chance.choice(self.members), f"wish-{self._number('wish')}"
        event = phone_event("POST", "/v1/me/redemptions", {"reward_id": "mug"}, login=_login(member), key=key)
        self._send(world, service, key, event, after + world.chance.choice(_JITTER_SECONDS))

    def _enrol(self, world: World, service: Service, after: float) -> None:
        """Somebody new, whose birthday it may be."""
        number = self._number("newcomer")
        day = local_day(START + timedelta(seconds=after), ZONE)
        body = {"customer_id": f"new-{number}", "birth_date": f"1990-{day:%m-%d}", "consents": {"news": True}}
        event = staff_event("POST", "/v1/members", body)
        self._send(world, service, f"enrols {number}", event, after + world.chance.choice(_JITTER_SECONDS))

    def _leave(self, world: World, service: Service, after: float) -> None:
        """A member is merged into another, or closed."""
        member, heir = world.chance.sample(self.members, 2)
        body = {"into": heir, "reason": "one person"} if world.chance.random() < 0.7 else None
        event = staff_event("POST", f"/v1/members/{member}/{'merge' if body else 'close'}", body, scope=_OPERATOR)
        self._send(world, service, f"leaves {member[-1]}", event, after + world.chance.choice(_JITTER_SECONDS))

    def _send(
        self,
        world: World,
        service: Service,
        name: str,
        event: Event,
        after: float,
        *,
        then: Callable[[Answer], None] | None = None,
    ) -> None:
        firm: Firm = _orders_done if event["rawPath"].startswith("/v1/purchases") else _never
        done = partial(_go_on, then) if then else None
        world.spawn(name, partial(insist, world, service, event, done, firm), after_seconds=after)

    def _number(self, what: str) -> int:
        self.numbers[what] = self.numbers.get(what, 0) + 1
        return self.numbers[what]


def _orders_done(answer: Answer) -> bool:
    """What was refused may be possible later."""
    return answer.status < 300


def _never(answer: Answer) -> bool:
    """What is told of a campaign or a member changes."""
    return False


def _go_on(then: Callable[[Answer], None], answer: Answer) -> None:
    if answer.status < 300:
        then(answer)


def _login(member: str) -> Login:
    return Login("https://login.example.com", member)


def _told_by_operators(items: list[Item]) -> str:
    """All that operators have said so far, and all that runs: what may make something due that was not."""
    said = [item for item in items if item["sk"]["S"] == "CONTROL" or item["pk"]["S"] in ("PROGRAM", "RUNS")]
    return json.dumps(said, sort_keys=True, default=str)


def _moments(world: World) -> list[float]:
    """Three or four times, in seconds from the start: the first is at once, others a minute before, at or after a midnight."""
    chance = world.chance
    days = sorted(chance.sample(chance.choice(_DAYS_APART)[1:], chance.choice((2, 3))))
    noon = 12 * HOUR
    around = (-MINUTE, 0, 0, 1, 15 * MINUTE)
    return [0.0, *(float(day * DAY + chance.choice(_MIDNIGHTS) - noon + chance.choice(around)) for day in days)]


def _a_year_before(day: date) -> datetime:
    return START.replace(year=day.year - 1, month=day.month, day=min(day.day, 28), hour=17)


def _born(world: World, days: list[date]) -> date | None:
    """A birthday within a day of one of `days`, or on 29 February, or none."""
    chance = world.chance
    if chance.random() < 0.15:
        return chance.choice((None, date(2000, 2, 29)))
    day = chance.choice(days) + timedelta(days=chance.choice((-1, 0, 0, 1)))
    return date(1992, day.month, day.day)


_MUG = {
    "id": "mug",
    "name": "A mug",
    "benefit": {"kind": "discount", "amount": 500},
    "currency": "points",
    "price": {"points": 20},
    "stock_limited": True,
    "lapse_days": 2,
}
_EDITS = ("silence", "points", "notices", "without")


def edited(document: dict[str, Any], what: str) -> dict[str, Any]:
    """The program with one thing changed: after how many days somebody is silent, what is given, who is told, what there is."""
    campaigns = [json.loads(json.dumps(campaign)) for campaign in document["campaigns"]]
    for campaign in campaigns:
        if what == "silence" and campaign["trigger"]["kind"] == "silence":
            campaign["trigger"]["days"] = 90
        if what == "points" and campaign["bonus"]["kind"] == "points":
            campaign["bonus"]["points"] += 5
    if what == "without":
        del campaigns[-1:]
    ahead = [] if what == "notices" else document["messages"]["points_expiring_days"]
    return {**document, "campaigns": campaigns, "messages": {"points_expiring_days": ahead}}


def program_document(world: World, days: list[date]) -> dict[str, Any]:
    """A few campaigns of all kinds, a budget that they share, tiers that fall soon, points that are gone soon."""
    chance = world.chance
    frequency: list[Any] = [[], [], [{"per": "day", "count": 1}], [{"per": "month", "count": 2}]]
    return {
        "name": "Simulated",
        "time_zone": ZONE,
        "money_currency": "USD",
        "currencies": [
            {
                "code": "points",
                "pending_days": chance.choice((0, 0, 1)),
                "expiry": {"after": chance.choice((2, 5, 40)), "rounded_to": "day"},
            }
        ],
        "caps": [{"id": "bonuses", "currency": "points", "scope": "program", "points": chance.choice((100, 150, 9_000))}],
        "earning_rules": [
            {"id": "base", "kind": "purchase", "currency": "points", "per_amount": {"points": 1, "minor_units": 100}}
        ],
        "tiers": {
            "metric": "points",
            "currency": "points",
            "period": {"kind": "rolling", "days": chance.choice((2, 30))},
            "grace_days": 0,
            "downgrade": "by_balance",
            "levels": [
                {"id": "silver", "name": "Silver", "threshold": 0},
                {"id": "gold", "name": "Gold", "threshold": 60},
            ],
        },
        "campaigns": campaign_documents(world, days),
        "frequency_caps": chance.choice(frequency),
        "messages": {"points_expiring_days": chance.choice(([1], [1, 3]))},
    }


def campaign_documents(world: World, days: list[date]) -> list[dict[str, Any]]:
    """Two to five campaigns of different kinds, drawn; at most two of them come with orders."""
    chance, on = world.chance, chance_day(world, days)
    held = chance.choice((0, 0, 2))
    alarmed = [
        {"id": "birthday", "trigger": {"kind": "birthday", "leap_day": chance.choice(("feb28", "mar1"))}},
        {"id": "anniversary", "trigger": {"kind": "anniversary"}},
        {"id": "silence", "trigger": {"kind": "silence", "days": chance.choice((1, 2, 5, 30))}},
        {"id": "risen", "trigger": {"kind": "tier_reached", "tiers": ["gold"], "hold_days": held, "again_after_days": 3}},
    ]
    once = {"kind": "date", "at": f"{on}T{chance.choice(('00:00', '09:00', '23:30'))}"}
    draws = [
        {"seed": "lucky", "winners": chance.choice((1, 2))},
        {"seed": "lucky", "winners": 1},
        {"seed": "lucky", "chance": {"win": 1, "of": 2}},
    ]
    dated = [
        {"id": "once", "trigger": once},
        {"id": "drawn", "trigger": {**once, "draw": chance.choice(draws)}},
        {"id": "daily", "trigger": {"kind": "recurrence", "every": "day", "at": "00:00"}},
        {"id": "monthly", "trigger": {"kind": "recurrence", "every": "month", "at": "12:00", "day": 2, "draw": draws[2]}},
        {"id": "chosen", "trigger": once, "audience": {"member_list": LIST}},
    ]
    bought = [
        {"id": "second", "trigger": {"kind": "purchase_number", "every": 2, "amount_min": 1_000}},
        {"id": "ticket", "trigger": {"kind": "purchase", "chance": {"win": 1, "of": 2}, "seed": "till"}},
    ]
    found = [*chance.sample(alarmed, chance.choice((1, 2))), *chance.sample(dated, chance.choice((0, 1, 2)))]
    return [_campaign(world, **campaign) for campaign in [*found, *chance.sample(bought, chance.choice((0, 0, 1, 2)))]]


def chance_day(world: World, days: list[date]) -> str:
    """The local day of one of the moments, or the one after."""
    return (world.chance.choice(days) + timedelta(days=world.chance.choice((0, 1)))).isoformat()


def _campaign(world: World, **told: Any) -> dict[str, Any]:
    chance = world.chance
    bonuses: list[dict[str, Any]] = [
        *[{"kind": "points", "currency": "points", "points": 50}] * 4,
        {"kind": "multiplier", "currency": "points", "percent": 300, "days": 3},
    ]
    if not told["trigger"]["kind"].startswith("purchase"):
        bonuses += [{"kind": "reward", "reward": "mug"}, {"kind": "gift_card", "amount": 500}, {"kind": "message"}]
    bonus = chance.choice(bonuses)
    limits: dict[str, Any] = {}
    if chance.random() < 0.4:
        limits["grants_max"] = chance.choice((1, 2, 3))
    if bonus["kind"] == "points" and chance.random() < 0.4:
        limits["caps"] = ["bonuses"]
    if chance.random() < 0.3:
        limits["hold_out_percent"] = 50
    if chance.random() < 0.4:
        limits["audience"] = {**told.get("audience", {}), "consent": "news"}
    return {
        "name": told["id"].title(),
        "owner": "crm",
        "reason": "a world",
        "bonus": bonus,
        "template": "told",
        "frequency_capped": chance.random() < 0.7,
        **told,
        **limits,
    }
