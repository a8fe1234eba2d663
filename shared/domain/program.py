"""The program document: what a shop promises its members, as data (the rules of points, 5, 6, 12, 14).

A document says which money it accepts, which currencies of points there are and how long they live, and what earns them.
Versions are kept for ever; an order meets the version in force when it occurred.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Literal, Self, get_args

from pydantic import Field, ValidationError, model_validator

from shared.domain.calendar import first_of_next_month, first_of_next_year, local_day, months_after
from shared.domain.campaign import Alarmed, Bonus, Campaign, Dated, FrequencyCap, OnPurchase, Trigger
from shared.domain.cap import Cap, Cost
from shared.domain.cross_faults import cross_faults
from shared.domain.document import Code, Document, MoneyCode, Zone
from shared.domain.errors import BeforeProgramError, ProgramInvalidError, ProgramMissingError, TryAgainError
from shared.domain.faults import faults_of
from shared.domain.membership import Plan
from shared.domain.message import Messages
from shared.domain.purchase import Line
from shared.domain.recognition import Recognition
from shared.domain.referral import ReferralTerms
from shared.domain.rule import ActivityRule, BonusRule, EarningRule, MultiplierRule, PurchaseRule
from shared.domain.season import Season
from shared.domain.tier import Tiers
from shared.domain.written import Text

STALENESS_SECONDS_MAX = 60
"""A function may still see the version before for this long; so a new version takes effect no sooner after activation."""

PLACES_KEPT = 512
"""Channels at stores for which a program keeps at hand which rules there are."""

_LEAP_CYCLE = [date(2096, 3, 1) + timedelta(days=day) for day in range(8 * 366)]
"""All kinds of days there are, the long wait for a leap year around 2100 included."""


class Expiry(Document):
    """How long points live, counted from the purchase day.

    `rounded_to` day: gone on purchase day + `after` days. month or year: gone after the month or year that contains
    purchase day + `after` months.
    """

    after: int = Field(ge=1, le=3660)
    rounded_to: Literal["day", "month", "year"]

    def gone_on(self, purchase_day: date) -> date:
        """The first local day on which points of `purchase_day` are gone."""
        if self.rounded_to == "day":
            return purchase_day + timedelta(days=self.after)
        reached = months_after(purchase_day, self.after)
        return first_of_next_month(reached) if self.rounded_to == "month" else first_of_next_year(reached)

    def outlives(self, days: int) -> bool:
        """Whether every lot, whatever its purchase day, is still there `days` after it."""
        if self.rounded_to == "day":
            return self.after > days
        # 28 days a month is the shortest; only close calls need a look at every day of a cycle of leap years.
        if self.after * 28 > days:
            return True
        return all((self.gone_on(day) - day).days > days for day in _LEAP_CYCLE)


class PointCurrency(Document):
    """One currency of points. Points can be spent `pending_days` after the purchase day, and expire as `expiry` says.

    `cost` is what the shop reckons that points cost it; caps in money and reports need it.
    """

    code: Code
    pending_days: int = Field(default=0, ge=0, le=366)
    expiry: Expiry | None = None
    cost: Cost | None = None

    @model_validator(mode="after")
    def _points_mature_before_they_expire(self) -> Self:
        if self.expiry and not self.expiry.outlives(self.pending_days):
            raise ValueError("points would expire before or on the day they can first be spent")
        return self


class Store(Document):
    """A store by the id that orders name, and the zone whose weekdays, hours and seasons hold there."""

    id: Text
    time_zone: Zone


class Exclusions(Document):
    """Lines of orders that earn nothing and count for nothing: by category and by sku."""

    categories: list[Text] = Field(default=["gift_card", "shipping", "tax"], max_length=500)
    skus: list[Text] = Field(default=[], max_length=500)


class Transfers(Document):
    """What members may give each other: `points_min` to `points_max` points a time, at most `per_month` times a month."""

    currencies: list[Code] = Field(min_length=1, max_length=10)
    points_min: int = Field(default=1, ge=1, le=10**9)
    points_max: int = Field(ge=1, le=10**9)
    per_month: int | None = Field(default=None, ge=1, le=1000)

    @model_validator(mode="after")
    def _there_is_something_to_give(self) -> Self:
        if self.points_max < self.points_min:
            raise ValueError("points_max must be at least points_min")
        return self


class Program(Document):
    """A whole program document. `time_zone` decides the local days of expiry and maturity and never changes.

    `clawback` says what becomes of points that a refund takes back and that were spent: debt that the next points repay, or
    forgiven. An operator alone adjusts up to `adjustment_limit` points. Without `transfers` members cannot give points to each
    other. `stacking` says how bonuses go together: each on the base, each on what those before it made of the base, or only the
    best of a currency. `frequency_caps` say how many bonuses of campaigns a member is given. Without `messages` nobody
    is mailed anything.
    """

    name: str = Field(min_length=1, max_length=100)
    time_zone: Zone
    money_currency: MoneyCode
    currencies: list[PointCurrency] = Field(min_length=1, max_length=10)
    stores: list[Store] = Field(default=[], max_length=2000)
    exclusions: Exclusions = Exclusions()
    seasons: list[Season] = Field(default=[], max_length=100)
    caps: list[Cap] = Field(default=[], max_length=100)
    stacking: Literal["additive", "multiplicative", "best"] = "additive"
    earning_rules: list[EarningRule] = Field(max_length=1000)
    tiers: Tiers | None = None
    memberships: list[Plan] = Field(default=[], max_length=20)
    recognitions: list[Recognition] = Field(default=[], max_length=20)
    referral: ReferralTerms | None = None
    campaigns: list[Campaign] = Field(default=[], max_length=100)
    frequency_caps: list[FrequencyCap] = Field(default=[], max_length=4)
    messages: Messages | None = None
    late_days_max: int = Field(default=400, ge=0, le=3660)
    claim_days: int = Field(default=30, ge=0, le=366)
    clawback: Literal["debt", "forgive"] = "debt"
    adjustment_limit: int = Field(default=10_000, ge=0, le=10**9)
    transfers: Transfers | None = None

    def currency(self, code: str) -> PointCurrency:
        """The currency of points with this code; the document's own rules name no other."""
        return next(currency for currency in self.currencies if currency.code == code)

    @cached_property
    def purchase_rules(self) -> tuple[PurchaseRule, ...]:
        """The rules that make the base of what a purchase earns."""
        return tuple(rule for rule in self.earning_rules if isinstance(rule, PurchaseRule))

    @cached_property
    def bonus_rules(self) -> tuple[MultiplierRule | BonusRule, ...]:
        """The rules that add bonuses to it."""
        return tuple(rule for rule in self.earning_rules if isinstance(rule, MultiplierRule | BonusRule))

    @cached_property
    def _places_named(self) -> tuple[frozenset[str], frozenset[str]]:
        """The channels and the stores that some rule asks for."""
        when = [rule.when for rule in self.earning_rules]
        return frozenset(name for w in when for name in w.channels), frozenset(name for w in when for name in w.stores)

    @cached_property
    def _rules_by_place(self) -> dict[tuple[str | None, str | None], "RulesAt"]:
        return {}

    def rules_at(self, channel: str | None, store: str | None) -> "RulesAt":
        """The rules of purchases that an order at this place can meet; kept: most of many rules are for other stores."""
        channels, stores = self._places_named
        place = (channel if channel in channels else None, store if store in stores else None)
        found = self._rules_by_place.get(place)
        if found is None:
            if len(self._rules_by_place) >= PLACES_KEPT:
                self._rules_by_place.clear()
            base = tuple(rule for rule in self.purchase_rules if rule.when.at_place(*place))
            bonuses = tuple(rule for rule in self.bonus_rules if rule.when.at_place(*place))
            budgets = {cap.id for cap in self.caps if cap.scope == "program"}
            asking = (rule for rule in (*base, *bonuses) if rule.when.asks_profile or not budgets.isdisjoint(rule.caps))
            found = self._rules_by_place[place] = RulesAt(base, bonuses, tuple(asking))
        return found

    def activity_rules(self, activity: str) -> list[ActivityRule]:
        """The rules that reward an activity."""
        return [rule for rule in self.earning_rules if isinstance(rule, ActivityRule) and rule.activity == activity]

    @cached_property
    def rules_by_id(self) -> Mapping[str, EarningRule]:
        """The earning rules by their ids."""
        return {rule.id: rule for rule in self.earning_rules}

    @cached_property
    def caps_of_rules(self) -> Mapping[str, Sequence[str]]:
        """The caps of the rules, of the rewards of referrals, and of campaigns, that have some."""
        rewards = self.referral.rewards() if self.referral else {}
        capped = {rule.id: rule.caps for rule in self.earning_rules} | {name: reward.caps for name, reward in rewards.items()}
        capped |= {campaign.rule: campaign.caps for campaign in self.campaigns}
        return {name: caps for name, caps in capped.items() if caps}

    @cached_property
    def campaigns_by_id(self) -> Mapping[str, Campaign]:
        """The campaigns by their ids."""
        return {campaign.id: campaign for campaign in self.campaigns}

    @cached_property
    def alarmed_campaigns(self) -> tuple[Campaign, ...]:
        """Campaigns that come for each member at a time of their own."""
        return tuple(campaign for campaign in self.campaigns if isinstance(campaign.trigger, Alarmed))

    @cached_property
    def dated_campaigns(self) -> tuple[Campaign, ...]:
        """Campaigns that come for all at once."""
        return tuple(campaign for campaign in self.campaigns if isinstance(campaign.trigger, Dated))

    @cached_property
    def purchase_campaigns(self) -> tuple[Campaign, ...]:
        """Campaigns that come with an order."""
        return tuple(campaign for campaign in self.campaigns if isinstance(campaign.trigger, OnPurchase))

    @cached_property
    def caps_by_id(self) -> Mapping[str, Cap]:
        """The caps by their ids."""
        return {cap.id: cap for cap in self.caps}

    @cached_property
    def seasons_by_id(self) -> Mapping[str, Season]:
        """The seasons by their ids."""
        return {season.id: season for season in self.seasons}

    @cached_property
    def _store_zones(self) -> Mapping[str, str]:
        return {store.id: store.time_zone for store in self.stores}

    def zone_at(self, store: str | None) -> str:
        """The zone of a store; the program's where the store has none."""
        return self._store_zones.get(store or "", self.time_zone)

    @cached_property
    def _excluded(self) -> tuple[frozenset[str], frozenset[str]]:
        return frozenset(self.exclusions.categories), frozenset(self.exclusions.skus)

    def earns(self, line: Line) -> bool:
        """Whether a line counts at all."""
        categories, skus = self._excluded
        return line.category not in categories and line.sku not in skus

    def with_caps(self, caps: Sequence[Cap]) -> "Program":
        """The same program with other caps."""
        parts = {name: getattr(self, name) for name in type(self).model_fields}
        # Not a copy: that would keep what was worked out of the caps before.
        return Program.model_construct(**{**parts, "caps": list(caps)})

    def limit_of(self, cap: Cap) -> int:
        """A cap's limit in points."""
        return cap.limit(self.currency(cap.currency).cost)


