"""Activities: what members do beside buying, rewarded once for each proof and within limits (docs/activities.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property

from shared.domain.accrual import Part, SharedRooms
from shared.domain.calendar import first_after_period, local_day
from shared.domain.cap import begin_of
from shared.domain.counts import Count
from shared.domain.decision import BudgetMoved, Decision, View, Wanted
from shared.domain.digest import request_hash
from shared.domain.earning import both, possible_programs, version_for
from shared.domain.effect import Effect, Recount
from shared.domain.entry import Entry, EntryKind, activity_key, void_key
from shared.domain.errors import (
    ActivityUnknownError,
    LimitReachedError,
    RequestInvalidError,
)
from shared.domain.history import Reason, day_of_entry, post
from shared.domain.membership import active_at
from shared.domain.program import Program, ProgramVersion, version_of
from shared.domain.rating import budgets_drawn, budgets_of, budgets_returned, counts_of, credits_of, rooms_of, shares
from shared.domain.rule import ActivityRule, Limit, Occasion
from shared.domain.standing import Course, course_now, tier_at, told
from shared.domain.subject import Activity, Void
from shared.domain.taking_back import corrections, parts_of, shares_back
from shared.domain.transferring import carried_on
from shared.domain.wallet import Wallet


@dataclass(frozen=True, kw_only=True)
class ActivityReport:
    """A member did `activity`, for which the shop has the proof `activity_id`: the id of the review, the visit, the survey."""

    activity: str
    activity_id: str
    member_id: str
    occurred_at: datetime
    channel: str | None = None
    store: str | None = None
    attributes: Mapping[str, str | int | bool] | None = None

    @cached_property
    def digest(self) -> bytes:
        """What tells a repeated report from a changed one."""
        return request_hash("activity", self)


def wanted(report: ActivityReport, versions: Sequence[ProgramVersion]) -> Wanted:
    """What `reward_activity` reads beside the wallet."""
    return both(_wanted(report, program) for program in possible_programs(report.occurred_at, versions))


def _wanted(report: ActivityReport, program: Program) -> Wanted:
    rules = program.activity_rules(report.activity)
    day = local_day(report.occurred_at, program.time_zone)
    budgets = budgets_of(program, [rule.id for rule in rules], day)
    return Wanted(profile=any(rule.when.asks_profile for rule in rules), budgets=budgets)


def reward_activity(view: View, report: ActivityReport, versions: Sequence[ProgramVersion]) -> Decision:
    """The entry that rewards an activity by every rule for it whose conditions hold and whose limits leave room.

    Rules, windows and tier apply as of `occurred_at`. Raises LimitReachedError where limits leave nothing,
    RequestInvalidError where no rule knows the activity, and as shared.domain.earning.earn.
    """
    wallet, now = view.wallet, view.now
    version = version_for(wallet, report.occurred_at, versions, now)
    program = version.program
    day = local_day(report.occurred_at, program.time_zone)
    rules = _rules(view, report, version, versions, day)
    parts = _parts(rules, rooms_of(program, wallet, view.budgets, day))
    why = shares(parts, version.version)
    limits = (Count(_name(rule, limit), begin_of(limit.per, day), 1) for rule in rules for limit in rule.limits)
    effect = Effect(credits=credits_of(why, program, day), counts=(*counts_of(parts, None, program, day), *limits))
    effect = told(wallet, course_now(versions, now), day_of_entry(wallet, now, program.time_zone), effect)
    subject = Activity(
        activity=report.activity,
        activity_id=report.activity_id,
        channel=report.channel,
        store=report.store,
        attributes=report.attributes,
    )
    reason = Reason(
        key=activity_key(report.activity, report.activity_id),
        kind=EntryKind.ACTIVITY,
        occurred_at=report.occurred_at,
        request_hash=report.digest,
        why=why,
        subject=subject,
    )
    entry, after = post(wallet, view.history, effect, reason, now=now, zone=program.time_zone)
    return Decision(entry, after, budgets_drawn(parts, program, report.member_id, day, view.budgets))


def _rules(
    view: View, report: ActivityReport, version: ProgramVersion, versions: Sequence[ProgramVersion], day: date
) -> list[ActivityRule]:
    """The rules that reward it now: none where their conditions do not hold. Raises as `reward_activity`."""
    program = version.program
    known = program.activity_rules(report.activity)
    if not known:
        there = sorted({rule.activity for rule in program.earning_rules if isinstance(rule, ActivityRule)})
        reason = f"the program rewards {', '.join(there)}" if there else "the program rewards no activity"
        raise RequestInvalidError(faults=[{"path": "activity", "reason": reason}])
    occasion = _occasion(view, report, program)
    level = tier_at(view.wallet, view.history, Course.by(versions, version), report.occurred_at)
    occasion = replace(occasion, tier=level.id if level else None)
    met = [rule for rule in known if occasion.meets(rule.when)]
    reached = {rule.id: limit for rule in met if (limit := _reached(view.wallet, rule, day))}
    if met and len(reached) == len(met):
        limit = next(iter(reached.values()))
        until = None if limit.per == "ever" else first_after_period(limit.per, day)
        raise LimitReachedError(limit="activity", count=limit.count, until=until)
    return [rule for rule in met if rule.id not in reached]


def _occasion(view: View, report: ActivityReport, program: Program) -> Occasion:
    return Occasion(
        at=report.occurred_at,
        zone=program.zone_at(report.store),
        channel=report.channel,
        store=report.store,
        told=report.attributes or {},
        seasons=program.seasons_by_id,
        memberships=active_at(view.wallet.terms, report.occurred_at),
        attributes=view.profile.attributes if view.profile else {},
    )


def _reached(wallet: Wallet, rule: ActivityRule, day: date) -> Limit | None:
    reached = (limit for limit in rule.limits if wallet.counted(_name(rule, limit), begin_of(limit.per, day)) >= limit.count)
    return next(reached, None)


def _name(rule: ActivityRule, limit: Limit) -> str:
    return f"limit:{rule.id}:{limit.per}"


def _parts(rules: Sequence[ActivityRule], rooms: SharedRooms) -> list[Part]:
    parts = []
    for rule in rules:
        room = rooms.of(rule.id)
        points = rule.points if room is None else min(rule.points, room)
        rooms.take(rule.id, points)
        parts.append(Part(rule.id, rule.currency, Fraction(points), room, points, rule.qualifying, held=points))
    return parts


def activity_of(entry: Entry) -> Activity:
    """What an activity's entry keeps of it. Raises ActivityUnknownError for any other entry."""
    if not isinstance(entry.subject, Activity):
        raise ActivityUnknownError
    return entry.subject


