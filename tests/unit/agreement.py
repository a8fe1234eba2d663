"""Whether the domain's books and the plain rules say the same of a member."""

from __future__ import annotations

from datetime import date

from shared.domain.wallet import Wallet
from tests.unit.books import DAY_0, redemption
from tests.unit.plain import State


def told(wallet: Wallet) -> dict[str, object]:
    """What a wallet says, point by point, with days as numbers."""
    purse = wallet.purse("points")
    points = [(n, lot) for lot in purse.lots for n in range(lot.first, lot.last + 1)]
    return {
        "active": [(n, number(lot.gone_on)) for n, lot in points if not lot.spendable_from],
        "pending": [(n, number(lot.spendable_from), number(lot.gone_on)) for n, lot in points if lot.spendable_from],
        "debt": purse.debt,
        "issued": purse.issued,
        "redeemed": purse.redeemed,
        "expired": purse.expired,
        "adjusted": purse.adjusted,
        "holds": {hold.key: number(hold.lapses_on) for hold in wallet.holds},
        "claims": {(claim.reward, number(claim.until)): claim.count for claim in wallet.claims},
        "closed": wallet.closed,
    }


def due(state: State) -> dict[str, object]:
    """What the plain rules say, in the same words."""
    return {
        "active": [(point.serial, point.gone) for point in state.at("active")],
        "pending": [(point.serial, point.spendable, point.gone) for point in state.at("pending")],
        "debt": state.debt,
        "issued": state.totals["issued"],
        "redeemed": state.totals["redeemed"],
        "expired": state.expired,
        "adjusted": state.totals["adjusted"],
        "holds": {redemption(name): lapses for name, lapses in state.holds.items()},
        "claims": dict(state.claims),
        "closed": state.closed,
    }


def number(day: date | None) -> int | None:
    """The number of a local day."""
    return None if day is None else (day - DAY_0).days
