"""The proof of one member's part in referrals: where their own stands, and what they got and gave back as friend or advocate.

What both sides have to agree on is proven by shared.domain.referral_books.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from shared.domain.awarding import Terms
from shared.domain.calendar import CLOCK_SKEW_MAX, local_day
from shared.domain.counts import ONE_REFERRAL, REFERRALS, Count, credit_name
from shared.domain.effect import Correction, Recount
from shared.domain.entry import Entry, EntryKey, EntryKind, MemberId, Share, award_key, billing_key, of_advocate, referral_key
from shared.domain.errors import TryAgainError
from shared.domain.points import Credit
from shared.domain.program import ProgramVersion
from shared.domain.purchase import Purchase
from shared.domain.referral import ADVOCATE, FRIEND, ByMembership, ByOrders, ReferralReward
from shared.domain.referred import SAME_PERSON, ReferralState, Referred
from shared.domain.standing import course_now
from shared.domain.subject import Award, Billing, Clawback, Referral, Refund
from shared.domain.wallet import Wallet

Found = tuple[str, str]
"""A promise, and what was found instead."""
STEPS = "a referral goes only where its entries lead"
PROMISED = "a referral gives what its terms promise"
NUMBERED = "an advocate's friends are numbered, and no number is given again"
WHOLE = "what a referral gave is taken back whole, and once"
RULES = ("referral:", "campaign:")
"""How rewards of referrals are named among the reasons of an entry; ids of rules have no colon."""
TELLING = (EntryKind.REFERRAL, EntryKind.RULING)
"""Entries that are about nothing but where a referral stands."""
TIED = (EntryKind.REFUND, EntryKind.BILLING)
"""Entries of other things that may take a friend's award back besides."""


def of_referral(share: Share) -> bool:
    """Whether a reason is a referral's reward."""
    return share.rule.startswith(RULES)


def side_of(entry: Entry) -> str | None:
    """Whose side of a referral an award or clawback is about; None for any other entry."""
    return entry.subject.side if isinstance(entry.subject, Award | Clawback) else None


def step_breaks(entry: Entry, before: Wallet, versions: Mapping[int, ProgramVersion]) -> Iterator[Found]:
    """What is wrong with where an entry says that the member's own referral stands, where `before` is the wallet before it."""
    was, now = before.referral, entry.effect.referral
    if now is None:
        if entry.kind in TELLING or side_of(entry) == FRIEND:
            yield STEPS, f"does not tell where it stands after {was}"
    elif was is None:
        if not _joined(entry, now):
            yield STEPS, f"begins as {now}"
    elif not _went_on(entry, was, now, before, versions):
        yield STEPS, f"{was} to {now}"


def _joined(entry: Entry, now: Referred) -> bool:
    """Whether a referral may begin so: as the entry tells by whom the member came, and what the signs led to."""
    told = entry.subject
    if not isinstance(told, Referral) or entry.key != referral_key(entry.member):
        return False
    if (now.advocate, now.campaign) != (told.advocate, told.campaign) or (now.advocate is None) == (now.campaign is None):
        return False
    if told.imported is not None:
        return now.award is None and now.orders == () and now.state is not ReferralState.QUALIFIED
    states = (ReferralState.REJECTED,) if told.verdict == "reject" else (ReferralState.JOINED, ReferralState.QUALIFIED)
    due = Referred(
        version=now.version,
        joined_on=entry.recorded_on,
        advocate=told.advocate,
        campaign=told.campaign,
        state=now.state,
        flagged=told.verdict == "review",
        signs=told.signs,
        qualified_on=entry.recorded_on if now.state is ReferralState.QUALIFIED else None,
    )
    return now.state in states and now == due


