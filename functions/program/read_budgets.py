"""Use case: what is left of the budgets that all members share."""

from dataclasses import dataclass

from shared.domain.cap import BudgetKey, Cap
from shared.domain.program import in_force
from shared.ports import Budgets, Clock, Programs


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """A budget in the period of today: points that may be given in all and that were given so far."""

    cap: Cap
    key: BudgetKey
    limit: int
    spent: int


def read_budgets(*, budgets: Budgets, programs: Programs, clock: Clock) -> list[BudgetLeft]:
    """Every budget of the program in force. Raises ProgramMissingError, BeforeProgramError, TryAgainError."""
    now = clock.now()
    version = in_force(programs.versions(), now)
    program, today = version.program, version.today(now)
    caps = {BudgetKey(cap.id, cap.since(today)): cap for cap in program.caps if cap.scope == "program"}
    spent = budgets.spent(list(caps))
    return [BudgetLeft(cap, key, program.limit_of(cap), spent[key]) for key, cap in caps.items()]
