"""Every entry of a stage read back through the API: its reasons add up to what it moved."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.functional.api import Caller, Reply
from tests.functional.conftest import Stage


def why(reply: Reply | dict[str, Any], currency: str = "points") -> dict[str, int]:
    """The points of a currency by rule, of an entry as the API answers it."""
    entry = reply if isinstance(reply, dict) else reply.json
    found = [earned for earned in entry["earned"] if earned["currency"] == currency]
    return {share["rule"]: share["points"] for earned in found for share in earned["why"]}


def check_all(stage: Stage, operator: Caller) -> int:
    """Hold every entry to its explanation; gives the number of entries that gave or took back points."""
    members = {item["pk"]["S"].partition("#")[2] for item in stage.items() if item["sk"]["S"] == "WALLET"}
    checked = 0
    for member in sorted(members):
        history = operator.get(f"/v1/members/{member}/entries", limit=100)
        assert history.status == 200, history
        assert history.json["cursor"] is None
        for row in history.json["entries"]:
            told = operator.get(f"/v1/entries/{row['entry_id']}")
            assert told.status == 200, told
            checked += _checked(told.json)
    return checked


def _checked(entry: dict[str, Any]) -> bool:
    issued: Counter[str] = Counter()
    for posting in entry["postings"]:
        for side, sign in (("debit", 1), ("credit", -1)):
            if posting[side] == "issued":
                issued[posting["currency"]] += sign * posting["points"]
    given = Counter({earned["currency"]: earned["points"] for earned in entry["earned"]})
    for earned in entry["earned"]:
        assert earned["points"] == sum(share["points"] for share in earned["why"]), entry
        assert len({share["rule"] for share in earned["why"]}) == len(earned["why"]), entry
        if earned["points"] > 0:
            assert sum(lot["points"] for lot in earned["lots"]) == earned["points"], entry
        for share in earned["why"]:
            assert share["program_version"] >= 1
            assert share["room"] is None or share["points"] <= share["room"], entry
    assert {code: points for code, points in given.items() if points} == {c: p for c, p in issued.items() if p}, entry
    return any(given.values())
