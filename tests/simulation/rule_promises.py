"""What must be true of caps, budgets, tiers, activities, memberships and recognitions when a world has come to rest.

Worked out anew from the entries, by the letter of the rules: tiers one day after the other (tests/unit/plain_tiers.py), shares
with pencil and paper. Of the product it takes how items are read and how a program is parsed.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any

from shared.adapters.dynamodb.items import entry_of, from_wire, wallet_of
from shared.adapters.dynamodb.programs import StoredVersion
from shared.adapters.dynamodb.refusals import REFUSAL
from shared.adapters.dynamodb.table import budget_key, is_entry, key_of_entry
from shared.domain.calendar import first_of_period, local_day
from shared.domain.cap import BudgetKey, Cap
from shared.domain.entry import Entry, EntryKey, EntryKind, MemberId, Share, arrival_key, caller_key, void_key
from shared.domain.membership import active_at, protected_days
from shared.domain.program import Program, ProgramVersion
from shared.domain.rule import ActivityRule, MultiplierRule
from shared.domain.subject import Activity, Recognized, Refund, Review
from shared.domain.tier import Record
from shared.domain.wallet import Wallet
from tests.simulation.clients import told
from tests.simulation.invariants import ZONE, Item
from tests.simulation.service import Answer, Event
from tests.simulation.world import World
from tests.unit.plain_tiers import plain_tiers

Given = list[tuple[Event, Answer]]
Used = Counter[tuple[str, str, date | None]]
"""Points by member (empty: all together), cap and first day of its period."""

LANDED_IN = timedelta(seconds=15)
"""A version written later than this after it was decided may be missed by orders of its first minute: a function has a time
limit, and the simulation's stalls know none."""
EVERYBODYS = "silver"
"""The tier that begins at nothing, which no entry tells."""
_CHANGING = ("/tier", "/tier/reviews", "/v1/program")
"""How paths end whose answers are of the moment."""


@dataclass
class Books:
    """The items of a table at rest, sorted; entries of each member in order."""

    entries: dict[EntryKey, Entry] = field(default_factory=dict)
    refusals: set[EntryKey] = field(default_factory=set)
    wallets: dict[MemberId, Wallet] = field(default_factory=dict)
    versions: list[ProgramVersion] = field(default_factory=list)
    spent: dict[str, int] = field(default_factory=dict)
    late: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, items: Iterable[Item], written_at: dict[tuple[str, str], datetime]) -> Books:
        """Sort the items. `written_at` tells when items were written first, as far as they were not there from the start."""
        books = cls()
        for item in map(from_wire, items):
            books._add(item, written_at.get((item["pk"], item["sk"])))
        books.entries = dict(sorted(books.entries.items(), key=lambda found: (found[1].member, found[1].sequence)))
        return books

    def _add(self, item: dict[str, Any], written_at: datetime | None) -> None:
        pk, sk = item["pk"], item["sk"]
        if is_entry(item):
            entry = entry_of(item)
            self.entries[entry.key] = entry
        elif item.get("kind") == REFUSAL:
            self.refusals.add(key_of_entry(item))
        elif sk == "WALLET":
            wallet = wallet_of(item)
            self.wallets[wallet.member] = wallet
        elif pk == "PROGRAM":
            version = StoredVersion(item)
            self.versions.append(version)
            if written_at is not None and written_at > version.activated_at + LANDED_IN:
                self.late.add(version.version)
        elif pk.startswith("BUDGET#"):
            self.spent[f"{pk} {sk}"] = int(item["spent"])

    def of_kind(self, *kinds: EntryKind) -> list[Entry]:
        """The entries of these kinds, by member and sequence."""
        return [entry for entry in self.entries.values() if entry.kind in kinds]

    def program(self, share: Share) -> Program:
        """The program by which a share was given."""
        return next(version.program for version in self.versions if version.version == share.program_version)

    def roots(self, entry: Entry) -> Entry:
        """The order or activity that a refund or void is about; itself for any other."""
        return self.entries[entry.names] if entry.names in self.entries and entry.why else entry


