"""Where a member stands who was brought by another: kept in the wallet, told by each entry that moves it."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Self

SAME_PERSON = "same_person"
"""The sign that two members turned out to be one person."""


class ReferralState(StrEnum):
    """How far a referral has come.

    `joined` waits for the friend, `qualified` for an operator, `awarded` both sides have their points: held, then rewarded.
    `rejected` nothing was or is given, `clawed_back` it was taken back after the hold. The last two are for good.
    """

    JOINED = "joined"
    QUALIFIED = "qualified"
    AWARDED = "awarded"
    REJECTED = "rejected"
    CLAWED_BACK = "clawed_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Referred:
    """The referral that a member came by, as an entry left it.

    `version` is the program version whose terms hold. One of `advocate` (a member) and `campaign` (an id) is set. `orders` are
    those counted so far, or the billing event of the payment. `flagged` asks for an operator's look because of `signs`;
    `cleared` says that there was one, which let it pass. `qualified_on` is the local day of what counted, `held_until` the
    first local day on which the points can be spent. `award` is the sequence of the friend's entry of it, `awarded_to` the
    member who has the advocate's.
    """

    version: int
    joined_on: date
    advocate: str | None = None
    campaign: str | None = None
    state: ReferralState = ReferralState.JOINED
    flagged: bool = False
    cleared: bool = False
    signs: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    qualified_on: date | None = None
    held_until: date | None = None
    award: int | None = None
    awarded_to: str | None = None

    @property
    def open(self) -> bool:
        """Whether it may still be awarded."""
        return self.state in (ReferralState.JOINED, ReferralState.QUALIFIED)

    @property
    def source(self) -> str:
        """Who or what the friend came by: a member's id or a campaign's."""
        return self.advocate or self.campaign or ""

    def hangs_on(self, order_id: str) -> bool:
        """Whether a refund of the order may undo it."""
        return order_id in self.orders and self.state not in (ReferralState.REJECTED, ReferralState.CLAWED_BACK)

    def is_late(self, day: date, within_days: int | None) -> bool:
        """Whether `day` is too long after the enrolment to count."""
        return within_days is not None and day > self.joined_on + timedelta(days=within_days)

    def closed(self, day: date) -> Self:
        """The referral after it was undone on `day`: rejected up to the end of the hold, clawed back from then on."""
        over = self.held_until is not None and day >= self.held_until
        state = ReferralState.CLAWED_BACK if self.state is ReferralState.AWARDED and over else ReferralState.REJECTED
        return replace(self, state=state, flagged=False)

    def abandoned(self, day: date) -> Self | None:
        """The referral once the friend has left on `day`; None where that changes nothing: what was given stays."""
        return self.closed(day) if self.open else None

    def merging(self, other: str, others: Self | None = None) -> Self | None:
        """The referral once the friend turns out to be the same person as the member `other`, who came by `others`.

        Nobody brings themselves, nor is anybody a new customer twice: what was awarded is for an operator to look at, once.
        None where that changes nothing.
        """
        twice = others is not None and others.state is ReferralState.AWARDED and others.source == self.source
        if self.state is not ReferralState.AWARDED or self.flagged or self.cleared:
            return None
        if not (twice or other in (self.advocate, self.awarded_to)):
            return None
        return replace(self, flagged=True, signs=(SAME_PERSON,))

    def shown(self, day: date) -> str:
        """The state as people are told it on a local day: an award is `held`, then `rewarded`."""
        return shown(self.state, self.held_until, day)


def shown(state: ReferralState, held_until: date | None, day: date) -> str:
    """A state as people are told it on a local day: an award is `held`, then `rewarded`."""
    if state is not ReferralState.AWARDED:
        return state.value
    return "held" if held_until and day < held_until else "rewarded"
