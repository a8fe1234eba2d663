"""The ledger on DynamoDB: one consistent batch read, one pure decision, one transaction."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from shared.adapters.dynamodb.alarms import alarm_read
from shared.adapters.dynamodb.changes import writes_of
from shared.adapters.dynamodb.fingerprints import Digests
from shared.adapters.dynamodb.items import Item, entry_item, entry_of, row_of, to_wire, wallet_item
from shared.adapters.dynamodb.proposals import PROPOSAL, REJECTION
from shared.adapters.dynamodb.refusals import REFUSAL, refusal_item, refusal_of
from shared.adapters.dynamodb.secrets import Secret
from shared.adapters.dynamodb.sightings import Sightings
from shared.adapters.dynamodb.store import Outcome, Store
from shared.adapters.dynamodb.table import ALARM_KEYS, FINGERPRINT_SECRET, HISTORY_INDEX, entry_key, order_pk
from shared.adapters.dynamodb.views import Recalled, Views, order_of
from shared.domain.decision import NOTHING_MORE, Decision, Order, ReferralWanted, View, Wanted
from shared.domain.entry import Entry, EntryKey, HistoryRow, MemberId, is_callers_own
from shared.domain.errors import AdjustmentRejectedError, EntryUnknownError, KeyReusedError, RefusalError, TryAgainError
from shared.domain.member import Profile
from shared.domain.refunding import referral_wanted
from shared.domain.wallet import Wallet
from shared.ports import Clock, Decide, DecideOnOrder

HISTORY_PAGE = 3000
"""Rows of the index that one query reads where all are wanted: most of the megabyte that a query may return."""

RECALL_PAGE = 200
"""Rows that one query reads where a decision looks back: corrections are mostly of late entries."""

Also = Callable[[], list[Any]]
"""Further writes of the same transaction, made afresh for every attempt."""


@dataclass(frozen=True)
class DynamoLedger:
    """Ledger over a `Store`. With a `TestClock` the time is read in the same batch as the wallet."""

    store: Store
    clock: Clock

    def decide_and_post(
        self,
        key: EntryKey,
        member: MemberId,
        request_hash: bytes,
        decide: Decide,
        wanted: Wanted = NOTHING_MORE,
        also: Also = list,
    ) -> Entry:
        """See ports.Ledger. `also` joins further writes to the transaction."""
        for _ in self.store.backoff.attempts():
            views = self._views(member, wanted, entry_key(key))
            if views.stored is not None:
                return _replayed(key, views.stored, request_hash)
            view = self._followed(views.view()) if wanted.survivors else views.view()
            view = self.sighted(view, wanted.referral(view) if wanted.referral else None)
            try:
                decision = decide(view)
            except TryAgainError:
                continue
            except RefusalError as refusal:
                if not is_callers_own(key) or self._kept(key, request_hash, refusal):
                    raise
                continue
            if self._posted(view, decision, also()):
                return decision.entry
        raise TryAgainError

    def _posted(self, view: View, decision: Decision, also: list[Any]) -> bool:
        try:
            writes = self.writes(view, decision)
        except TryAgainError:
            return False
        return self.store.transact(writes + also).outcome is Outcome.DONE

    def writes(self, view: View, decision: Decision, new: MemberId | None = None) -> list[Any]:
        """The writes that post a decision on `view`; `new` is a member who is only now enrolled.

        Raises TryAgainError where the view holds a wallet twice, read at different moments.
        """
        before: dict[MemberId, Wallet] = {}
        for wallet in view.wallets():
            if before.setdefault(wallet.member, wallet).sequence != wallet.sequence:
                raise TryAgainError
        # The keys were never used: these entries are new.
        writes = [self.store.put(entry_item(entry)) for entry, _ in decision.posted]
        for member, after in {entry.member: wallet for entry, wallet in decision.posted}.items():
            item = wallet_item(after)
            # Nobody changed the wallet since it was read. A member is closed, merged or earns only by a next sequence number;
            # and the sweep, which takes none, set no alarm that this one would undo.
            expected = {"seq": before[member].sequence, **alarm_read(before[member].alarm)}
            writes.append(
                self.store.put(item) if member == new else self.store.update(item, expected=expected, sparse=ALARM_KEYS)
            )
        for change in decision.changes:
            writes += writes_of(self.store, self.sightings.digests, change)
        return writes

    @cached_property
    def sightings(self) -> Sightings:
        """What is read of referrals."""
        return Sightings(self.store, Digests(Secret(self.store, FINGERPRINT_SECRET)))

    def sighted(self, view: View, wanted: ReferralWanted | None, joining: Profile | None = None) -> View:
        """The view with what is wanted of a referral; `joining` is the friend's profile while they enrol."""
        if wanted is None:
            return view
        return replace(view, referral=self.sightings.read(view, wanted, self._recalled, self._followed, joining))

    def _kept(self, key: EntryKey, request_hash: bytes, refusal: RefusalError) -> bool:
        """Keep a refusal as the answer, if nothing was posted or refused under the key meanwhile."""
        return self.store.transact([self.store.put(refusal_item(key, request_hash, refusal))]).outcome is Outcome.DONE

    def correct_order(self, order_id: str, key: EntryKey, request_hash: bytes, decide: DecideOnOrder) -> Entry:
        """See ports.Ledger.

        The order is read before the wallet, to learn whose it is. A refund that is posted between the two reads moves the
        wallet's sequence: the decision misses it among the order's refunds and asks to read again.
        """
        for _ in self.store.backoff.attempts():
            order = self.order(order_id)
            found = next((entry for entry in order.refunds if entry.key == key), None)
            if found is not None:
                return _same(found, request_hash)
            entries = (*order.redemptions, *map(EntryKey, order.purchase.effect.gave))
            view = self._followed(self.view(order.purchase.member, Wanted(entries=entries, cards=order.cards)))
            view = self.sighted(view, referral_wanted(view, order))
            try:
                decision = decide(view, order)
            except TryAgainError:
                continue
            if self._posted(view, decision, []):
                return decision.entry
        raise TryAgainError

    def _followed(self, view: View, wanted: Wanted = NOTHING_MORE) -> View:
        """The view with that of whoever took over from a merged member, and of whoever took over from them."""
        into = view.wallet.merged_into
        return view if into is None else replace(view, other=self._followed(self.view(into, wanted), wanted))

    def order(self, order_id: str) -> Order:
        """See ports.Ledger."""
        return order_of(
            self.store.query(
                KeyConditionExpression="#pk = :pk",
                ExpressionAttributeNames={"#pk": "pk"},
                ExpressionAttributeValues=to_wire({":pk": order_pk(order_id)}),
                ConsistentRead=True,
            )
        )

    def view(self, member: MemberId, wanted: Wanted = NOTHING_MORE) -> View:
        """See ports.Ledger."""
        view = self._views(member, wanted).view()
        return self.sighted(view, wanted.referral(view) if wanted.referral else None)

    def _views(self, member: MemberId, wanted: Wanted, stored: dict[str, str] | None = None) -> Views:
        return Views.read(self.store, self.clock, member, wanted, stored, self._recalled)

    def _recalled(self, wallet: Wallet) -> Recalled:
        return Recalled(lambda: self.rows(wallet, page=RECALL_PAGE))

    def entry(self, key: EntryKey) -> Entry:
        """See ports.Ledger."""
        item = self.store.get(entry_key(key))
        if item is None or "seq" not in item:
            raise EntryUnknownError
        return entry_of(item)

    def rows(self, wallet: Wallet, start: tuple[int, EntryKey] | None = None, page: int | None = None) -> Iterator[HistoryRow]:
        """See ports.Ledger.

        The index lags behind the table. Sequences have no gap, so a row that the index does not show yet is known to be
        missing, and its key stands in the row after it (for the last entry, in the wallet): it is read from the table.
        """
        if start is None and wallet.last_key is None:
            return
        sequence, key = start or (wallet.sequence, wallet.last_key)
        for shown in self._indexed(wallet.member, sequence, page or HISTORY_PAGE):
            while key is not None and shown.sequence < sequence:
                missing = self.entry(key)
                yield missing
                sequence, key = missing.sequence - 1, missing.previous
            if shown.sequence == sequence:
                yield shown
                sequence, key = shown.sequence - 1, shown.previous
        while key is not None:
            missing = self.entry(key)
            yield missing
            key = missing.previous

    def _indexed(self, member: MemberId, sequence: int, page: int) -> Iterator[HistoryRow]:
        items = self.store.query(
            IndexName=HISTORY_INDEX,
            KeyConditionExpression="#member = :member AND #seq <= :seq",
            ExpressionAttributeNames={"#member": "member", "#seq": "seq"},
            ExpressionAttributeValues=to_wire({":member": member, ":seq": sequence}),
            ScanIndexForward=False,
            Limit=page,
        )
        return map(row_of, items)


def _replayed(key: EntryKey, stored: Item, request_hash: bytes) -> Entry:
    """The stored answer, where it answers the same request."""
    if stored["kind"] == REFUSAL:
        if bytes(stored["hash"]) != request_hash:
            raise KeyReusedError(key=key)
        raise refusal_of(stored)
    if stored["kind"] == REJECTION:
        raise AdjustmentRejectedError
    if stored["kind"] == PROPOSAL:
        # It came since the caller looked for an answer, and is found when the caller looks again.
        raise TryAgainError
    return _same(entry_of(stored), request_hash)


def _same(entry: Entry, request_hash: bytes) -> Entry:
    if entry.request_hash != request_hash:
        raise KeyReusedError(key=entry.key)
    return entry
