"""Use case: a worker's part of a run: so many members as its time allows, from where it stopped."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from functions.bonuses.draw_winners import BROKEN, NO_TIME, STOPPED, Draws, further, part_of_list
from functions.bonuses.visit_member import Giver
from shared.domain.alarm import SHARDS
from shared.domain.calendar import local_day
from shared.domain.campaign import Campaign, OnDate
from shared.domain.control import Act, CampaignState, Control, Step
from shared.domain.entry import MemberId
from shared.domain.errors import (
    CampaignStateError,
    GrantDeclinedError,
    MemberUnknownError,
)
from shared.domain.granting import Offer, given
from shared.domain.granting import wanted as grant_wanted
from shared.domain.moments import due
from shared.domain.program import ProgramVersion, version_of
from shared.domain.run import LISTED, Part, Run, RunKind
from shared.domain.running import drawn, offer_of
from shared.domain.visiting import Visit
from shared.ports import Runs

PAGE = 100
"""Members between two notes of how far a part has come: what is looked at twice after a crash."""
PATIENCE = 3
"""Times that a member is tried in a row, each with the ledger's own attempts."""
FAILED = "failed-"
"""How the parts of members are named for whom a run failed."""
UNDONE = STOPPED | {"failed"}
"""What is said of a member who is still to be looked at."""


@dataclass(frozen=True)
class Worker:
    """What works on runs. `time_left` says whether there is time for another page; `failed` tells of a member's failure."""

    giver: Giver
    runs: Runs
    time_left: Callable[[], bool]
    failed: Callable[[MemberId, Exception], None]

    @property
    def _draws(self) -> Draws:
        return Draws(self.giver, self.runs, self.time_left, self.failed)

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
            return self._draws.nominate(run, offer, shard)
        return self._through(run, str(shard), lambda after: self._page(run, shard, after), offer)

    def members(self, name: str, members: Sequence[MemberId]) -> list[MemberId]:
        """Go on with members of a run's list; those that are left."""
        run = self.runs.run(name)
        if run.ended_at is not None or not members:
            return []
        members = list(dict.fromkeys(members))
        offer = self._offer(run)
        if run.kind is RunKind.CAMPAIGN and offer and offer.winners:
            return [] if self._draws.nominate_of(run, offer, members) else list(members)
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
                drew = self._draws.give(run, offer)
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
                looked_at = further(part, self.giver.now, None, outcome, done=True)
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
                self.runs.advance(run, name, part, further(part, self.giver.now, part.cursor, {}, done=False))
                return True
            more = further(part, self.giver.now, following, counts, done=following is None)
            # Somebody else who works on the same part may have been faster: go on from where they are.
            part = more if self.runs.advance(run, name, part, more) else self.runs.part(run, name)
        return True

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
