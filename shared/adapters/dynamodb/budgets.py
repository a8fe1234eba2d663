"""What was given of budgets, on DynamoDB: one item for each budget and period, moved only beside entries (see changes.py)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import budget_key
from shared.domain.cap import BudgetKey


@dataclass(frozen=True)
class DynamoBudgets:
    """Budgets over a `Store`."""

    store: Store

    def spent(self, budgets: Sequence[BudgetKey]) -> Mapping[BudgetKey, int]:
        """See ports.Budgets."""
        items = self.store.get_all([budget_key(budget) for budget in budgets])
        return {budget: int(item["spent"]) if item else 0 for budget, item in zip(budgets, items, strict=True)}
