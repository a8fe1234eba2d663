"""Campaigns that come with an order: given in its transaction, taken back by the refund that undoes it (docs/campaigns.md)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from math import floor

from shared.domain.accrual import Basket
from shared.domain.boost import Boost
from shared.domain.calendar import local_day
from shared.domain.campaign import Campaign, PurchaseChance, PurchaseNumber
from shared.domain.cap import BudgetKey
from shared.domain.decision import BudgetMoved, Change, Decision, GrantCounted, View, Wanted
from shared.domain.drawing import ticket, ticket_text, wins
from shared.domain.effect import Correction, Effect, Recount
from shared.domain.entry import Entry, EntryKey, Share, purchase_key
from shared.domain.errors import GrantDeclinedError
from shared.domain.granting import FOR_EVER, Offer, Seen, given, grant_of, posted
from shared.domain.moments import Moment
from shared.domain.program import Program, ProgramVersion, version_of
from shared.domain.purchase import Purchase
from shared.domain.rating import budgets_of, budgets_returned, day_of, together
from shared.domain.rule import Occasion
from shared.domain.standing import Course
from shared.domain.taking_back import corrections, parts_of, shares_back


def order_period(order_id: str) -> str:
    """The period of what an order brings: 16 hexadecimal digits of its id's SHA-256."""
    return sha256(order_id.encode()).hexdigest()[:16]


def purchase_wanted(purchase: Purchase, program: Program) -> Wanted:
    """What the campaigns of orders read besides."""
    campaigns = program.purchase_campaigns
    if not campaigns:
        return Wanted()
    budgets = budgets_of(program, [campaign.rule for campaign in campaigns], day_of(purchase, program))
    limits = [BudgetKey(f"grants:{campaign.id}", None) for campaign in campaigns if campaign.grants_max is not None]
    asks = any(campaign.audience.consent or campaign.audience.when.asks_profile for campaign in campaigns)
    return Wanted(profile=asks, budgets=(*budgets, *limits), campaigns=tuple(campaign.id for campaign in campaigns))


def bring(
    view: View, decision: Decision, basket: Basket, version: ProgramVersion, course: Course, occasion: Occasion
) -> Decision:
    """The order's decision with what the campaigns give that ran when the order occurred, as is known now.

    Each bonus stands on what was given before it in the same transaction, by the order, a referral or another campaign: all
    together heed every cap and limit.
    """
    purchase = decision.entry.purchase
    if purchase is None:
        return decision
    entries, changes, gave = list(decision.posted), list(decision.changes), list[str]()
    budgets = dict(view.budgets)
    _draw(budgets, changes)
    seen, day = Seen(purchase.occurred_at, occasion.tier), day_of(purchase, version.program)
    for offer in _offers(view, purchase, basket, version, course, occasion.order_number or 0):
        now = view.after(tuple(entries))
        try:
            bonus = given(now, offer, day, budgets, seen)
        except GrantDeclinedError:
            continue
        more = posted(now, offer, bonus)
        entries += more.posted
        changes += more.changes
        _draw(budgets, more.changes)
        gave.append(offer.key(view.wallet.member))
    if not gave:
        return decision
    entry = replace(decision.entry, told=replace(decision.entry.told or Effect(), gave=tuple(gave)))
    budgets_moved = [change for change in changes if isinstance(change, BudgetMoved)]
    others = [change for change in changes if not isinstance(change, BudgetMoved)]
    return replace(decision, entry=entry, changes=(*together(budgets_moved), *others), others=tuple(entries[1:]))


def _draw(budgets: dict[BudgetKey, int], changes: Iterable[Change]) -> None:
    for change in changes:
        if isinstance(change, BudgetMoved):
            budgets[change.key] = budgets.get(change.key, 0) + change.points


def _offers(
    view: View, purchase: Purchase, basket: Basket, version: ProgramVersion, course: Course, number: int
) -> Iterator[Offer]:
    program, at = version.program, purchase.occurred_at
    for campaign in program.purchase_campaigns:
        control = view.controls.get(campaign.id)
        if control is None or not control.runs(campaign, program.time_zone, at):
            continue
        if floor(basket.money()) < amount_min(campaign):
            continue
        moment = Moment(order_period(purchase.order_id), at, day_of(purchase, program))
        drawn = _ticket(campaign, moment, view, number)
        if drawn is not None:
            cause = purchase_key(purchase.order_id)
            yield Offer(campaign, version, course, moment, ticket=drawn or None, cause=cause)


def amount_min(campaign: Campaign) -> int:
    """Minor units that count, at least 1: with less an order brings nothing, and keeps nothing when it was refunded."""
    trigger = campaign.trigger
    return max(1, trigger.amount_min) if isinstance(trigger, PurchaseNumber | PurchaseChance) else 1


def _ticket(campaign: Campaign, moment: Moment, view: View, number: int) -> str | None:
    """The ticket that won, an empty text where nothing is drawn; None where the order brings nothing."""
    match campaign.trigger:
        case PurchaseNumber(number=int(wanted)):
            return "" if number == wanted else None
        case PurchaseNumber(every=int(every)):
            return None if number % every else ""
        case PurchaseChance(chance=chance, seed=seed):
            drawn = ticket(campaign.id, moment.period, seed, view.wallet.member)
            return ticket_text(drawn) if wins(drawn, chance) else None
    return None


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a refund takes back of the grants that its order brought."""

    why: tuple[Share, ...] = ()
    corrections: tuple[Correction, ...] = ()
    recounts: tuple[Recount, ...] = ()
    changes: tuple[Change, ...] = ()

    @classmethod
    def of(cls, view: View, bought: Entry, money: tuple[int, int], versions: Sequence[ProgramVersion]) -> "TakenBack":
        """`money` is what counted of the order before and after the refund, in minor units."""
        taken = cls()
        for key in bought.effect.gave:
            grant = view.entries.get(EntryKey(key))
            if grant is not None and _falls(grant, money, versions):
                taken = taken._with(view, grant, versions)
        return taken

    def _with(self, view: View, grant: Entry, versions: Sequence[ProgramVersion]) -> "TakenBack":
        wallet = view.last().wallet
        if any(Boost.of(count) and not wallet.counted(count.name, count.day) for count in grant.effect.counts):
            # A multiplier that an order used was used, also by whoever took over from a merged member: it counts on.
            return self
        subject = grant_of(grant)
        counts = {"taken_back": 1} | {f"points_back:{share.currency}": share.points for share in grant.why}
        changes: list[Change] = [GrantCounted(subject.campaign, FOR_EVER, grant.member, counts)]
        if grant.why:
            version = version_of(versions, grant.why[0].program_version)
            day = local_day(grant.occurred_at, version.program.time_zone)
            changes += budgets_returned(parts_of(grant), (), version.program, grant.member, day)
        campaign = version_of(versions, subject.version).program.campaigns_by_id[subject.campaign]
        if campaign.grants_max is not None:
            changes.append(BudgetMoved(BudgetKey(f"grants:{campaign.id}", None), -1))
        return TakenBack(
            (*self.why, *shares_back(grant)),
            (*self.corrections, *corrections(grant)),
            (*self.recounts, Recount(grant.sequence, ())),
            (*self.changes, *changes),
        )


def _falls(grant: Entry, money: tuple[int, int], versions: Sequence[ProgramVersion]) -> bool:
    """Whether the order counts no more, and did before the refund."""
    subject, before, after = grant_of(grant), *money
    campaign = version_of(versions, subject.version).program.campaigns_by_id[subject.campaign]
    return after < amount_min(campaign) <= before
