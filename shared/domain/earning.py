"""What a purchase earns (the rules of points, 12-14)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.domain.calendar import local_day
from shared.domain.entry import Entry, EntryKind, Share, purchase_key
from shared.domain.errors import (
    BeforeEnrolmentError,
    CurrencyNotAcceptedError,
    MemberClosedError,
    OccurredInFutureError,
    TooLateError,
)
from shared.domain.points import Credit
from shared.domain.program import Program, ProgramVersion, in_force
from shared.domain.purchase import Purchase
from shared.domain.wallet import Accrual, Reason, Wallet

CLOCK_SKEW_MAX = timedelta(minutes=5)
"""How far a till's clock may run ahead of ours."""


def earn(wallet: Wallet, purchase: Purchase, versions: Sequence[ProgramVersion], *, now: datetime) -> tuple[Entry, Wallet]:
    """The entry that gives `purchase`'s points, and the wallet after it.

    Rules apply as of `occurred_at`, whatever holds now. Raises MemberClosedError, OccurredInFutureError, TooLateError,
    BeforeEnrolmentError, CurrencyNotAcceptedError, ProgramMissingError, BeforeProgramError, AmountOverLimitError,
    BalanceOverLimitError.
    """
    if wallet.closed:
        raise MemberClosedError
    if purchase.occurred_at > now + CLOCK_SKEW_MAX:
        raise OccurredInFutureError(occurred_at=purchase.occurred_at, now=now)
    version = in_force(versions, purchase.occurred_at)
    program = version.program
    _check_age(purchase, wallet, program, now)
    if purchase.currency != program.money_currency:
        raise CurrencyNotAcceptedError(currency=purchase.currency, accepted=program.money_currency)
    credits, why = _accrue(purchase, version)
    reason = Reason(
        key=purchase_key(purchase.order_id),
        kind=EntryKind.PURCHASE,
        occurred_at=purchase.occurred_at,
        request_hash=purchase.digest,
        why=why,
        purchase=purchase,
    )
    return wallet.posted(Accrual(credits), reason, now=now, zone=program.time_zone)


def _check_age(purchase: Purchase, wallet: Wallet, program: Program, now: datetime) -> None:
    occurred_on = local_day(purchase.occurred_at, program.time_zone)
    if (local_day(now, program.time_zone) - occurred_on).days > program.late_days_max:
        raise TooLateError(occurred_on=occurred_on, late_days_max=program.late_days_max)
    enrolled_on = local_day(wallet.enrolled_at, program.time_zone)
    if (enrolled_on - occurred_on).days > program.claim_days:
        raise BeforeEnrolmentError(occurred_on=occurred_on, enrolled_on=enrolled_on, claim_days=program.claim_days)


def _accrue(purchase: Purchase, version: ProgramVersion) -> tuple[tuple[Credit, ...], tuple[Share, ...]]:
    """The order's points per rule, floored once on the order's total, and their reasons."""
    program = version.program
    purchase_day = local_day(purchase.occurred_at, program.time_zone)
    credits, why = [], []
    for rule in program.earning_rules:
        currency = program.currency(rule.currency)
        points = purchase.amount * rule.per_amount.points // rule.per_amount.minor_units
        spendable_from = purchase_day + timedelta(days=currency.pending_days)
        gone_on = currency.expiry.gone_on(purchase_day) if currency.expiry else None
        credits.append(Credit(currency.code, points, spendable_from, gone_on))
        why.append(Share(rule.id, version.version, currency.code, points))
    return tuple(credits), tuple(why)
