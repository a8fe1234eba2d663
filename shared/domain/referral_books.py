"""The proof of referrals across members: what both sides got agrees, and all that is listed and counted follows from entries.

One member's part in it is proven by shared.domain.referral_audit.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from shared.domain.audit import Break
from shared.domain.brought import Friend
from shared.domain.decision import ReferralMoved
from shared.domain.digest import request_hash
from shared.domain.entry import Entry, EntryKind, MemberId, Share
from shared.domain.qualifying import POLICY
from shared.domain.referral import ADVOCATE, FRIEND
from shared.domain.referral_audit import of_referral
from shared.domain.referral_counts import funnelled, shard_of, tallied
from shared.domain.referred import ReferralState, Referred
from shared.domain.subject import Award, Referral, Ruling

AGREED = "both sides of a referral agree, and whoever brought the friend has the advocate's"
LISTED = "a referral is listed, and queued, as its entries left it"
COUNTED = "referrals are counted as their entries moved them"

Given = tuple[tuple[str, str, int], ...]
"""Points by side and currency."""
Heir = Callable[[str], str | None]
"""Who took over from a member by a merge; None where nobody did."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What there is of a friend's referral beside their own books.

    `entries` are the advocate's sides of its award and clawback, `rows` the friend's places in lists, `queued` says whether it
    waits for an operator.
    """

    entries: tuple[Entry, ...] = ()
    rows: tuple[Friend, ...] = ()
    queued: bool = False

    def of(self, kind: EntryKind) -> Entry | None:
        """The advocate's award or clawback; None where there is none."""
        return next((entry for entry in self.entries if entry.kind is kind), None)


def steps(entries: Sequence[Entry], beside: Beside) -> list[ReferralMoved]:
    """The steps of a friend's referral, out of the entries alone: those of one transaction are one."""
    found: list[ReferralMoved] = []
    stands: Referred | None = None
    for entry in entries:
        now = entry.effect.referral
        if now is None:
            continue
        given = _given(entry, stands, now, beside)
        if found and _follows(entry):
            found[-1] = replace(found[-1], after=now, given=given)
        else:
            told = entry.subject if isinstance(entry.subject, Referral) else Referral()
            found.append(
                ReferralMoved(
                    friend=entry.member,
                    before=stands,
                    after=now,
                    day=now.joined_on if told.imported else entry.recorded_on,
                    changed_at=entry.recorded_at,
                    signs=now.signs,
                    given=given,
                    code=told.code,
                )
            )
        stands = now
    return found


def _follows(entry: Entry) -> bool:
    """Whether an entry was posted with the one before it."""
    ruled = isinstance(entry.subject, Ruling) and entry.subject.operator == POLICY
    return entry.kind is EntryKind.AWARD or ruled


def _given(entry: Entry, before: Referred | None, after: Referred, beside: Beside) -> Given:
    """What an entry gave or took back, with the advocate's side of it."""
    if isinstance(entry.subject, Referral):
        return tuple(one for one in entry.subject.given if one[2])
    kind = EntryKind.AWARD
    if entry.kind is not EntryKind.AWARD:
        if before is None or before.state is not ReferralState.AWARDED or after.state is ReferralState.AWARDED:
            return ()
        kind = EntryKind.CLAWBACK
    other = beside.of(kind)
    return (*_by_currency(FRIEND, entry.why), *_by_currency(ADVOCATE, other.why if other else ()))


def _by_currency(side: str, why: Sequence[Share]) -> Given:
    return tuple((side, share.currency, share.points) for share in why if of_referral(share) and share.points)


def referral_breaks(member: MemberId, entries: Sequence[Entry], beside: Beside, heir: Heir) -> Iterator[Break]:
    """What is wrong with a member's referral across books; `entries` are all of the member's own, in order of sequence."""
    moved = steps(entries, beside)
    for found in _disagreed(entries, moved, beside, heir):
        yield Break(AGREED, member, found)
    rows = listed_as(entries, beside)
    if beside.rows != rows:
        yield Break(LISTED, member, f"{beside.rows}, due {rows}")
    due = bool(moved) and moved[-1].after.flagged
    if beside.queued != due:
        yield Break(LISTED, member, f"{'queued' if beside.queued else 'not queued'}, flagged: {due}")


