"""What must be true of campaigns: of each bonus as it is written, of everybody when a world has settled, of all at its end.

What is due is worked out anew by campaign_model.py. Of the product it takes how items are read, keys, and how a program is
parsed.

Pause and cancel: a bonus is decided on the control that is read in its own batch. So nothing is given by whoever read after a
pause was written, which was before it was answered; what was read before may still land.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from shared.adapters.dynamodb.controls import control_of
from shared.adapters.dynamodb.items import entry_of, from_wire, instant_of, wallet_of
from shared.adapters.dynamodb.profiles import profile_of
from shared.adapters.dynamodb.programs import StoredVersion
from shared.adapters.dynamodb.table import is_entry
from shared.domain.audit import audit
from shared.domain.campaign import Campaign, OnDate, PurchaseChance, PurchaseNumber
from shared.domain.control import Act, Control
from shared.domain.entry import Entry, EntryKey, EntryKind, MemberId
from shared.domain.member import Profile
from shared.domain.program import Program, ProgramVersion, in_force
from shared.domain.subject import Grant, Notice, Refund
from shared.domain.wallet import Wallet
from tests.simulation.campaign_model import (
    Somebody,
    comes_next,
    dates_ahead,
    day_in,
    held_out,
    in_audience,
    is_overdue,
    moments,
    owed,
    period_at,
    ticket,
    too_often,
    untold,
    wins,
)
from tests.simulation.invariants import Item
from tests.simulation.service import Answer, Event
from tests.simulation.world import World

Given = list[tuple[Event, Answer]]
ON = (Act.START, Act.RESUME)
OVER = (Act.CANCEL, Act.FINISH)
PASSED_OVER = ("frequency", "budget", "sold_out", "reward")
"""Why somebody of the audience is given nothing; a date's run counts them in its parts."""
MISSED = timedelta(days=40)
MINUTE = timedelta(minutes=1)
BUDGET = "bonuses"
"""The cap that all members share."""
HTTP_UNAVAILABLE = 503


def is_on(control: Control | None, at: datetime | None = None) -> bool:
    """Whether the last thing that was done with a campaign, by an instant, was to start or to resume it."""
    acts = [step.act for step in control.steps if at is None or step.at <= at] if control else []
    return bool(acts) and acts[-1] in ON


