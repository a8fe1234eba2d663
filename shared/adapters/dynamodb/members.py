"""Profiles and identities on DynamoDB. An identity is an item of its own, so that it is unique by a condition."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from shared.adapters.dynamodb.fingerprints import seen_writes
from shared.adapters.dynamodb.items import Item, instant_of, wallet_item
from shared.adapters.dynamodb.ledger import DynamoLedger
from shared.adapters.dynamodb.profiles import profile_item, profile_of
from shared.adapters.dynamodb.store import Outcome, Store
from shared.adapters.dynamodb.table import ALARM_KEYS, ROSTER_PARTITION, identity_key, profile_key, taken_over_key
from shared.domain.alarm import Alarm
from shared.domain.calendar import instant_text
from shared.domain.decision import FingerprintsSeen, View, Wanted
from shared.domain.entry import Entry, EntryKey, MemberId
from shared.domain.errors import IdentityTakenError, MemberUnknownError, TryAgainError
from shared.domain.fingerprint import Fingerprint
from shared.domain.member import Enrolment, Identity, IdentityKind, JoinedBy, Profile
from shared.domain.referring import Joining
from shared.domain.wallet import Wallet
from shared.ports import Decide


@dataclass(frozen=True)
class DynamoMembers:
    """Members over a `Store`; closing goes through the ledger's own transaction."""

    store: Store
    ledger: DynamoLedger

    def enrol(self, profile: Profile, request_hash: bytes, joining: Joining | None = None) -> Enrolment:
        """See ports.Members."""
        profile = replace(profile, alarm=Alarm().no_later([profile.enrolled_at]))
        identities = sorted(profile.identities(), key=lambda identity: list(IdentityKind).index(identity.kind))
        for _ in self.store.backoff.attempts():
            try:
                joined, writes = self._joined(profile, joining)
            except TryAgainError:
                continue
            # The customer id was never enrolled, and nobody else has the e-mail, phone or login.
            claims = [self.store.put(_identity_item(identity, profile, request_hash, joined)) for identity in identities]
            result = self.store.transact([*claims, self.store.put(profile_item(profile)), *writes])
            if result.outcome is Outcome.DONE:
                return Enrolment(profile.member, profile.customer_id, profile.enrolled_at, joined)
            if 0 in result.failed:
                return self.enrolled(profile.customer_id, request_hash)
            if result.failed and result.failed[0] < len(identities):
                raise IdentityTakenError(identity=identities[result.failed[0]].kind)
        raise TryAgainError

    def _joined(self, profile: Profile, joining: Joining | None) -> tuple[JoinedBy | None, list[Any]]:
        """How the friend came, and the writes of the wallet with all that follows from it."""
        wallet = Wallet(member=profile.member, enrolled_at=profile.enrolled_at)
        if joining is None:
            return None, [self.store.put(wallet_item(wallet)), *self._seen(profile.member, profile.fingerprints())]
        view = View(wallet, profile.enrolled_at)
        view = self.ledger.sighted(view, joining.wanted(view), profile)
        decision = joining.decide(view)
        after = next(wallet for _, wallet in reversed(decision.posted) if wallet.member == profile.member)
        referred = after.referral
        if referred is None:
            raise TryAgainError
        joined = JoinedBy(referred.shown(decision.entry.recorded_on), referred.flagged)
        return joined, self.ledger.writes(view, decision, new=profile.member)

    def enrolled(self, customer_id: str, request_hash: bytes) -> Enrolment:
        """See ports.Members."""
        customer = Identity(IdentityKind.CUSTOMER_ID, customer_id)
        item = self.store.get(identity_key(customer))
        if item is None:
            raise MemberUnknownError
        if bytes(item["hash"]) != request_hash:
            raise IdentityTakenError(identity=customer.kind)
        joined = JoinedBy(item["referral"], item["flagged"]) if "referral" in item else None
        return Enrolment(MemberId(item["member"]), customer.value, instant_of(item["enrolled_at"]), joined)

    def profile(self, member: MemberId) -> Profile:
        """See ports.Members."""
        item = self.store.get(profile_key(member))
        if item is None:
            raise MemberUnknownError
        return profile_of(item)

    def find(self, identity: Identity) -> MemberId:
        """See ports.Members."""
        item = self.store.get(identity_key(identity))
        if item is None:
            raise MemberUnknownError
        return MemberId(item["member"])

    def update(self, member: MemberId, change: Callable[[Profile], Profile]) -> Profile:
        """See ports.Members."""
        for _ in self.store.backoff.attempts():
            before = self.profile(member)
            after = change(before)
            if after == before:
                return before
            # Birthday, zone, consent: the sweep looks at the member when it comes next.
            after = replace(after, alarm=Alarm().no_later([before.enrolled_at]))
            writes, added = self._changes(before, after)
            result = self.store.transact(writes)
            if result.outcome is Outcome.DONE:
                return after
            taken = [identity for n, identity in enumerate(added, start=1) if n in result.failed]
            if taken and 0 not in result.failed:
                raise IdentityTakenError(identity=taken[0].kind)
        raise TryAgainError

    def close(
        self, member: MemberId, key: EntryKey, request_hash: bytes, decide: Decide, into: MemberId | None = None
    ) -> Entry:
        """See ports.Members."""

        def erase() -> list[Any]:
            before = self.profile(member)
            at = self.ledger.clock.now()
            writes = self._changes(before, before.erased(at, into))[0]
            # A member is merged once.
            return writes if into is None else [*writes, self.store.put(taken_over_key(into, member))]

        return self.ledger.decide_and_post(key, member, request_hash, decide, Wanted(other=into), also=erase)

    def _changes(self, before: Profile, after: Profile) -> tuple[list[Any], list[Identity]]:
        """The writes that turn one profile into the other, and the identities they claim, from the second write on."""
        added = sorted(after.identities() - before.identities(), key=lambda identity: identity.kind)
        removed = before.identities() - after.identities()
        # Nobody changed the profile since it was read.
        writes = [
            self.store.update(profile_item(after), expected={"version": before.version}, sparse=(*ALARM_KEYS, ROSTER_PARTITION))
        ]
        # Nobody else has the new identity; the old one is still this member's.
        writes += [self.store.put(_identity_item(identity, after, None)) for identity in added]
        writes += [self.store.delete(identity_key(identity), expected={"member": before.member}) for identity in removed]
        # What a member gives up is kept too: whoever has it next may be the same person.
        writes += self._seen(after.member, before.fingerprints() ^ after.fingerprints())
        return writes, added

    def _seen(self, member: MemberId, fingerprints: Collection[Fingerprint]) -> list[Any]:
        """The writes that keep that a member was seen with these; one round trip to learn who was before."""
        sightings = self.ledger.sightings
        seen = FingerprintsSeen(member, sightings.seen_with(fingerprints))
        return list(seen_writes(self.store, sightings.digests, seen))


def _identity_item(identity: Identity, profile: Profile, request_hash: bytes | None, joined: JoinedBy | None = None) -> Item:
    item: Item = {**identity_key(identity), "member": profile.member}
    if identity.kind is IdentityKind.CUSTOMER_ID and request_hash is not None:
        item |= {"hash": request_hash, "enrolled_at": instant_text(profile.enrolled_at)}
        item |= {"referral": joined.state, "flagged": joined.flagged} if joined else {}
    return item
