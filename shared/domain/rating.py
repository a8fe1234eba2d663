"""What a program gives for an order: which rules and benefits apply, what they give, and what that counts against."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from math import floor

from shared.domain.accrual import Basket, Bonus, Part, SharedRooms, Standalone, StoredRooms, accrue
from shared.domain.boost import BOOST, Boost, percent_of
from shared.domain.calendar import local_day
from shared.domain.cap import BudgetKey, Cap
from shared.domain.counts import Count, credit_name
from shared.domain.decision import BudgetMoved
from shared.domain.entry import Entry, Share
from shared.domain.membership import multiplier
from shared.domain.points import Credit
from shared.domain.program import Program, ProgramVersion
from shared.domain.purchase import Purchase
from shared.domain.rule import Occasion
from shared.domain.tier import Level
from shared.domain.wallet import Wallet

TIER, MEMBERSHIP = "tier:", "membership:"
"""How the multiplier of a tier or a membership is named among the reasons."""


def occasion_of(purchase: Purchase, program: Program) -> Occasion:
    """An order as far as time and place go."""
    return Occasion(
        at=purchase.occurred_at,
        zone=program.zone_at(purchase.store),
        channel=purchase.channel,
        store=purchase.store,
        told=purchase.attributes or {},
        seasons=program.seasons_by_id,
    )


def budgets_of(program: Program, rules: Iterable[str], day: date) -> tuple[BudgetKey, ...]:
    """The budgets that these rules draw on, for an order of the local day `day`."""
    names = dict.fromkeys(cap for rule in rules for cap in program.caps_of_rules.get(rule, ()))
    caps = [program.caps_by_id[name] for name in names]
    return tuple(key for cap in caps if cap.scope == "program" for key in cap.keys(day))


def rooms_of(program: Program, wallet: Wallet, budgets: Mapping[BudgetKey, int], day: date) -> SharedRooms:
    """What every cap leaves for an order of the local day `day`. Budgets that were not asked for are not looked at."""

    def left(cap: Cap) -> int:
        limit = program.limit_of(cap)
        if cap.scope == "member":
            return max(0, limit - wallet.counted(cap.count_name, cap.since(day)))
        return sum(max(0, most - budgets.get(key, 0)) for key, most in _limits(cap, limit, day, budgets).items())

    return SharedRooms({cap.id: left(cap) for cap in program.caps}, program.caps_of_rules)


def _limits(cap: Cap, limit: int, day: date, budgets: Mapping[BudgetKey, int]) -> dict[BudgetKey, int]:
    """How much each shard may give: its part of the limit.

    A new version with a lower limit may leave a shard with more given than its part. What it gave too much comes off the parts
    of the others, in their order, so that two orders at once which draw on two shards cannot both have it.
    """
    parts = {key: cap.part_of(limit, key.shard) for key in cap.keys(day)}
    over = sum(max(0, budgets.get(key, 0) - part) for key, part in parts.items())
    for key, part in parts.items():
        off = min(over, max(0, part - budgets.get(key, 0)))
        parts[key], over = part - off, over - off
    return parts


def rate(
    basket: Basket,
    occasion: Occasion,
    level: Level | None,
    program: Program,
    rooms: SharedRooms,
    boosts: Iterable[Boost] = (),
) -> tuple[Part, ...]:
    """What each rule, benefit and multiplier voucher that applies gives for an order."""
    rules = program.rules_at(occasion.channel, occasion.store)
    base = [rule for rule in rules.base if occasion.meets(rule.when) and not basket.exceeds(rule.when)]
    bonuses: list[Bonus] = [rule for rule in rules.bonuses if occasion.meets(rule.when)]
    bonuses += _of_tier(level)
    for currency in program.currencies:
        if found := multiplier(occasion.memberships, program.memberships, currency.code):
            bonuses.append(Standalone(MEMBERSHIP + found[0], currency.code, found[1]))
    bonuses += [Standalone(boost.rule, boost.currency, boost.percent) for boost in boosts]
    return accrue(basket, base, bonuses, program.stacking, rooms)


def _of_tier(level: Level | None) -> list[Standalone]:
    if level is None:
        return []
    return [Standalone(TIER + level.id, m.currency, m.percent) for m in level.benefits.multipliers]


def rate_again(
    purchase: Purchase, bought: Entry, version: ProgramVersion, baskets: Sequence[Basket]
) -> Iterator[tuple[Part, ...]]:
    """What the rules that gave something for an order give for each of `baskets`, with the inputs that its entry keeps."""
    program = version.program
    gave = {(share.rule, share.currency) for share in bought.why}
    base = [rule for rule in program.purchase_rules if (rule.id, rule.currency) in gave]
    bonuses: list[Bonus] = [rule for rule in program.bonus_rules if (rule.id, rule.currency) in gave]
    bonuses += [_standalone(share, program) for share in bought.why if share.rule not in program.rules_by_id]
    capped = [share for share in bought.why if share.room is not None]
    rooms = StoredRooms(
        {share.rule: share.room for share in capped if share.room is not None}, {share.rule: share.points for share in capped}
    )
    bought_basket = basket_of(purchase, [line.amount for line in purchase.lines], program)
    whole = accrue(bought_basket, base, bonuses, program.stacking, rooms)
    cuts = {part.rule: part.cut for part in whole}
    for basket in baskets:
        same = basket == bought_basket
        yield whole if same else accrue(basket, base, bonuses, program.stacking, rooms, cuts)


def _standalone(share: Share, program: Program) -> Standalone:
    if share.rule.startswith(BOOST):
        return Standalone(share.rule, share.currency, percent_of(share.rule))
    if share.rule.startswith(TIER):
        level = program.tiers.level(share.rule.removeprefix(TIER)) if program.tiers else None
        found = level.benefits.multipliers if level else []
    else:
        found = [m for plan in program.memberships if MEMBERSHIP + plan.id == share.rule for m in plan.benefits.multipliers]
    [percent] = [multiplier.percent for multiplier in found if multiplier.currency == share.currency]
    return Standalone(share.rule, share.currency, percent)


def shares(parts: Iterable[Part], version: int) -> tuple[Share, ...]:
    """The parts as the reasons of an entry."""
    return tuple(Share(part.rule, version, part.currency, part.points, part.room) for part in parts)


def counts_of(parts: Sequence[Part], basket: Basket | None, program: Program, day: date) -> tuple[Count, ...]:
    """What an order of `day` (an activity: no basket) counts: qualifying credit, and what it used of the member's caps."""
    counts = list(_credit(parts, basket, program, day))
    for name, points in _used(parts, program).items():
        cap = program.caps_by_id[name]
        if cap.scope == "member" and points:
            counts.append(Count(cap.count_name, cap.since(day), points))
    return tuple(counts)


