"""Draws with winners: the lowest tickets of the audience, found shard by shard, are given their bonus (docs/draws.md)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from heapq import heapify, heappop

from functions.bonuses.visit_member import GRANTED, Giver
from shared.domain.calendar import local_day
from shared.domain.drawing import ticket, ticket_text
from shared.domain.entry import MemberId
from shared.domain.errors import GrantDeclinedError, LaurelError, MemberUnknownError, TryAgainError
from shared.domain.granting import Offer, given
from shared.domain.granting import wanted as grant_wanted
from shared.domain.history import day_of_entry
from shared.domain.run import LISTED, Part, Run
from shared.ports import Runs

DRAW_PAGE = 1000
RESERVE = 10
"""So many candidates of a shard are kept beyond the winners there can be: some may have left before their turn."""
BROKEN = (LaurelError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What may come of one member whose items are not as they ought to be: nobody else is to wait for them."""
STOPPED = frozenset({"not_running"})
"""What is said where a campaign does not run now."""
DRAWN, NO_TIME = "drawn", "no_time"
"""How giving to the winners of a draw ended: all that there are have it, or there was no time left."""


@dataclass(frozen=True)
class Draws:
    """What holds a run's draw. `time_left` says whether there is time for another member; `failed` tells of one's failure."""

    giver: Giver
    runs: Runs
    time_left: Callable[[], bool]
    failed: Callable[[MemberId, Exception], None]

    def nominate(self, run: Run, offer: Offer, shard: int) -> bool:
        """Keep the lowest tickets of a shard that are in the audience: as many as there are winners and some, or all there are.

        One pass over the shard's ids, in memory, then in order of their tickets; the next call goes on above the last one.
        """
        part = self.runs.part(run, str(shard))
        if part.done:
            return True
        heap = list(self._tickets(offer, shard, part.cursor or ""))
        heapify(heap)
        floor, chosen, enough = part.cursor or "", part.counts.get("candidates", 0), (offer.winners or 0) + RESERVE
        before = chosen
        while heap and chosen < enough and self.time_left():
            floor, member = heappop(heap)
            if self._is_in(offer, member):
                self.runs.nominate(run, floor, member)
                chosen += 1
        done = not heap or chosen >= enough
        more = further(part, self.giver.now, floor, {"candidates": chosen - before}, done=done)
        return self.runs.advance(run, str(shard), part, more) and done

    def _tickets(self, offer: Offer, shard: int, floor: str) -> Iterator[tuple[str, MemberId]]:
        """The tickets of a shard's members that are above `floor`."""
        draw, after = offer.campaign.draw, None
        while draw is not None:
            members, after = self.giver.alarms.roster(shard, DRAW_PAGE, after)
            for member in members:
                text = ticket_text(ticket(offer.campaign.id, offer.moment.period, draw.seed, member))
                if text > floor:
                    yield text, member
            if after is None:
                return

    def _is_in(self, offer: Offer, member: MemberId) -> bool:
        day = local_day(self.giver.now, offer.version.program.time_zone)
        try:
            view = self.giver.ledger.view(member, grant_wanted(offer, day))
            given(view, replace(offer, winners=None), day_of_entry(view.wallet, view.now, offer.course.zone), view.budgets)
        except (GrantDeclinedError, MemberUnknownError):
            return False
        except TryAgainError:
            raise
        except BROKEN as error:
            self.failed(member, error)
            return False
        return True

    def nominate_of(self, run: Run, offer: Offer, members: Sequence[MemberId]) -> bool:
        """Keep the lowest tickets of a batch of a list that are in the audience, as many as there are winners."""
        name, draw = part_of_list(members), offer.campaign.draw
        part = self.runs.part(run, name)
        if part.done or draw is None:
            return True
        tickets = {member: ticket(offer.campaign.id, offer.moment.period, draw.seed, member) for member in members}
        chosen = 0
        for member in sorted(tickets, key=lambda one: tickets[one]):
            if not self.time_left():
                return False
            if chosen < (offer.winners or 0) + RESERVE and self._is_in(offer, member):
                self.runs.nominate(run, ticket_text(tickets[member]), member)
                chosen += 1
        return self.runs.advance(run, name, part, further(part, self.giver.now, None, {"candidates": chosen}, done=True))

    def give(self, run: Run, offer: Offer) -> str:
        """Give the lowest tickets their bonus until there are as many winners as there are to be.

        "drawn", or why it stopped before: NO_TIME, or the campaign does not run.
        """
        won, day = 0, local_day(self.giver.now, offer.version.program.time_zone)
        for text, member in self.runs.candidates(run):
            if won == offer.winners:
                break
            if not self.time_left():
                return NO_TIME
            try:
                outcome = self.giver.give(member, replace(offer, ticket=text), day)
            except TryAgainError:
                raise
            except BROKEN as error:
                # The next one wins; an operator is told.
                self.failed(member, error)
                continue
            if outcome in STOPPED:
                return outcome
            won += outcome == GRANTED
        return DRAWN


def further(part: Part, now: datetime, cursor: str | None, counts: Mapping[str, int], *, done: bool) -> Part:
    """A part of a run after some more members, as of now."""
    return replace(part.further(cursor, counts, done=done), at=now)


def part_of_list(members: Sequence[MemberId]) -> str:
    """The part of a run that a batch of its list is; of two that begin with the same member each is a part of its own."""
    return LISTED + sha256("\n".join(members).encode()).hexdigest()[:16]