@dataclass(frozen=True, slots=True)
class RulesAt:
    """What makes the base of a purchase somewhere, and what adds bonuses to it; in the document's order.

    `asking` are those for which more than the wallet is read: the profile, or budgets.
    """

    base: tuple[PurchaseRule, ...]
    bonuses: tuple[MultiplierRule | BonusRule, ...]
    asking: tuple[PurchaseRule | MultiplierRule | BonusRule, ...]


@dataclass(frozen=True, slots=True)
class ProgramVersion:
    """A program document with the number and the instant from which it is in force.

    `activated_by` is the digest of the operator who put it into force, `reason` what they said; None where nobody told.
    """

    version: int
    effective_from: datetime
    activated_at: datetime
    program: Program
    reason: str | None = None
    activated_by: str | None = None

    def today(self, now: datetime) -> date:
        """The local day of the program's zone at `now`."""
        return local_day(now, self.program.time_zone)


def parse_program(document: object) -> Program:
    """The program that a JSON value describes. Raises ProgramInvalidError with the path of every fault."""
    try:
        program = Program.model_validate_json(json.dumps(document))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise ProgramInvalidError(faults=faults_of(_plain(fault) for fault in found)) from error
    if faults := cross_faults(program):
        raise ProgramInvalidError(faults=faults)
    return program


