"""What an entry does to a wallet, in parts; the fold applies them (the rules of points, 8)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from shared.domain.counts import Count, Forgotten
from shared.domain.membership import Term
from shared.domain.points import Account, Credit
from shared.domain.referred import Referred


@dataclass(frozen=True, slots=True)
class Spend:
    """Points of a currency that leave the wallet for `account`.

    A `held` spend is a redemption that can still be cancelled; on the local day `lapses_on` (None: never) it is returned by
    itself unless it was used. It counts against the limits of `reward` until each of the days `claims` (None: for ever).
    """

    currency: str
    points: int
    account: Account = Account.REDEEMED
    held: bool = False
    lapses_on: date | None = None
    reward: str | None = None
    claims: tuple[date | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Correction:
    """What the entry with this sequence gives or takes of a currency is `points` from now on."""

    sequence: int
    currency: str
    points: int


@dataclass(frozen=True, slots=True)
class Forgiveness:
    """At its place in the fold, up to `points` of debt are forgiven; it never makes points (the rules of points, 9)."""

    currency: str
    points: int


@dataclass(frozen=True, slots=True)
class Recount:
    """What the entry with this sequence counts beside points is `counts` from now on."""

    sequence: int
    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The tier that a member has as of an entry, None for none; it was reached or lost on the local day `since`."""

    tier: str | None
    since: date


@dataclass(frozen=True, slots=True)
class Reopening:
    """What came over from a merged member, as corrections of that member's history leave it."""

    sequence: int
    credits: tuple[Credit, ...]
    spends: tuple[Spend, ...]
    counts: tuple[Count, ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """All that one entry does.

    Credits come first, then spends. `uses` are sequences of redemptions that are used, hence neither lapse nor are
    cancelled; `pays` is the id of the order that they paid a part of. `empties` is where all there is and all that comes
    later goes when the member leaves; `into` is the member who takes over, if one does. `counts` is what it counts beside
    points, `terms` what it tells of paid memberships, `stands` the tier that changed. `forgets` is what the wallet counts no
    more, `drops` are the billing events of terms that it keeps no more. `since` is the day from which a merged member
    was one: the years of a tier begin with the older of two. `active_at` is when the member last bought or
    redeemed. `referral` is where the member's own referral stands from now on. `gave` are the keys of grants that an order
    brought, which its refund takes back.
    """

    credits: tuple[Credit, ...] = ()
    spends: tuple[Spend, ...] = ()
    corrections: tuple[Correction, ...] = ()
    uses: tuple[int, ...] = ()
    pays: str | None = None
    forgives: tuple[Forgiveness, ...] = ()
    reopens: tuple[Reopening, ...] = ()
    empties: Account | None = None
    into: str | None = None
    counts: tuple[Count, ...] = ()
    recounts: tuple[Recount, ...] = ()
    terms: tuple[Term, ...] = ()
    stands: Standing | None = None
    forgets: Forgotten | None = None
    drops: tuple[str, ...] = ()
    since: date | None = None
    referral: Referred | None = None
    active_at: datetime | None = None
    gave: tuple[str, ...] = ()

    def corrected(self, points: Mapping[str, int]) -> "Effect":
        """The effect where corrections leave it `points` of these currencies; an order keeps its lowest serials."""
        return replace(
            self,
            credits=_kept(self.credits, points),
            spends=tuple(
                replace(spend, points=points.get(spend.currency, spend.points))
                for spend in self.spends
                # What was free of charge is taken out as all else is: by a correction to nothing.
                if points.get(spend.currency, spend.points or 1)
            ),
        )


def _kept(credits: tuple[Credit, ...], points: Mapping[str, int]) -> tuple[Credit, ...]:
    left = dict(points)
    kept = []
    for credit in credits:
        here = min(credit.points, left.get(credit.currency, credit.points))
        if credit.currency in left:
            left[credit.currency] -= here
        kept.append(replace(credit, points=here))
    return tuple(kept)