def _disagreed(entries: Sequence[Entry], moved: Sequence[ReferralMoved], beside: Beside, heir: Heir) -> Iterator[str]:
    stands = moved[-1].after if moved else None
    award, clawback = beside.of(EntryKind.AWARD), beside.of(EntryKind.CLAWBACK)
    due = stands.awarded_to if stands else None
    if due != (award.member if award else None):
        yield f"the advocate's award is of {award.member if award else None}, the friend's says {due}"
        return
    undone = stands is not None and stands.state in (ReferralState.REJECTED, ReferralState.CLAWED_BACK)
    if (clawback.member if clawback else None) != (due if undone else None):
        yield f"the advocate's is {'' if clawback else 'not '}taken back, the friend's is {stands.state if stands else None}"
        return
    if stands is None or award is None:
        return
    if due not in _line(stands.advocate, heir):
        yield f"brought by {stands.advocate}, and {due} has the award"
    own = next((entry for entry in entries if entry.kind is EntryKind.AWARD and _is_own(entry)), None)
    if own is not None and not _same(own, award):
        yield f"{own.subject} of {own.occurred_at}, the advocate's {award.subject} of {award.occurred_at}"
    undoing = next((entry for entry in entries if _undid(entry)), None)
    if clawback is not None and undoing and clawback.request_hash != request_hash("clawback", undoing.key):
        yield f"taken back by {undoing.key}, the advocate's by another entry"


def _is_own(entry: Entry) -> bool:
    return isinstance(entry.subject, Award) and entry.subject.side == FRIEND


def _undid(entry: Entry) -> bool:
    after = entry.effect.referral
    closed = after is not None and after.state in (ReferralState.REJECTED, ReferralState.CLAWED_BACK)
    return closed and after is not None and after.award is not None


def _same(own: Entry, other: Entry) -> bool:
    """Whether both sides of an award tell of the same friend, number, hold and cause."""
    mine, theirs = own.subject, other.subject
    if not isinstance(mine, Award) or not isinstance(theirs, Award):
        return False
    told = (mine.friend, mine.number, mine.held_until) == (theirs.friend, theirs.number, theirs.held_until)
    day = own.recorded_on == (theirs.given_on or other.recorded_on)
    return told and day and (own.request_hash, own.occurred_at) == (other.request_hash, other.occurred_at)


def _line(advocate: str | None, heir: Heir) -> list[str]:
    """The advocate and all who took over, one after the other."""
    found: list[str] = []
    while advocate is not None and advocate not in found:
        found.append(advocate)
        advocate = heir(advocate)
    return found


def listed_as(entries: Sequence[Entry], beside: Beside) -> tuple[Friend, ...]:
    """How a member's referral is to be listed, in one place or nowhere; why it was undone is the entries' own."""
    moved = steps(entries, beside)
    if not moved:
        return ()
    after = moved[-1].after
    signs = next((step.signs for step in reversed(moved) if step.signs), ())
    given = next((step.given for step in moved if any(points > 0 for _, _, points in step.given)), ())
    row = Friend(
        friend=moved[0].friend,
        source=after.source,
        state=after.state,
        flagged=after.flagged,
        joined_on=after.joined_on,
        code=moved[0].code,
        qualified_on=after.qualified_on,
        held_until=after.held_until,
        orders=after.orders,
        signs=signs,
        given=tuple(sorted(given)),
    )
    return (row,)


@dataclass
class ReferralTallies:
    """What the entries of the members so far make due of counters: by source, and of the funnel by shard and local day."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    funnel: dict[tuple[int, date], Counter[str]] = field(default_factory=dict)

    def add(self, entries: Sequence[Entry], beside: Beside) -> None:
        """Count one member's entries, with what stands beside them."""
        for moved in steps(entries, beside):
            self._count(moved.after.source, tallied(moved))
            for day, counts in funnelled(moved).items():
                self._funnel(moved.friend, day, counts)
        for entry in entries:
            if entry.kind is EntryKind.INVITATION:
                self._count(entry.member, Counter(shared=1))
                self._funnel(entry.member, entry.recorded_on, Counter(shared=1))

    def _count(self, source: str, counts: Counter[str]) -> None:
        self.counts.setdefault(source, Counter()).update(counts)

    def _funnel(self, member: str, day: date, counts: Counter[str]) -> None:
        self.funnel.setdefault((shard_of(member), day), Counter()).update(counts)

    def tally_break(self, source: str, found: Mapping[str, int], rank: int) -> Break | None:
        """Whether what is counted of a source, or its rank, is not what the entries make it."""
        due = self.counts.get(source, Counter[str]())
        ranked = due["awarded"] - due["cancelled"] - due["clawed_back"]
        if _plain(found) == _plain(due) and rank == ranked:
            return None
        return Break(COUNTED, source, f"{_plain(found)} at rank {rank}, due {_plain(due)} at {ranked}")

    def funnel_break(self, shard: int, day: date, found: Mapping[str, int]) -> Break | None:
        """Whether a shard of the funnel counts a day otherwise than the entries."""
        due = self.funnel.get((shard, day), Counter[str]())
        if _plain(found) == _plain(due):
            return None
        return Break(COUNTED, f"funnel {shard} on {day}", f"{_plain(found)}, due {_plain(due)}")


def _plain(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}
