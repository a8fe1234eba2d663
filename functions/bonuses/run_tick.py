"""Use case: the standing tick: what is due now is done or begun, and what was interrupted goes on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from functions.bonuses.draw_winners import BROKEN
from functions.bonuses.visit_member import Giver
from shared.domain.alarm import SHARDS, floored
from shared.domain.entry import MemberId
from shared.domain.program import in_force
from shared.domain.run import Run, RunKind
from shared.domain.running import interrupted, runs_due
from shared.ports import Machine, Runs

INLINE_MAX = 200
"""Members that the tick itself looks at; for more it starts workers."""
PAGE = 50


@dataclass(frozen=True)
class Ticked:
    """What a tick did: members that it looked at, runs that it began or started again, and runs that are late."""

    members: int
    begun: tuple[str, ...]
    again: tuple[str, ...]
    late: int


@dataclass(frozen=True)
class Tick:
    """The tick. `failed` tells of a member for whom it failed: the alarm still rings, so that the next tick tries again."""

    giver: Giver
    runs: Runs
    machine: Machine
    failed: Callable[[MemberId, Exception], None]

    def run(self) -> Ticked:
        """Do all of it. Again changes nothing. Raises ProgramMissingError, TryAgainError, FaultError."""
        again, late = self._again()
        begun = list(self._begun())
        members, rest = self._sweep()
        if rest and not self._is_sweeping() and self._begin(self._sweeping()):
            begun.append(self._sweeping().name)
        return Ticked(members, tuple(begun), tuple(again), late)

    def _due(self) -> Iterator[Run]:
        versions, now = self.giver.versions, self.giver.now
        campaigns = list(in_force(versions, now).program.campaigns_by_id)
        controls = self.giver.campaigns.controls(campaigns) if campaigns else {}
        yield from runs_due(versions, controls, now)

    def _begun(self) -> Iterator[str]:
        """Begin what is due. One visit looks at all that is due for a member, so one run is enough for all campaigns."""
        visiting = False
        for run in self._due():
            if run.kind is RunKind.VISIT and visiting:
                if self.runs.begin(run) is not None:
                    self.runs.end(run, self.giver.now)
            elif self._begin(run):
                visiting = visiting or run.kind is RunKind.VISIT
                yield run.name

    def _begin(self, run: Run) -> bool:
        """Begin a run that was never begun, and start its workers."""
        if self.runs.begin(run) is None:
            return False
        self.start(run)
        return True

    def start(self, run: Run) -> None:
        """Start the workers of a run, once for its attempt."""
        self.machine.start(run.name, run.attempt, range(SHARDS), run.member_list)

    def _again(self) -> tuple[list[str], int]:
        """Start runs again that were interrupted, and how many of these are late; one that is paused is neither.

        The others are started too: a first start may have failed, and each attempt starts once.
        """
        versions, now, again, late = self.giver.versions, self.giver.now, list[str](), 0
        program = in_force(versions, now).program
        going = self.runs.going()
        controls = self.giver.campaigns.controls(list(dict.fromkeys(run.of for run in going))) if going else {}
        for run in going:
            campaign, control = program.campaigns_by_id.get(run.campaign or ""), controls[run.of]
            last_seen = self._last_seen(run)
            if not interrupted(run, control, campaign, program.time_zone, now, last_seen):
                self.start(run)
                continue
            late += run.is_late(now, last_seen)
            further = self.runs.again(run, now)
            if further is not None:
                self.start(further)
                again.append(further.name)
        return again, late

    def _last_seen(self, run: Run) -> datetime | None:
        """When one of its workers last got on; asked for where the run may be late."""
        if not run.is_late(self.giver.now):
            return None
        return max((part.at for part in self.runs.parts(run).values() if part.at), default=None)

    def _is_sweeping(self) -> bool:
        """Whether workers are at it: what rings while they are comes after them."""
        return any(run.kind is RunKind.SWEEP for run in self.runs.going())

    def _sweeping(self) -> Run:
        now, version = self.giver.now, in_force(self.giver.versions, self.giver.now)
        return Run(
            kind=RunKind.SWEEP,
            campaign=None,
            period=f"{floored(now):%Y-%m-%dT%H-%MZ}",
            version=version.version,
            due_at=now,
            started_at=now,
        )

    def _sweep(self) -> tuple[int, bool]:
        """Look at members whose alarm rang; how many, and whether there are more."""
        seen, rest = 0, False
        for shard in range(SHARDS):
            members, following = self.giver.alarms.due(shard, self.giver.now, PAGE)
            rest = rest or following is not None
            for member in members:
                if seen == INLINE_MAX:
                    return seen, True
                seen += 1
                try:
                    self.giver.visit(member)
                except BROKEN as error:
                    self.failed(member, error)
        return seen, rest
