"""Where a program document, valid as it is, takes back what an earlier one promised to members, or promises nothing.

These are warnings: a shop may do all of it, and should do it knowingly.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from shared.domain.program import Expiry, Program
from shared.domain.referral_promises import broken_referral, doubtful_referral

Warnings = Iterator[tuple[str, str]]
"""Paths and reasons."""

_FOUR_YEARS = [date(2027, 1, 1) + timedelta(days=day) for day in range(4 * 365 + 1)]


def doubts(draft: Program, now: datetime) -> list[dict[str, str]]:
    """What looks like a slip in a document, whatever was before it: what promises nothing, or does nothing from `now` on."""
    new = draft.model_dump(mode="json")
    rewards = draft.referral.rewards().values() if draft.referral else ()
    found = [
        *_idle_currencies(new, {reward.currency for reward in rewards}),
        *_idle_rules(new),
        *_idle_caps(new, {cap for reward in rewards for cap in reward.caps}),
        *_past_seasons(new, now),
        *_idle_tiers(new),
        *doubtful_referral(draft, now),
    ]
    return [{"path": path, "reason": reason} for path, reason in found]


def broken_promises(before: Program, draft: Program) -> list[dict[str, str]]:
    """What members of `before` lose by `draft`, each with the path of the place in `draft` that takes it."""
    old, new = before.model_dump(mode="json"), draft.model_dump(mode="json")
    found = [
        *_of_currencies(old, new),
        *_of_earning(old, new),
        *_of_tiers(old, new),
        *_of_memberships(old, new),
        *broken_referral(before.referral, draft.referral),
        *_of_terms(old, new),
    ]
    return [{"path": path, "reason": reason} for path, reason in found]


def _idle_currencies(new: Mapping[str, Any], for_friends: set[str]) -> Warnings:
    given = (*(rule for rule in new["earning_rules"] if rule["kind"] != "multiplier"), *_list(new, "recognitions"))
    earned = {one["currency"] for one in given} | for_friends
    for place, currency in enumerate(new["currencies"]):
        if currency["code"] not in earned:
            yield f"currencies.{place}", "no rule gives this currency"


def _idle_rules(new: Mapping[str, Any]) -> Warnings:
    based = {rule["currency"] for rule in new["earning_rules"] if rule["kind"] == "purchase"}
    stores = {store["id"] for store in new["stores"]}
    for place, rule in enumerate(new["earning_rules"]):
        if rule["kind"] == "multiplier" and rule["currency"] not in based:
            yield f"earning_rules.{place}", f"there is nothing to multiply: no purchase rule gives {rule['currency']}"
        for number, store in enumerate(rule["when"]["stores"]):
            if stores and store not in stores:
                yield f"earning_rules.{place}.when.stores.{number}", f"is not among the stores of the document: {store}"


def _idle_caps(new: Mapping[str, Any], for_friends: set[str]) -> Warnings:
    named = {cap for rule in new["earning_rules"] for cap in rule["caps"]} | for_friends
    for place, cap in enumerate(new["caps"]):
        if cap["id"] not in named:
            yield f"caps.{place}", "no rule names this cap"


def _past_seasons(new: Mapping[str, Any], now: datetime) -> Warnings:
    for place, season in enumerate(new["seasons"]):
        # Wall times sort as text; without a zone of its own a season ends with the day everywhere, so a day is waited.
        zone, wait = season["time_zone"] or "UTC", timedelta(days=0 if season["time_zone"] else 1)
        if season["ends"] and season["ends"] <= (now - wait).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M"):
            yield f"seasons.{place}.ends", f"this season is over since {season['ends']}"


def _idle_tiers(new: Mapping[str, Any]) -> Warnings:
    tiers = new["tiers"]
    if not tiers or tiers["metric"] != "points":
        return
    if not any(rule["currency"] == tiers["currency"] and rule.get("qualifying") for rule in new["earning_rules"]):
        yield "tiers.currency", f"no rule that gives {tiers['currency']} counts for tiers: set qualifying on one"


def _of_currencies(old: Mapping[str, Any], new: Mapping[str, Any]) -> Warnings:
    if old["money_currency"] != new["money_currency"]:
        yield "money_currency", f"orders in {old['money_currency']} will be refused"
    yield from _dropped(old, new, "currencies", "code", "members keep what they have of it, and can earn no more")
    for path, was, now in _pairs(old, new, "currencies", "code"):
        if now["pending_days"] > was["pending_days"]:
            yield (
                f"{path}.pending_days",
                f"points will be pending longer than the {was['pending_days']} days that were promised",
            )
        if _sooner(was["expiry"], now["expiry"]):
            yield f"{path}.expiry", "new points will expire sooner than was promised; those that members have keep their dates"


def _sooner(was: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> bool:
    if now is None or was == now:
        return False
    if was is None:
        return True
    old, new = Expiry.model_validate(was), Expiry.model_validate(now)
    if old.rounded_to == new.rounded_to:
        return new.after < old.after
    return any(new.gone_on(day) < old.gone_on(day) for day in _FOUR_YEARS)


def _of_earning(old: Mapping[str, Any], new: Mapping[str, Any]) -> Warnings:
    for path, was, now in _pairs(old, new, "earning_rules", "id"):
        before, after = was.get("per_amount"), now.get("per_amount")
        if before and after and _rate(after) < _rate(before):
            yield (
                f"{path}.per_amount",
                f"earns less than before: {before['points']} points for {before['minor_units']} minor units",
            )


def _rate(per_amount: Mapping[str, Any]) -> Fraction:
    return Fraction(per_amount["points"], per_amount["minor_units"])


def _of_tiers(old: Mapping[str, Any], new: Mapping[str, Any]) -> Warnings:
    was, now = old.get("tiers"), new.get("tiers")
    if not was:
        return
    if not now:
        yield "tiers", "members lose the tiers they are in"
        return
    if was["metric"] != now["metric"]:
        yield "tiers.metric", f"tiers were reached by {was['metric']}; members will be counted anew"
    if now["grace_days"] < was["grace_days"]:
        yield "tiers.grace_days", f"{was['grace_days']} days of grace were promised"
    for path, reason in _dropped(was, now, "levels", "id", "members in it will be in the tier below"):
        yield f"tiers.{path}", reason
    for path, level, kept in _pairs(was, now, "levels", "id"):
        if kept["threshold"] > level["threshold"]:
            yield f"tiers.{path}.threshold", f"was {level['threshold']}; members with less than the new one may leave the tier"
        yield from _of_benefits(f"tiers.{path}.benefits", level["benefits"], kept["benefits"])


def _of_memberships(old: Mapping[str, Any], new: Mapping[str, Any]) -> Warnings:
    yield from _dropped(old, new, "memberships", "id", "members have paid for it")
    for path, was, now in _pairs(old, new, "memberships", "id"):
        yield from _of_benefits(f"{path}.benefits", was["benefits"], now["benefits"])


def _of_benefits(path: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Warnings:
    rates = {one["currency"]: one["percent"] for one in now.get("multipliers") or ()}
    for one in was.get("multipliers") or ():
        if rates.get(one["currency"], 100) < one["percent"]:
            yield f"{path}.multipliers", f"{one['percent']} percent of {one['currency']} were promised"
    for perk in was.get("perks") or ():
        if perk not in (now.get("perks") or ()):
            yield f"{path}.perks", f"a perk was dropped: {perk}"
    if (now.get("early_access_hours") or 0) < (was.get("early_access_hours") or 0):
        yield f"{path}.early_access_hours", f"{was['early_access_hours']} hours of early access were promised"
    if was.get("birthday_gift") and not now.get("birthday_gift"):
        yield f"{path}.birthday_gift", "a birthday gift was promised"
    if was.get("free_shipping") and not now.get("free_shipping"):
        yield f"{path}.free_shipping", "free shipping was promised"


def _of_terms(old: Mapping[str, Any], new: Mapping[str, Any]) -> Warnings:
    for name, what in (("late_days_max", "late orders"), ("claim_days", "orders from before enrolment")):
        if new[name] < old[name]:
            yield name, f"{what} were accepted for {old[name]} days"
    if (old["clawback"], new["clawback"]) == ("forgive", "debt"):
        yield "clawback", "refunds will leave members with debt that was forgiven before"
    if old["transfers"] and not new["transfers"]:
        yield "transfers", "members could give points to each other"


def _dropped(old: Mapping[str, Any], new: Mapping[str, Any], part: str, name: str, reason: str) -> Warnings:
    """Named parts that are no longer there."""
    left = {one[name] for one in new.get(part) or ()}
    for one in old.get(part) or ():
        if one[name] not in left:
            yield part, f"{one[name]} was dropped: {reason}"


def _pairs(
    old: Mapping[str, Any], new: Mapping[str, Any], part: str, name: str
) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Named parts that are in both: their place in `new`, as they were, and as they are."""
    before: dict[str, Mapping[str, Any]] = {one[name]: one for one in _list(old, part)}
    for place, one in enumerate(_list(new, part)):
        if one[name] in before:
            yield f"{part}.{place}", before[one[name]], one


def _list(document: Mapping[str, Any], part: str) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = document.get(part) or ()
    return found