_TRIGGERS = tuple(get_args(part.model_fields["kind"].annotation)[0] for part in get_args(get_args(Trigger)[0]))
_BONUSES = tuple(get_args(part.model_fields["kind"].annotation)[0] for part in get_args(get_args(Bonus)[0]))
_QUALIFIES = ("orders", "membership", "enrolment")
_KINDS: Mapping[tuple[str | int, ...], Sequence[str]] = {
    ("earning_rules", 0): ("purchase", "multiplier", "bonus", "activity"),
    ("tiers", "period"): ("calendar_year", "anniversary", "rolling"),
    ("campaigns", 0, "trigger"): _TRIGGERS,
    ("campaigns", 0, "bonus"): _BONUSES,
    ("referral", "qualifies"): _QUALIFIES,
    ("referral", "campaigns", 0, "qualifies"): _QUALIFIES,
}
"""Parts of several kinds, 0 for any place of a list: the validator puts the kind that it tried behind them in the path."""


def _plain(fault: Mapping[str, Any]) -> Mapping[str, Any]:
    """A fault where the document has it."""
    loc: Sequence[Any] = fault["loc"]
    anywhere = tuple(0 if isinstance(part, int) else part for part in loc)
    place, kinds = next((found for found in _KINDS.items() if anywhere[: len(found[0])] == found[0]), ((), ()))
    if fault["type"] == "union_tag_not_found":
        return {**fault, "type": "missing", "loc": (*loc, "kind")}
    if fault["type"] == "union_tag_invalid":
        return {"type": "value_error", "loc": (*loc, "kind"), "msg": f"must be one of {', '.join(kinds)}"}
    tried = len(place)
    if loc[tried : tried + 1] and loc[tried] in kinds:
        return {**fault, "loc": (*loc[:tried], *loc[tried + 1 :])}
    return fault


def zone_of(versions: Sequence[ProgramVersion]) -> str:
    """The zone whose days count: the program's, which no version changes; UTC while there is no program."""
    return versions[-1].program.time_zone if versions else "UTC"


def version_of(versions: Sequence[ProgramVersion], number: int) -> ProgramVersion:
    """The version with this number. Raises TryAgainError: an entry names one that is there, so it was activated just now."""
    for version in reversed(versions):
        if version.version == number:
            return version
    raise TryAgainError


def in_force(versions: Sequence[ProgramVersion], at: datetime) -> ProgramVersion:
    """The version that an order which occurred at `at` meets: the last one that took effect by then.

    Where two versions take effect at the same instant, the later one holds. Raises ProgramMissingError,
    BeforeProgramError.
    """
    if not versions:
        raise ProgramMissingError
    started = [version for version in versions if version.effective_from <= at]
    if not started:
        raise BeforeProgramError(occurred_at=at, program_since=min(v.effective_from for v in versions))
    return max(started, key=lambda version: (version.effective_from, version.version))