def _went_on(entry: Entry, was: Referred, now: Referred, before: Wallet, versions: Mapping[int, ProgramVersion]) -> bool:
    """Whether an entry of this kind may lead a referral from `was` to `now`."""
    terms = _terms(was, versions)
    closed = now in _closings(entry, was, before, terms)
    match entry.kind, entry.subject:
        case EntryKind.PURCHASE, Purchase(order_id=order):
            legal = _counted(entry, was, now, (*was.orders, order), terms)
        case EntryKind.BILLING, Billing(event="refunded"):
            legal = any(was.hangs_on(event) for event in was.orders) and closed
        case EntryKind.BILLING, Billing():
            event = entry.key.removeprefix(billing_key(""))
            legal = now.state is ReferralState.QUALIFIED and _counted(entry, was, now, (event,), terms)
        case EntryKind.REFUND, Refund(order_id=order):
            less = replace(was, orders=tuple(one for one in was.orders if one != order))
            legal = was.hangs_on(order) and (now == less if was.state is ReferralState.JOINED else closed)
        case EntryKind.RULING, _:
            passed = replace(was, flagged=False, signs=(), cleared=True)
            rejected = replace(was, flagged=False, state=ReferralState.REJECTED)
            legal = (was.open and now == rejected) or (was.flagged and now == passed)
        case EntryKind.AWARD, _:
            legal = was.state is ReferralState.QUALIFIED and not was.flagged and now == _awarded(entry, was, now, terms)
        case EntryKind.CLAWBACK, _:
            legal = was.state is ReferralState.AWARDED and closed
        case ((EntryKind.CLOSURE | EntryKind.MERGE | EntryKind.ARRIVAL), _):
            legal = closed if was.open else now == _same_person(was)
        case _:
            legal = False
    return legal


def _same_person(was: Referred) -> Referred | None:
    """What becomes of an award where a merge says that two members are one person."""
    return replace(was, flagged=True, signs=(SAME_PERSON,)) if was.state is ReferralState.AWARDED else None


def _terms(referred: Referred, versions: Mapping[int, ProgramVersion]) -> Terms | None:
    try:
        return Terms.of(referred, list(versions.values()))
    except TryAgainError:
        return None


def _closings(entry: Entry, was: Referred, before: Wallet, terms: Terms | None) -> tuple[Referred, ...]:
    """What an undone referral may be: without its terms nothing is known of the day."""
    if terms is None:
        return was.closed(date.min), was.closed(date.max)
    day = max(local_day(entry.recorded_at, terms.program.time_zone), before.recorded_on or date.min)
    return (was.closed(day),)


def _counted(entry: Entry, was: Referred, now: Referred, orders: tuple[str, ...], terms: Terms | None) -> bool:
    """Whether an order or a payment counted as the terms say; it may have been found suspicious then."""
    due = replace(was, orders=orders, signs=now.signs, flagged=was.flagged or now.flagged)
    enough = now.state is ReferralState.QUALIFIED
    if terms is not None:
        if not isinstance(terms.qualifies, ByOrders if entry.kind is EntryKind.PURCHASE else ByMembership):
            return False
        enough = len(orders) >= (terms.qualifies.orders if isinstance(terms.qualifies, ByOrders) else 1)
    if enough:
        day = local_day(entry.occurred_at, terms.program.time_zone) if terms else now.qualified_on
        due = replace(due, state=ReferralState.QUALIFIED, qualified_on=day)
    elif now.flagged != was.flagged or now.signs != was.signs:
        return False
    return was.state is ReferralState.JOINED and now == due


def _awarded(entry: Entry, was: Referred, now: Referred, terms: Terms | None) -> Referred:
    held_until = now.held_until
    if terms is not None and was.qualified_on is not None:
        held_until = was.qualified_on + timedelta(days=terms.hold_days)
    number = entry.subject.number if isinstance(entry.subject, Award) else None
    return replace(
        was,
        state=ReferralState.AWARDED,
        signs=(),
        held_until=held_until,
        award=entry.sequence,
        awarded_to=now.awarded_to if number is not None else None,
    )


