"""Use case: what a campaign gave and what it cost, by period and in all, whatever has become of it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from functions.campaigns.find_campaign import Found, Status, find_campaign, with_runs
from functions.campaigns.read_draw import Drawing, draw_of
from shared.domain.alarm import SHARDS
from shared.domain.cap import BudgetKey
from shared.domain.errors import RunUnknownError
from shared.domain.granting import PASSED_OVER
from shared.domain.run import LISTED, Part, Run, RunKind, summed
from shared.ports import Budgets, Campaigns, Clock, Programs, Runs


@dataclass(frozen=True, slots=True)
class Progress:
    """A run, and how many of its parts are done; `parts` is None for a list, whose parts are as many as the machine makes."""

    run: Run
    parts_done: int
    parts: int | None

    @classmethod
    def of(cls, run: Run, parts: Mapping[str, Part]) -> "Progress":
        """The progress that the parts of a run are."""
        done = [name for name, part in parts.items() if part.done]
        if run.member_list:
            return cls(run, sum(name.startswith(LISTED) for name in done), None)
        return cls(run, sum(name.isdigit() for name in done), SHARDS)


@dataclass(frozen=True, slots=True)
class Limit:
    """What limits a campaign in all: how many bonuses (`grants_max`), or points of a cap of the program."""

    name: str
    currency: str | None
    most: int
    spent: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a campaign did. `periods` are what it gave and whom it passed over: as the ledger counted it, and a date's runs."""

    status: Status
    periods: Mapping[str, Counter[str]]
    limits: list[Limit]
    progress: list[Progress]
    drawing: Drawing | None
    in_all: Counter[str] = field(default_factory=Counter)


def read_report(id: str, *, campaigns: Campaigns, runs: Runs, budgets: Budgets, programs: Programs, clock: Clock) -> Report:
    """The report of a campaign. Raises CampaignUnknownError, TryAgainError."""
    status = with_runs(find_campaign(id, campaigns=campaigns, programs=programs, clock=clock), runs=runs)
    parts = {kind: runs.parts_of(id, kind) for kind in (RunKind.CAMPAIGN, RunKind.VISIT, RunKind.DRY_RUN)}
    periods = {period: Counter(counts) for period, counts in campaigns.tallies(id).items()}
    for period, counted in parts[RunKind.CAMPAIGN].items():
        periods.setdefault(period, Counter()).update(_passed_over(counted.values()))
    in_all = Counter[str]()
    for counts in periods.values():
        in_all.update(counts)
    return Report(
        status=status,
        periods=dict(sorted(periods.items())),
        limits=list(_limits(status, budgets)),
        progress=[Progress.of(run, parts[run.kind].get(run.period, {})) for run in status.runs],
        drawing=_latest_draw(status, campaigns=campaigns, runs=runs, programs=programs),
        in_all=in_all,
    )


def _passed_over(parts: Iterable[Part]) -> Counter[str]:
    """Whom a date's run passed over, of all that its parts count."""
    counts = summed(iter(parts))
    return Counter({f"passed:{reason}": counts[reason] for reason in PASSED_OVER if counts.get(reason)})


def _limits(status: Status, budgets: Budgets) -> Iterator[Limit]:
    found: Found = status.found
    campaign, program, day = found.campaign, found.version.program, found.version.today(status.now)
    if campaign.grants_max is not None:
        key = BudgetKey(f"grants:{campaign.id}", None)
        yield Limit("grants_max", None, campaign.grants_max, budgets.spent([key])[key])
    for cap in (program.caps_by_id[name] for name in campaign.caps):
        if cap.scope == "program":
            yield Limit(cap.id, cap.currency, program.limit_of(cap), sum(budgets.spent(cap.keys(day)).values()))


def _latest_draw(status: Status, *, campaigns: Campaigns, runs: Runs, programs: Programs) -> Drawing | None:
    """The last draw of the campaign, if there was one."""
    run = next((run for run in status.runs if run.kind is RunKind.CAMPAIGN), None)
    if run is None:
        return None
    try:
        return draw_of(run, campaigns=campaigns, runs=runs, programs=programs)
    except RunUnknownError:
        return None
