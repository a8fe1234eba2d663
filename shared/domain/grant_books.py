"""The proof of campaigns across entries: orders and what they brought, gifts and their grants, counters and limits, alarms."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from math import floor

from shared.domain.boost import Boost
from shared.domain.calendar import first_instant
from shared.domain.cap import BudgetKey
from shared.domain.counts import Count
from shared.domain.entry import Entry, EntryKey, EntryKind, Share, gift_key
from shared.domain.grant_audit import Versions, campaign_of
from shared.domain.granting import FOR_EVER
from shared.domain.order_grants import amount_min
from shared.domain.purchase import Purchase
from shared.domain.rating import basket_of
from shared.domain.refunding import Net
from shared.domain.subject import Grant, Redemption, Refund
from shared.domain.taking_back import shares_back
from shared.domain.visiting import told_again
from shared.domain.wallet import Wallet

Found = tuple[str, EntryKey, str]
"""A promise, the entry, and what was found instead."""
BROUGHT = "an order names the bonuses that it brought, and its refund takes them back whole, and once"
GIFT = "a reward that a campaign gave costs nothing and has its grant"
AWAKE = "an alarm is no later than what comes next by date"
RULE = "grant:"
"""How bonuses of campaigns are named among the reasons of an entry; ids of rules have no colon."""
_DATED = ("date", "recurrence")


def of_grant(share: Share) -> bool:
    """Whether a reason is a campaign's bonus."""
    return share.rule.startswith(RULE)


def brought_breaks(entries: Sequence[Entry], versions: Versions) -> Iterator[Found]:
    """What is wrong between orders and the bonuses that they brought, and between grants and the rewards that they gave.

    `entries` are all of one member's.
    """
    grants = {entry.key: entry for entry in entries if isinstance(entry.subject, Grant)}
    orders = {entry.key: entry for entry in entries if entry.purchase is not None}
    yield from _causes(entries, grants, orders)
    yield from _gifts(entries, grants)
    yield from _refunds(entries, grants, orders, versions)


def _causes(entries: Sequence[Entry], grants: Mapping[EntryKey, Entry], orders: Mapping[EntryKey, Entry]) -> Iterator[Found]:
    named: dict[str, list[str]] = {}
    for grant in grants.values():
        if grant.names is None:
            continue
        order = orders.get(grant.names)
        named.setdefault(grant.names, []).append(grant.key)
        if order is None or order.sequence > grant.sequence or order.occurred_at != grant.occurred_at:
            yield BROUGHT, grant.key, f"came with {grant.names}, which is {order.key if order else 'not there'}"
    for entry in entries:
        gave = entry.effect.gave
        if sorted(gave) != sorted(named.get(entry.key, [])):
            yield BROUGHT, entry.key, f"says that it brought {gave}, brought {named.get(entry.key, [])}"


def _gifts(entries: Sequence[Entry], grants: Mapping[EntryKey, Entry]) -> Iterator[Found]:
    keys = {entry.key: entry for entry in entries}
    for key, entry in grants.items():
        grant = entry.subject
        if isinstance(grant, Grant) and grant.redemption is not None and grant.redemption not in keys:
            yield GIFT, key, f"{grant.redemption} is not there"
    for key, entry in keys.items():
        if not key.startswith(gift_key(EntryKey(""))):
            continue
        origin = grants.get(entry.names or key)
        grant, redemption = origin.subject if origin else None, entry.subject
        if not isinstance(grant, Grant) or not isinstance(redemption, Redemption) or origin is None:
            yield GIFT, key, f"{redemption} of {entry.names}"
            continue
        place = key == gift_key(origin.key) == grant.redemption and entry.sequence > origin.sequence
        claims = [(spend.points, spend.reward, spend.claims) for spend in entry.effect.spends]
        if not place or redemption.reward != grant.reward or redemption.points or claims != [(0, None, ())]:
            yield GIFT, key, f"{redemption} of {origin.key}, takes {claims}"