def award_breaks(entry: Entry, before: Wallet, versions: Mapping[int, ProgramVersion]) -> Iterator[Found]:
    """What is wrong with an award: its place, its number, its reasons and its points. `before` is the wallet before it."""
    if entry.kind is not EntryKind.AWARD:
        return
    award = entry.subject
    if not isinstance(award, Award) or not _in_place(entry, award):
        yield PROMISED, f"{award} under {entry.key} after {entry.previous}, names {entry.names}"
        return
    counted = [count for count in entry.effect.counts if not count.name.startswith("cap:")]
    if award.side == ADVOCATE:
        due = before.counted(REFERRALS) + 1
        if award.number != due or ONE_REFERRAL not in counted:
            yield NUMBERED, f"number {award.number}, due {due}; counts {counted}"
    others = [count for count in counted if award.side == FRIEND or count != ONE_REFERRAL]
    if award.imported is not None and (entry.why or entry.effect.credits or others):
        yield PROMISED, f"gives {entry.effect.credits} and counts {others}, though {award.imported} gave it"
    if not versions or award.imported is not None:
        return
    if tuple(others) not in _credits(entry, award, versions):
        yield "what an entry counts is what its rules gave", f"{others}"
    yield from _promised(entry, award, before, versions)


def _in_place(entry: Entry, award: Award) -> bool:
    """Whether an award stands under its own key: the friend's right after what qualified it, the advocate's beside it."""
    key = award_key(MemberId(award.friend))
    if award.side == FRIEND:
        return entry.key == key and award.friend == entry.member and entry.names == award.cause == entry.previous
    names = key if award.imported is None else referral_key(MemberId(award.friend))
    return award.side == ADVOCATE and entry.key == of_advocate(key) and entry.names == names and award.friend != entry.member


def _credits(entry: Entry, award: Award, versions: Mapping[int, ProgramVersion]) -> set[tuple[Count, ...]]:
    """Qualifying credit that an award may count: by the tiers in force then. Two servers' clocks may differ."""
    found: set[tuple[Count, ...]] = set()
    for at in (entry.recorded_at, entry.recorded_at - CLOCK_SKEW_MAX):
        tiers = course_now(list(versions.values()), at).tiers
        counts = tiers is not None and tiers.metric == REFERRALS and award.side == ADVOCATE
        found.add((Count(credit_name(tiers.measure), entry.recorded_on, 1),) if tiers and counts else ())
    return found


def _promised(entry: Entry, award: Award, before: Wallet, versions: Mapping[int, ProgramVersion]) -> Iterator[Found]:
    """Each reason is a reward of the terms, as much as promised but for its caps; points are held, and live, as promised."""
    version = versions.get(entry.why[0].program_version) if entry.why else None
    rewards: Mapping[str, ReferralReward] = {}
    if award.side == FRIEND:
        terms = _terms(before.referral, versions) if before.referral else None
        version, rewards = (terms.version, terms.rewards(FRIEND)) if terms else (None, {})
    elif version is not None and version.program.referral is not None:
        rewards = Terms(version, version.program.referral).rewards(ADVOCATE)
    if [share.rule for share in entry.why] != list(rewards):
        yield PROMISED, f"gives for {[share.rule for share in entry.why]}, the terms are {list(rewards)}"
        return
    for share, reward in zip(entry.why, rewards.values(), strict=True):
        wished = reward.for_number(award.number or 1 if award.side == ADVOCATE else 1)
        due = wished if share.room is None else min(wished, share.room)
        same = version is not None and share.program_version == version.version and share.currency == reward.currency
        full = share.room == before.purse(share.currency).space
        if not same or share.points != due or ((share.room is None) != (not reward.caps) and not full):
            yield PROMISED, f"{share}, promised {wished} within {reward.caps}"
    held_until = award.held_until or date.min
    for credit in entry.effect.credits:
        if version is None or credit != _held(entry, credit, version, max(held_until, entry.recorded_on)):
            yield PROMISED, f"{credit}, held until {held_until}"