def rule_violations(items: list[Item], given: Given, world: World) -> list[str]:
    """Every promise about rules that a world at rest breaks."""
    books = Books.of(items, world.written_at)
    checks = (
        _answers(given, books),
        _caps(books, world.spent_most),
        _activities(books),
        _recognitions(books, given),
        _told(books),
        _looks(books, given),
        _orders(books),
    )
    return [sentence for check in checks for sentence in check]


def _answers(given: Given, books: Books) -> Iterator[str]:
    """What was done once has one answer, and nothing is wrong but the network. A refusal without a key of its own may pass."""
    groups: dict[str, tuple[Event, set[tuple[int, str]]]] = {}
    for event, answer in given:
        path = event["rawPath"]
        if answer.status not in (200, 201, 409, 503):
            yield f"{path} {event['body']} was answered {answer.status} {answer.body}"
        claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
        request = json.dumps([path, event["body"], event["headers"].get("idempotency-key"), claims])
        if answer.status < 500 and not path.endswith(_CHANGING):
            groups.setdefault(request, (event, set()))[1].add(told(answer))
    for event, answers in groups.values():
        done = {answer for answer in answers if answer[0] < 300}
        if len(done) > 1:
            yield f"{event['rawPath']} {event['body']} was answered in {len(done)} ways: {sorted(done)}"
        for _, body in done:
            if EntryKey(json.loads(body)["entry_id"]) not in books.entries:
                yield f"{event['rawPath']} {event['body']} was answered {body}, which is not there"


def _since(cap: Cap, day: date) -> date | None:
    return None if cap.per == "ever" else first_of_period(cap.per, day)


def _caps(books: Books, spent_most: dict[str, int]) -> Iterator[str]:
    """What caps allowed is what entries gave less what came back; the items and the wallets know it, and no limit is passed."""
    used: Used = Counter()
    for entry in books.entries.values():
        day = local_day(books.roots(entry).occurred_at, ZONE)
        for share in entry.why:
            program = books.program(share)
            for name in program.caps_of_rules.get(share.rule, ()):
                cap = program.caps_by_id[name]
                used[entry.member if cap.scope == "member" else "", name, _since(cap, day)] += share.points
    program, budgets = books.versions[0].program, dict[str, int]()
    for (member, name, since), points in used.items():
        limit, place = program.limit_of(program.caps_by_id[name]), " ".join(budget_key(BudgetKey(name, since)).values())
        if not member and points:
            budgets[place] = points
        most = points if member else max(points, spent_most.get(place, 0))
        if not 0 <= points <= most <= limit:
            yield f"{points}, once {most} points of {limit} were given of {name} since {since} {member}"
    if budgets != {place: points for place, points in books.spent.items() if points}:
        yield f"budgets say {books.spent}, entries gave {budgets}"
    for member, wallet in books.wallets.items():
        counted = {(c.name.split(":")[1], c.day): c.amount for c in wallet.counts if c.name.startswith("cap:")}
        mine = {(name, since): points for (who, name, since), points in used.items() if who == member and points}
        if counted != mine:
            yield f"{member} used {mine} of caps, the wallet says {counted}"


def _activities(books: Books) -> Iterator[str]:
    """A proof is rewarded once, no more proofs than the limits allow, and a void takes back exactly what was given."""
    [rule] = [rule for rule in books.versions[0].program.earning_rules if isinstance(rule, ActivityRule)]
    standing: Counter[tuple[MemberId, str, date | None]] = Counter()
    for entry in books.of_kind(EntryKind.ACTIVITY):
        assert isinstance(entry.subject, Activity)
        void = books.entries.get(void_key(entry.key))
        given = sum(share.points for share in entry.why)
        if void is not None and sum(share.points for share in void.why) != -given:
            yield f"{void.key} took back {void.why} of {entry.why}"
        for limit in rule.limits if void is None else ():
            day = local_day(entry.occurred_at, ZONE)
            since = None if limit.per == "ever" else first_of_period(limit.per, day)
            standing[entry.member, limit.per, since] += 1
    counts = {limit.per: limit.count for limit in rule.limits}
    for (member, per, since), number in standing.items():
        if number > counts[per]:  # type: ignore[index]
            yield f"{member} was rewarded {number} times per {per} since {since}"


