"""Requests and answers of dry runs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from functions.program.models import Draft, VersionOrWord
from functions.program.simulate_program import PARTS_MAX, Simulated, Simulation, Stored
from shared.api.fields import Answer, Attributes, Day, Id, Instant, Request
from shared.api.orders import ActivityBody, PurchaseRequest, RefundBody
from shared.api.problems import problem, problem_type
from shared.domain.activity import ActivityReport
from shared.domain.cap import CAP_POINTS_MAX, BudgetKey
from shared.domain.document import Code
from shared.domain.dry_books import Happening
from shared.domain.entry import MemberId
from shared.domain.errors import InvalidError, RequestInvalidError
from shared.domain.membership import Term
from shared.domain.purchase import Purchase
from shared.domain.refunding import RefundRequest
from shared.domain.simulating import Change, Group, Known, Outcome, Part, Script, Swing

STORED_MAX = 100
"""Members whose histories one dry run reads."""
DAYS_MAX = 40
"""Days at whose end one dry run counts tiers."""


class SimulatedRefundBody(RefundBody):
    """A refund of an order of the same dry run, given or stored."""

    order_id: Id


class SimulatedTermBody(Request):
    """A member has a paid membership of `plan` from `starts_at` up to, not including, `ends_at`."""

    plan: Code
    starts_at: Instant
    ends_at: Instant

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self


class SimulatedMemberBody(Request):
    """What is to be supposed of a member. Without `enrolled_at` they enrol with what they do first."""

    member_id: Id
    enrolled_at: Instant | None = None
    attributes: Attributes | None = None
    memberships: Annotated[list[SimulatedTermBody], Field(max_length=100)] = []

    def known(self) -> Known:
        """The domain's form of it."""
        terms = (
            Term(f"simulated-{number:03}", term.plan, term.starts_at, term.ends_at, "paid")
            for number, term in enumerate(self.memberships)
        )
        return Known(MemberId(self.member_id), self.enrolled_at, self.attributes or {}, tuple(terms))


class SimulatedStoredBody(Request):
    """Members whose recorded orders, refunds and activities are run.

    What occurred before the day `from` earns and uses caps as ever and is not counted; what occurred after the day `until` is
    left out. Days are local days of the program's zone.
    """

    member_ids: Annotated[list[Id], Field(min_length=1, max_length=STORED_MAX)]
    from_: Day | None = Field(default=None, alias="from")
    until: Day | None = None

    def stored(self) -> Stored:
        """The domain's form of it, each member once."""
        return Stored([*map(MemberId, dict.fromkeys(self.member_ids))], self.from_, self.until)


class SpentBudget(Request):
    """`points` that a budget gave in the period that begins on the day `since` (null: it has one period for ever)."""

    cap: Code
    since: Day | None = None
    points: Annotated[int, Field(ge=0, le=CAP_POINTS_MAX)]

    @classmethod
    def all_of(cls, outcome: Outcome | None) -> list[Self]:
        """What the budgets of a side gave."""
        spent = outcome.spent.items() if outcome else ()
        return [cls(cap=key.cap, since=key.since, points=points) for key, points in spent if points]


class SimulationCarry(Request):
    """What budgets gave before, to each side: what a dry run answers, the next part of it takes."""

    draft: Annotated[list[SpentBudget], Field(max_length=2_000)] = []
    active: Annotated[list[SpentBudget], Field(max_length=2_000)] = []


