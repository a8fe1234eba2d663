"""What undoes a referral: a refund below its minimum, an operator's word, a friend who leaves (docs/referrals.md).

Nothing was given yet: it is rejected. Points were given: both sides give them back, held ones and spent ones alike; what was
spent is debt. Undone it stays so, whatever the friend buys.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from shared.domain.awarding import Terms
from shared.domain.counts import ONE_REFERRAL
from shared.domain.decision import BudgetMoved, Decision, Posted, ReferralMoved, ReferralWanted, View
from shared.domain.digest import request_hash
from shared.domain.effect import Effect, Recount
from shared.domain.entry import Entry, EntryKind, MemberId, Share, award_key, clawback_key, of_advocate, ruling_key
from shared.domain.errors import ReferralStateError, ReferralUnknownError, TryAgainError
from shared.domain.history import Reason, day_of_entry, post
from shared.domain.program import ProgramVersion
from shared.domain.purchase import Purchase
from shared.domain.qualifying import Progress, settle
from shared.domain.rating import budgets_returned
from shared.domain.referral import ADVOCATE, FRIEND, ByOrders
from shared.domain.referred import ReferralState, Referred
from shared.domain.standing import course_now, told
from shared.domain.subject import Clawback, Ruling
from shared.domain.taking_back import corrections, forgiven, parts_of, shares_back
from shared.domain.transferring import carried_on


def undone_wanted(view: View) -> ReferralWanted | None:
    """What taking a referral's rewards back reads besides: what both sides got, and who has the advocate's."""
    referred = view.wallet.referral
    if referred is None or referred.state is not ReferralState.AWARDED:
        return None
    key = award_key(view.wallet.member)
    to = referred.awarded_to
    return ReferralWanted(advocate=MemberId(to) if to else None, entries=(key, of_advocate(key)) if to else (key,))


def by_refund(view: View, purchase: Purchase, net: Sequence[Fraction], versions: Sequence[ProgramVersion]) -> Referred | None:
    """Where the referral stands when `net` is left of each line of an order; None where that changes nothing."""
    referred, order_id = view.wallet.referral, purchase.order_id
    if referred is None or not referred.hangs_on(order_id):
        return None
    terms = Terms.of(referred, versions)
    qualifies = terms.qualifies
    if not isinstance(qualifies, ByOrders) or terms.money(purchase, net) >= max(1, qualifies.net_min):
        return None
    if referred.state is ReferralState.JOINED:
        return replace(referred, orders=tuple(order for order in referred.orders if order != order_id))
    return referred.closed(day_of_entry(view.wallet, view.now, terms.program.time_zone))


@dataclass(frozen=True, slots=True)
class Undoing:
    """A referral that goes from `before` to `after`: what the friend's own entry takes back, and what else follows.

    Before anything was given there is nothing to take back.
    """

    view: View
    before: Referred
    after: Referred
    terms: Terms

    @classmethod
    def of(cls, view: View, after: Referred | None, versions: Sequence[ProgramVersion]) -> "Undoing | None":
        """What becomes of the referral; None where nothing does."""
        before = view.wallet.referral
        if before is None or after is None:
            return None
        return cls(view, before, after, Terms.of(before, versions))

    @property
    def _takes(self) -> bool:
        return self.before.state is ReferralState.AWARDED

    def _award(self, side: str) -> Entry | None:
        key = award_key(self.view.wallet.member)
        found = self.view.referral.entries.get(key if side == FRIEND else of_advocate(key)) if self.view.referral else None
        if found is None and (side == FRIEND or self.before.awarded_to):
            # The view does not hold what its own wallet asks for.
            raise TryAgainError
        return found

    def on(self, effect: Effect) -> Effect:
        """The effect of the friend's own entry with the friend's part of it."""
        effect = replace(effect, referral=self.after)
        award = self._award(FRIEND) if self._takes else None
        if award is None:
            return effect
        return replace(
            effect,
            forgives=(*effect.forgives, *forgiven(self.why(), self.terms.program)),
            corrections=(*effect.corrections, *corrections(award)),
            recounts=(*effect.recounts, Recount(award.sequence, ())) if award.effect.counts else effect.recounts,
        )

    def why(self) -> tuple[Share, ...]:
        """What the friend gives back, by what had given it."""
        award = self._award(FRIEND) if self._takes else None
        return shares_back(award) if award else ()

    def advocate(self, view: View, reason: str, cause: Entry, versions: Sequence[ProgramVersion]) -> Posted:
        """The entries that take the advocate's part back, where `view` stands after the friend's entry `cause`."""
        award = self._award(ADVOCATE) if self._takes else None
        there = view.referral.advocate if view.referral else None
        if award is None or there is None:
            return ()
        course = course_now(versions, view.now)
        operator = cause.subject.operator if isinstance(cause.subject, Clawback) else None
        why = shares_back(award)
        effect = Effect(
            corrections=corrections(award),
            recounts=(Recount(award.sequence, (ONE_REFERRAL,)),) if set(award.effect.counts) != {ONE_REFERRAL} else (),
            forgives=forgiven(why, self.terms.program),
        )
        if not there.wallet.closed:
            day = day_of_entry(there.wallet, there.now, award.zone)
            effect = told(there.wallet, course, day, effect, there.history)
        entry, wallet = post(
            there.wallet,
            there.history,
            effect,
            Reason(
                key=of_advocate(clawback_key(self.view.wallet.member)),
                kind=EntryKind.CLAWBACK,
                occurred_at=cause.occurred_at,
                request_hash=request_hash("clawback", cause.key),
                why=why,
                subject=Clawback(
                    friend=self.view.wallet.member, side=ADVOCATE, reason=reason, cause=cause.key, operator=operator
                ),
                names=award.key,
            ),
            now=there.now,
            zone=award.zone,
        )
        return ((entry, wallet), *carried_on(there, entry, course))

    def changes(self, cause: Entry, reason: str) -> Iterator[BudgetMoved | ReferralMoved]:
        """What is listed and counted, and what comes back to budgets."""
        friend, given = self.view.wallet.member, []
        if self._takes:
            awards = {side: award for side in (ADVOCATE, FRIEND) if (award := self._award(side))}
            parts = [part for award in awards.values() for part in parts_of(award)]
            yield from budgets_returned(parts, (), self.terms.program, friend, awards[FRIEND].recorded_on)
            given = [(side, share.currency, -share.points) for side, award in awards.items() for share in award.why]
        undone = self.after.state is not self.before.state
        yield ReferralMoved(
            friend=friend,
            before=self.before,
            after=self.after,
            day=cause.recorded_on,
            changed_at=cause.recorded_at,
            reason=reason if undone else None,
            given=tuple(one for one in given if one[2]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What an operator says of a referral, and why; `operator` is the digest of who."""

    reason: str
    operator: str
    digest: bytes