@dataclass
class Books:
    """The items of a table, sorted."""

    entries: dict[EntryKey, Entry] = field(default_factory=dict)
    wallets: dict[MemberId, Wallet] = field(default_factory=dict)
    profiles: dict[MemberId, Profile] = field(default_factory=dict)
    versions: list[ProgramVersion] = field(default_factory=list)
    controls: dict[str, Control] = field(default_factory=dict)
    runs: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    parts: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    going: set[tuple[str, str, str]] = field(default_factory=set)
    tallies: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    passed: dict[str, str] = field(default_factory=dict)
    spent: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, items: Iterable[Item]) -> Books:
        """Sort the items."""
        books = cls()
        for item in map(from_wire, items):
            books._add(item)
        books.versions.sort(key=lambda version: version.version)
        return books

    def _add(self, item: dict[str, Any]) -> None:
        (kind, _, rest), sk = item["pk"].partition("#"), item["sk"]
        if is_entry(item):
            entry = entry_of(item)
            self.entries[entry.key] = entry
        elif sk == "WALLET":
            self.wallets[MemberId(rest)] = wallet_of(item)
        elif sk == "PROFILE":
            self.profiles[MemberId(rest)] = profile_of(item)
        elif kind == "PROGRAM":
            self.versions.append(StoredVersion(item))
        elif kind == "RUNS":
            name, of, period = item["run"].split(".", 2)
            self.going.add((name.upper() if of == "-" else of, name, period))
        elif kind == "BUDGET":
            self.spent[rest.rpartition("#")[0]] += int(item["spent"])
        elif kind == "GRANT" and sk == "PASSED":
            self.passed[rest] = item["reason"]
        elif kind == "CAMPAIGN":
            self._add_campaign(rest.partition("#")[0], sk, item)

    def _add_campaign(self, campaign: str, sk: str, item: dict[str, Any]) -> None:
        what, *names = sk.split("#")
        if what == "CONTROL":
            self.controls[campaign] = control_of(item)
        elif what == "RUN":
            self.runs[campaign, names[0], names[1]] = item
        elif what == "PART":
            self.parts[campaign, names[0], names[1]]["#".join(names[2:])] = item
        elif what == "TALLY":
            counts = {name: int(count) for name, count in item.items() if name not in ("pk", "sk")}
            self.tallies[campaign, names[0]].update(counts)

    def program(self, version: int) -> Program:
        """A version of the program."""
        return next(found.program for found in self.versions if found.version == version)

    def of_member(self, member: str) -> list[Entry]:
        """A member's entries, in order."""
        return sorted((e for e in self.entries.values() if e.member == member), key=lambda entry: entry.sequence)

    def somebody(self, member: MemberId) -> Somebody:
        """A member who has not left."""
        stands = [entry.effect.stands.tier for entry in self.of_member(member) if entry.effect.stands]
        return Somebody(self.wallets[member], self.profiles[member], stands)

    def staying(self) -> Iterator[MemberId]:
        """Members who have not left."""
        return (member for member, wallet in self.wallets.items() if not wallet.closed)

    def grants(self) -> Iterator[tuple[Entry, Grant]]:
        """What campaigns gave."""
        for entry in self.entries.values():
            if isinstance(entry.subject, Grant):
                yield entry, entry.subject

    def has(self, campaign: str, period: str, member: str) -> bool:
        """Whether the campaign gave the member its bonus for a period."""
        return EntryKey(f"grant:{campaign}:{period}:{member}") in self.entries

    def taken_back(self) -> list[tuple[Entry, Grant]]:
        """Bonuses of orders of which too little is left; of multipliers those that nobody has used, as the refund says."""
        refunds = sorted((e for e in self.entries.values() if isinstance(e.subject, Refund)), key=lambda e: e.sequence)
        found = list[tuple[Entry, Grant]]()
        for bought in (entry for entry in self.entries.values() if entry.purchase and entry.effect.gave):
            assert bought.purchase is not None
            left = bought.purchase.amount
            for entry in refunds:
                refund = entry.subject
                if not isinstance(refund, Refund) or refund.order_id != bought.purchase.order_id:
                    continue
                for gave, grant in self._brought_by(bought):
                    campaign = self.program(grant.version).campaigns_by_id[grant.campaign]
                    unused = any(recount.sequence == gave.sequence for recount in entry.effect.recounts)
                    if refund.net < least(campaign) <= left and (unused or grant.bonus != "multiplier"):
                        found.append((gave, grant))
                left = refund.net
        return found

    def _brought_by(self, bought: Entry) -> Iterator[tuple[Entry, Grant]]:
        for key in bought.effect.gave:
            gave = self.entries[EntryKey(key)]
            assert isinstance(gave.subject, Grant)
            yield gave, gave.subject


def least(campaign: Campaign) -> int:
    """What an order must come to, in minor units: something."""
    return max(1, campaign.trigger.amount_min) if isinstance(campaign.trigger, PurchaseNumber | PurchaseChance) else 1


