"""Mutations on the wire: a write condition taken out of every request that passes, to see that the simulation has teeth.

They change what leaves the SDK, so the product needs no hook and no test build.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from shared.adapters.dynamodb.refusals import REFUSAL
from tests.simulation.network import Payload, Rewrite

_REFERENCE = re.compile(r"[#:]\w+")


def without_condition(member: str, pk: str = "") -> Rewrite:
    """Take the condition from each `member` ("Put", "Update", "Delete"; empty: any) of every transaction, if its pk begins
    with `pk`.
    """

    def rewrite(operation: str, payload: Payload) -> Payload:
        if operation != "TransactWriteItems":
            return payload
        changed = copy.deepcopy(payload)
        for write in changed["TransactItems"]:
            for kind, part in write.items():
                if kind.startswith(member) and _key(part)["pk"]["S"].startswith(pk):
                    _drop_condition(part)
        return changed

    return rewrite


def without_refusals(operation: str, payload: Payload) -> Payload:
    """Let every refusal be kept where nobody looks for it: whoever is refused may still be debited by a late invocation."""
    if operation != "TransactWriteItems":
        return payload
    changed = copy.deepcopy(payload)
    for write in changed["TransactItems"]:
        item = write.get("Put", {}).get("Item", {})
        if item.get("kind") == {"S": REFUSAL}:
            _drop_condition(write["Put"])
            item["pk"] = {"S": item["pk"]["S"].replace("KEY#", "KEY#lost-", 1)}
    return changed


def without_retry_token(operation: str, payload: Payload) -> Payload:
    """Take the token by which DynamoDB knows a repeated transaction: every repetition is a new one."""
    return {name: value for name, value in payload.items() if name != "ClientRequestToken"}


def _key(write: dict[str, Any]) -> dict[str, Any]:
    key: dict[str, Any] = write.get("Key") or write["Item"]
    return key


def _drop_condition(write: dict[str, Any]) -> None:
    """Remove the condition and the names and values only it used: DynamoDB refuses unused ones."""
    write.pop("ConditionExpression", None)
    used = set(_REFERENCE.findall(write.get("UpdateExpression", "")))
    for part in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        kept = {name: value for name, value in write.get(part, {}).items() if name in used}
        write.pop(part, None)
        if kept:
            write[part] = kept


MUTATIONS: dict[str, Rewrite] = {
    "put-condition": without_condition("Put"),
    "update-condition": without_condition("Update"),
    "stock-condition": without_condition("Update", "STOCK#"),
    "budget-condition": without_condition("Update", "BUDGET#"),
    "fingerprint-condition": without_condition("", "FINGERPRINT#"),
    "tally-condition": without_condition("Update", "REFERRER#"),
    "refusal-record": without_refusals,
    "retry-token": without_retry_token,
}
"""By name, for the command line. Worlds must notice the loss of a condition; that of the token, the conditions cover."""