def _held(entry: Entry, credit: Credit, version: ProgramVersion, day: date) -> Credit:
    expiry = version.program.currency(credit.currency).expiry
    return replace(credit, spendable_from=day, gone_on=expiry.gone_on(entry.recorded_on) if expiry else None)


def taken_back(entries: Sequence[Entry]) -> Iterator[tuple[str, EntryKey, str]]:
    """What is wrong with what a member gave back of awards: each by one entry, and whole; an advocate keeps its number.

    And whether an own referral that qualified was awarded or rejected at once, unless it is flagged.

    Gives the promise, the entry, and what was found instead.
    """
    awards = {entry.key: entry for entry in entries if entry.kind is EntryKind.AWARD}
    sequences = {award.sequence: award for award in awards.values()}
    taken: set[EntryKey] = set()
    stands: Referred | None = None
    for entry in entries:
        before, stands = stands, entry.effect.referral or stands
        if _is_due(before) and entry.kind not in (EntryKind.AWARD, EntryKind.RULING):
            yield STEPS, entry.key, f"comes before what follows from {before}"
        due = _undoes(entry, before, stands)
        told = {sequences[part.sequence].key for part in _corrected(entry) if part.sequence in sequences}
        given_back = [share for share in entry.why if of_referral(share)] if entry.kind is not EntryKind.AWARD else []
        if due is None:
            if told or given_back:
                yield WHOLE, entry.key, f"takes back {sorted(told)}, explains {given_back}, though the referral stands"
            continue
        award = awards.get(due)
        if award is None or due in taken or told - {due}:
            yield WHOLE, entry.key, f"takes back {sorted(told)} for {due}"
            continue
        taken.add(due)
        yield from ((WHOLE, entry.key, found) for found in _part_left(entry, award, given_back))
    if _is_due(stands):
        yield STEPS, entries[-1].key, f"nothing follows from {stands}"


def _is_due(referred: Referred | None) -> bool:
    """Whether a referral has to be awarded or rejected by the very next entry."""
    return referred is not None and referred.state is ReferralState.QUALIFIED and not referred.flagged


def _corrected(entry: Entry) -> tuple[Correction | Recount, ...]:
    return (*entry.effect.corrections, *entry.effect.recounts)


def _undoes(entry: Entry, before: Referred | None, after: Referred | None) -> EntryKey | None:
    """The award that an entry has to take back: a clawback's is named, a refund's is the member's own."""
    if isinstance(entry.subject, Clawback):
        key = award_key(MemberId(entry.subject.friend))
        return of_advocate(key) if entry.subject.side == ADVOCATE else key
    given = before is not None and before.state is ReferralState.AWARDED
    undone = given and after is not None and after.state is not ReferralState.AWARDED
    return award_key(entry.member) if entry.kind in TIED and undone else None


def _part_left(entry: Entry, award: Entry, given_back: Sequence[Share]) -> Iterator[str]:
    """What an entry leaves of the award that it takes back."""
    due = [Share(share.rule, share.program_version, share.currency, -share.points) for share in award.why]
    if list(given_back) != due:
        yield f"explains {given_back}, due {due}"
    kept = {part.currency: part.points for part in entry.effect.corrections if part.sequence == award.sequence}
    if kept != {credit.currency: 0 for credit in award.effect.credits if credit.points}:
        yield f"leaves {kept} of {award.key}"
    left = next((part.counts for part in entry.effect.recounts if part.sequence == award.sequence), award.effect.counts)
    if set(left) != {count for count in award.effect.counts if count == ONE_REFERRAL}:
        yield f"leaves {left} counted of {award.key}"
    if entry.kind is EntryKind.CLAWBACK and entry.names != award.key:
        yield f"names {entry.names}, not {award.key}"
