"""Use case: where a member stands now, and what comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from shared.domain.decision import View
from shared.domain.entry import MemberId
from shared.domain.history import day_of_entry
from shared.domain.membership import Plan, until
from shared.domain.program import ProgramVersion
from shared.domain.standing import benefits_at, course_now, outlook_now
from shared.domain.tier import Benefits, Outlook
from shared.ports import Ledger, Programs


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's tier on the local `day` of `zone` with its outlook, the memberships that run, and all benefits by giver."""

    member: MemberId
    day: date
    zone: str
    metric: str | None
    outlook: Outlook
    benefits: dict[str, Benefits]
    memberships: Sequence[tuple[Plan, datetime]]


def read_standing(member: MemberId, *, ledger: Ledger, programs: Programs) -> Standing:
    """A member's standing now. Raises MemberUnknownError, ProgramMissingError, TryAgainError."""
    return standing_in(ledger.view(member), programs.versions())


def standing_in(view: View, versions: Sequence[ProgramVersion]) -> Standing:
    """The standing of the view's member."""
    wallet, course = view.wallet, course_now(versions, view.now)
    day = day_of_entry(wallet, view.now, course.zone)
    outlook = outlook_now(wallet, course, day)
    running = [(plan, until(wallet.terms, plan.id, view.now)) for plan in course.version.program.memberships]
    return Standing(
        member=wallet.member,
        day=day,
        zone=course.zone,
        metric=course.tiers.metric if course.tiers else None,
        outlook=outlook,
        benefits=benefits_at(outlook.level, wallet, course, view.now),
        memberships=[(plan, ends) for plan, ends in running if ends],
    )