class SimulationRequest(Request):
    """A draft, the version that it is held against, and what is run through both.

    Orders, refunds and activities are as they are recorded; together with the stored ones they are at most 1,000. `against`
    null holds the draft against nothing, as in_force does while there is no program.
    """

    program: Draft
    against: VersionOrWord | None = "in_force"
    orders: Annotated[list[PurchaseRequest], Field(max_length=PARTS_MAX)] = []
    refunds: Annotated[list[SimulatedRefundBody], Field(max_length=PARTS_MAX)] = []
    activities: Annotated[list[ActivityBody], Field(max_length=PARTS_MAX)] = []
    stored: SimulatedStoredBody | None = None
    members: Annotated[list[SimulatedMemberBody], Field(max_length=PARTS_MAX)] = []
    tier_days: Annotated[list[Day], Field(max_length=DAYS_MAX)] = []
    carry: SimulationCarry = SimulationCarry()

    @model_validator(mode="after")
    def _not_too_much(self) -> Self:
        if len(self.orders) + len(self.refunds) + len(self.activities) > PARTS_MAX:
            raise ValueError(f"orders, refunds and activities must be at most {PARTS_MAX} together")
        return self

    def simulation(self) -> Simulation:
        """The domain's form of it. Raises RequestInvalidError."""
        given: list[Happening] = [
            *_purchases(self.orders),
            *(refund.request(refund.order_id) for refund in self.refunds),
            *(activity.report() for activity in self.activities),
        ]
        return Simulation(
            document=self.program,
            against=self.against,
            parts=[Part(what) for what in given],
            known=[member.known() for member in self.members],
            stored=self.stored.stored() if self.stored else None,
            days=self.tier_days,
            spent_of_draft=_spent(self.carry.draft),
            spent_of_active=_spent(self.carry.active),
        )


def _purchases(orders: Sequence[PurchaseRequest]) -> list[Purchase]:
    found, faults = [], []
    for number, order in enumerate(orders):
        try:
            found.append(order.purchase())
        except InvalidError as error:
            told = problem(error)
            faults.append({"path": f"orders.{number}", "reason": f"{told['title']} {told['detail']}"})
    if faults:
        raise RequestInvalidError(faults=faults)
    return found


def _spent(budgets: Iterable[SpentBudget]) -> dict[BudgetKey, int]:
    return {BudgetKey(budget.cap, budget.since): budget.points for budget in budgets}


class SimulatedSides(Answer):
    """A number under the draft and under the active version, and what the draft has more; null where a program does not say."""

    draft: int | None
    active: int | None
    difference: int | None

    @classmethod
    def of(cls, draft: int | None, active: int | None) -> Self:
        """Both sides."""
        return cls(draft=draft, active=active, difference=None if draft is None or active is None else draft - active)


class SimulatedMemberAnswer(Answer):
    """A member's points under the draft and under the active version."""

    member_id: str
    draft: int
    active: int
    difference: int

    @classmethod
    def of(cls, change: Change) -> Self:
        """The change as the API tells it."""
        return cls(member_id=change.member, draft=change.draft, active=change.active, difference=change.difference)


class SimulatedGroupAnswer(Answer):
    """How many members get more (or less), by how many points in all, and those ten with the greatest difference."""

    members: int
    points: int
    top: list[SimulatedMemberAnswer]

    @classmethod
    def of(cls, group: Group) -> Self:
        """The group as the API tells it."""
        return cls(members=group.members, points=group.points, top=[SimulatedMemberAnswer.of(change) for change in group.top])


class SimulatedCurrencyAnswer(Answer):
    """What the programs give of a currency, net of refunds: points, what they cost in minor units, and who wins or loses."""

    currency: str
    points: SimulatedSides
    cost: SimulatedSides
    winners: SimulatedGroupAnswer
    losers: SimulatedGroupAnswer

    @classmethod
    def of(cls, swing: Swing, draft: Outcome, active: Outcome | None) -> Self:
        """A currency of either program."""
        code = swing.currency
        return cls(
            currency=code,
            points=SimulatedSides.of(draft.total(code), active.total(code) if active else 0),
            cost=SimulatedSides.of(draft.cost(code), active.cost(code) if active else 0),
            winners=SimulatedGroupAnswer.of(swing.winners),
            losers=SimulatedGroupAnswer.of(swing.losers),
        )


class SimulatedRuleAnswer(Answer):
    """A rule's net points, in how many orders and activities it gave some, and to how many it applied."""

    rule: str
    currency: str
    points: int
    gave: int
    applied: int


