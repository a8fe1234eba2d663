"""Answers about what campaigns give: dry runs, draws, reports."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from functions.campaigns.dry_run_campaign import Forecast
from functions.campaigns.models import CampaignRunAnswer
from functions.campaigns.read_draw import Drawing
from functions.campaigns.read_report import Limit, Progress, Report
from shared.api.fields import Answer, Instant
from shared.domain.campaign import Chance
from shared.domain.control import CampaignState
from shared.domain.drawing import TICKETS, ticket_text
from shared.domain.entry import grant_key
from shared.domain.program import Program
from shared.domain.run import Run

HELD_OUT = "held_out"


class CampaignPointsAnswer(Answer):
    """Points of a currency: `given`, and `taken_back` by refunds of the orders that brought them.

    `cost` is what the difference costs, in minor units of the program's money; null where the currency has no cost.
    """

    currency: str
    given: int
    taken_back: int
    cost: int | None


class CampaignRewardAnswer(Answer):
    """How many of a reward were given."""

    reward: str
    granted: int


class CampaignMoneyAnswer(Answer):
    """Minor units on gift cards that were given."""

    currency: str
    amount: int


class CampaignGivenAnswer(Answer):
    """What bonuses are: how many were `granted`, and what was in them. `cost` is that of all points together."""

    granted: int
    points: list[CampaignPointsAnswer]
    cost: int | None
    multipliers: int
    rewards: list[CampaignRewardAnswer]
    gift_cards: list[CampaignMoneyAnswer]


def _given(counts: Mapping[str, int], program: Program, breakage_percent: int = 0) -> dict[str, Any]:
    """What counts of a campaign tell, `breakage_percent` of the cost left out."""
    costs = {currency.code: currency.cost for currency in program.currencies}

    def of_points(code: str, given: int) -> CampaignPointsAnswer:
        back, cost = counts.get(f"points_back:{code}", 0), costs.get(code)
        told = None
        if cost is not None:
            # Rounded up once, breakage and all.
            told = -(-(given - back) * cost.minor_units * (100 - breakage_percent) // (cost.points * 100))
        return CampaignPointsAnswer(currency=code, given=given, taken_back=back, cost=told)

    points = [of_points(code, given) for code, given in _named(counts, "points:")]
    told = [one.cost for one in points if one.cost is not None]
    return {
        "granted": counts.get("granted", 0),
        "points": points,
        "cost": sum(told) if len(told) == len(points) else None,
        "multipliers": counts.get("multipliers", 0),
        "rewards": [CampaignRewardAnswer(reward=name, granted=count) for name, count in _named(counts, "reward:")],
        "gift_cards": [CampaignMoneyAnswer(currency=code, amount=amount) for code, amount in _named(counts, "money:")],
    }


def _named(counts: Mapping[str, int], prefix: str) -> Iterator[tuple[str, int]]:
    return ((name.removeprefix(prefix), count) for name, count in sorted(counts.items()) if name.startswith(prefix))


class CampaignPassedAnswer(Answer):
    """How many members were given nothing, for a reason."""

    reason: str
    members: int


def _passed(counts: Mapping[str, int]) -> list[CampaignPassedAnswer]:
    return [CampaignPassedAnswer(reason=name, members=n) for name, n in _named(counts, "passed:") if name != HELD_OUT]


def _held_out(counts: Mapping[str, int]) -> int:
    return counts.get(f"passed:{HELD_OUT}", 0)


class CampaignDryRunStartedAnswer(Answer):
    """A dry run that began: read it under its `period`."""

    run: str
    campaign: str
    period: str
    breakage_percent: int
    state: Literal["running"] = "running"

    @classmethod
    def of(cls, run: Run) -> Self:
        """The run as the API tells it."""
        return cls(run=run.name, campaign=run.of, period=run.period, breakage_percent=run.breakage_percent)


class CampaignRoomAnswer(Answer):
    """For how many bonuses a limit leaves room: `winners` of a draw, `grants_max`, `stock` of a reward, or `cap:<id>`."""

    limit: str
    left: int


class CampaignDryRunAnswer(CampaignGivenAnswer):
    """What the campaign would give if it came now. While it is running, the figures are of those looked at so far.

    `eligible` would be given something, each looked at alone; `members` (the same as `granted`) are so many of them as there
    is `room` for, as limits stood when the dry run began; what is given, and what it costs, is theirs. `cost` leaves
    `breakage_percent` out. `lost` are those whom a draw by chance passed over, `failed` could not be looked at.
    """

    run: str
    campaign: str
    period: str
    version: int
    state: Literal["running", "done"]
    started_at: Instant
    ended_at: Instant | None
    breakage_percent: int
    money_currency: str
    looked_at: int
    eligible: int
    members: int
    lost: int
    held_out: int
    passed: list[CampaignPassedAnswer]
    room: list[CampaignRoomAnswer]
    failed: int

    @classmethod
    def of(cls, found: Forecast) -> Self:
        """The dry run as the API tells it."""
        run, program, counts = found.run, found.version.program, found.counted
        return cls(
            **_given(found.given, program, run.breakage_percent),
            run=run.name,
            campaign=run.of,
            period=run.period,
            version=run.version,
            state="done" if run.ended_at else "running",
            started_at=run.started_at,
            ended_at=run.ended_at,
            breakage_percent=run.breakage_percent,
            money_currency=program.money_currency,
            looked_at=counts.get("looked_at", 0),
            eligible=found.eligible,
            members=found.members,
            lost=counts.get("lost", 0),
            held_out=_held_out(counts),
            passed=_passed(counts),
            room=[CampaignRoomAnswer(limit=limit, left=left) for limit, left in found.room.items()],
            failed=counts.get("failed", 0),
        )


class CampaignTicketAnswer(Answer):
    """A ticket of a draw: 16 hexadecimal digits, and whose it is."""

    ticket: str
    member_id: str


class CampaignWinnerAnswer(CampaignTicketAnswer):
    """A winning ticket, and the entry of the bonus."""

    entry_id: str


class CampaignDrawAnswer(Answer):
    """A draw, so that anybody can hold it again (docs/draws.md): the words that each ticket is made of, and the rule.

    With `winners_max` the lowest tickets of the audience win: `winners` are they, the lowest first, and `passed_over` those in
    between who could be given nothing any more. With `chance` whoever's ticket is lower than `tickets_below` wins. `state`
    running: the bonuses are being given.
    """

    campaign: str
    period: str
    seed: str
    version: int
    winners_max: int | None
    chance: Chance | None
    tickets_below: str | None
    state: Literal["running", "done"]
    granted: int
    winners: list[CampaignWinnerAnswer]
    passed_over: list[CampaignTicketAnswer]

    @classmethod
    def of(cls, found: Drawing) -> Self:
        """The draw as the API tells it."""
        run, draw = found.run, found.draw
        winners = [
            CampaignWinnerAnswer(ticket=one.ticket, member_id=one.member, entry_id=grant_key(run.of, run.period, one.member))
            for one in found.candidates
            if one.won
        ]
        return cls(
            campaign=run.of,
            period=run.period,
            seed=draw.seed,
            version=run.version,
            winners_max=draw.winners,
            chance=draw.chance,
            tickets_below=_below(draw.chance) if draw.chance else None,
            state="done" if run.ended_at else "running",
            granted=found.granted,
            winners=winners,
            passed_over=[
                CampaignTicketAnswer(ticket=one.ticket, member_id=one.member) for one in found.candidates if not one.won
            ],
        )


def _below(chance: Chance) -> str:
    """The lowest ticket that does not win."""
    return ticket_text(-(-chance.win * TICKETS // chance.of))


class CampaignDoneAnswer(CampaignGivenAnswer):
    """What a campaign did, in points net of what refunds took back; `taken_back` bonuses are gone whole.

    `held_out` are members of the hold-out for whom it came; `passed` are others in the audience who were given nothing, by
    the first reason: frequency, budget, sold_out, reward.
    """

    taken_back: int
    held_out: int
    passed: list[CampaignPassedAnswer]


def _done(counts: Mapping[str, int], program: Program) -> dict[str, Any]:
    return {
        **_given(counts, program),
        "taken_back": counts.get("taken_back", 0),
        "held_out": _held_out(counts),
        "passed": _passed(counts),
    }


class CampaignPeriodAnswer(CampaignDoneAnswer):
    """What a campaign did in a period: a date's moment in UTC; `ever` where it comes for each member by themselves."""

    period: str


