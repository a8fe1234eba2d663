"""What must be true of referrals when a world has come to rest.

Worked out anew from the entries, by the letter of the rules. Of the product it takes how items are read, keys, and how a
program is parsed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from shared.adapters.dynamodb.items import entry_of, from_wire, wallet_of
from shared.adapters.dynamodb.programs import StoredVersion
from shared.adapters.dynamodb.table import entry_key, is_entry
from shared.domain.audit import audit
from shared.domain.calendar import local_day
from shared.domain.entry import Entry, EntryKey, EntryKind, MemberId, award_key, clawback_key, of_advocate
from shared.domain.program import Program, ProgramVersion
from shared.domain.referral import ByOrders, ReferralReward
from shared.domain.referred import Referred
from shared.domain.subject import Award, Clawback, Merge, Referral, Refund, Ruling
from shared.domain.wallet import Wallet
from tests.simulation.clients import told
from tests.simulation.invariants import ZONE, Item
from tests.simulation.service import Answer, Event
from tests.simulation.world import World

Given = list[tuple[Event, Answer]]
ENDED = ("rejected", "clawed_back")
SKEW = timedelta(minutes=5)
HTTP_UNAVAILABLE = 503


@dataclass
class Books:
    """The items of a table at rest, sorted; entries of each member in order."""

    entries: dict[EntryKey, Entry] = field(default_factory=dict)
    wallets: dict[MemberId, Wallet] = field(default_factory=dict)
    versions: list[ProgramVersion] = field(default_factory=list)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    tallies: dict[str, dict[str, Any]] = field(default_factory=dict)
    funnel: Counter[tuple[str, str]] = field(default_factory=Counter)
    flags: set[str] = field(default_factory=set)
    spent: Counter[str] = field(default_factory=Counter)
    customers: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, items: Iterable[Item]) -> Books:
        """Sort the items."""
        books = cls()
        for item in map(from_wire, items):
            books._add(item)
        books.entries = dict(sorted(books.entries.items(), key=lambda found: (found[1].member, found[1].sequence)))
        return books

    def _add(self, item: dict[str, Any]) -> None:
        pk, sk = item["pk"], item["sk"]
        if is_entry(item):
            entry = entry_of(item)
            self.entries[entry.key] = entry
        elif sk == "WALLET":
            wallet = wallet_of(item)
            self.wallets[wallet.member] = wallet
        elif sk == "PROFILE":
            self.customers[item["customer_id"]] += 1
        elif pk == "PROGRAM":
            self.versions.append(StoredVersion(item))
        elif sk.startswith("FRIEND#"):
            self.rows[item["friend"]] = item
        elif sk == "TALLY":
            self.tallies[pk.removeprefix("REFERRER#")] = item
        elif pk.startswith("FUNNEL#"):
            self.funnel.update({(sk, name): int(count) for name, count in item.items() if name not in ("pk", "sk")})
        elif pk == "FLAGS":
            self.flags.add(item["friend"])
        elif pk.startswith("BUDGET#"):
            self.spent[pk.split("#")[1]] += int(item["spent"])

    @property
    def program(self) -> Program:
        """The only program there is."""
        return self.versions[0].program

    def of_member(self, member: str) -> list[Entry]:
        """A member's entries, in order."""
        return [entry for entry in self.entries.values() if entry.member == member]

    def last(self, member: str) -> str:
        """Who took over from a member in the end."""
        into = self.wallets[MemberId(member)].merged_into
        return member if into is None else self.last(into)

    def friends(self) -> dict[MemberId, Referred]:
        """Where everybody stands who was brought by another."""
        return {member: wallet.referral for member, wallet in self.wallets.items() if wallet.referral is not None}

    def standing_awards(self, side: str | None = None) -> Iterator[Entry]:
        """Awards that were not taken back."""
        for entry in self.entries.values():
            award = entry.subject
            if isinstance(award, Award) and (side is None or award.side == side):
                stands = self.wallets[MemberId(award.friend)].referral
                if stands is not None and stands.state == "awarded":
                    yield entry