class SimulatedCapAnswer(Answer):
    """In how many orders a cap left less than its rules would have given, and how many points these missed."""

    cap: str
    currency: str
    orders_cut: int
    points_missed: int


class SimulatedRefusalAnswer(Answer):
    """How many orders, refunds and activities would be refused with a problem of this `type`, and the first one's entry id."""

    type: str
    count: int
    first: str


class SimulatedLevelAnswer(Answer):
    """How many members have a tier; null: none."""

    tier: str | None
    members: int


class SimulatedTiersAnswer(Answer):
    """The tiers at the end of a day of all who had enrolled by then, from the lowest level up."""

    day: Day
    levels: list[SimulatedLevelAnswer]

    @classmethod
    def of(cls, day: date, outcome: Outcome) -> Self:
        """One day's tiers."""
        found, tiers = outcome.tiers[day], outcome.program.tiers
        levels = [None, *(level.id for level in tiers.levels)] if tiers else [None]
        return cls(day=day, levels=[SimulatedLevelAnswer(tier=tier, members=found.get(tier, 0)) for tier in levels])


class SimulatedSideAnswer(Answer):
    """What one program makes of it all. `version` is null for the draft."""

    version: int | None
    rules: list[SimulatedRuleAnswer]
    caps: list[SimulatedCapAnswer]
    tiers: list[SimulatedTiersAnswer]
    refused: list[SimulatedRefusalAnswer]

    @classmethod
    def of(cls, outcome: Outcome, version: int | None) -> Self:
        """A side as the API tells it."""
        return cls(
            version=version,
            rules=[
                SimulatedRuleAnswer(rule=rule, currency=currency, points=total.points, gave=total.gave, applied=total.applied)
                for (currency, rule), total in outcome.rules.items()
            ],
            caps=[
                SimulatedCapAnswer(
                    cap=cap.id,
                    currency=cap.currency,
                    orders_cut=outcome.cuts[cap.id].orders,
                    points_missed=outcome.cuts[cap.id].points,
                )
                for cap in outcome.program.caps
            ],
            tiers=[SimulatedTiersAnswer.of(day, outcome) for day in outcome.tiers],
            refused=[
                SimulatedRefusalAnswer(type=problem_type(error), count=total.count, first=total.first)
                for error, total in outcome.refused.items()
            ],
        )


class SimulatedCounts(Answer):
    """How much was run and counted; `members` are all of them."""

    orders: int
    refunds: int
    activities: int
    members: int

    @classmethod
    def of(cls, script: Script) -> Self:
        """What the script has."""
        kinds = Counter(type(part.what) for part in script.parts if part.counted)
        return cls(
            orders=kinds[Purchase],
            refunds=kinds[RefundRequest],
            activities=kinds[ActivityReport],
            members=len(script.shoppers),
        )


class SimulationAnswer(Answer):
    """What a draft would give beside the version `against` (null: nothing). Nothing was written.

    `carry` is for the next part of a run that is sent in parts: its budgets go on where these ended.
    """

    against: int | None
    counts: SimulatedCounts
    currencies: list[SimulatedCurrencyAnswer]
    draft: SimulatedSideAnswer
    active: SimulatedSideAnswer | None
    carry: SimulationCarry

    @classmethod
    def of(cls, found: Simulated) -> Self:
        """The run as the API tells it."""
        draft, active = found.draft, found.active
        against = active.version.version if active else None
        return cls(
            against=against,
            counts=SimulatedCounts.of(found.script),
            currencies=[SimulatedCurrencyAnswer.of(swing, draft, active) for swing in found.swings],
            draft=SimulatedSideAnswer.of(draft, None),
            active=SimulatedSideAnswer.of(active, against) if active else None,
            carry=SimulationCarry(draft=SpentBudget.all_of(draft), active=SpentBudget.all_of(active)),
        )