def _recognitions(books: Books, given: Given) -> Iterator[str]:
    """A key gives once or is refused for good; what is given arrives; no allowance is exceeded."""
    gave: Counter[tuple[MemberId, date]] = Counter()
    for entry in books.of_kind(EntryKind.RECOGNITION):
        assert isinstance(entry.subject, Recognized)
        gave[entry.member, entry.recorded_on] += entry.subject.points
        arrival = books.entries.get(arrival_key(entry.key))
        minted = sum(lot.count for lots in arrival.minted().values() for lot in lots) if arrival else None
        if minted != entry.subject.points or arrival is None or arrival.member != entry.subject.counterpart:
            yield f"{entry.key} gave {entry.subject}, what arrived is {arrival}"
    for (member, day), points in gave.items():
        if points > books.versions[0].program.recognitions[0].allowance.points:
            yield f"{member} gave {points} points away on {day}"
    for event, answer in given:
        if not event["rawPath"].endswith("/recognitions") or answer.status >= 500:
            continue
        claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
        caller = hashlib.sha256(f"{claims['iss']} {claims['sub']}".encode()).hexdigest()[:16]
        key = caller_key(caller, "recognition", event["headers"]["idempotency-key"])
        if (key in books.entries) == (key in books.refusals):
            yield f"{key} has both an entry and a refusal, or neither"
        reused = json.loads(answer.body).get("type") == "urn:laurel:problem:key-reused"
        if not reused and (answer.status == 201) != (key in books.entries):
            yield f"{key} was answered {answer.status} {answer.body}, the entry is {books.entries.get(key)}"


def _told(books: Books) -> Iterator[str]:
    """Entries tell the tier whenever it changes, and only then; a review tells what changed by date."""
    for wallet in books.wallets.values():
        tier: str | None = EVERYBODYS
        for entry in _history(books, wallet):
            stands = entry.told.stands if entry.told else None
            due = _tier(books, wallet, entry.sequence, entry.recorded_on)
            if stands is not None and stands.tier == tier:
                yield f"{entry.key} tells {tier}, which was told before"
            if isinstance(entry.subject, Review) and (entry.subject.before, entry.subject.after) != (tier, due):
                yield f"{entry.key} tells {entry.subject}, it was {tier} and is {due}"
            tier = stands.tier if stands else tier
            if tier != due and not (entry.kind is EntryKind.ARRIVAL and stands is None):
                yield f"{entry.key} leaves {tier} told, due is {due}"
        if tier != (wallet.standing.tier if wallet.standing else EVERYBODYS):
            yield f"{wallet.member} was told {tier}, the wallet says {wallet.standing}"


def _looks(books: Books, given: Given) -> Iterator[str]:
    """Who looks when all is quiet sees the tier that the rules give."""
    for event, answer in given:
        if event["rawPath"].endswith("/tier") and answer.status == 200:
            found = json.loads(answer.body)
            wallet = books.wallets[MemberId(found["member_id"])]
            due = _tier(books, wallet, wallet.sequence, date.fromisoformat(found["day"]))
            if found["tier"] != due:
                yield f"{found} was told, due is {due}"


def _orders(books: Books) -> Iterator[str]:
    """Each order gave what the program of its time gives, with the tier and memberships of its time."""
    for entry in books.of_kind(EntryKind.PURCHASE):
        allowed = _in_force(books, entry.occurred_at)
        versions = {share.program_version for share in entry.why}
        if not versions <= allowed:
            yield f"{entry.key} of {entry.occurred_at} met {versions}, in force was {allowed}"
        elif entry.why:
            yield from (f"{entry.key}: {what}" for what in _shares_broken(books, entry))


def _in_force(books: Books, at: datetime) -> set[int]:
    """The version in force at `at`, and the one before where that came late."""
    started = sorted((v.effective_from, v.version) for v in books.versions if v.effective_from <= at)
    allowed = set()
    for _, number in reversed(started):
        allowed.add(number)
        if number not in books.late:
            break
    return allowed


