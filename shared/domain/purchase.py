"""A purchase as a till or a shop server reports it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from shared.domain.digest import request_hash
from shared.domain.errors import AmountOverLimitError, MixedCurrenciesError, RequestInvalidError

AMOUNT_MAX = 10**9
"""Minor units that one order may come to."""
LINES_MAX = 500
"""Lines that one order may have."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order. `amount` is the line's total in minor units, not the price of a piece; both may be 0."""

    sku: str
    quantity: int
    amount: int
    category: str | None = None


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """An order of one member, in one currency of money (ISO 4217), that occurred at an aware instant.

    `paid_with_rewards` are the minor units of the total that were paid with points or vouchers, which earn nothing.
    `attributes` are the shop's own, which rules may ask for.
    """

    order_id: str
    member_id: str
    currency: str
    occurred_at: datetime
    lines: tuple[Line, ...]
    channel: str | None = None
    store: str | None = None
    paid_with_rewards: int | None = None
    attributes: Mapping[str, str | int | bool] | None = None

    @property
    def amount(self) -> int:
        """The order's total in minor units."""
        return sum(line.amount for line in self.lines)

    @cached_property
    def digest(self) -> bytes:
        """What tells a repeated order from a changed one; made once, for it takes a third of an earn's time."""
        return request_hash(self)

    def check(self, line_currencies: tuple[str | None, ...] = ()) -> None:
        """Refuse what no program could accept. Raises MixedCurrenciesError, AmountOverLimitError, RequestInvalidError."""
        for currency in line_currencies:
            if currency is not None and currency != self.currency:
                raise MixedCurrenciesError(currency=self.currency, line_currency=currency)
        if self.amount > AMOUNT_MAX:
            raise AmountOverLimitError(amount=self.amount, amount_max=AMOUNT_MAX)
        if (self.paid_with_rewards or 0) > self.amount:
            reason = f"is more than the order's total of {self.amount}"
            raise RequestInvalidError(faults=[{"path": "paid_with_rewards", "reason": reason}])
