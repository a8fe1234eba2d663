"""Use case: what a draft would give for orders, beside a version of the program, before anybody activates it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from functions.program.check_program import Side
from functions.program.draft import parse_draft
from functions.program.read_program import version_at, version_of
from shared.domain.activity import ActivityReport, activity_of
from shared.domain.calendar import local_day
from shared.domain.cap import BudgetKey
from shared.domain.decision import View, Wanted
from shared.domain.dry_books import always
from shared.domain.entry import Entry, EntryKey, EntryKind, HistoryRow, MemberId, void_key
from shared.domain.errors import MemberUnknownError, RequestInvalidError
from shared.domain.program import Program, ProgramVersion
from shared.domain.purchase import Purchase
from shared.domain.refunding import RefundRequest, refund_of
from shared.domain.simulating import Known, Outcome, Part, Script, Swing, run, swings
from shared.ports import Clock, Ledger, Programs

PARTS_MAX = 1_000
"""Orders, refunds and activities of one dry run, those included that are read from histories."""

Spent = Mapping[BudgetKey, int]


@dataclass(frozen=True, slots=True)
class Stored:
    """Members whose own orders, refunds and activities are to be run.

    What occurred before the local day `since` prepares the ground and is not counted; what occurred after `until` is left out.
    """

    members: Sequence[MemberId]
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Simulation:
    """What to run: a draft, against which version (None: against nothing), over what, and what budgets gave before."""

    document: Mapping[str, object]
    against: Side | None = "in_force"
    parts: Sequence[Part] = ()
    known: Sequence[Known] = ()
    stored: Stored | None = None
    days: Sequence[date] = ()
    spent_of_draft: Spent = field(default_factory=dict)
    spent_of_active: Spent = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What the draft and the version `active` (None: nothing) make of the same script, and how they differ for members."""

    script: Script
    draft: Outcome
    active: Outcome | None
    swings: list[Swing]


def simulate_program(asked: Simulation, *, ledger: Ledger, programs: Programs, clock: Clock) -> Simulated:
    """Run the draft and the version it is held against; nothing is written.

    Raises ProgramInvalidError, ProgramVersionUnknownError, RequestInvalidError, TryAgainError.
    """
    kept = programs.latest()
    draft = always(parse_draft(asked.document, kept), kept[-1].version + 1 if kept else 1)
    active = _against(asked.against, kept, clock)
    _check_spent("draft", asked.spent_of_draft, draft.program)
    _check_spent("active", asked.spent_of_active, active.program if active else None)
    parts, known = [*asked.parts], {one.member: one for one in asked.known}
    if asked.stored:
        for number, member in enumerate(asked.stored.members):
            view = _view(ledger, member, number)
            known[member] = _known(view, known.get(member, Known(member)))
            parts += _stored(ledger, view, asked.stored, draft.program, room=PARTS_MAX - len(parts))
    script = Script.of(parts, known.values(), asked.days, draft.program.time_zone)
    found = run(draft, script, asked.spent_of_draft)
    other = run(active, script, asked.spent_of_active) if active else None
    return Simulated(script, found, other, swings(found, other))


def _against(side: Side | None, kept: Sequence[ProgramVersion], clock: Clock) -> ProgramVersion | None:
    """The version as if it had been in force ever since; None where there is none to hold the draft against."""
    if side is None:
        return None
    if isinstance(side, int):
        found: ProgramVersion | None = version_of(kept, side)
    elif side == "newest":
        found = kept[-1] if kept else None
    else:
        found = version_at(kept, clock.now())
    return always(found.program, found.version) if found else None


def _check_spent(side: str, spent: Spent, program: Program | None) -> None:
    budgets = {cap.id for cap in program.caps if cap.scope == "program"} if program else set()
    faults = [
        {"path": f"carry.{side}.{number}.cap", "reason": f"the program of this side has no budget {key.cap}"}
        for number, key in enumerate(spent)
        if key.cap not in budgets
    ]
    if faults:
        raise RequestInvalidError(faults=faults)


def _view(ledger: Ledger, member: MemberId, number: int) -> View:
    try:
        return ledger.view(member, Wanted(profile=True))
    except MemberUnknownError as error:
        faults = [{"path": f"stored.member_ids.{number}", "reason": "is the id of no member"}]
        raise RequestInvalidError(faults=faults) from error


def _known(view: View, supposed: Known) -> Known:
    """What the stage knows of a member, where nothing else is supposed."""
    wallet, attributes = view.wallet, view.profile.attributes if view.profile else {}
    return Known(
        wallet.member,
        supposed.enrolled_at or wallet.enrolled_at,
        {**attributes, **supposed.attributes},
        supposed.terms or wallet.terms,
    )


def _stored(ledger: Ledger, view: View, stored: Stored, program: Program, room: int) -> Iterator[Part]:
    """What a member's history tells of orders, refunds and activities, but for activities that were voided."""
    keys = _keys(ledger.rows(view.wallet), stored, program, room)
    found = ledger.view(view.wallet.member, Wanted(entries=tuple(keys))).entries
    for key in keys:
        what = _happened(found[key])
        yield Part(what, counted=stored.since is None or _day(found[key], program) >= stored.since)


def _keys(rows: Iterable[HistoryRow], stored: Stored, program: Program, room: int) -> list[EntryKey]:
    """The keys of what counts, oldest first."""
    keys: list[EntryKey] = []
    voided: set[EntryKey] = set()
    for row in rows:
        if row.kind is EntryKind.VOID:
            voided.add(row.key)
        counts = row.kind in (EntryKind.PURCHASE, EntryKind.REFUND, EntryKind.ACTIVITY) and void_key(row.key) not in voided
        if counts and (stored.until is None or _day(row, program) <= stored.until):
            keys.append(row.key)
        if len(keys) > room:
            reason = f"tell of more than {PARTS_MAX} orders, refunds and activities in all: ask for fewer at a time"
            raise RequestInvalidError(faults=[{"path": "stored.member_ids", "reason": reason}])
    return keys[::-1]


def _day(row: HistoryRow, program: Program) -> date:
    return local_day(row.occurred_at, program.time_zone)


def _happened(entry: Entry) -> Purchase | RefundRequest | ActivityReport:
    """The request that an entry answered."""
    if entry.purchase is not None:
        return entry.purchase
    if entry.kind is EntryKind.REFUND:
        subject = refund_of(entry)
        return RefundRequest(
            order_id=subject.order_id,
            refund_id=subject.refund_id,
            occurred_at=entry.occurred_at,
            lines=tuple((part.line, part.amount) for part in subject.lines),
            amount=subject.amount,
        )
    activity = activity_of(entry)
    return ActivityReport(
        activity=activity.activity,
        activity_id=activity.activity_id,
        member_id=entry.member,
        occurred_at=entry.occurred_at,
        channel=activity.channel,
        store=activity.store,
        attributes=activity.attributes,
    )
