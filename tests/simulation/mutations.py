"""Mutations: bugs planted on purpose, to see that the simulation has teeth.

Most are on the wire: a write condition is taken out of every request that passes. They change what leaves the SDK, so the
product needs no hook and no test build. What no condition holds together is replaced in the code, while a world lasts.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from shared.adapters.dynamodb.refusals import REFUSAL
from shared.adapters.dynamodb.store import Result, Store
from shared.adapters.dynamodb.table import GRANTS_TALLY
from shared.domain.cap import BudgetKey
from shared.domain.granting import Offer
from tests.simulation.network import Payload, Rewrite

_REFERENCE = re.compile(r"[#:]\w+")


def without_condition(member: str, pk: str = "", sk: str = "") -> Rewrite:
    """Take the condition from each `member` ("Put", "Update", "Delete"; empty: any) of every transaction, if its key begins
    with `pk` and `sk`.
    """

    def rewrite(operation: str, payload: Payload) -> Payload:
        if operation != "TransactWriteItems":
            return payload
        changed = copy.deepcopy(payload)
        for write in changed["TransactItems"]:
            for kind, part in write.items():
                key = _key(part)
                if kind.startswith(member) and key["pk"]["S"].startswith(pk) and key["sk"]["S"].startswith(sk):
                    _drop_condition(part)
        return changed

    return rewrite


def without_guard(pk: str, sk: str = "") -> Rewrite:
    """Take the condition from each write that goes alone, if its key begins so."""

    def rewrite(operation: str, payload: Payload) -> Payload:
        if operation not in ("PutItem", "UpdateItem"):
            return payload
        changed = copy.deepcopy(payload)
        key = _key(changed)
        if key["pk"]["S"].startswith(pk) and key["sk"]["S"].startswith(sk):
            _drop_condition(changed)
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


@contextmanager
def counted_apart() -> Iterator[None]:
    """Count what a campaign gave before it is given, in a write of its own."""
    real = Store.transact

    def transact(store: Store, writes: list[Any]) -> Result:
        counts = [write for write in writes if "Update" in write and GRANTS_TALLY in write["Update"]["Key"]["sk"]["S"]]
        for count in counts:
            store.set(count)
        return real(store, [write for write in writes if write not in counts])

    with patch.object(Store, "transact", transact):
        yield


@contextmanager
def boundless_draws() -> Iterator[None]:
    """Let anybody win a draw whose turn it is, however many have won."""
    real = Offer.limits.fget  # type: ignore[attr-defined]

    def limits(offer: Offer) -> dict[BudgetKey, int]:
        return {key: 10**9 if key.cap.startswith("winners:") else most for key, most in real(offer).items()}

    with patch.object(Offer, "limits", property(limits)):
        yield


MUTATIONS: dict[str, Rewrite] = {
    "put-condition": without_condition("Put"),
    "update-condition": without_condition("Update"),
    "stock-condition": without_condition("Update", "STOCK#"),
    "budget-condition": without_condition("Update", "BUDGET#"),
    "fingerprint-condition": without_condition("", "FINGERPRINT#"),
    "tally-condition": without_condition("Update", "REFERRER#"),
    "grant-condition": without_condition("Put", "GRANT#", "GRANT"),
    "passed-condition": without_condition("Put", "GRANT#", "PASSED"),
    "grants-condition": without_condition("Update", "BUDGET#grants:"),
    "settle-guard": without_guard("MEMBER#"),
    "part-condition": without_guard("CAMPAIGN#", "PART#"),
    "refusal-record": without_refusals,
    "retry-token": without_retry_token,
}
"""By name, for the command line. Worlds must notice the loss of a condition; that of the token, the conditions cover."""

PLANTED: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "tally-apart": counted_apart,
    "winners-limit": boundless_draws,
}
"""Those in the code."""
