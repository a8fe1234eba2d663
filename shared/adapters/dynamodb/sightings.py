"""What a decision on a referral reads beside the friend's own wallet: one batch more, and one for each merge on the way."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from shared.adapters.dynamodb.fingerprints import Digests
from shared.adapters.dynamodb.items import Item, entry_of
from shared.adapters.dynamodb.lots import day_of
from shared.adapters.dynamodb.profiles import profile_of
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import (
    Key,
    budget_key,
    domain_key,
    entry_key,
    fingerprint_key,
    is_entry,
    profile_key,
    tally_key,
    wallet_key,
)
from shared.adapters.dynamodb.views import Recall, Views
from shared.domain.decision import Joins, ReferralWanted, Sighting, View, Wanted
from shared.domain.entry import MemberId, referral_key
from shared.domain.fingerprint import Fingerprint
from shared.domain.mailbox import domains_of
from shared.domain.member import Profile
from shared.domain.subject import Referral

Found = Mapping[tuple[str, str], Item]
Follow = Callable[[View, Wanted], View]
"""The view of a member with those of whoever took over from them."""


@dataclass(frozen=True)
class Sightings:
    """Reads sightings over a `Store`; `digests` say where a fingerprint is kept."""

    store: Store
    digests: Digests

    def read(
        self, view: View, wanted: ReferralWanted, recall: Recall, follow: Follow, joining: Profile | None = None
    ) -> Sighting:
        """What is wanted for the friend of `view`; `joining` is their profile while they enrol. 1 round trip; 2 for signs of a
        friend who enrolled before: which fingerprints they have is in their profile.
        """
        keys = _keys(wanted)
        if wanted.signs and joining is None:
            keys.append(profile_key(view.wallet.member))
        if joining is not None:
            keys += [domain_key(domain) for domain in _domains(joining)]
            keys += self._places(joining.fingerprints()).values()
        found = self._batch(keys)
        friend, seen = joining, self.seen(found, joining.fingerprints()) if joining is not None else {}
        if wanted.signs and friend is None and (item := _at(found, profile_key(view.wallet.member))):
            friend = profile_of(item)
            # Whoever only looks makes no key: where there is none, nobody was ever seen with anything.
            if friend.fingerprints() and self.digests.secret.exists():
                seen = self.seen_with(friend.fingerprints())
        advocate = self._advocate(found, wanted, view.now, recall, follow)
        return Sighting(
            friend=friend,
            advocate=advocate,
            entries={key: entry_of(item) for key in wanted.entries if (item := _at(found, entry_key(key))) and is_entry(item)},
            budgets={key: int(item["spent"]) if (item := _at(found, budget_key(key))) else 0 for key in wanted.budgets},
            path=_path(found, wanted.advocate),
            seen=seen,
            joins=_joins(_at(found, tally_key(wanted.advocate))) if wanted.joins and wanted.advocate else None,
            disposable=joining is not None and any(_at(found, domain_key(domain)) for domain in _domains(joining)),
        )

    def seen_with(self, fingerprints: Collection[Fingerprint]) -> dict[Fingerprint, tuple[str, ...]]:
        """Who was seen with each of these; one round trip, none for none."""
        return self.seen(self._batch(self._places(fingerprints).values()), fingerprints)

    def seen(self, found: Found, fingerprints: Collection[Fingerprint]) -> dict[Fingerprint, tuple[str, ...]]:
        """Who was seen with each of these, out of what was read."""
        places = self._places(fingerprints)
        return {fingerprint: tuple(item["members"]) if (item := _at(found, key)) else () for fingerprint, key in places.items()}

    def _places(self, fingerprints: Collection[Fingerprint]) -> dict[Fingerprint, Key]:
        return {one: fingerprint_key(self.digests.of(one)) for one in sorted(fingerprints, key=str)}

    def _batch(self, keys: Iterable[Key]) -> dict[tuple[str, str], Item]:
        unique = list({(key["pk"], key["sk"]): key for key in keys}.values())
        if not unique:
            return {}
        return {(item["pk"], item["sk"]): item for item in self.store.get_all(unique) if item is not None}

    def _advocate(self, found: Found, wanted: ReferralWanted, now: datetime, recall: Recall, follow: Follow) -> View | None:
        if wanted.advocate is None:
            return None
        asked = Wanted(profile=wanted.signs)
        view = Views(wanted.advocate, asked, now, dict(found), None, recall).view()
        return follow(view, asked)


def _keys(wanted: ReferralWanted) -> list[Key]:
    keys = [*map(entry_key, wanted.entries), *map(budget_key, wanted.budgets)]
    if wanted.advocate is None:
        return keys
    keys.append(wallet_key(wanted.advocate))
    if wanted.signs:
        keys += [profile_key(wanted.advocate), entry_key(referral_key(wanted.advocate))]
    if wanted.joins:
        keys.append(tally_key(wanted.advocate))
    return keys


def _domains(profile: Profile) -> tuple[str, ...]:
    return domains_of(profile.email) if profile.email else ()


def _path(found: Found, advocate: MemberId | None) -> tuple[str, ...]:
    """Those who brought the advocate."""
    item = _at(found, entry_key(referral_key(advocate))) if advocate else None
    subject = entry_of(item).subject if item else None
    return subject.path if isinstance(subject, Referral) else ()


def _joins(item: Item | None) -> Joins:
    told = item.get("recent", {}) if item else {}
    return Joins({per: (day_of(since) or date.min, int(count)) for per, (since, count) in told.items()})


def _at(found: Found, key: Key) -> Item | None:
    return found.get((key["pk"], key["sk"]))
