"""Adjustments above the limit on DynamoDB: each waits in one place until it is approved or rejected, whichever is first."""

from dataclasses import dataclass, replace

from shared.adapters.dynamodb.items import Item, entry_of, to_wire
from shared.adapters.dynamodb.ledger import DynamoLedger
from shared.adapters.dynamodb.proposals import (
    PROPOSAL,
    REJECTION,
    proposal_item,
    proposal_of,
    rejection_item,
    rejection_of,
    waiting_item,
)
from shared.adapters.dynamodb.refusals import REFUSAL, refusal_of
from shared.adapters.dynamodb.store import Outcome, Store
from shared.adapters.dynamodb.table import APPROVALS_PK, entry_key, waiting_key
from shared.domain.adjusting import Proposal, Rejection, Standing, oldest_first, posted
from shared.domain.entry import Entry, EntryKey, approval_key
from shared.domain.errors import (
    AdjustmentPostedError,
    AdjustmentUnknownError,
    EntryUnknownError,
    KeyReusedError,
    TryAgainError,
)
from shared.ports import Decide


@dataclass(frozen=True)
class DynamoApprovals:
    """Approvals over a `Store`, posted through its ledger."""

    store: Store
    ledger: DynamoLedger

    def answered(self, key: EntryKey, request_hash: bytes) -> Standing | None:
        """See ports.Approvals."""
        item = self.store.get(entry_key(key))
        if item is None:
            return None
        if bytes(item["hash"]) != request_hash:
            raise KeyReusedError(key=key)
        if item["kind"] == REFUSAL:
            raise refusal_of(item)
        return _opened(item)

    def propose(self, proposal: Proposal) -> Standing:
        """See ports.Approvals."""
        for _ in self.store.backoff.attempts():
            # The key was never used; whatever waits under it is the same proposal.
            writes = [self.store.put(proposal_item(proposal)), self.store.put(waiting_item(proposal))]
            if self.store.transact(writes).outcome is Outcome.DONE:
                return Standing(proposal)
            found = self.answered(proposal.key, proposal.request_hash)
            if found is not None:
                return found
        raise TryAgainError

    def standing(self, key: EntryKey) -> Standing:
        """See ports.Approvals."""
        try:
            item, outcome = self.store.get_all([entry_key(key), entry_key(approval_key(key))])
        except EntryUnknownError as error:
            raise AdjustmentUnknownError from error
        if item is None or item["kind"] == REFUSAL:
            raise AdjustmentUnknownError
        opened = _opened(item)
        if outcome is None:
            return opened
        if outcome["kind"] == REJECTION:
            return replace(opened, rejection=rejection_of(outcome))
        return replace(opened, entry=entry_of(outcome))

    def waiting(self) -> list[Proposal]:
        """See ports.Approvals."""
        items = self.store.query(
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": "pk"},
            ExpressionAttributeValues=to_wire({":pk": APPROVALS_PK}),
            ConsistentRead=True,
        )
        return oldest_first([proposal_of(item) for item in items])

    def approve(self, proposal: Proposal, request_hash: bytes, decide: Decide) -> Entry:
        """See ports.Approvals."""
        key = approval_key(proposal.key)
        return self.ledger.decide_and_post(
            key, proposal.member, request_hash, decide, also=lambda: [self._waits_no_more(proposal)]
        )

    def reject(self, proposal: Proposal, rejection: Rejection) -> Rejection:
        """See ports.Approvals."""
        item = rejection_item(proposal, rejection)
        for _ in self.store.backoff.attempts():
            stored = self.store.get({"pk": item["pk"], "sk": item["sk"]})
            if stored is not None:
                return _same(proposal, stored, rejection)
            # Nobody decided yet.
            writes = [self.store.put(item), self._waits_no_more(proposal)]
            if self.store.transact(writes).outcome is Outcome.DONE:
                return rejection
        raise TryAgainError

    def _waits_no_more(self, proposal: Proposal) -> dict[str, object]:
        # It still waits.
        delete: dict[str, object] = self.store.delete(waiting_key(proposal.key), expected={"kind": PROPOSAL})
        return delete


def _opened(item: Item) -> Standing:
    """What a request under a key of its own became at first: a proposal, or an entry at once."""
    if item["kind"] == PROPOSAL:
        return Standing(proposal_of(item))
    return posted(entry_of(item))


def _same(proposal: Proposal, stored: Item, rejection: Rejection) -> Rejection:
    if stored["kind"] != REJECTION:
        raise AdjustmentPostedError
    before = rejection_of(stored)
    if before.request_hash != rejection.request_hash:
        raise KeyReusedError(key=approval_key(proposal.key))
    return before
