"""Use case: a worker's part of a run: so many members as its time allows, from where it stopped."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from heapq import heapify, heappop

from functions.bonuses.visit_member import GRANTED, Giver
from shared.domain.alarm import SHARDS
from shared.domain.calendar import local_day
from shared.domain.campaign import Campaign, OnDate
from shared.domain.control import Act, CampaignState, Control, Step
from shared.domain.drawing import ticket, ticket_text
from shared.domain.entry import MemberId
from shared.domain.errors import (
    CampaignStateError,
    GrantDeclinedError,
    LaurelError,
    MemberUnknownError,
    TryAgainError,
)
from shared.domain.granting import Offer, given
from shared.domain.granting import wanted as grant_wanted
from shared.domain.history import day_of_entry
from shared.domain.moments import due
from shared.domain.program import ProgramVersion, version_of
from shared.domain.run import Part, Run, RunKind
from shared.domain.running import drawn, offer_of
from shared.domain.visiting import Visit
from shared.ports import Runs

PAGE = 100
"""Members between two notes of how far a part has come: what is looked at twice after a crash."""
DRAW_PAGE = 1000
RESERVE = 10
"""So many candidates of a shard are kept beyond the winners there can be: some may have left before their turn."""
BROKEN = (LaurelError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What may come of one member whose items are not as they ought to be: nobody else is to wait for them."""
PATIENCE = 3
"""Times that a member is tried in a row, each with the ledger's own attempts."""
FAILED = "failed-"
"""How the parts of members are named for whom a run failed."""
LISTED = "list-"
"""How the parts are named that are batches of a list."""
STOPPED = frozenset({"not_running"})
"""What is said where a campaign does not run now."""
UNDONE = STOPPED | {"failed"}
"""What is said of a member who is still to be looked at."""
DRAWN, NO_TIME = "drawn", "no_time"
"""How giving to the winners of a draw ended: all that there are have it, or there was no time left."""