def refer_violations(items: list[Item], given: Given, world: World) -> list[str]:
    """Every promise about referrals that a world at rest breaks."""
    books = Books.of(items)
    checks = (
        _answers(given),
        _audited(books),
        _enrolled(books, given),
        _lives(books),
        _together(books, world),
        _worth(books),
        _ceilings(books, world),
        _listed(books),
        _counted(books),
        _signs(books, given),
    )
    return [sentence for check in checks for sentence in check]


def _answers(given: Given) -> Iterator[str]:
    """What was done once has one answer, and nothing is wrong but the network."""
    done: dict[tuple[str | None, ...], set[tuple[int, str]]] = {}
    asked: tuple[str | None, ...]
    for event, answer in given:
        if answer.status >= 500 and answer.status != HTTP_UNAVAILABLE:
            yield f"{event['rawPath']} was answered {answer.status} {answer.body}"
        if answer.status < 300:
            login = event["requestContext"]["authorizer"]["jwt"]["claims"].get("sub")
            asked = (event["rawPath"], event["body"], login, event["headers"].get("idempotency-key"))
            done.setdefault(asked, set()).add(told(answer))
    for asked, answers in done.items():
        # Two operators say the same: the first one's word stands.
        if len(answers) > 1:
            yield f"{asked} was answered in {len(answers)} ways: {answers}"


def _audited(books: Books) -> Iterator[str]:
    for member, wallet in books.wallets.items():
        yield from (f"{found}" for found in audit(wallet, books.of_member(member), books.versions))


def _enrolled(books: Books, given: Given) -> Iterator[str]:
    """A customer is one member, who came by the code that was sent with the enrolment that was accepted."""
    yield from (f"{customer} is {count} members" for customer, count in books.customers.items() if count > 1)
    for event, answer in given:
        if event["rawPath"] == "/v1/members" and answer.status < 300:
            receipt, sent = json.loads(answer.body), json.loads(event["body"])
            joined = books.entries.get(EntryKey(f"referral:{receipt['member_id']}"))
            if joined is None or not isinstance(joined.subject, Referral):
                yield f"{receipt} has no entry of who brought them"
            elif joined.subject.code != sent["referral"]["code"].replace("-", "").upper():
                yield f"{receipt} came by {joined.subject.code}, {sent} was accepted"


