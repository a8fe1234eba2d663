"""What campaigns need beside the ledger, in memory: alarms, controls and counters, runs; held to the contract suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.domain.alarm import Alarm
from shared.domain.calendar import instant_text
from shared.domain.cap import BudgetKey
from shared.domain.control import Control
from shared.domain.decision import View
from shared.domain.entry import MemberId, grant_key
from shared.domain.errors import RunUnknownError
from shared.domain.run import Part, Run, RunKind
from tests.fakes.memory_index import Line
from tests.fakes.memory_ledger import MemoryLedger, Write


@dataclass(frozen=True)
class MemoryAlarms:
    """Implements shared.ports.Alarms over the shelves of a ledger in memory."""

    ledger: MemoryLedger

    def due(self, shard: int, until: datetime, limit: int, after: str | None = None) -> tuple[list[MemberId], str | None]:
        """See shared.ports.Alarms."""
        with self.ledger.lock:
            lines = self.ledger.index.due(shard, until, limit, line_of(after) if after else None)
        members = list(dict.fromkeys(MemberId(member) for _, member, _ in lines))
        return members, _cursor(lines[-1]) if len(lines) == limit else None

    def roster(self, shard: int, limit: int, after: str | None = None) -> tuple[list[MemberId], str | None]:
        """See shared.ports.Alarms."""
        with self.ledger.lock:
            members = self.ledger.index.listed(shard, limit, after)
        return members, members[-1] if len(members) == limit else None

    def settle(self, view: View, wallet: Alarm, profile: Alarm) -> bool:
        """See shared.ports.Alarms."""
        member, before, known = view.wallet.member, view.wallet, view.profile
        done = True
        if before.alarm != wallet:
            done = self.ledger.set(
                Write(
                    self.ledger.wallets,
                    member,
                    lambda now: (now.sequence, now.alarm) == (before.sequence, before.alarm),
                    lambda now: replace(now, alarm=wallet),
                )
            )
        if known is not None and known.alarm != profile:
            write = Write(
                self.ledger.profiles,
                member,
                lambda now: (now.version, now.alarm) == (known.version, known.alarm),
                lambda now: replace(now, alarm=profile),
            )
            done = self.ledger.set(write) and done
        return done


def _cursor(line: Line) -> str:
    at, member, name = line
    return "|".join((instant_text(at), member, name))


def line_of(cursor: str) -> Line:
    """The line of the index that a page ended with."""
    at, member, name = cursor.split("|")
    return datetime.fromisoformat(at), member, name


@dataclass(frozen=True)
class MemoryCampaigns:
    """Implements shared.ports.Campaigns over the shelves of a ledger in memory."""

    ledger: MemoryLedger

    def controls(self, campaigns: Sequence[str]) -> Mapping[str, Control]:
        """See shared.ports.Campaigns."""
        with self.ledger.lock:
            return {campaign: self.ledger.controls.get(campaign, Control(campaign)) for campaign in campaigns}

    def change(self, campaign: str, change: Callable[[Control], Control]) -> Control:
        """See shared.ports.Campaigns."""
        with self.ledger.lock:
            before = self.controls([campaign])[campaign]
            self.ledger.controls[campaign] = after = change(before)
            return after

    def pass_over(self, campaign: str, period: str, tallied: str, member: MemberId, reason: str) -> None:
        """See shared.ports.Campaigns."""
        counts = Counter({f"passed:{reason}": 1})
        # Where it was counted before, nothing is written.
        self.ledger.transact(
            [
                Write.put(self.ledger.passed, (campaign, period, member), reason),
                self.ledger.counted(campaign, tallied, member, counts),
            ]
        )

    def given(self, campaign: str, period: str, members: Sequence[MemberId]) -> frozenset[MemberId]:
        """See shared.ports.Campaigns."""
        with self.ledger.lock:
            return frozenset(member for member in members if grant_key(campaign, period, member) in self.ledger.posted)

    def tallies(self, campaign: str) -> Mapping[str, Counter[str]]:
        """See shared.ports.Campaigns."""
        found: dict[str, Counter[str]] = {}
        with self.ledger.lock:
            for (of, period, _), counts in self.ledger.given.items():
                if of == campaign:
                    found.setdefault(period, Counter()).update(counts)
        return found


@dataclass(frozen=True)
class MemoryBudgets:
    """Implements shared.ports.Budgets over the shelves of a ledger in memory."""

    ledger: MemoryLedger

    def spent(self, budgets: Sequence[BudgetKey]) -> Mapping[BudgetKey, int]:
        """See shared.ports.Budgets."""
        with self.ledger.lock:
            return {budget: self.ledger.budgets.get(budget, 0) for budget in budgets}


@dataclass(frozen=True)
class MemoryRuns:
    """Implements shared.ports.Runs beside a ledger in memory."""

    ledger: MemoryLedger
    begun: dict[str, Run] = field(default_factory=dict)
    shelf: dict[tuple[str, str], Part] = field(default_factory=dict)
    tickets: dict[tuple[str, str], dict[tuple[str, MemberId], bool]] = field(default_factory=dict)

    def begin(self, run: Run) -> Run | None:
        """See shared.ports.Runs."""
        return run if self.ledger.transact([Write.put(self.begun, run.name, run)]) else None

    def run(self, name: str) -> Run:
        """See shared.ports.Runs."""
        if name not in self.begun:
            raise RunUnknownError
        return self.begun[name]

    def going(self) -> list[Run]:
        """See shared.ports.Runs."""
        with self.ledger.lock:
            return [run for _, run in sorted(self.begun.items()) if run.ended_at is None]

    def of(self, campaign: str) -> list[Run]:
        """See shared.ports.Runs."""
        with self.ledger.lock:
            return sorted((run for run in self.begun.values() if run.of == campaign), key=lambda run: run.started_at)

    def again(self, run: Run, now: datetime) -> Run | None:
        """See shared.ports.Runs."""
        after = run.again(now)
        read = run.attempt, None
        write = Write(self.begun, run.name, lambda now: now and (now.attempt, now.ended_at) == read, lambda _: after)
        return after if self.ledger.set(write) else None

    def end(self, run: Run, now: datetime) -> Run:
        """See shared.ports.Runs."""
        with self.ledger.lock:
            found = self.run(run.name)
            if found.ended_at is None:
                self.ledger.set(Write(self.begun, run.name, lambda _: True, lambda _: replace(found, ended_at=now)))
            return self.begun[run.name]

    def part(self, run: Run, part: str) -> Part:
        """See shared.ports.Runs."""
        return self.shelf.get((run.name, part), Part())

    def advance(self, run: Run, part: str, before: Part, after: Part) -> bool:
        """See shared.ports.Runs."""
        place, version = (run.name, part), before.version
        return self.ledger.set(
            Write(self.shelf, place, lambda found: (found.version if found else 0) == version, lambda _: after)
        )

    def parts(self, run: Run) -> Mapping[str, Part]:
        """See shared.ports.Runs."""
        with self.ledger.lock:
            return {part: found for (name, part), found in sorted(self.shelf.items()) if name == run.name}

    def parts_of(self, campaign: str, kind: RunKind) -> Mapping[str, Mapping[str, Part]]:
        """See shared.ports.Runs."""
        with self.ledger.lock:
            runs = [run for run in self.begun.values() if (run.of, run.kind) == (campaign, kind)]
            found = {run.period: dict(self.parts(run)) for run in runs}
        return {period: parts for period, parts in found.items() if parts}

    def nominate(self, run: Run, ticket: str, member: MemberId) -> None:
        """See shared.ports.Runs."""
        # Twice is once.
        with self.ledger.lock:
            self.ledger.transact([Write.put(self.tickets.setdefault((run.of, run.period), {}), (ticket, member), True)])

    def candidates(self, run: Run) -> Iterator[tuple[str, MemberId]]:
        """See shared.ports.Runs."""
        with self.ledger.lock:
            found = sorted(self.tickets.get((run.of, run.period), {}))
        yield from found