@dataclass
class Watch:
    """Looks at each bonus as it is written: whether it follows from what its writer had read. `lists` are members by key."""

    lists: dict[str, list[str]] = field(default_factory=dict)
    programs: dict[int, Program] = field(default_factory=dict)
    stands: dict[str, list[tuple[int, str | None]]] = field(default_factory=lambda: defaultdict(list))

    def __call__(self, world: World, place: tuple[str, str], before: Item | None, item: Item) -> Iterator[str]:
        """See invariants.Watching."""
        pk, sk = place
        if not item:
            return
        if pk == "PROGRAM":
            version = StoredVersion(from_wire(item))
            self.programs[version.version] = version.program
        if sk.startswith("RUN#") and pk != "RUNS" and before:
            yield from _run_broken(from_wire(before), from_wire(item))
        plain = from_wire(item)
        if not is_entry(plain):
            return
        entry = entry_of(plain)
        if entry.effect.stands:
            self.stands[entry.member].append((entry.sequence, entry.effect.stands.tier))
        if isinstance(entry.subject, Grant):
            yield from self._grant_broken(world, entry, entry.subject)
        if isinstance(entry.subject, Notice):
            yield from self._notice_broken(entry, entry.subject)

    def _grant_broken(self, world: World, entry: Entry, grant: Grant) -> Iterator[str]:
        knows, member = world.current.knows if world.current else {}, entry.member
        program = self.programs[grant.version]
        campaign = program.campaigns_by_id[grant.campaign]
        places = ((f"CAMPAIGN#{campaign.id}", "CONTROL"), (f"MEMBER#{member}", "WALLET"), (f"MEMBER#{member}", "PROFILE"))
        found = [knows.get(place) for place in places]
        if found[0] is None or found[1] is None:
            yield f"{entry.key} was given by whoever had not read who runs and to whom"
            return
        control, wallet = control_of(from_wire(found[0])), wallet_of(from_wire(found[1]))
        if not is_on(control, entry.occurred_at if grant.cause else None):
            yield f"{entry.key} was given though {control.steps[-1:]} was read"
        if wallet.closed:
            yield f"{entry.key} was given to somebody who had left"
        if held_out(campaign, member):
            yield f"{entry.key} was given to somebody who is held out"
        if too_often(campaign, wallet, program, entry.occurred_at if grant.cause else entry.recorded_at):
            yield f"{entry.key} is one bonus too many for {wallet.counts}"
        if grant.cause:
            yield from self._order_broken(campaign, entry, grant)
            return
        profile = profile_of(from_wire(found[2])) if found[2] else None
        if profile is None or not in_audience(campaign, profile):
            yield f"{entry.key} was given to somebody who had not agreed: {profile}"
            return
        stands = [tier for sequence, tier in sorted(self.stands[member]) if sequence <= wallet.sequence]
        who = Somebody(wallet, profile, stands)
        yield from self._moment_broken(campaign, who, program, control, entry, grant)

    def _moment_broken(
        self, campaign: Campaign, who: Somebody, program: Program, control: Control, entry: Entry, grant: Grant
    ) -> Iterator[str]:
        now, due_at = entry.recorded_at, grant.due_at
        if now < due_at:
            yield f"{entry.key} was given before {due_at}"
        if campaign in program.alarmed_campaigns:
            started_at = control.started_at
            due = owed(campaign, who, program, started_at, now) if started_at else None
            if due != grant.period:
                yield f"{entry.key} was given at {now}, owed was {due}: {who}"
            return
        comes = due_at in moments(campaign, program, due_at - MINUTE, due_at)
        if not comes or grant.period != period_at(campaign, program, due_at):
            yield f"{entry.key} is of no moment of its campaign: {due_at}"
        members = self.lists.get(campaign.audience.member_list or "")
        if members is not None and entry.member not in members:
            yield f"{entry.key} was given to somebody who is not on the list"
        if campaign.draw is not None:
            number = ticket(campaign, grant.period, entry.member)
            lost = campaign.draw.chance is not None and not wins(campaign.draw.chance, number)
            if lost or grant.ticket != f"{number:016x}":
                yield f"{entry.key} won with {grant.ticket}, theirs is {number:016x}"

    def _order_broken(self, campaign: Campaign, entry: Entry, grant: Grant) -> Iterator[str]:
        if isinstance(campaign.trigger, PurchaseChance):
            number = ticket(campaign, grant.period, entry.member)
            if not wins(campaign.trigger.chance, number) or grant.ticket != f"{number:016x}":
                yield f"{entry.key} won with {grant.ticket}, theirs is {number:016x}"

    def _notice_broken(self, entry: Entry, notice: Notice) -> Iterator[str]:
        left = (notice.on - entry.recorded_on).days
        if not 0 < left <= notice.days or notice.points <= 0:
            yield f"{entry.key} tells {notice} on {entry.recorded_on}"


