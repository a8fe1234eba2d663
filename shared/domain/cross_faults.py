"""What is wrong between the parts of a program document: names used twice or that are not there, each with its path."""

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from shared.domain.season import edge_fault, edge_faults

if TYPE_CHECKING:
    from shared.domain.program import Program
    from shared.domain.referral import Campaign, ReferralReward, ReferralTerms
    from shared.domain.tier import Benefits

Fault = tuple[str, str]
"""A path and a reason."""
BUDGET_SHARDS_MAX = 40
PURCHASE_CAMPAIGNS_MAX = 10
"""Campaigns that come with an order; each is up to four of the hundred writes of its transaction."""
ROWS_MAX = 12_000
"""Counts of caps and limits in one wallet; each takes about 6 bytes of an item of at most 400 KB."""
DAYS_OF = {"day": 1, "week": 7, "month": 28, "year": 365}


def cross_faults(program: "Program") -> list[dict[str, str]]:
    """Every fault between parts of a program that are right by themselves, as `{"path": ..., "reason": ...}`."""
    found = [
        *_twice(program),
        *_seasons(program),
        *_caps(program),
        *_budgets(program),
        *_rows(program),
        *_rules(program),
        *_benefits(program),
        *_exchanges(program),
        *_referral(program),
        *_campaigns(program),
    ]
    return [{"path": path, "reason": reason} for path, reason in found]


def _twice(program: "Program") -> Iterator[Fault]:
    named: dict[str, tuple[str, list[str]]] = {
        "currencies": ("code", [currency.code for currency in program.currencies]),
        "stores": ("id", [store.id for store in program.stores]),
        "seasons": ("id", [season.id for season in program.seasons]),
        "caps": ("id", [cap.id for cap in program.caps]),
        "earning_rules": ("id", [rule.id for rule in program.earning_rules]),
        "memberships": ("id", [plan.id for plan in program.memberships]),
        "recognitions": ("id", [recognition.id for recognition in program.recognitions]),
        "campaigns": ("id", [campaign.id for campaign in program.campaigns]),
        "frequency_caps": ("per", [cap.per for cap in program.frequency_caps]),
    }
    for part, (field, ids) in named.items():
        seen: dict[str, int] = {}
        for number, id in enumerate(ids):
            if id in seen:
                yield f"{part}.{number}.{field}", f"{part}.{seen[id]} has the same {field}: {id}"
            seen.setdefault(id, number)


def _seasons(program: "Program") -> Iterator[Fault]:
    zones = {program.time_zone, *(store.time_zone for store in program.stores)}
    for number, season in enumerate(program.seasons):
        for reason in edge_faults(season, zones):
            yield f"seasons.{number}", reason


def _caps(program: "Program") -> Iterator[Fault]:
    costs = {currency.code: currency.cost for currency in program.currencies}
    for number, cap in enumerate(program.caps):
        yield from _unknown(f"caps.{number}.currency", [cap.currency], costs, "currency")
        if cap.minor_units is not None and cap.currency in costs and costs[cap.currency] is None:
            yield (
                f"caps.{number}.minor_units",
                f"a cap in money needs what points cost: give the currency {cap.currency} a cost",
            )


def _budgets(program: "Program") -> Iterator[Fault]:
    """An order may draw on every shard of every budget in one transaction, which takes 100 writes."""
    shards = 0
    for number, cap in enumerate(program.caps):
        shards += cap.shards if cap.scope == "program" else 0
        if shards > BUDGET_SHARDS_MAX:
            yield f"caps.{number}", f"all budgets together have at most {BUDGET_SHARDS_MAX} shards"
            return


