"""Use case: do all that is due for a member by date, each thing once, and set the alarm for what comes next."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ulid import ULID

from shared.domain.code import CARD_SYMBOLS, VOUCHER_SYMBOLS, make_code
from shared.domain.decision import Decision, View, Wanted
from shared.domain.entry import EntryKey, MemberId, review_key, sweep_key
from shared.domain.errors import GrantDeclinedError, MemberUnknownError, RefusedError
from shared.domain.gift_card import CardId, NewCard
from shared.domain.granting import FOR_EVER, PASSED_OVER, Offer, digest_of, grant
from shared.domain.granting import wanted as grant_wanted
from shared.domain.program import ProgramVersion, in_force
from shared.domain.redeeming import Issue
from shared.domain.reviewing import review, review_digest
from shared.domain.visiting import Visit, book, give, key_of, notify, sweep_digest
from shared.ports import Alarms, Campaigns, Ledger

STEPS_MAX = 100
"""Entries that one visit makes at most; what is due beyond them is found at the next."""
GRANTED, NOTHING = "granted", "nothing"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is due: what it is called, the key that makes it happen once, and how it is done."""

    name: str
    key: EntryKey
    do: Callable[[], str]


@dataclass(frozen=True)
class Giver:
    """What gives members what is due by the `program`; `now` is when it began.

    `rng` chooses codes; `budget_spent` is told the campaign that has nothing left to give.
    """

    ledger: Ledger
    campaigns: Campaigns
    alarms: Alarms
    program: Callable[[], Sequence[ProgramVersion]]
    now: datetime
    rng: random.Random
    budget_spent: Callable[[str], None] = lambda _: None

    @property
    def versions(self) -> Sequence[ProgramVersion]:
        """All versions of the program, as known now: one may take effect while a worker works."""
        return self.program()

    def give(self, member: MemberId, offer: Offer, day: date, decide: Callable[[View, Offer, Issue], Decision] = grant) -> str:
        """Give a campaign's bonus once: "granted", also where it was given before; else the reason why it gives nothing.

        `day` is today in the program's zone. `decide` may look once more whether it is due. Raises MemberUnknownError,
        TryAgainError.
        """
        campaign, period = offer.campaign.id, offer.moment.period
        key, digest, wanted = offer.key(member), digest_of(campaign, period, member), grant_wanted(offer, day)
        try:
            self.ledger.decide_and_post(key, member, digest, lambda view: decide(view, offer, self._issue(key)), wanted)
        except GrantDeclinedError as declined:
            if declined.reason == "budget":
                self.budget_spent(campaign)
            # A date's run counts them in its parts; here each member comes on a day of their own.
            if declined.reason in PASSED_OVER and offer.tallied == FOR_EVER:
                self.campaigns.pass_over(campaign, period, offer.tallied, member, declined.reason)
            return declined.reason
        return GRANTED

    def visit(self, member: MemberId) -> Counter[str]:
        """Do what is due, one entry after the other, and set the alarms; how often each thing was done.

        For a member who is there no more nothing is due. Raises TryAgainError.
        """
        tried, made = set[EntryKey](), Counter[str]()
        for _ in range(STEPS_MAX):
            try:
                visit = Visit(self.ledger.view(member, visit_wanted(self.versions, self.now)), self.versions)
            except MemberUnknownError:
                return made
            if not self._went_on(visit, tried, made):
                # Where somebody wrote meanwhile the alarm stays as it is, and the sweep comes again.
                self.alarms.settle(visit.view, visit.wallet_alarm(), visit.profile_alarm())
                return made
        return made

    def _went_on(self, visit: Visit, tried: set[EntryKey], made: Counter[str]) -> bool:
        """Do the first thing that makes an entry; whether there was one. What gives nothing changes nothing."""
        for step in self._steps(visit):
            if step.key in tried:
                continue
            tried.add(step.key)
            outcome = step.do()
            made[f"{step.name}:{outcome}"] += 1
            if outcome == GRANTED:
                return True
        return False

    def _steps(self, visit: Visit) -> list[Step]:
        """All that is due, in order. The first one may change the rest."""
        view, versions = visit.view, self.versions
        if view.wallet.closed:
            return []
        member, number = view.wallet.member, view.wallet.sequence + 1
        if visit.tier_changed():
            key, digest = review_key(member, number), review_digest(member)
            return [Step("review", key, lambda: self._post(key, member, digest, lambda now: review(now, versions)))]
        if visit.is_bookable():
            key, digest = sweep_key(member, number), sweep_digest(member)
            return [Step("sweep", key, lambda: self._post(key, member, digest, lambda now: book(now, versions)))]
        return [*self._notices(visit), *self._offers(visit)]

    def _notices(self, visit: Visit) -> list[Step]:
        member, versions = visit.view.wallet.member, self.versions
        digest = sweep_digest(member)

        def telling(key: EntryKey) -> Step:
            return Step("notice", key, lambda: self._post(key, member, digest, lambda now: notify(now, versions, key)))

        return [telling(key_of(member, notice)) for notice in visit.notices()]

    def _offers(self, visit: Visit) -> list[Step]:
        member = visit.view.wallet.member

        def giving(offer: Offer) -> Step:
            return Step(offer.campaign.id, offer.key(member), lambda: self.give(member, offer, visit.day, self._if_due))

        return [giving(offer) for offer in visit.offers()]

    def _if_due(self, view: View, offer: Offer, issue: Issue) -> Decision:
        return give(view, offer, issue, self.versions)

    def _post(self, key: EntryKey, member: MemberId, digest: bytes, decide: Callable[[View], Decision]) -> str:
        try:
            self.ledger.decide_and_post(key, member, digest, decide)
        except RefusedError:
            # Another entry did it meanwhile, or the member left.
            return NOTHING
        return GRANTED

    def _issue(self, key: EntryKey) -> Issue:
        card = NewCard(CardId(str(ULID())), make_code(self.rng, CARD_SYMBOLS))
        return Issue(key, make_code(self.rng, VOUCHER_SYMBOLS), card)


def visit_wanted(versions: Sequence[ProgramVersion], now: datetime) -> Wanted:
    """What a visit reads beside the wallet: the profile, and whether the campaigns run that the program has, now or soon."""
    there = [in_force(versions, now), *(version for version in versions if version.effective_from > now)]
    campaigns = dict.fromkeys(campaign.id for version in there for campaign in version.program.alarmed_campaigns)
    return Wanted(profile=True, campaigns=tuple(campaigns))