class CampaignLimitAnswer(Answer):
    """A limit of all bonuses together: `grants_max`, in bonuses, or a cap of the program by its id, in points of `currency`.

    A cap of a period is told as it stands in today's. `left` is below zero where the limit was lowered after more was given.
    """

    limit: str
    currency: str | None
    most: int
    spent: int
    left: int

    @classmethod
    def of(cls, limit: Limit) -> Self:
        """The limit as the API tells it."""
        left = limit.most - limit.spent
        return cls(limit=limit.name, currency=limit.currency, most=limit.most, spent=limit.spent, left=left)


class CampaignProgressAnswer(CampaignRunAnswer):
    """A run and how far it has come: `parts_done` of `parts`; null for a list, of which there are as many as it takes."""

    parts_done: int
    parts: int | None

    @classmethod
    def at(cls, progress: Progress) -> Self:
        """The progress as the API tells it."""
        return cls(**CampaignRunAnswer.of(progress.run).model_dump(), parts_done=progress.parts_done, parts=progress.parts)


class CampaignReportAnswer(CampaignDoneAnswer):
    """What a campaign did in all, and by period; whatever has become of it, also of one that was cancelled half-way.

    `limits` are what is left of its budgets, `runs` the newest 50, newest first, `draw` the last draw.
    """

    campaign: str
    state: CampaignState
    version: int
    money_currency: str
    periods: list[CampaignPeriodAnswer]
    limits: list[CampaignLimitAnswer]
    runs: list[CampaignProgressAnswer]
    draw: CampaignDrawAnswer | None

    @classmethod
    def of(cls, report: Report) -> Self:
        """The report as the API tells it."""
        found, program = report.status.found, report.status.found.version.program
        return cls(
            **_done(Counter(report.in_all), program),
            campaign=found.campaign.id,
            state=report.status.state,
            version=found.version.version,
            money_currency=program.money_currency,
            periods=[CampaignPeriodAnswer(period=name, **_done(counts, program)) for name, counts in report.periods.items()],
            limits=[CampaignLimitAnswer.of(limit) for limit in report.limits],
            runs=[CampaignProgressAnswer.at(progress) for progress in report.progress],
            draw=CampaignDrawAnswer.of(report.drawing) if report.drawing else None,
        )
