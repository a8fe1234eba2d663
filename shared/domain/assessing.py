"""Signs of farming: what tells that a friend may be no new customer (docs/referrals.md). Each leads where the policy says."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from shared.domain.calendar import first_of_period
from shared.domain.decision import Joins, Sighting
from shared.domain.fingerprint import SEEN_MAX, FingerprintKind
from shared.domain.member import Profile
from shared.domain.referral import Abuse, Shared, Verdict
from shared.domain.referred import SAME_PERSON

SEVERITY: tuple[Verdict, ...] = ("allow", "review", "reject")
"""From nothing to no reward."""
PATH_MAX = 20
"""Advocates of advocates that a referral keeps: rings of up to as many members and one more are found."""
PERSON = (FingerprintKind.MAILBOX, FingerprintKind.PHONE)
"""What two people do not share."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of farming by its name in the policy, and what it leads to."""

    name: str
    verdict: Verdict


def worst(signs: Iterable[Sign]) -> Verdict:
    """What all signs together lead to."""
    return max((sign.verdict for sign in signs), key=SEVERITY.index, default="allow")


def names_of(signs: Iterable[Sign]) -> tuple[str, ...]:
    """The names of signs that lead to something, in order, each once."""
    return tuple(dict.fromkeys(sign.name for sign in signs if sign.verdict != "allow"))


def assess(friend: Profile, sighting: Sighting, abuse: Abuse) -> list[Sign]:
    """What the friend has in common with the advocate, with those who brought the advocate, and with anybody else."""
    if sighting.advocate is not None and sighting.advocate.last().wallet.member == friend.member:
        # Whoever took over from their own advocate has brought themselves.
        return [Sign(SAME_PERSON, "reject")]
    return [*_with_advocate(friend, sighting, abuse), *_with_others(friend, sighting, abuse)]


def assess_joining(friend: Profile, sighting: Sighting, abuse: Abuse, day: date) -> list[Sign]:
    """As `assess`, and what only the moment of joining tells: the mail domain, and how fast friends join."""
    found = assess(friend, sighting, abuse)
    if sighting.disposable:
        found.append(Sign("disposable", abuse.disposable))
    if sighting.joins is not None:
        hasty = [v.verdict for v in abuse.velocity if joined(sighting.joins, v.per, day) >= v.friends_max]
        found += [Sign("velocity", verdict) for verdict in hasty]
    return found


def joined(joins: Joins, per: str, day: date) -> int:
    """How many joined so far in the calendar period of `day`."""
    since, count = joins.by_period.get(per, (date.min, 0))
    return count if since == first_of_period(per, day) else 0


def _between(kind: FingerprintKind, abuse: Abuse) -> Verdict:
    """What the same fingerprint of advocate and friend leads to."""
    found: Verdict = getattr(abuse, f"same_{kind}")
    return found


def _advocates(sighting: Sighting) -> set[str]:
    """The advocate's ids: that of whoever took over from them counts too."""
    return set() if sighting.advocate is None else {wallet.member for wallet in sighting.advocate.wallets()}


def _with_advocate(friend: Profile, sighting: Sighting, abuse: Abuse) -> Iterator[Sign]:
    advocates, shared = _advocates(sighting), set[FingerprintKind]()
    view = sighting.advocate
    while view is not None:
        if view.profile is not None:
            shared |= {fingerprint.kind for fingerprint in friend.fingerprints() & view.profile.fingerprints()}
        view = view.other
    shared |= {fingerprint.kind for fingerprint, members in sighting.seen.items() if advocates & set(members)}
    for kind in sorted(shared):
        yield Sign(f"same_{kind}", _between(kind, abuse))


def _with_others(friend: Profile, sighting: Sighting, abuse: Abuse) -> Iterator[Sign]:
    near = {friend.member, *_advocates(sighting)}
    for fingerprint, members in sorted(sighting.seen.items(), key=lambda item: (item[0].kind, item[0].value)):
        kind, others = fingerprint.kind, set(members) - near
        # Whoever came after the friend is no reason against the friend.
        before = set(members[: members.index(friend.member)] if friend.member in members else members) - near
        if others & set(sighting.path) and _between(kind, abuse) != "allow":
            yield Sign("ring", abuse.ring)
        if kind in PERSON:
            if before:
                yield Sign("known_person", abuse.known_person)
            continue
        shared: Shared = getattr(abuse, f"shared_{kind}")
        if len(others) > shared.others_max or len(members) >= SEEN_MAX:
            yield Sign(f"shared_{kind}", shared.verdict)