def _shares_broken(books: Books, entry: Entry) -> Iterator[str]:
    program, purchase, wallet = books.program(entry.why[0]), entry.purchase, books.wallets[entry.member]
    assert purchase is not None
    gave = {share.rule: share for share in entry.why}
    tier = _tier(books, wallet, entry.sequence - 1, local_day(entry.occurred_at, ZONE), before=entry.occurred_at)
    base = purchase.amount * _points_per_cent(program)
    wishes: dict[str, Fraction] = {}
    for rule in program.bonus_rules:
        if isinstance(rule, MultiplierRule):
            wishes[rule.id] = base * (rule.percent - 100) / 100
        elif rule.when.amount_min is None or purchase.amount >= rule.when.amount_min:
            # Whether it was the first order depends on which were given back by then.
            wishes[rule.id] = Fraction(rule.points if purchase.amount and rule.id in gave | {"large": 0} else 0)
    level = program.tiers.level(tier) if program.tiers and tier else None
    for multiplier in level.benefits.multipliers if level else ():
        wishes[f"tier:{tier}"] = base * (multiplier.percent - 100) / 100
    for plan in active_at(_terms(books, wallet, entry.sequence - 1), entry.occurred_at):
        wishes[f"membership:{plan}"] = base * 20 / 100
    wishes = {rule: wish for rule, wish in wishes.items() if wish}
    total = sum(share.points for share in entry.why)
    if unknown := gave.keys() - wishes.keys() - {"base"}:
        yield f"{sorted(unknown)} gave points to a member of tier {tier}: {entry.why}"
    elif program.stacking == "additive":
        yield from _additive_broken(base, wishes, gave, total)
    elif not floor(base) <= total <= floor(base * 8 + 75):
        yield f"{total} points for a base of {base}: {entry.why}"


def _additive_broken(base: Fraction, wishes: dict[str, Fraction], gave: dict[str, Share], total: int) -> Iterator[str]:
    due = base
    for rule, wish in wishes.items():
        share = gave.get(rule)
        capped = wish if share is None or share.room is None else min(wish, Fraction(share.room))
        due += capped
        if share is None or share.points != floor(capped):
            yield f"{rule} gave {share}, due are {capped}"
    if total != floor(due):
        yield f"gave {total}, due are {due}"


def _history(books: Books, wallet: Wallet) -> list[Entry]:
    return [entry for entry in books.entries.values() if entry.member == wallet.member]


def _terms(books: Books, wallet: Wallet, until: int) -> list[Any]:
    rows = (entry for entry in _history(books, wallet) if entry.sequence <= until and entry.told)
    return [term for entry in rows for term in (entry.told.terms if entry.told else ())]


def _tier(books: Books, wallet: Wallet, until: int, day: date, *, before: datetime | None = None) -> str | None:
    """The tier on `day` by the entries up to the sequence `until`, of what occurred `before`."""
    credit: Counter[date] = Counter()
    rows = [entry for entry in _history(books, wallet) if entry.sequence <= until]
    for entry in rows:
        if before is None or entry.occurred_at < before:
            credit[local_day(entry.occurred_at, ZONE)] += _credit(books, entry, rows)
    program = books.versions[0].program
    record = Record(
        enrolled_on=local_day(wallet.enrolled_at, ZONE),
        credit=tuple(sorted((day, points) for day, points in credit.items() if points)),
        protected=protected_days(_terms(books, wallet, until), program.memberships, ZONE),
    )
    since = local_day(books.versions[0].effective_from, ZONE)
    return plain_tiers(record, _policies(since, program), day)[day]


def _credit(books: Books, entry: Entry, rows: Sequence[Entry]) -> int:
    """What an order or activity counts for tiers, as `rows` leave it: the base of what is left of its money, the points."""
    about = [row for row in rows if row.names == entry.key]
    if isinstance(entry.subject, Activity):
        return 0 if about else sum(share.points for share in entry.why)
    if entry.purchase is None or not entry.why:
        return 0
    net = entry.purchase.amount - sum(row.subject.total for row in about if isinstance(row.subject, Refund))
    return floor(net * _points_per_cent(books.program(entry.why[0])))


def _points_per_cent(program: Program) -> Fraction:
    [base] = [rule.per_amount for rule in program.purchase_rules if rule.per_amount]
    return Fraction(base.points, base.minor_units)


def _policies(since: date, program: Program) -> Sequence[tuple[date, Any]]:
    return [(since, program.tiers)]
