"""What a purchase earns (the rules of points, 12-15)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from shared.domain.boost import best_boosts, used_of
from shared.domain.calendar import CLOCK_SKEW_MAX, local_day
from shared.domain.counts import ORDERS
from shared.domain.decision import Decision, View, Wanted
from shared.domain.effect import Effect
from shared.domain.entry import EntryKind, purchase_key
from shared.domain.errors import (
    BeforeEnrolmentError,
    BeforeProgramError,
    CurrencyNotAcceptedError,
    OccurredInFutureError,
    ProgramMissingError,
    TooLateError,
)
from shared.domain.history import Reason, day_of_entry, post
from shared.domain.membership import active_at
from shared.domain.order_grants import bring, purchase_wanted
from shared.domain.program import Program, ProgramVersion, in_force
from shared.domain.purchase import Purchase
from shared.domain.qualifying import by_order, order_wanted, settle
from shared.domain.rating import (
    basket_of,
    budgets_drawn,
    budgets_of,
    counts_of,
    credits_of,
    day_of,
    occasion_of,
    rate,
    rooms_of,
    shares,
)
from shared.domain.standing import Course, course_now, tier_at, told
from shared.domain.wallet import Wallet


def wanted(purchase: Purchase, versions: Sequence[ProgramVersion]) -> Wanted:
    """What `earn` reads beside the wallet: the budgets that the order may draw on, and the profile if a rule asks for it."""
    found = both(_wanted(purchase, program) for program in possible_programs(purchase.occurred_at, versions))
    return replace(found, referral=order_wanted(purchase, versions))


def possible_programs(occurred_at: datetime, versions: Sequence[ProgramVersion]) -> list[Program]:
    """The programs that something may meet which says that it occurred then: the sender's clock may be ahead of ours.

    None where `version_for` refuses it, unless it was recorded before.
    """
    found: dict[int, Program] = {}
    for at in (occurred_at, occurred_at - CLOCK_SKEW_MAX):
        try:
            version = in_force(versions, at)
        except (ProgramMissingError, BeforeProgramError):
            continue
        found[version.version] = version.program
    return list(found.values())


def both(wanted: Iterable[Wanted]) -> Wanted:
    """All that any of these asks for."""
    found = list(wanted)
    budgets = dict.fromkeys(key for one in found for key in one.budgets)
    campaigns = dict.fromkeys(campaign for one in found for campaign in one.campaigns)
    return Wanted(profile=any(one.profile for one in found), budgets=tuple(budgets), campaigns=tuple(campaigns))


def _wanted(purchase: Purchase, program: Program) -> Wanted:
    occasion = occasion_of(purchase, program)
    here = program.rules_at(purchase.channel, purchase.store)
    rules = [rule for rule in here.asking if occasion.possible(rule.when)]
    capped = [rule.id for rule in rules if rule.caps]
    asks = any(rule.when.asks_profile for rule in rules)
    rules_want = Wanted(profile=asks, budgets=budgets_of(program, capped, day_of(purchase, program)))
    return both((rules_want, purchase_wanted(purchase, program)))


def earn(view: View, purchase: Purchase, versions: Sequence[ProgramVersion]) -> Decision:
    """The entry that gives `purchase`'s points, the wallet after it, what it draws from budgets, and what it does for whoever
    brought the member.

    Rules, windows and tier apply as of `occurred_at`, whatever holds now. `view` has what is `wanted`. Raises
    MemberMergedError, MemberClosedError, OccurredInFutureError, TooLateError, BeforeEnrolmentError, CurrencyNotAcceptedError,
    ProgramMissingError, BeforeProgramError, AmountOverLimitError, BalanceOverLimitError.
    """
    wallet, now = view.wallet, view.now
    version = version_for(wallet, purchase.occurred_at, versions, now)
    program = version.program
    if purchase.currency != program.money_currency:
        raise CurrencyNotAcceptedError(currency=purchase.currency, accepted=program.money_currency)
    day = day_of(purchase, program)
    basket = basket_of(purchase, [line.amount for line in purchase.lines], program)
    level = tier_at(wallet, view.history, Course.by(versions, version), purchase.occurred_at)
    occasion = replace(
        occasion_of(purchase, program),
        order_number=wallet.counted(ORDERS) + 1,
        tier=level.id if level else None,
        memberships=active_at(wallet.terms, purchase.occurred_at),
        attributes=view.profile.attributes if view.profile else {},
    )
    boosts = best_boosts(wallet.counts, day)
    parts = rate(basket, occasion, level, program, rooms_of(program, wallet, view.budgets, day), boosts)
    why = shares(parts, version.version)
    progress, course = by_order(view, purchase, versions), course_now(versions, now)
    drawn = budgets_drawn(parts, program, purchase.member_id, day, view.budgets)
    effect = Effect(
        credits=credits_of(why, program, day),
        counts=(*counts_of(parts, basket, program, day), *used_of(boosts, parts)),
        referral=progress.referred if progress else None,
    )
    effect = told(wallet, course, day_of_entry(wallet, now, program.time_zone), effect)
    reason = Reason(
        key=purchase_key(purchase.order_id),
        kind=EntryKind.PURCHASE,
        occurred_at=purchase.occurred_at,
        request_hash=purchase.digest,
        why=why,
        subject=purchase,
    )
    entry, after = post(wallet, view.history, effect, reason, now=now, zone=program.time_zone)
    decision = settle(view, Decision(entry, after, drawn), progress, versions)
    return bring(view, decision, basket, version, course, occasion)


def version_for(wallet: Wallet, occurred_at: datetime, versions: Sequence[ProgramVersion], now: datetime) -> ProgramVersion:
    """The version that something meets which occurred then. Raises as `earn`, but for the currency and the amounts."""
    wallet.check_open()
    if occurred_at > now + CLOCK_SKEW_MAX:
        raise OccurredInFutureError(occurred_at=occurred_at, now=now)
    # What a clock that is ahead dates into the future meets what is known now, in every container.
    version = in_force(versions, min(occurred_at, now))
    _check_age(occurred_at, wallet, version.program, now)
    return version


def _check_age(occurred_at: datetime, wallet: Wallet, program: Program, now: datetime) -> None:
    occurred_on = local_day(occurred_at, program.time_zone)
    # What the wallet does not keep any more could not be counted: a program that once took less late orders is held to it.
    forgotten = wallet.forgotten is not None and occurred_on < wallet.forgotten.kept_from
    if forgotten or (local_day(now, program.time_zone) - occurred_on).days > program.late_days_max:
        raise TooLateError(occurred_on=occurred_on, late_days_max=program.late_days_max)
    enrolled_on = local_day(wallet.enrolled_at, program.time_zone)
    if (enrolled_on - occurred_on).days > program.claim_days:
        raise BeforeEnrolmentError(occurred_on=occurred_on, enrolled_on=enrolled_on, claim_days=program.claim_days)