def _run_broken(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    if before["ended_at"] and after["ended_at"] != before["ended_at"]:
        yield f"a run that ended goes on: {before}, then {after}"
    if not 0 <= after["attempt"] - before["attempt"] <= 1:
        yield f"a run went from attempt {before['attempt']} to {after['attempt']}"


def settled_violations(items: list[Item], now: datetime, lists: dict[str, list[str]]) -> list[str]:
    """What is wrong where everything works and nothing is due any more but for alarms that ring."""
    books = Books.of(items)
    program = in_force(books.versions, now).program
    checks = [_runs(books), _begun(books, program, now), _rung(books, program, now), _dated(books, lists)]
    return [sentence for check in checks for sentence in check]


def _runs(books: Books) -> Iterator[str]:
    """Runs have ended but for those of paused campaigns; all that are open are listed."""
    open_runs = {place for place, run in books.runs.items() if run["ended_at"] is None}
    if open_runs != books.going:
        yield f"open are {sorted(open_runs)}, listed {sorted(books.going)}"
    for of, kind, period in sorted(open_runs):
        acts = [step.act for step in books.controls[of].steps] if of in books.controls else []
        if kind != "campaign" or acts[-1:] != [Act.PAUSE]:
            yield f"the run {kind} of {of} for {period} has not ended"
    for (of, kind, period), run in books.runs.items():
        if kind != "campaign" or run["ended_at"] is None:
            continue
        campaign = books.program(int(run["version"])).campaigns_by_id[of]
        if isinstance(campaign.trigger, OnDate) and books.controls[of].steps[-1].act not in OVER:
            yield f"{of} has come on its date {period}, and goes on"


def _begun(books: Books, program: Program, now: datetime) -> Iterator[str]:
    """The last moment of each dated campaign that runs has its run."""
    for campaign in program.dated_campaigns:
        control = books.controls.get(campaign.id)
        if control is None or not is_on(control) or control.started_at is None:
            continue
        for at in moments(campaign, program, max(control.started_at, now - MISSED), now)[-1:]:
            if (campaign.id, "campaign", period_at(campaign, program, at)) not in books.runs:
                yield f"{campaign.id} was to come at {at}, and has no run"


def _rung(books: Books, program: Program, now: datetime) -> Iterator[str]:
    """Everybody has what is due, or an alarm that rings; and an alarm for what comes next."""
    for member in books.staying():
        who = books.somebody(member)
        alarms = [at for at in (who.wallet.alarm.at, who.profile.alarm.at) if at is not None]
        rings_at = min(alarms, default=None)
        if rings_at is not None and rings_at <= now:
            continue
        running = [campaign for campaign in program.alarmed_campaigns if is_on(books.controls.get(campaign.id))]
        coming = [at for campaign in running if (at := comes_next(campaign, who, program, now))]
        first = min((*dates_ahead(who, program, now), *coming), default=None)
        if first is not None and (rings_at is None or rings_at > first):
            yield f"{member} is to be looked at by {first}, the alarm rings at {rings_at}: {who}"
        if is_overdue(who, program, now):
            yield f"nobody booked what was due for {member}: {who}"
        for campaign in running:
            yield from _owed(books, campaign, who, program, now)
        yield from _unnoticed(who, program, now)


def _owed(books: Books, campaign: Campaign, who: Somebody, program: Program, now: datetime) -> Iterator[str]:
    started_at, member = books.controls[campaign.id].started_at, who.wallet.member
    period = owed(campaign, who, program, started_at, now) if started_at else None
    if period is None or not in_audience(campaign, who.profile) or held_out(campaign, member):
        return
    passed = books.passed.get(f"{campaign.id}#{period}#{member}")
    # Whoever was given as much as members are is asked again when they may be given more.
    excused = passed is not None and (passed != "frequency" or too_often(campaign, who.wallet, program, now))
    if not books.has(campaign.id, period, member) and not excused:
        yield f"{member} was not given {campaign.id} for {period}: {who}"


def _unnoticed(who: Somebody, program: Program, now: datetime) -> Iterator[str]:
    for currency, days in untold(who, program, day_in(program.time_zone, now)):
        yield f"{who.wallet.member} was not told of {currency} that are gone within {days} days: {who}"


def _dated(books: Books, lists: dict[str, list[str]]) -> Iterator[str]:
    """Everybody who was in the audience all the time has the bonus of a date; of a draw, the lowest tickets."""
    for place, run in books.runs.items():
        of, kind, period = place
        if kind != "campaign" or run["ended_at"] is None:
            continue
        program = books.program(int(run["version"]))
        campaign, ended_at = program.campaigns_by_id[of], instant_of(run["ended_at"])
        if any(step.act is Act.CANCEL and step.at <= ended_at for step in books.controls[of].steps):
            continue
        there = [m for m in books.staying() if _was_in(campaign, books.profiles[m], run, lists)]
        left = [member for member in there if not books.has(of, period, member)]
        if campaign.draw is not None and campaign.draw.winners is not None:
            yield from _draw_broken(books, campaign, program, period, left)
        else:
            yield from _not_given(books, campaign, place, left)


def _not_given(books: Books, campaign: Campaign, place: tuple[str, str, str], left: list[MemberId]) -> Iterator[str]:
    """Whoever has nothing lost the draw, or was passed over and counted."""
    of, _, period = place
    if campaign.draw is not None and campaign.draw.chance is not None:
        chance = campaign.draw.chance
        left = [member for member in left if wins(chance, ticket(campaign, period, member))]
    counts: Counter[str] = Counter()
    for part in books.parts[place].values():
        counts.update({reason: int(part["counts"].get(reason, 0)) for reason in PASSED_OVER})
    if len(left) > counts.total():
        yield f"{left} were not given {of} for {period}; passed over were {dict(counts)}"
    spent = books.spent[f"grants:{of}"]
    if counts["budget"] and not campaign.caps and spent != campaign.grants_max:
        yield f"{of} passed over {counts['budget']} for its budget, given were {spent} of {campaign.grants_max}"


def _draw_broken(books: Books, campaign: Campaign, program: Program, period: str, left: list[MemberId]) -> Iterator[str]:
    """The lowest tickets won. Where somebody may have been passed over for another reason, nobody can tell."""
    assert campaign.draw is not None
    limited = campaign.caps or campaign.grants_max or campaign.bonus.kind == "reward"
    if limited or (campaign.frequency_capped and program.frequency_caps):
        return
    won = [grant.ticket or "" for _, grant in books.grants() if (grant.campaign, grant.period) == (campaign.id, period)]
    lowest = min((f"{ticket(campaign, period, member):016x}" for member in left), default=None)
    if lowest is not None and (len(won) != campaign.draw.winners or max(won) > lowest):
        yield f"{campaign.id} for {period} was won by {won}, not by {lowest}"


def _was_in(campaign: Campaign, profile: Profile, run: dict[str, Any], lists: dict[str, list[str]]) -> bool:
    """Whether a member was in the audience from before the run began to its end."""
    purpose, began = campaign.audience.consent, instant_of(run["started_at"])
    consent = profile.consents.get(purpose) if purpose else None
    # The clocks of those who wrote both may differ.
    if purpose and (consent is None or not consent.granted or consent.at >= began - MINUTE):
        return False
    listed = campaign.audience.member_list is None or profile.member in lists[campaign.audience.member_list]
    return profile.enrolled_at < instant_of(run["due_at"]) - MINUTE and listed and not held_out(campaign, profile.member)


def rest_violations(items: list[Item], given: Given, world: World) -> list[str]:
    """Every promise about campaigns that a world at rest breaks."""
    books = Books.of(items)
    checks = (
        _answers(given),
        _audited(books),
        _once(books),
        _counted(books),
        _budgets(books, world),
        _parts(books),
        _orders(books),
    )
    return [sentence for check in checks for sentence in check]


def _answers(given: Given) -> Iterator[str]:
    for event, answer in given:
        if answer.status >= 500 and answer.status != HTTP_UNAVAILABLE:
            yield f"{event['rawPath']} was answered {answer.status} {answer.body}"
        if answer.status in (400, 422) or (answer.status == 404 and not event["rawPath"].startswith("/v1/me/")):
            # Whoever has left has no login any more.
            yield f"{event['rawPath']} {event['body']} was answered {answer.status} {answer.body}"


def _audited(books: Books) -> Iterator[str]:
    for member, wallet in books.wallets.items():
        yield from (f"{found}" for found in audit(wallet, books.of_member(member), books.versions))


def _once(books: Books) -> Iterator[str]:
    """Nobody has a bonus twice for a period, or is told anything twice; gifts of a year lie apart."""
    gave = Counter((grant.campaign, grant.period, entry.member) for entry, grant in books.grants())
    yield from (f"{what} was given {times} times" for what, times in gave.items() if times > 1)
    notices = [(e.member, e.subject) for e in books.entries.values() if isinstance(e.subject, Notice)]
    told = Counter((member, n.what, n.currency, n.on, n.days) for member, n in notices)
    yield from (f"{what} was told {times} times" for what, times in told.items() if times > 1)
    yearly: dict[tuple[str, str], list[date | None]] = defaultdict(list)
    for entry, grant in books.grants():
        if grant.trigger in ("birthday", "anniversary"):
            yearly[grant.campaign, entry.member] += [count.day for count in entry.effect.counts if "gifted:" in count.name]
    for (campaign, member), found in yearly.items():
        days = sorted(day for day in found if day)
        if any((later - earlier).days <= 300 for earlier, later in pairwise(days)):
            yield f"{member} was given {campaign} for {days}"


def _period(grant: Grant) -> str:
    return grant.period if grant.trigger in ("date", "recurrence") else "ever"


def _gave(grant: Grant) -> dict[str, int]:
    match grant.bonus:
        case "points":
            return {f"points:{grant.currency}": grant.points}
        case "multiplier":
            return {"multipliers": 1}
        case "reward":
            return {f"reward:{grant.reward}": 1}
        case "gift_card":
            return {f"money:{grant.money}": grant.amount or 0}
    return {}


def _counted(books: Books) -> Iterator[str]:
    """The tallies are what the entries come to."""
    due: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for _, grant in books.grants():
        due[grant.campaign, _period(grant)].update({"granted": 1, **_gave(grant)})
    for _, grant in books.taken_back():
        back = {f"points_back:{grant.currency}": grant.points} if grant.points else {}
        due[grant.campaign, "ever"].update({"taken_back": 1, **back})
    for passed, reason in books.passed.items():
        due[passed.split("#")[0], "ever"].update({f"passed:{reason}": 1})
    for place in sorted({*due, *books.tallies}):
        if due[place] != books.tallies[place]:
            yield f"of {place} {dict(due[place])} is due, counted {dict(books.tallies[place])}"


def _budgets(books: Books, world: World) -> Iterator[str]:
    """Budgets are what was given of them, and never were more than there is."""
    due, most = _drawn(books), dict(_limits(books))
    for budget in sorted({*due, *books.spent}):
        if due[budget] != books.spent[budget]:
            yield f"of the budget {budget} {due[budget]} is given, counted {books.spent[budget]}"
    for place, spent in world.spent_most.items():
        budget = place.split()[0].removeprefix("BUDGET#").rpartition("#")[0]
        if spent > most[budget]:
            yield f"of the budget {budget} {spent} was given, there is {most[budget]}"


def _limits(books: Books) -> Iterator[tuple[str, int]]:
    """The budgets that there are; those of draws as they were won."""
    for program in (version.program for version in books.versions):
        yield from ((f"grants:{c.id}", c.grants_max) for c in program.campaigns if c.grants_max is not None)
        yield from ((cap.id, cap.points) for cap in program.caps if cap.scope == "program" and cap.points)
    for _, grant in books.grants():
        draw = books.program(grant.version).campaigns_by_id[grant.campaign].draw
        if draw and draw.winners is not None:
            yield f"winners:{grant.campaign}:{grant.period}", draw.winners


def _drawn(books: Books) -> Counter[str]:
    """What was given of each budget, less what was taken back."""
    due: Counter[str] = Counter()
    for sign, found in ((1, books.grants()), (-1, iter(books.taken_back()))):
        for _, grant in found:
            campaign = books.program(grant.version).campaigns_by_id[grant.campaign]
            if campaign.grants_max is not None:
                due[f"grants:{campaign.id}"] += sign
            if campaign.caps:
                due[campaign.caps[0]] += sign * grant.points
            if campaign.draw and campaign.draw.winners is not None:
                due[f"winners:{campaign.id}:{grant.period}"] += sign
    return due


def _parts(books: Books) -> Iterator[str]:
    """A run's parts count each member once: those of a date as many bonuses as there are, those of others nobody twice."""
    for place, parts in books.parts.items():
        of, kind, period = place
        counts: Counter[str] = Counter()
        for part in parts.values():
            counts.update({name: int(count) for name, count in part["counts"].items()})
        run = books.runs.get(place)
        if run is None or run["member_list"]:
            continue
        if kind == "campaign" and all(part["done"] for part in parts.values()):
            draw = books.program(int(run["version"])).campaigns_by_id[of].draw
            gave = sum((grant.campaign, grant.period) == (of, period) for _, grant in books.grants())
            if counts["granted"] != gave and not (draw and draw.winners):
                yield f"the run {place} counts {dict(counts)}, given were {gave}"
        seen = counts["members"] + counts["looked_at"] + counts["unknown"]
        if seen > len(books.profiles) + sum(name.startswith("failed-") for name in parts):
            yield f"the run {place} looked at {seen} members, there are {len(books.profiles)}"


def _orders(books: Books) -> Iterator[str]:
    """What an order brought is what names it."""
    brought: dict[str, set[str]] = defaultdict(set)
    for entry, grant in books.grants():
        if grant.cause:
            brought[grant.cause].add(entry.key)
    for entry in books.entries.values():
        if entry.kind is EntryKind.PURCHASE and set(entry.effect.gave) != brought[entry.key]:
            yield f"{entry.key} brought {entry.effect.gave}, named by {brought[entry.key]}"