def rule(view: View, word: Word, passed: bool, versions: Sequence[ProgramVersion]) -> Decision:
    """An operator lets a flagged referral pass, which is awarded if it has qualified; or rejects one that is open.

    One that was flagged after its award keeps it as it passes; to take it back is to void it.
    Raises ReferralUnknownError, ReferralStateError, MemberMergedError, MemberClosedError.
    """
    referred = _known(view)
    if passed and referred.open:
        view.wallet.check_open()
    if not (referred.flagged if passed else referred.open):
        raise ReferralStateError(state=referred.state)
    terms = Terms.of(referred, versions)
    after = replace(referred, flagged=False, signs=(), cleared=True)
    if not passed:
        after = replace(referred, flagged=False, state=ReferralState.REJECTED)
    entry, wallet = post(
        view.wallet,
        view.history,
        Effect(referral=after),
        Reason(
            key=ruling_key(view.wallet.member, passed=passed),
            kind=EntryKind.RULING,
            occurred_at=view.now,
            request_hash=word.digest,
            subject=Ruling(friend=view.wallet.member, passed=passed, reason=word.reason, operator=word.operator),
        ),
        now=view.now,
        zone=terms.program.time_zone,
    )
    decision = settle(view, Decision(entry, wallet), Progress(after), versions)
    return decision if passed else _reasoned(decision, word.reason)


def _reasoned(decision: Decision, reason: str) -> Decision:
    changes = tuple(replace(c, reason=reason) if isinstance(c, ReferralMoved) else c for c in decision.changes)
    return replace(decision, changes=changes)


def void_award(view: View, word: Word, versions: Sequence[ProgramVersion]) -> Decision:
    """An operator takes back what a referral gave to both sides, whenever that was.

    Raises ReferralUnknownError, ReferralStateError where nothing was given, or it was taken back before.
    """
    referred = _known(view)
    # What another system rewarded has no award here that could be taken back.
    if referred.state is not ReferralState.AWARDED or referred.award is None:
        raise ReferralStateError(state=referred.state)
    terms = Terms.of(referred, versions)
    zone, wallet = terms.program.time_zone, view.wallet
    day = day_of_entry(wallet, view.now, zone)
    undoing = Undoing(view, referred, referred.closed(day), terms)
    why = undoing.why()
    effect = undoing.on(Effect())
    course = course_now(versions, view.now)
    if not wallet.closed:
        effect = told(wallet, course, day, effect, view.history)
    key = clawback_key(wallet.member)
    reason = Reason(
        key=key,
        kind=EntryKind.CLAWBACK,
        occurred_at=view.now,
        request_hash=word.digest,
        why=why,
        subject=Clawback(friend=wallet.member, side=FRIEND, reason=word.reason, operator=word.operator),
        names=award_key(wallet.member),
    )
    entry, after = post(wallet, view.history, effect, reason, now=view.now, zone=zone)
    return undone(undoing, Decision(entry, after, (), carried_on(view, entry, course)), word.reason, versions)


def undone(undoing: Undoing | None, decision: Decision, reason: str, versions: Sequence[ProgramVersion]) -> Decision:
    """The decision of the friend's own entry with all that follows for the advocate, and beside the wallets."""
    if undoing is None:
        return decision
    view = undoing.view.after(decision.posted)
    others = undoing.advocate(view, reason, decision.entry, versions)
    return replace(
        decision,
        changes=(*decision.changes, *undoing.changes(decision.entry, reason)),
        others=(*decision.others, *others),
    )


def _known(view: View) -> Referred:
    if view.wallet.referral is None:
        raise ReferralUnknownError
    return view.wallet.referral


def leaving(view: View, decision: Decision, reason: str) -> Decision:
    """A member's leaving with what is listed of their referral, and of that of whoever takes over."""
    before = {wallet.member: wallet.referral for wallet in view.wallets()}
    moved = tuple(
        _moved(entry, was, wallet.referral, reason)
        for entry, wallet in decision.posted
        if wallet.referral is not None and (was := before[wallet.member]) is not None and was != wallet.referral
    )
    return replace(decision, changes=(*decision.changes, *moved))


def _moved(entry: Entry, before: Referred, after: Referred, reason: str) -> ReferralMoved:
    return ReferralMoved(
        friend=entry.member,
        before=before,
        after=after,
        day=entry.recorded_on,
        changed_at=entry.recorded_at,
        signs=after.signs,
        reason=reason if after.state is not before.state else None,
    )
