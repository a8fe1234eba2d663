"""What a decision changes beside the wallet, as writes of the same transaction."""

from collections.abc import Mapping
from typing import Any

from shared.adapters.dynamodb.attempts import code_item
from shared.adapters.dynamodb.fingerprints import Digests, seen_writes
from shared.adapters.dynamodb.gift_cards import card_writes
from shared.adapters.dynamodb.items import to_wire
from shared.adapters.dynamodb.referral_lists import moved_writes, shared_writes
from shared.adapters.dynamodb.rewards import stock_item
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import budget_key, charity_key, grants_tally_key, tender_key
from shared.domain.alarm import SHARDS, shard_of
from shared.domain.code import CodeKind, CodeOwner
from shared.domain.decision import (
    BudgetMoved,
    CardPosted,
    Change,
    CodeShared,
    Donated,
    FingerprintsSeen,
    GrantCounted,
    OrderPaid,
    ReferralMoved,
    StockMoved,
    VoucherIssued,
)

TALLY_SHARDS = SHARDS
"""Items in which it is counted what one campaign gave: the roster's shards, so that workers never meet at one."""


def writes_of(store: Store, digests: Digests, change: Change) -> list[Any]:  # noqa: C901, PLR0911 - one for each kind
    """The writes that make a change, each under its own condition."""
    match change:
        case ReferralMoved():
            return list(moved_writes(store, change))
        case FingerprintsSeen():
            return list(seen_writes(store, digests, change))
        case CodeShared():
            return list(shared_writes(store, change))
        case StockMoved(before, after):
            # Nobody took or returned one since the stock was read.
            return [store.update(stock_item(after), expected={"version": before.version})]
        case VoucherIssued(code, redemption, member):
            # The code was never given.
            return [store.put(code_item(code, CodeOwner(CodeKind.REDEMPTION, redemption, member)))]
        case OrderPaid(order_id, redemption, amount):
            # A redemption is used once, so it pays one order.
            item = tender_key(order_id, CodeKind.REDEMPTION, redemption)
            return [store.put(item if amount is None else {**item, "amount": amount})]
        case CardPosted(entry, before, after):
            return card_writes(store, entry, before, after)
        case Donated():
            return [_added(store, change)]
        case BudgetMoved():
            return [_drawn(store, change)]
        case GrantCounted(campaign, period, member, counts):
            return [counted(store, campaign, period, member, counts)]


def counted(store: Store, campaign: str, period: str, member: str, counts: Mapping[str, int]) -> Any:
    """Add to what a campaign gave. Only ever beside an item that is put under a condition: so it happens once."""
    names = dict(zip((f"#c{n}" for n in range(len(counts))), counts, strict=True))
    return {
        "Update": {
            "TableName": store.table,
            "Key": to_wire(grants_tally_key(campaign, period, shard_of(member))),
            "UpdateExpression": "ADD " + ", ".join(f"{place} :{place[1:]}" for place in names),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_wire({f":{place[1:]}": counts[name] for place, name in names.items()}),
        }
    }


def _drawn(store: Store, moved: BudgetMoved) -> Any:
    """Add to what was given of a budget. Only ever beside an entry that is put under a condition: so it happens once."""
    values = {":points": moved.points}
    update: dict[str, Any] = {
        "TableName": store.table,
        "Key": to_wire(budget_key(moved.key)),
        "UpdateExpression": "ADD #spent :points",
        "ExpressionAttributeNames": {"#spent": "spent"},
    }
    if moved.limit is not None:
        # Whatever others drew since it was read: there is room for these points.
        update["ConditionExpression"] = "attribute_not_exists(#spent) OR #spent <= :spent_max"
        values[":spent_max"] = moved.limit - moved.points
    return {"Update": {**update, "ExpressionAttributeValues": to_wire(values)}}


def _added(store: Store, donated: Donated) -> Any:
    """Add to a charity's totals. Only ever beside an entry that is put under a condition: so it happens once."""
    return {
        "Update": {
            "TableName": store.table,
            "Key": to_wire(charity_key(donated.charity, donated.day, donated.money)),
            "UpdateExpression": "ADD #points :points, #value :value, #gifts :one",
            "ExpressionAttributeNames": {"#points": "points", "#value": "value", "#gifts": "gifts"},
            "ExpressionAttributeValues": to_wire({":points": donated.points, ":value": donated.value, ":one": 1}),
        }
    }
