"""Use case: how a draw went: its public words, its rule, and the winning tickets, for everybody to check (docs/draws.md)."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from shared.domain.campaign import Draw
from shared.domain.entry import MemberId
from shared.domain.errors import RunUnknownError
from shared.domain.program import version_of
from shared.domain.run import Run, RunKind
from shared.ports import Campaigns, Programs, Runs

AT_ONCE = 100
"""Candidates whose grants are looked up at a time."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A candidate of a draw and whether they were given the bonus."""

    ticket: str
    member: MemberId
    won: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """A draw as it was held. `candidates` are the lowest tickets of the audience down to the last winner, in their order.

    A draw by chance has none: whoever's ticket is low enough has won.
    """

    run: Run
    draw: Draw
    granted: int
    candidates: tuple[Drawn, ...]


def read_draw(id: str, period: str, *, campaigns: Campaigns, runs: Runs, programs: Programs) -> Drawing:
    """The draw of a campaign's period. Raises RunUnknownError where there was none, TryAgainError."""
    return draw_of(runs.run(f"{RunKind.CAMPAIGN}.{id}.{period}"), campaigns=campaigns, runs=runs, programs=programs)


def draw_of(run: Run, *, campaigns: Campaigns, runs: Runs, programs: Programs) -> Drawing:
    """The draw of a run. Raises RunUnknownError where nothing was drawn, TryAgainError."""
    campaign = version_of(programs.latest(), run.version).program.campaigns_by_id[run.of]
    if campaign.draw is None:
        raise RunUnknownError
    granted = campaigns.tallies(campaign.id).get(run.period, Counter())["granted"]
    candidates = tuple(_down_to_the_last(run, granted, campaigns, runs)) if campaign.draw.winners else ()
    return Drawing(run, campaign.draw, granted, candidates)


def _down_to_the_last(run: Run, granted: int, campaigns: Campaigns, runs: Runs) -> Iterator[Drawn]:
    """The candidates, the lowest ticket first, up to the last who won."""
    candidates, won = runs.candidates(run), 0
    while won < granted and (page := list(islice(candidates, AT_ONCE))):
        winners = campaigns.given(run.of, run.period, [member for _, member in page])
        for ticket, member in page:
            if won == granted:
                return
            won += member in winners
            yield Drawn(ticket, member, member in winners)