def _rows(program: "Program") -> Iterator[Fault]:
    """A wallet counts each cap and limit of each period for as long as an order may be late."""
    periods = [cap.per for cap in program.caps if cap.scope == "member"]
    periods += [recognition.allowance.per for recognition in program.recognitions]
    periods += [limit.per for rule in program.earning_rules if rule.kind == "activity" for limit in rule.limits]
    rows = sum(program.late_days_max // DAYS_OF[period] + 2 for period in periods if period in DAYS_OF)
    if rows > ROWS_MAX:
        reason = f"caps, limits and allowances would keep {rows} counts in a wallet, and may keep {ROWS_MAX}: "
        yield "late_days_max", reason + "take fewer days, longer periods or fewer of them"


def _rules(program: "Program") -> Iterator[Fault]:
    currencies = [currency.code for currency in program.currencies]
    caps = {cap.id: cap.currency for cap in program.caps}
    budgets = {cap.id for cap in program.caps if cap.scope == "program"}
    known = {
        "seasons": ("season", [season.id for season in program.seasons]),
        "tiers": ("tier", _tiers(program)),
        "memberships": ("membership", [plan.id for plan in program.memberships]),
    }
    for number, rule in enumerate(program.earning_rules):
        path = f"earning_rules.{number}"
        yield from _unknown(f"{path}.currency", [rule.currency], currencies, "currency")
        for place, cap in enumerate(rule.caps):
            yield from _unknown(f"{path}.caps.{place}", [cap], caps, "cap")
            if rule.kind == "purchase" and cap in budgets:
                yield f"{path}.caps.{place}", f"{cap} is a budget that all members share: it is for bonuses and activities"
            if caps.get(cap, rule.currency) != rule.currency:
                yield f"{path}.caps.{place}", f"the cap {cap} is of {caps[cap]}, the rule gives {rule.currency}"
        for field, (word, ids) in known.items():
            for place, name in enumerate(getattr(rule.when, field)):
                yield from _unknown(f"{path}.when.{field}.{place}", [name], ids, word)


def _tiers(program: "Program") -> list[str]:
    return [level.id for level in program.tiers.levels] if program.tiers else []


def _benefits(program: "Program") -> Iterator[Fault]:
    currencies = [currency.code for currency in program.currencies]
    if program.tiers:
        if program.tiers.currency:
            yield from _unknown("tiers.currency", [program.tiers.currency], currencies, "currency")
        for number, level in enumerate(program.tiers.levels):
            yield from _multipliers(f"tiers.levels.{number}", level.benefits, currencies)
    for number, plan in enumerate(program.memberships):
        yield from _multipliers(f"memberships.{number}", plan.benefits, currencies)


def _multipliers(path: str, benefits: "Benefits", currencies: Collection[str]) -> Iterator[Fault]:
    for number, multiplier in enumerate(benefits.multipliers):
        yield from _unknown(f"{path}.benefits.multipliers.{number}.currency", [multiplier.currency], currencies, "currency")


def _exchanges(program: "Program") -> Iterator[Fault]:
    """What members give each other."""
    currencies = [currency.code for currency in program.currencies]
    for number, recognition in enumerate(program.recognitions):
        yield from _unknown(f"recognitions.{number}.currency", [recognition.currency], currencies, "currency")
        for side in ("givers", "takers"):
            path = f"recognitions.{number}.{side}.tiers"
            yield from _unknown(path, getattr(recognition, side).tiers, _tiers(program), "tier")
    if program.transfers is None:
        return
    if program.clawback == "forgive":
        yield "transfers", "with clawback forgive, points given away and then refunded would stay: leave transfers out"
    for number, code in enumerate(program.transfers.currencies):
        yield from _unknown(f"transfers.currencies.{number}", [code], currencies, "currency")


def _referral(program: "Program") -> Iterator[Fault]:
    terms = program.referral
    if terms is None:
        return
    yield from _campaigns_twice(terms.campaigns)
    places: list[tuple[str, ReferralTerms | Campaign, dict[str, list[ReferralReward]]]] = [
        ("referral", terms, {"advocate": terms.advocate, "friend": terms.friend})
    ]
    places += [(f"referral.campaigns.{n}", campaign, {"friend": campaign.friend}) for n, campaign in enumerate(terms.campaigns)]
    for path, offer, sides in places:
        if offer.qualifies.kind == "membership":
            plans = [plan.id for plan in program.memberships]
            for number, plan in enumerate(offer.qualifies.plans):
                yield from _unknown(f"{path}.qualifies.plans.{number}", [plan], plans, "membership")
        for side, rewards in sides.items():
            yield from _rewards(f"{path}.{side}", rewards, offer.hold_days, program)


def _campaigns(program: "Program") -> Iterator[Fault]:
    currencies = [currency.code for currency in program.currencies]
    caps = {cap.id: cap.currency for cap in program.caps}
    plans = [plan.id for plan in program.memberships]
    if len(program.purchase_campaigns) > PURCHASE_CAMPAIGNS_MAX:
        yield "campaigns", f"at most {PURCHASE_CAMPAIGNS_MAX} campaigns come with orders: an order is one transaction"
    for number, campaign in enumerate(program.campaigns):
        path, bonus, trigger = f"campaigns.{number}", campaign.bonus, campaign.trigger
        given = bonus.currency if bonus.kind in ("points", "multiplier") else None
        if given is not None:
            yield from _unknown(f"{path}.bonus.currency", [given], currencies, "currency")
        for place, cap in enumerate(campaign.caps):
            yield from _unknown(f"{path}.caps.{place}", [cap], caps, "cap")
            if caps.get(cap, given) != given:
                yield f"{path}.caps.{place}", f"the cap {cap} is of {caps[cap]}, the campaign gives {given}"
        yield from _unknown(f"{path}.audience.tiers", campaign.audience.tiers, _tiers(program), "tier")
        yield from _unknown(f"{path}.audience.memberships", campaign.audience.memberships, plans, "membership")
        if trigger.kind == "tier_reached":
            yield from _unknown(f"{path}.trigger.tiers", trigger.tiers, _tiers(program), "tier")
        if trigger.kind == "date" and not (campaign.starts or "") <= trigger.at < (campaign.ends or "9"):
            yield f"{path}.trigger.at", "must be from starts on and before ends, or it never comes"
        walls = {"starts": campaign.starts, "ends": campaign.ends, "trigger.at": trigger.at if trigger.kind == "date" else None}
        zone = campaign.zone(program.time_zone)
        for field, text in walls.items():
            if text and (fault := edge_fault(text, zone)):
                yield f"{path}.{field}", f"{text} {fault} in {zone}"


def _campaigns_twice(campaigns: Iterable["Campaign"]) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, campaign in enumerate(campaigns):
        if campaign.id in seen:
            yield f"referral.campaigns.{number}.id", f"another campaign has the same id: {campaign.id}"
        seen.add(campaign.id)


def _rewards(path: str, rewards: Iterable["ReferralReward"], hold_days: int, program: "Program") -> Iterator[Fault]:
    """One side's rewards: each of another currency that outlives the hold, within caps of that currency."""
    currencies = {currency.code: currency for currency in program.currencies}
    caps = {cap.id: cap.currency for cap in program.caps}
    seen: set[str] = set()
    for number, reward in enumerate(rewards):
        here = f"{path}.{number}"
        yield from _unknown(f"{here}.currency", [reward.currency], currencies, "currency")
        if reward.currency in seen:
            yield f"{here}.currency", f"another reward of this side gives {reward.currency}: add them up"
        seen.add(reward.currency)
        found = currencies.get(reward.currency)
        # An order may be dated a day ahead of the day on which its points are given.
        if found and found.expiry and not found.expiry.outlives(hold_days + 1):
            yield f"{here}.currency", f"{reward.currency} would expire before the hold of {hold_days} days is over"
        for place, cap in enumerate(reward.caps):
            yield from _unknown(f"{here}.caps.{place}", [cap], caps, "cap")
            if caps.get(cap, reward.currency) != reward.currency:
                yield f"{here}.caps.{place}", f"the cap {cap} is of {caps[cap]}, the reward gives {reward.currency}"


def _unknown(path: str, names: Iterable[str], known: Collection[str], word: str) -> Iterator[Fault]:
    for name in names:
        if name not in known:
            there = f"there are {', '.join(known)}" if known else f"the program has no {word}"
            yield path, f"no {word} is called {name}: {there}"