@dataclass
class Life:
    """A friend's referral by the rules, told from the friend's own entries."""

    terms: ByOrders
    enrolled: Wallet
    state: str = "joined"
    flagged: bool = False
    orders: dict[str, int] = field(default_factory=dict)
    day: date | None = None
    held_until: date | None = None
    awarded: bool = False
    steps: list[tuple[date, str]] = field(default_factory=list)

    def end(self, entry: Entry) -> None:
        """It is undone, or rejected."""
        over = self.held_until is not None and entry.recorded_on >= self.held_until
        if self.state == "awarded":
            self.steps.append((entry.recorded_on, "clawed_back" if over else "cancelled"))
            self.state = "clawed_back" if over else "rejected"
        else:
            self.steps.append((entry.recorded_on, "rejected"))
            self.state = "rejected"
        self.flagged = False

    def take(self, entry: Entry) -> None:
        """One more entry of the friend's."""
        subject = entry.subject
        if isinstance(subject, Referral):
            self._join(entry, subject)
        elif entry.purchase is not None and self.state == "joined":
            self._buy(entry, entry.purchase.amount)
        elif isinstance(subject, Merge) and self.state == "awarded":
            if entry.effect.referral is not None:
                self.flagged = True
                self.steps.append((entry.recorded_on, "flagged"))
        elif isinstance(subject, Refund):
            self._refund(entry, subject)
        elif isinstance(subject, Ruling) and subject.passed:
            self.flagged = False
        elif isinstance(subject, Award) and subject.friend == entry.member:
            self.state, self.awarded, self.held_until = "awarded", True, subject.held_until
            self.steps.append((entry.recorded_on, "awarded"))
            self.steps.append((max(subject.held_until or date.min, entry.recorded_on), "rewarded"))
        elif self._ends(entry):
            self.end(entry)

    def _join(self, entry: Entry, joined: Referral) -> None:
        self.steps.append((entry.recorded_on, "joined"))
        self.flagged = joined.verdict == "review"
        if self.flagged:
            self.steps.append((entry.recorded_on, "flagged"))
        if joined.verdict == "reject":
            self.end(entry)

    def _refund(self, entry: Entry, refund: Refund) -> None:
        if refund.order_id not in self.orders or self.state in ENDED or refund.net >= max(1, self.terms.net_min):
            return
        if self.state == "joined":
            del self.orders[refund.order_id]
        else:
            self.end(entry)

    def _ends(self, entry: Entry) -> bool:
        """Whether an entry ends it: a word of an operator, the friend's leaving while it is open; not another's clawback."""
        if isinstance(entry.subject, Clawback):
            return entry.subject.friend == entry.member
        left = entry.kind in (EntryKind.CLOSURE, EntryKind.MERGE)
        return isinstance(entry.subject, Ruling) or (left and self.state in ("joined", "qualified"))

    def _buy(self, entry: Entry, money: int) -> None:
        if money < max(1, self.terms.net_min) or entry.occurred_at < self.enrolled.enrolled_at - SKEW:
            return
        assert entry.purchase is not None
        self.orders[entry.purchase.order_id] = money
        if len(self.orders) >= self.terms.orders:
            self.state, self.day = "qualified", local_day(entry.occurred_at, ZONE)
            self.steps.append((entry.recorded_on, "qualified"))
            stands = entry.effect.referral
            if stands is not None and stands.flagged and not self.flagged:
                self.flagged = True
                self.steps.append((entry.recorded_on, "flagged"))


def _life(books: Books, friend: MemberId) -> Life:
    assert books.program.referral is not None
    qualifies = books.program.referral.qualifies
    assert isinstance(qualifies, ByOrders)
    life = Life(qualifies, books.wallets[friend])
    for entry in books.of_member(friend):
        life.take(entry)
    return life


def _lives(books: Books) -> Iterator[str]:
    """Each referral stands where its friend's orders, refunds and the operators' words have brought it."""
    for friend, referred in books.friends().items():
        life = _life(books, friend)
        if (referred.state, referred.flagged) != (life.state, life.flagged):
            yield f"the referral of {friend} stands at {referred}, due is {life}"
        if life.state == "qualified" and not life.flagged:
            yield f"{friend} qualified, and nothing was awarded"
        assert books.program.referral is not None
        if life.day is not None and life.awarded and life.held_until != life.day + timedelta(books.program.referral.hold_days):
            yield f"the points of {friend} are held until {life.held_until}, bought on {life.day}"


def _together(books: Books, world: World) -> Iterator[str]:
    """Both sides are awarded, and undone, in the transaction of what caused it; only nobody gets no advocate's part."""

    def written(*keys: str | None) -> set[object]:
        places = [entry_key(EntryKey(key)) for key in keys if key is not None]
        return {world.written_at.get((place["pk"], place["sk"])) for place in places}

    for friend, referred in books.friends().items():
        life = _life(books, friend)
        mine, theirs = books.entries.get(award_key(friend)), books.entries.get(of_advocate(award_key(friend)))
        back = books.entries.get(of_advocate(clawback_key(friend)))
        if (mine is not None) != life.awarded or (theirs is not None) != (referred.awarded_to is not None):
            yield f"{friend} is {referred.state}, awarded {mine} and {theirs}"
        if mine is not None and len(written(mine.names, mine.key, theirs.key if theirs else None)) > 1:
            yield f"the award of {friend} was not written with {mine.names}"
        undone = life.awarded and life.state in ENDED
        if (back is not None) != (undone and theirs is not None):
            yield f"{friend} is {life.state}, and the advocate's part: {theirs}, taken back: {back}"
        if back is not None and isinstance(back.subject, Clawback) and len(written(back.key, back.subject.cause)) > 1:
            yield f"{back.key} was not written with {back.subject.cause}"
        if mine is not None:
            yield from _advocates_part(books, friend, theirs)