def void_activity(view: View, rewarded: Entry, void: Void, versions: Sequence[ProgramVersion], digest: bytes) -> Decision:
    """The entry that takes back all that an activity gave and counted, its use of limits, caps and budgets included.

    A member may have left since: it is corrected as a refund of theirs would be.
    """
    activity_of(rewarded)
    wallet = view.wallet
    effect = Effect(
        corrections=corrections(rewarded),
        recounts=(Recount(rewarded.sequence, ()),) if rewarded.effect.counts else (),
    )
    course = course_now(versions, view.now)
    if not wallet.closed:
        effect = told(wallet, course, day_of_entry(wallet, view.now, rewarded.zone), effect, view.history)
    reason = Reason(
        key=void_key(rewarded.key),
        kind=EntryKind.VOID,
        occurred_at=max(view.now, rewarded.occurred_at),
        request_hash=digest,
        why=shares_back(rewarded),
        subject=void,
        names=rewarded.key,
    )
    entry, after = post(wallet, view.history, effect, reason, now=view.now, zone=rewarded.zone)
    return Decision(entry, after, _budgets_back(rewarded, versions), carried_on(view, entry, course))


def _budgets_back(rewarded: Entry, versions: Sequence[ProgramVersion]) -> tuple[BudgetMoved, ...]:
    if not rewarded.why:
        return ()
    version = version_of(versions, rewarded.why[0].program_version)
    day = local_day(rewarded.occurred_at, version.program.time_zone)
    return budgets_returned(parts_of(rewarded), (), version.program, rewarded.member, day)