@dataclass(frozen=True)
class Worker:
    """What works on runs. `time_left` says whether there is time for another page; `failed` tells of a member's failure."""

    giver: Giver
    runs: Runs
    time_left: Callable[[], bool]
    failed: Callable[[MemberId, Exception], None]

    def shard(self, name: str, shard: int) -> bool:
        """Go on with a shard of a run; whether nothing of it is left to do now.

        Nothing is left where all members were looked at, where the run has ended, and where its campaign does not run: what is
        left then is done when it is resumed. Raises RunUnknownError, TryAgainError.
        """
        run = self.runs.run(name)
        if run.ended_at is not None:
            return True
        offer = self._offer(run)
        if run.kind is RunKind.CAMPAIGN and offer and offer.winners:
            return self._nominate(run, offer, shard)
        return self._through(run, str(shard), lambda after: self._page(run, shard, after), offer)

    def members(self, name: str, members: Sequence[MemberId]) -> list[MemberId]:
        """Go on with members of a run's list; those that are left."""
        run = self.runs.run(name)
        if run.ended_at is not None or not members:
            return []
        members = list(dict.fromkeys(members))
        offer = self._offer(run)
        if run.kind is RunKind.CAMPAIGN and offer and offer.winners:
            return [] if self._nominate_of(run, offer, members) else list(members)
        place = {member: number for number, member in enumerate(members)}

        def page(after: str | None) -> tuple[list[MemberId], str | None]:
            rest = list(members[place[MemberId(after)] + 1 if after else 0 :])
            return rest[:PAGE], rest[PAGE - 1] if len(rest) > PAGE else None

        done = self._through(run, part_of_list(members), page, offer)
        return [] if done else list(members)

    def finish(self, name: str) -> bool:
        """End a run whose parts are done; whether nothing is left to do now.

        A run that is not done stays open: its campaign is paused, or the tick starts its workers again. Raises
        RunUnknownError, TryAgainError.
        """
        run = self.runs.run(name)
        if run.ended_at is not None:
            return True
        found = self._campaign(run)
        # A dry run is the same whatever becomes of the campaign.
        state = self._state(found) if run.kind is not RunKind.DRY_RUN else None
        if state is CampaignState.PAUSED:
            return True
        if state is not CampaignState.ENDED:
            if not self._all_done(run):
                return True
            offer = self._offer(run)
            if run.kind is RunKind.CAMPAIGN and offer and offer.winners:
                drew = self._draw(run, offer)
                if drew == NO_TIME:
                    return False
                if drew in STOPPED and self._state(found) is not CampaignState.ENDED:
                    return True
        if found and run.kind is RunKind.CAMPAIGN and isinstance(found[0].trigger, OnDate) and state is not CampaignState.ENDED:
            # First: whoever comes again finds that it ended, and ends the run.
            self._finished(*found)
        self.runs.end(run, self.giver.now)
        return True

    def _state(self, found: tuple[Campaign, ProgramVersion] | None) -> CampaignState | None:
        if found is None:
            return None
        campaign, version = found
        control = self.giver.campaigns.controls([campaign.id])[campaign.id]
        return control.state(campaign, version.program.time_zone, control.as_of(self.giver.now))

    def _all_done(self, run: Run) -> bool:
        """Whether every shard was gone through, and nobody is left for whom it failed."""
        parts, offer = self.runs.parts(run), self._offer(run)
        for name, part in parts.items():
            if name.startswith(FAILED) and not part.done:
                outcome = self._patiently(run, offer, MemberId(name.removeprefix(FAILED)))
                looked_at = self._further(part, None, outcome, done=True)
                if not UNDONE.isdisjoint(outcome) or not self.runs.advance(run, name, part, looked_at):
                    return False
        if run.member_list:
            # All of them were called for; one that stopped says so.
            return all(part.done for name, part in parts.items() if name.startswith(LISTED))
        return all(parts.get(str(shard), Part()).done for shard in range(SHARDS))

    def _finished(self, campaign: Campaign, version: ProgramVersion) -> None:
        """A date comes once."""
        step, zone = Step(Act.FINISH, self.giver.now, "schedule", "its date has come"), version.program.time_zone
        try:
            self.giver.campaigns.change(campaign.id, lambda control: control.after(step, campaign, zone))
        except CampaignStateError:
            # It ended in another way.
            return

    def _nominate(self, run: Run, offer: Offer, shard: int) -> bool:
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
        further = self._further(part, floor, {"candidates": chosen - before}, done=done)
        return self.runs.advance(run, str(shard), part, further) and done

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

    def _nominate_of(self, run: Run, offer: Offer, members: Sequence[MemberId]) -> bool:
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
        return self.runs.advance(run, name, part, self._further(part, None, {"candidates": chosen}, done=True))

    def _draw(self, run: Run, offer: Offer) -> str:
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

    def _through(
        self,
        run: Run,
        name: str,
        page: Callable[[str | None], tuple[list[MemberId], str | None]],
        offer: Offer | None,
    ) -> bool:
        part = self.runs.part(run, name)
        while not part.done:
            if not self.time_left():
                return False
            members, following = page(part.cursor)
            counts, stopped_before = self._look_at(run, offer, members)
            if stopped_before is not None:
                # Whoever ends the run sees that this part is not done, also where it was resumed meanwhile.
                self.runs.advance(run, name, part, self._further(part, part.cursor, {}, done=False))
                return True
            further = self._further(part, following, counts, done=following is None)
            # Somebody else who works on the same part may have been faster: go on from where they are.
            part = further if self.runs.advance(run, name, part, further) else self.runs.part(run, name)
        return True

    def _further(self, part: Part, cursor: str | None, counts: Mapping[str, int], *, done: bool) -> Part:
        return replace(part.further(cursor, counts, done=done), at=self.giver.now)

    def _page(self, run: Run, shard: int, after: str | None) -> tuple[list[MemberId], str | None]:
        if run.kind is RunKind.SWEEP:
            return self.giver.alarms.due(shard, run.due_at, PAGE, after)
        return self.giver.alarms.roster(shard, PAGE, after)

    def _look_at(self, run: Run, offer: Offer | None, members: Sequence[MemberId]) -> tuple[Counter[str], MemberId | None]:
        """What became of these members; and the one before whom the run stopped, because the campaign does not run."""
        counts = Counter[str]()
        for member in members:
            outcome = self._patiently(run, offer, member)
            if not STOPPED.isdisjoint(outcome):
                return counts, member
            counts += outcome
        return counts, None

    def _patiently(self, run: Run, offer: Offer | None, member: MemberId) -> Counter[str]:
        """What became of a member. One for whom it fails is kept for the end of the run, and keeps nobody else waiting."""
        for attempt in range(PATIENCE):
            try:
                return self._one(run, offer, member)
            except MemberUnknownError:
                return Counter({"unknown": 1})
            except BROKEN as error:
                if attempt == PATIENCE - 1:
                    self.failed(member, error)
                    if run.kind in (RunKind.CAMPAIGN, RunKind.VISIT):
                        self.runs.advance(run, FAILED + member, Part(), Part(version=1))
        return Counter({"failed": 1})

    def _one(self, run: Run, offer: Offer | None, member: MemberId) -> Counter[str]:
        match run.kind:
            case RunKind.SWEEP | RunKind.VISIT:
                return Counter(members=1) + self.giver.visit(member)
            case RunKind.DRY_RUN:
                return self._reckoned(run, offer, member)
        if offer is None:
            return Counter()
        won = drawn(offer, member)
        if won is None:
            return Counter(lost=1)
        day = local_day(self.giver.now, offer.version.program.time_zone)
        return Counter({self.giver.give(member, replace(offer, ticket=won or None), day): 1})

    def _offer(self, run: Run) -> Offer | None:
        """What a dated campaign's run brings; None for a run that looks at members one by one."""
        found = self._campaign(run)
        if found is None:
            return None
        campaign, version = found
        return offer_of(run, campaign, self.giver.versions, version, self.giver.now)

    def _campaign(self, run: Run) -> tuple[Campaign, ProgramVersion] | None:
        if run.campaign is None or run.kind not in (RunKind.CAMPAIGN, RunKind.DRY_RUN):
            return None
        version = version_of(self.giver.versions, run.version)
        return version.program.campaigns_by_id[run.campaign], version

    def _reckoned(self, run: Run, offer: Offer | None, member: MemberId) -> Counter[str]:
        """What the campaign would give a member now, if it were started now; nothing is written."""
        if offer is None:
            return Counter()
        wanted = grant_wanted(offer, local_day(self.giver.now, offer.version.program.time_zone))
        view = self.giver.ledger.view(member, wanted)
        visit = Visit(view, self.giver.versions)
        moment = offer.moment
        if offer.campaign in offer.version.program.alarmed_campaigns:
            control = view.controls.get(offer.campaign.id, Control(offer.campaign.id))
            found = due(offer.campaign, visit.person, control.started_at or run.started_at, run.due_at)
            if found is None:
                return Counter(looked_at=1)
            moment = found
        if drawn(offer, member) is None:
            return Counter(looked_at=1, lost=1)
        try:
            bonus = given(view, replace(offer, moment=moment), visit.day, view.budgets)
        except GrantDeclinedError as declined:
            return Counter({"looked_at": 1, f"passed:{declined.reason}": 1})
        return Counter({"looked_at": 1, "granted": 1, **bonus.tally})


def part_of_list(members: Sequence[MemberId]) -> str:
    """The part of a run that a batch of its list is; of two that begin with the same member each is a part of its own."""
    return LISTED + sha256("\n".join(members).encode()).hexdigest()[:16]
