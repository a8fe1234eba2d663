"""A member's wallet: unspent points, open redemptions, and how one entry's effect moves it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Self

from shared.domain.alarm import Alarm
from shared.domain.counts import Count, Forgotten, added, amount_of, kept
from shared.domain.effect import Effect, Spend, Standing
from shared.domain.entry import BalanceAfter, EntryKey, MemberId
from shared.domain.errors import MemberClosedError, MemberMergedError
from shared.domain.membership import Term, with_terms
from shared.domain.points import Account, Posting
from shared.domain.purse import Purse
from shared.domain.referred import Referred


@dataclass(frozen=True, slots=True)
class Hold:
    """A redemption that is issued and neither used, cancelled nor booked as lapsed.

    `lapses_on` is the first local day on which it counts as returned, None for never.
    """

    sequence: int
    key: EntryKey
    lapses_on: date | None


@dataclass(frozen=True, slots=True)
class Claim:
    """How often a member took a reward that has a limit: until the local day `until`, None for ever."""

    reward: str
    until: date | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """Unspent points of every currency, and where the member's sequence of entries stands.

    `sequence` is the number of entries so far and the wallet's version. `purses` are in order of their currency's code,
    `holds` in order of sequence. `merged_into` is the member who took all over, `closed` whether this one left. `counts` are in
    order of name and day, `terms` of their billing events; `standing` is the tier that an entry last told, `forgotten` what is
    counted no more. `since` is from when a member who was merged into this one had been one, if that was earlier.
    `referral` is the one that the member came by. `active_at` is when they last bought or redeemed. `alarm` is no part of what
    the entries make: it says when to look.
    """

    member: MemberId
    enrolled_at: datetime
    closed: bool = False
    merged_into: MemberId | None = None
    sequence: int = 0
    last_key: EntryKey | None = None
    recorded_at: datetime | None = None
    recorded_on: date | None = None
    purses: tuple[Purse, ...] = ()
    holds: tuple[Hold, ...] = ()
    claims: tuple[Claim, ...] = ()
    counts: tuple[Count, ...] = ()
    terms: tuple[Term, ...] = ()
    standing: Standing | None = None
    forgotten: Forgotten | None = None
    since: date | None = None
    referral: Referred | None = None
    active_at: datetime | None = None
    alarm: Alarm = field(default=Alarm(), compare=False)

    def purse(self, currency: str) -> Purse:
        """The purse of a currency; an empty one where nothing was ever posted."""
        return next((purse for purse in self.purses if purse.currency == currency), Purse(currency))

    def lapsed(self, day: date) -> tuple[Hold, ...]:
        """Redemptions that were returned by date and not booked yet."""
        return tuple(hold for hold in self.holds if hold.lapses_on is not None and hold.lapses_on <= day)

    def taken(self, reward: str, until: date | None) -> int:
        """How often the member took a reward in the period that ends before `until`; ever, for None."""
        return sum(claim.count for claim in self.claims if (claim.reward, claim.until) == (reward, until))

    def counted(self, name: str, day: date | None = None) -> int:
        """How much was counted under this name for the time that begins on `day`."""
        return amount_of(self.counts, name, day)

    def check_open(self) -> None:
        """Refuse what a member who left cannot do. Raises MemberMergedError, MemberClosedError."""
        if self.merged_into is not None:
            raise MemberMergedError(into=self.merged_into)
        if self.closed:
            raise MemberClosedError

    def settled(self, day: date) -> tuple[Self, tuple[Posting, ...]]:
        """The wallet as the dates of points up to `day` have made it, and the postings that book it.

        A lapse of a redemption is no such date: it needs the history (see shared.domain.history).
        """
        wallet, postings = self, list[Posting]()
        for purse in self.purses:
            changed, due = purse.settled(day)
            wallet = wallet.with_purse(changed)
            postings += due
        claims = tuple(claim for claim in self.claims if claim.until is None or claim.until > day)
        return replace(wallet, claims=claims), tuple(postings)

    def moved(self, effect: Effect, day: date, key: EntryKey) -> tuple[Self, tuple[Posting, ...]]:
        """The wallet after the entry `key` with `effect` on the local day `day`, and every posting that day and effect make.

        Takes the entry's sequence. Deciding and folding both come here, so that a wallet cannot differ from the fold.
        """
        wallet, postings = self.settled(day)
        wallet = replace(wallet, sequence=self.sequence + 1, last_key=key, recorded_on=day)
        for credit in effect.credits:
            purse, moved = wallet.purse(credit.currency).credited(credit, day)
            wallet, postings = wallet.with_purse(purse), postings + moved
        for spend in effect.spends:
            purse, moved = wallet.purse(spend.currency).spent(spend.points, spend.account)
            wallet, postings = wallet.with_purse(purse)._holding(spend, key), postings + moved
        for forgiveness in effect.forgives:
            purse, moved = wallet.purse(forgiveness.currency).forgiven(forgiveness.points)
            wallet, postings = wallet.with_purse(purse), postings + moved
        wallet = wallet._told(effect)
        if effect.empties is not None:
            wallet = replace(wallet, closed=True, merged_into=MemberId(effect.into) if effect.into else wallet.merged_into)
        if wallet.closed:
            wallet, moved = wallet._emptied(effect)
            postings += moved
        return wallet, postings

    def _told(self, effect: Effect) -> Self:
        """The wallet after all of an effect that moves no points."""
        forgotten = effect.forgets or self.forgotten
        counts = added(self.counts, effect.counts, forgotten)
        return replace(
            self,
            holds=tuple(hold for hold in self.holds if hold.sequence not in effect.uses),
            counts=kept(counts, effect.forgets) if effect.forgets else counts,
            terms=tuple(term for term in with_terms(self.terms, effect.terms) if term.event not in effect.drops),
            standing=effect.stands or self.standing,
            forgotten=forgotten,
            since=min(filter(None, (self.since, effect.since)), default=None),
            referral=effect.referral or self.referral,
            active_at=max(filter(None, (self.active_at, effect.active_at)), default=None),
        )

    def _holding(self, spend: Spend, key: EntryKey) -> Self:
        holds, claims = self.holds, self.claims
        if spend.held:
            holds = (*holds, Hold(self.sequence, key, spend.lapses_on))
        if spend.reward is not None:
            claims = self.claims_with({(spend.reward, until): 1 for until in spend.claims})
        return replace(self, holds=holds, claims=claims)

    def claims_with(self, more: dict[tuple[str, date | None], int]) -> tuple[Claim, ...]:
        """The claims with these added (or, where negative, taken off), in a fixed order."""
        counts = Counter({(claim.reward, claim.until): claim.count for claim in self.claims})
        counts.update(more)
        found = sorted(counts.items(), key=lambda item: (item[0][0], item[0][1] or date.max))
        return tuple(Claim(reward, until, count) for (reward, until), count in found if count > 0)

    def _emptied(self, effect: Effect) -> tuple[Self, tuple[Posting, ...]]:
        """After a member left, all there is and all that comes later is forfeited (the rules of points, 24)."""
        wallet, postings = self, tuple[Posting, ...]()
        for purse in self.purses:
            emptied, moved = purse.emptied(effect.empties or Account.ADJUSTED)
            wallet, postings = wallet.with_purse(emptied), postings + moved
        return wallet, postings

    def balances(self) -> tuple[BalanceAfter, ...]:
        """Active, pending and debt of every currency."""
        return tuple(BalanceAfter(p.currency, p.active, p.pending, p.debt) for p in self.purses)

    def with_purse(self, purse: Purse) -> Self:
        """The wallet with another purse of its currency. A purse that nothing was ever posted to is not kept."""
        others: Iterable[Purse] = [other for other in self.purses if other.currency != purse.currency]
        kept = others if purse == Purse(purse.currency) else [*others, purse]
        return replace(self, purses=tuple(sorted(kept, key=lambda purse: purse.currency)))
