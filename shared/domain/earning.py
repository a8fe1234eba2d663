"""What a purchase earns (the rules of points, 12-14)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from shared.domain.calendar import local_day
from shared.domain.effect import Effect
from shared.domain.entry import Entry, EntryKind, Share, purchase_key
from shared.domain.errors import (
    BeforeEnrolmentError,
    CurrencyNotAcceptedError,
    OccurredInFutureError,
    TooLateError,
)
from shared.domain.history import History, Reason, post
from shared.domain.points import Credit
from shared.domain.program import Program, ProgramVersion, in_force
from shared.domain.purchase import Purchase
from shared.domain.wallet import Wallet

CLOCK_SKEW_MAX = timedelta(minutes=5)
"""How far a till's clock may run ahead of ours."""


def earn(
    wallet: Wallet, purchase: Purchase, versions: Sequence[ProgramVersion], *, now: datetime, history: History = ()
) -> tuple[Entry, Wallet]:
    """The entry that gives `purchase`'s points, and the wallet after it.

    Rules apply as of `occurred_at`, whatever holds now. Raises MemberMergedError, MemberClosedError, OccurredInFutureError,
    TooLateError,
    BeforeEnrolmentError, CurrencyNotAcceptedError, ProgramMissingError, BeforeProgramError, AmountOverLimitError,
    BalanceOverLimitError.
    """
    wallet.check_open()
    if purchase.occurred_at > now + CLOCK_SKEW_MAX:
        raise OccurredInFutureError(occurred_at=purchase.occurred_at, now=now)
    version = in_force(versions, purchase.occurred_at)
    program = version.program
    _check_age(purchase, wallet, program, now)
    if purchase.currency != program.money_currency:
        raise CurrencyNotAcceptedError(currency=purchase.currency, accepted=program.money_currency)
    why = accrued(purchase, Fraction(purchase.amount), version)
    reason = Reason(
        key=purchase_key(purchase.order_id),
        kind=EntryKind.PURCHASE,
        occurred_at=purchase.occurred_at,
        request_hash=purchase.digest,
        why=why,
        subject=purchase,
    )
    effect = Effect(credits=_credits(purchase, why, program))
    return post(wallet, history, effect, reason, now=now, zone=program.time_zone)


def _check_age(purchase: Purchase, wallet: Wallet, program: Program, now: datetime) -> None:
    occurred_on = local_day(purchase.occurred_at, program.time_zone)
    if (local_day(now, program.time_zone) - occurred_on).days > program.late_days_max:
        raise TooLateError(occurred_on=occurred_on, late_days_max=program.late_days_max)
    enrolled_on = local_day(wallet.enrolled_at, program.time_zone)
    if (enrolled_on - occurred_on).days > program.claim_days:
        raise BeforeEnrolmentError(occurred_on=occurred_on, enrolled_on=enrolled_on, claim_days=program.claim_days)


def accrued(purchase: Purchase, net: Fraction, version: ProgramVersion) -> tuple[Share, ...]:
    """What each rule of `version` gives for `net` minor units of the order's total, floored once at the end.

    What was paid with points or vouchers earns nothing: its part of the total comes off `net`. A refund asks the same question
    again with what is left of the order.
    """
    if purchase.paid_with_rewards:
        net *= Fraction(purchase.amount - purchase.paid_with_rewards, purchase.amount)
    return tuple(
        Share(rule.id, version.version, rule.currency, int(net * rule.per_amount.points // rule.per_amount.minor_units))
        for rule in version.program.earning_rules
    )


def _credits(purchase: Purchase, why: tuple[Share, ...], program: Program) -> tuple[Credit, ...]:
    purchase_day = local_day(purchase.occurred_at, program.time_zone)
    credits = []
    for share in why:
        currency = program.currency(share.currency)
        spendable_from = purchase_day + timedelta(days=currency.pending_days)
        gone_on = currency.expiry.gone_on(purchase_day) if currency.expiry else None
        credits.append(Credit(currency.code, share.points, spendable_from, gone_on))
    return tuple(credits)