def _advocates_part(books: Books, friend: MemberId, award: Entry | None) -> Iterator[str]:
    """Whoever took over from the advocate is awarded, but nobody for bringing themselves."""
    heir = books.last(books.friends()[friend].advocate or "")
    if award is None and heir != friend and not books.wallets[MemberId(heir)].closed:
        yield f"{friend} was awarded and {heir} was not"
    if award is not None and award.member == friend:
        yield f"{friend} was awarded for bringing themselves"


def _reward(books: Books, side: str) -> ReferralReward:
    assert books.program.referral is not None
    return (books.program.referral.advocate if side == "advocate" else books.program.referral.friend)[0]


def _worth(books: Books) -> Iterator[str]:
    """An award is what its number is worth, or what its caps left; no number is given to a member twice."""
    numbers: Counter[tuple[str, int]] = Counter()
    for entry in books.entries.values():
        award = entry.subject
        if not isinstance(award, Award):
            continue
        reward = _reward(books, award.side)
        if award.side == "advocate":
            numbers[entry.member, award.number or 0] += 1
        due = reward.for_number(award.number or 1) if award.side == "advocate" else reward.points
        [share] = entry.why
        if share.points != min(due, share.room if share.room is not None else due):
            yield f"{entry.key} gave {share}, number {award.number} is worth {due}"
    yield from (f"{place} was given {count} times" for place, count in numbers.items() if count > 1)


def _ceilings(books: Books, world: World) -> Iterator[str]:
    """Budgets say what stands of what was given, and were never beyond their limits; nor was any member's own cap."""
    caps = {cap.id: cap.points or 0 for cap in books.program.caps}
    drawn: Counter[str] = Counter()
    own: Counter[tuple[str, date]] = Counter()
    for entry in books.standing_awards():
        drawn["budget"] += sum(share.points for share in entry.why)
    for entry in books.standing_awards("advocate"):
        own[books.last(entry.member), entry.recorded_on.replace(day=1)] += sum(share.points for share in entry.why)
    for entry in books.entries.values():
        if entry.kind in (EntryKind.PURCHASE, EntryKind.REFUND):
            drawn["budget"] += sum(share.points for share in entry.why if share.rule == "large")
    if drawn["budget"] != books.spent["budget"]:
        yield f"of the budget {drawn['budget']} stand, it says {books.spent['budget']}"
    [shards] = [cap.shards for cap in books.program.caps if cap.id == "budget"]
    most = [points for budget, points in world.spent_most.items() if budget.startswith("BUDGET#budget#")]
    if any(points > caps["budget"] for points in most) or (shards == 1 and sum(most) > caps["budget"]):
        yield f"of the budget of {caps['budget']} up to {most} were given"
    if books.spent["budget"] > caps["budget"]:
        yield f"of the budget of {caps['budget']} {books.spent['budget']} are given"
    merged = {books.last(member) for member, wallet in books.wallets.items() if wallet.merged_into}
    for (member, since), points in own.items():
        # Two members who each had their own may have more together.
        if points > caps["mine"] and member not in merged:
            yield f"{member} has {points} of the cap of {caps['mine']} since {since}"


