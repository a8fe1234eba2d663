"""Runs: one pass of workers over many members, in parts that go on where they stopped (docs/campaigns.md)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

LATE_AFTER = timedelta(hours=1)
"""A run of which no part got on for so long is told to operators, and its workers are started again."""
LISTED = "list-"
"""How the parts are named that are batches of a list; those of the roster have the shard's number."""
NOBODYS = "-"
"""Stands for the campaign in the name of a run of none: no campaign is called that."""


class RunKind(StrEnum):
    """What a run does with each member: look at all that is due, give a campaign's bonus, or only count what it would give."""

    SWEEP = "sweep"
    VISIT = "visit"
    CAMPAIGN = "campaign"
    DRY_RUN = "dry_run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run. A `campaign`'s run keeps the program `version` that was in force at `due_at`, whatever is changed since.

    `attempt` counts how often its workers were started. `breakage_percent` is what a dry run reckons with.
    """

    kind: RunKind
    campaign: str | None
    period: str
    version: int
    due_at: datetime
    started_at: datetime
    ended_at: datetime | None = None
    attempt: int = 1
    attempted_at: datetime | None = None
    member_list: str | None = None
    breakage_percent: int = 0

    @property
    def of(self) -> str:
        """The campaign; for book-keeping, the kind."""
        return run_of(self.kind, self.campaign)

    @property
    def name(self) -> str:
        """The run's name among all runs: letters, digits, `-`, `_` and `.`."""
        return f"{self.kind}.{self.campaign or NOBODYS}.{self.period}"

    def again(self, now: datetime) -> Self:
        """The run as its workers are started once more."""
        return replace(self, attempt=self.attempt + 1, attempted_at=now)

    def is_late(self, now: datetime, last_seen: datetime | None = None) -> bool:
        """Whether no worker of the run got on for too long; `last_seen` is when one last did."""
        since = max(filter(None, (self.started_at, self.attempted_at, last_seen)))
        return self.ended_at is None and now - since > LATE_AFTER


def run_of(kind: RunKind, campaign: str | None) -> str:
    """Whose a run is: the campaign's; for book-keeping, the kind."""
    return campaign or kind.upper()


def place_of(name: str) -> tuple[RunKind, str | None, str]:
    """Kind, campaign and period of a run's name. Raises ValueError for any other text."""
    kind, campaign, period = name.split(".", 2)
    return RunKind(kind), None if campaign == NOBODYS else campaign, period


@dataclass(frozen=True, slots=True)
class Part:
    """How far one part of a run has come: `cursor` is the last member that was looked at; `counts` are of all up to it.

    `at` is when it last got on.
    """

    cursor: str | None = None
    done: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    version: int = 0
    at: datetime | None = None

    def further(self, cursor: str | None, counts: Mapping[str, int], *, done: bool) -> "Part":
        """The part after some more members."""
        names = {*self.counts, *counts}
        total = {name: self.counts.get(name, 0) + counts.get(name, 0) for name in sorted(names)}
        return Part(cursor, done, total, self.version + 1)


def summed(parts: Iterator[Part]) -> dict[str, int]:
    """The counts of parts together."""
    total = Part()
    for part in parts:
        total = total.further(None, part.counts, done=True)
    return dict(total.counts)