def _credit(parts: Sequence[Part], basket: Basket | None, program: Program, day: date) -> list[Count]:
    tiers = program.tiers
    if tiers is None:
        return []
    match tiers.metric:
        case "points":
            # Of the exact parts: a share holds what other shares lost by their floors.
            amount = floor(sum(part.exact for part in parts if part.qualifying and part.currency == tiers.currency))
        case "spend":
            amount = floor(basket.money()) if basket else 0
        case "orders":
            amount = 1 if basket and basket.money() else 0
        case _:
            amount = 0
    return [Count(credit_name(tiers.measure), day, amount)] if amount else []


def _used(parts: Iterable[Part], program: Program) -> dict[str, int]:
    """Points by cap."""
    used: dict[str, int] = {}
    for part in parts:
        for cap in program.caps_of_rules.get(part.rule, ()):
            used[cap] = used.get(cap, 0) + part.held
    return used


def budgets_drawn(
    parts: Sequence[Part], program: Program, member: str, day: date, budgets: Mapping[BudgetKey, int]
) -> tuple[BudgetMoved, ...]:
    """What a member's order of `day` draws from budgets as they were read: of its own shard first, the rest of its siblings."""
    moves: list[BudgetMoved] = []
    for name, points in _used(parts, program).items():
        cap, left = program.caps_by_id[name], points
        if cap.scope == "member":
            continue
        home, limits = cap.home(member), list(_limits(cap, program.limit_of(cap), day, budgets).items())
        for key, most in (*limits[home:], *limits[:home]):
            if drawn := min(left, max(0, most - budgets.get(key, 0))):
                moves.append(BudgetMoved(key, drawn, most))
                left -= drawn
    return tuple(moves)


def budgets_returned(
    before: Sequence[Part], after: Sequence[Part], program: Program, member: str, day: date
) -> tuple[BudgetMoved, ...]:
    """What comes back to budgets where an order that used `before` of them now uses `after`."""
    had, has, moves = _used(before, program), _used(after, program), []
    for name, points in had.items():
        cap, back = program.caps_by_id[name], points - has.get(name, 0)
        if cap.scope == "program" and back:
            moves.append(BudgetMoved(BudgetKey(name, cap.since(day), cap.home(member)), -back))
    return tuple(moves)


def together(moves: Iterable[BudgetMoved]) -> tuple[BudgetMoved, ...]:
    """Movements of budgets, in order, with each budget moved once, as a transaction asks for; within the limit of each.

    Two versions of a program may allow more or less of one budget: a limit is for what was given by its own movement.
    """
    found: dict[BudgetKey, BudgetMoved] = {}
    for move in moves:
        before = found.get(move.key, BudgetMoved(move.key, 0))
        earlier = None if before.limit is None else before.limit + move.points
        limits = [limit for limit in (earlier, move.limit) if limit is not None]
        found[move.key] = BudgetMoved(move.key, before.points + move.points, min(limits, default=None))
    return tuple(found.values())


def day_of(purchase: Purchase, program: Program) -> date:
    """The local day of the program's zone on which an order counts."""
    return local_day(purchase.occurred_at, program.time_zone)


def basket_of(purchase: Purchase, net: Sequence[Fraction | int], program: Program) -> Basket:
    """What is left of an order, `net` by line, as far as it earns."""
    return Basket.of(purchase, net, program.earns)


def credits_of(why: Sequence[Share], program: Program, day: date) -> tuple[Credit, ...]:
    """The points of `why`, by currency, with the dates that points of the local day `day` have."""
    points: dict[str, int] = {}
    for share in why:
        points[share.currency] = points.get(share.currency, 0) + share.points
    credits = []
    for code, given in points.items():
        currency = program.currency(code)
        spendable_from = day + timedelta(days=currency.pending_days)
        gone_on = currency.expiry.gone_on(day) if currency.expiry else None
        credits.append(Credit(code, given, spendable_from, gone_on))
    return tuple(credits)