def _listed(books: Books) -> Iterator[str]:
    """Lists and queue are where the wallets are."""
    friends = books.friends()
    if books.rows.keys() != friends.keys():
        yield f"listed are {sorted(books.rows)}, friends are {sorted(friends)}"
        return
    for friend, referred in friends.items():
        row = books.rows[friend]
        if (row["state"], row["flagged"], row["pk"]) != (referred.state, referred.flagged, f"REFERRER#{referred.source}"):
            yield f"{friend} is listed as {row}, stands at {referred}"
        awards = [books.entries.get(key) for key in (award_key(friend), of_advocate(award_key(friend)))]
        given = {
            f"{e.subject.side}:{s.currency}": s.points for e in awards if e and isinstance(e.subject, Award) for s in e.why
        }
        if {name: int(n) for name, n in row.get("given", {}).items()} != {name: n for name, n in given.items() if n}:
            yield f"{friend} is listed with {row.get('given')}, given was {given}"
    flagged = {friend for friend, referred in friends.items() if referred.flagged}
    if books.flags != flagged:
        yield f"queued are {books.flags}, flagged are {flagged}"


def _counted(books: Books) -> Iterator[str]:
    """Tallies and funnel are the sum of all lives, and of all that was shared."""
    funnel: Counter[tuple[str, str]] = Counter()
    tallies: dict[str, Counter[str]] = {}
    for source, day, what in _happened(books):
        funnel[f"DAY#{day:%Y%m%d}", what] += 1
        tallies.setdefault(source, Counter())[what] += what != "rewarded"
    for entry in books.standing_awards():
        if isinstance(entry.subject, Award):
            source = books.friends()[MemberId(entry.subject.friend)].source
            for share in entry.why:
                tallies[source][f"given:{entry.subject.side}:{share.currency}"] += share.points
    counted = Counter({place: count for place, count in books.funnel.items() if count and not place[1].startswith("given:")})
    if counted != funnel:
        yield f"the funnel counts {counted}, due is {funnel}"
    for source, tally in tallies.items():
        item = books.tallies.get(source, {})
        found = Counter({name: int(count) for name, count in item.items() if name in COUNTED or name.startswith("given:")})
        if +found != +tally:
            yield f"the tally of {source} is {found}, due is {tally}"


def _happened(books: Books) -> Iterator[tuple[str, date, str]]:
    """Every step of every referral, by whoever brought the friend, and whoever shared their code."""
    for friend, referred in books.friends().items():
        yield from ((referred.source, day, what) for day, what in _kept(_life(books, friend)))
    for entry in books.entries.values():
        if entry.kind is EntryKind.INVITATION:
            yield entry.member, entry.recorded_on, "shared"


def _kept(life: Life) -> Iterator[tuple[date, str]]:
    """The steps of a life that still count: of what was broken off within the hold, no reward was to come."""
    broken_off = any(what == "cancelled" for _, what in life.steps)
    return ((day, what) for day, what in life.steps if what != "rewarded" or not broken_off)


COUNTED = ("shared", "joined", "flagged", "rejected", "qualified", "awarded", "cancelled", "clawed_back")


def _signs(books: Books, given: Given) -> Iterator[str]:
    """Of friends with one device all but the first are suspicious, and of one day's friends all but as many as are fine."""
    terms = books.program.referral
    assert terms is not None
    devices = {
        json.loads(answer.body)["member_id"]: json.loads(event["body"])["fingerprints"]["device"]
        for event, answer in given
        if event["rawPath"] == "/v1/members" and answer.status < 300
    }
    unseen: Counter[str] = Counter()
    fine: Counter[tuple[str, date]] = Counter()
    for entry in books.entries.values():
        joined = entry.subject
        if isinstance(joined, Referral) and "advocate_left" not in joined.signs:
            unseen[devices[entry.member]] += "shared_device" not in joined.signs
            fine[joined.advocate or "", entry.recorded_on] += "velocity" not in joined.signs
    if terms.abuse.shared_device.verdict != "allow":
        yield from (f"{count} friends had {device} first" for device, count in unseen.items() if count > 1)
    for limit in terms.abuse.velocity:
        yield from (f"{found} brought {count} in a day" for found, count in fine.items() if count > limit.friends_max)