def _refunds(
    entries: Sequence[Entry], grants: Mapping[EntryKey, Entry], orders: Mapping[EntryKey, Entry], versions: Versions
) -> Iterator[Found]:
    left: dict[EntryKey, Net] = {}
    multipliers = _Multipliers()
    sequences = {entry.sequence: entry for entry in grants.values()}
    for entry in entries:
        due = list[Entry]()
        order = orders.get(entry.names or entry.key)
        if isinstance(entry.subject, Refund) and order is not None and order.purchase is not None:
            before = left.get(order.key, Net(order.purchase, (0,) * len(order.purchase.lines)))
            left[order.key] = before.less(entry.subject.lines, entry.subject.amount)
            brought = [grants[EntryKey(key)] for key in order.effect.gave if key in grants]
            due = [grant for grant in brought if _falls(grant, order.purchase, before, left[order.key], versions)]
        if versions or not isinstance(entry.subject, Refund):
            yield from ((BROUGHT, entry.key, found) for found in _taken(entry, due, sequences, multipliers))
        multipliers.add(entry, sequences)


def _falls(grant: Entry, order: Purchase, before: Net, after: Net, versions: Versions) -> bool:
    """Whether a refund leaves less of an order than the campaign asks for, and what was there before was enough."""
    return _is_enough(grant, order, before, versions) and not _is_enough(grant, order, after, versions)


def _is_enough(grant: Entry, order: Purchase, net: Net, versions: Versions) -> bool:
    found = campaign_of(grant.subject, versions) if isinstance(grant.subject, Grant) else None
    if found is None:
        return False
    campaign, version = found
    return floor(basket_of(order, net.amounts(), version.program).money()) >= amount_min(campaign)


@dataclass
class _Multipliers:
    """The multipliers that one member's entries so far leave unused; `known` until a merge mixed them with another's."""

    left: Counter[Count] = field(default_factory=Counter)
    known: bool = True

    def add(self, entry: Entry, grants: Mapping[int, Entry]) -> None:
        """Go on with the next entry."""
        self.known = self.known and entry.effect.empties is None and not entry.effect.reopens
        back = (grants[part.sequence].effect.counts for part in entry.effect.recounts if part.sequence in grants)
        for count in entry.effect.counts:
            self._add(count, count.amount)
        for count in (count for counts in back for count in counts):
            self._add(count, -count.amount)

    def _add(self, count: Count, amount: int) -> None:
        if Boost.of(count):
            self.left[replace(count, amount=1)] += amount

    def are_used(self, grant: Entry) -> bool | None:
        """Whether an order used the multiplier that a grant is; None where it cannot be told, False for any other grant."""
        found = [replace(count, amount=1) for count in grant.effect.counts if Boost.of(count)]
        return bool(found and not self.left[found[0]]) if self.known or not found else None


def _taken(entry: Entry, due: Iterable[Entry], sequences: Mapping[int, Entry], multipliers: _Multipliers) -> Iterator[str]:
    """What an entry takes back of grants otherwise than it has to. A multiplier that was used is not taken back."""
    recounts = {part.sequence: part.counts for part in entry.effect.recounts if part.sequence in sequences}
    corrected = {(p.sequence, p.currency): p.points for p in entry.effect.corrections if p.sequence in sequences}
    told = Counter(share for share in entry.why if of_grant(share)) if entry.kind is not EntryKind.GRANT else Counter()
    used = {grant.sequence: multipliers.are_used(grant) for grant in due}
    due = [
        grant for grant in due if not used[grant.sequence] and (used[grant.sequence] is not None or grant.sequence in recounts)
    ]
    if sorted(recounts) != sorted(grant.sequence for grant in due):
        yield f"takes back {[sequences[number].key for number in recounts]}, due {[grant.key for grant in due]}"
    if corrected != {(grant.sequence, credit.currency): 0 for grant in due for credit in grant.effect.credits if credit.points}:
        yield f"leaves {corrected} of {[grant.key for grant in due]}"
    if told != Counter(share for grant in due for share in shares_back(grant)):
        yield f"explains {list(told)}, takes back {[grant.key for grant in due]}"
    if any(recounts.values()):
        yield f"leaves {recounts} counted"


