"""What comes by date: the standing tick, and the workers of runs. No route leads here."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger
from pydantic import TypeAdapter

from functions.bonuses.models import FinishWork, ListWork, ShardWork, Work, is_tick
from functions.bonuses.run_tick import Tick
from functions.bonuses.visit_member import Giver
from functions.bonuses.work_run import Worker
from shared.domain.entry import MemberId
from shared.entrypoint import metrics, outlets, wiring

SPARE = timedelta(seconds=30)
"""What is left of the function's time when a worker takes no other page: more than a page takes."""

logger = Logger()
_WORK: TypeAdapter[Any] = TypeAdapter(Work)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point. A worker answers with its own work and whether it is `done`."""
    if is_tick(event):
        return tick()
    work = _WORK.validate_python(event)
    match work:
        case ShardWork(run=run, shard=shard):
            done = _worker(context).shard(run, shard)
            return {"task": "shard", "run": run, "shard": shard, "done": done}
        case ListWork(run=run, members=members):
            left = _worker(context).members(run, [MemberId(member) for member in members])
            return {"task": "list", "run": run, "members": left, "done": not left}
        case FinishWork(run=run):
            return {"task": "finish", "run": run, "done": _worker(context).finish(run)}
    return tick()


def tick() -> dict[str, Any]:
    """The standing tick."""
    wired = wiring.wired()
    versions, now = wired.programs.versions(), wired.clock.now()
    if not any(version.effective_from <= now for version in versions):
        # There is nothing yet that could be due.
        metrics.count("Ticks")
        return {"members": 0, "begun": [], "again": []}
    found = Tick(_giver(now), wired.runs, outlets.machine(), _failed).run()
    metrics.count("Ticks")
    if found.late:
        metrics.count("RunsLate", found.late)
    logger.info("ticked", now=now.isoformat(), members=found.members, begun=found.begun, again=found.again, late=found.late)
    return {"members": found.members, "begun": list(found.begun), "again": list(found.again)}


def _giver(now: datetime) -> Giver:
    wired = wiring.wired()
    return Giver(
        wired.ledger,
        wired.campaigns,
        wired.alarms,
        wired.programs.versions,
        now,
        wired.code_rng,
        _once(_budget_spent),
    )


def _once(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Tells each thing the first time alone."""
    told = set[str]()

    def first(what: str) -> None:
        if what not in told:
            told.add(what)
            tell(what)

    return first


def _budget_spent(campaign: str) -> None:
    """An alarm, and a line that says which."""
    metrics.count("CampaignBudgetSpent")
    logger.warning("budget_spent", campaign=campaign)


def _worker(context: Any) -> Worker:
    def time_left() -> bool:
        return bool(context.get_remaining_time_in_millis() > SPARE.total_seconds() * 1000)

    wired = wiring.wired()
    return Worker(_giver(wired.clock.now()), wired.runs, time_left, _failed)


def _failed(member: MemberId, error: Exception) -> None:
    """A member for whom it failed: an alarm, and a line that says who."""
    metrics.count("MembersFailed")
    logger.error("member_failed", member=member, error=type(error).__name__, exc_info=error)
