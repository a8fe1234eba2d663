"""Use case: what is left of the budgets that all members share."""

from dataclasses import dataclass
from datetime import date

from shared.domain.cap import Cap
from shared.domain.program import in_force
from shared.ports import Budgets, Clock, Programs


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """A budget in the period of today: points that may be given in all and that were given so far."""

    cap: Cap
    since: date | None
    limit: int
    spent: int


def read_budgets(*, budgets: Budgets, programs: Programs, clock: Clock) -> list[BudgetLeft]:
    """Every budget of the program in force. Raises ProgramMissingError, BeforeProgramError, TryAgainError."""
    now = clock.now()
    version = in_force(programs.versions(), now)
    program, today = version.program, version.today(now)
    caps = [cap for cap in program.caps if cap.scope == "program"]
    spent = budgets.spent([key for cap in caps for key in cap.keys(today)])
    return [
        BudgetLeft(cap, cap.since(today), program.limit_of(cap), sum(spent[key] for key in cap.keys(today))) for cap in caps
    ]
