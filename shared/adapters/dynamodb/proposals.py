"""Proposed adjustments and their rejections as items. Neither has a sequence: neither is in a member's history."""

from typing import Any

from pydantic import TypeAdapter

from shared.adapters.dynamodb.items import Item, instant_of
from shared.adapters.dynamodb.subjects import plain, subject_map
from shared.adapters.dynamodb.table import entry_key, waiting_key
from shared.domain.adjusting import Proposal, Rejection
from shared.domain.calendar import instant_text
from shared.domain.entry import EntryKey, MemberId, approval_key
from shared.domain.subject import Adjustment

PROPOSAL = "proposal"
REJECTION = "rejection"

_ADJUSTMENT = TypeAdapter(Adjustment)


def proposal_item(proposal: Proposal) -> Item:
    """The proposal as the answer of the request that made it, for ever."""
    return {**entry_key(proposal.key), **_attributes(proposal)}


def waiting_item(proposal: Proposal) -> Item:
    """The proposal once more, beside all others that wait."""
    return {**waiting_key(proposal.key), **_attributes(proposal)}


def _attributes(proposal: Proposal) -> Item:
    return {
        "kind": PROPOSAL,
        "key": proposal.key,
        "member": proposal.member,
        "adjustment": subject_map(proposal.adjustment),
        "proposed_at": instant_text(proposal.proposed_at),
        "hash": proposal.request_hash,
    }


def proposal_of(item: dict[str, Any]) -> Proposal:
    """The inverse of `proposal_item` and `waiting_item`."""
    return Proposal(
        key=EntryKey(item["key"]),
        member=MemberId(item["member"]),
        adjustment=_ADJUSTMENT.validate_python(plain(item["adjustment"])),
        proposed_at=instant_of(item["proposed_at"]),
        request_hash=bytes(item["hash"]),
    )


def rejection_item(proposal: Proposal, rejection: Rejection) -> Item:
    """The rejection, in the place where the entry would stand: so one of both is written, never both."""
    return {
        **entry_key(approval_key(proposal.key)),
        "kind": REJECTION,
        "reason": rejection.reason,
        "operator": rejection.operator,
        "rejected_at": instant_text(rejection.rejected_at),
        "hash": rejection.request_hash,
    }


def rejection_of(item: dict[str, Any]) -> Rejection:
    """The inverse of `rejection_item`."""
    return Rejection(
        reason=item["reason"],
        operator=item["operator"],
        rejected_at=instant_of(item["rejected_at"]),
        request_hash=bytes(item["hash"]),
    )