def limits_drawn(entries: Sequence[Entry], versions: Versions) -> Iterator[tuple[BudgetKey, int, int]]:
    """How many bonuses one member's entries took of campaigns and draws that have only so many, and how many those have."""
    for entry, grant, count in _given(entries):
        found = campaign_of(grant, versions)
        if found is None:
            continue
        campaign, _ = found
        if campaign.grants_max is not None:
            yield BudgetKey(f"grants:{campaign.id}", None), count, campaign.grants_max
        if campaign.draw is not None and campaign.draw.winners is not None:
            yield BudgetKey(f"winners:{campaign.id}:{entry.subject.period}", None), count, campaign.draw.winners  # type: ignore[union-attr]


def tallied(entries: Sequence[Entry]) -> Iterator[tuple[str, str, dict[str, int]]]:
    """What one member's entries add to what is counted of campaigns: the campaign, the period, and counts by name."""
    for entry, grant, count in _given(entries):
        if count > 0:
            dated = grant.trigger in _DATED
            yield grant.campaign, grant.period if dated else FOR_EVER, {"granted": 1, **_tally(grant)}
        else:
            back = {f"points_back:{share.currency}": share.points for share in entry.why}
            yield grant.campaign, FOR_EVER, {"taken_back": 1, **back}


def _tally(grant: Grant) -> dict[str, int]:
    """What is counted of a bonus."""
    match grant.bonus:
        case "points":
            return {f"points:{grant.currency}": grant.points}
        case "multiplier":
            return {"multipliers": 1}
        case "reward":
            return {f"reward:{grant.reward}": 1}
        case "gift_card":
            return {f"money:{grant.money}": grant.amount or 0}
    return {}


def _given(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Grant, int]]:
    """Each grant, once where it was given and once (with -1) where it was taken back."""
    sequences = {entry.sequence: entry for entry in entries if isinstance(entry.subject, Grant)}
    for entry in sequences.values():
        if isinstance(entry.subject, Grant):
            yield entry, entry.subject, 1
    for entry in entries:
        for recount in entry.effect.recounts if isinstance(entry.subject, Refund) else ():
            grant = sequences.get(recount.sequence)
            if grant is not None and isinstance(grant.subject, Grant):
                yield grant, grant.subject, -1


def sleeps_in(wallet: Wallet, zone: str) -> Iterator[str]:
    """What comes next by date for a wallet before its alarm rings: points and redemptions, and notices that were not told.

    Silence and tiers are no part of it: what the program says of them may have changed since.
    """
    alarm = wallet.alarm
    if wallet.closed:
        if alarm.at is not None:
            yield f"rings at {alarm.at}, though {wallet.member} left"
        return
    for what, at in (*_next_dates(wallet, zone), *_next_notices(wallet, zone)):
        if alarm.at is None or alarm.at > at:
            yield f"{what} at {at}, the alarm rings at {alarm.at}"


def _next_dates(wallet: Wallet, zone: str) -> Iterator[tuple[str, datetime]]:
    for hold in wallet.holds:
        if hold.lapses_on is not None:
            yield f"{hold.key} lapses", first_instant(hold.lapses_on, zone)
    for purse in wallet.purses:
        for lot in purse.lots:
            if lot.spendable_from is not None:
                yield f"{lot} of {purse.currency} matures", first_instant(lot.spendable_from, zone)
            if lot.gone_on is not None:
                yield f"{lot} of {purse.currency} is gone", first_instant(lot.gone_on, zone)


def _next_notices(wallet: Wallet, zone: str) -> Iterator[tuple[str, datetime]]:
    """Of each day on which spendable points are gone: when the member is to be told next, at once where that day has come."""
    today, ahead = wallet.recorded_on or date.min, sorted(wallet.alarm.ahead)
    for purse in wallet.purses:
        for on in {lot.gone_on for lot in purse.lots if lot.gone_on and lot.spendable_from is None and lot.gone_on > today}:
            for days in ahead:
                day = max((on - timedelta(days=days), *told_again(wallet, ahead, purse.currency, days)))
                if day < on and wallet.recorded_at is not None:
                    at = first_instant(day, zone) if day > today else wallet.recorded_at
                    yield f"{purse.currency} gone on {on} are to be told", at
