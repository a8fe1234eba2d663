"""What the demo asks before anybody changes the program: what would double points on Saturdays have done to its members?"""

import json
from pathlib import Path
from typing import Any

from infra.local_cloud.api import Caller
from infra.local_cloud.demo import PROGRAM, Replayed

CHANGE = Path(__file__).parents[1] / "programs" / "grocer_saturdays.json"
ORDERS_MAX = 900
"""A dry run takes 1,000 orders, refunds and activities; some may have been added since the replay."""


def draft() -> dict[str, Any]:
    """The grocer's program with double points on Saturdays, at most so many a month for each member."""
    program: dict[str, Any] = json.loads(PROGRAM.read_text(encoding="utf-8"))
    change = json.loads(CHANGE.read_text(encoding="utf-8"))
    program["earning_rules"].append(change["bonus"])
    return program | {part: change[part] for part in ("seasons", "caps")}


def question(households: list[Replayed]) -> dict[str, Any]:
    """The body of the dry run: the draft, and as many of the demo's members as one call takes."""
    members, orders = [], 0
    for household in sorted(households, key=lambda one: one.orders):
        if orders + household.orders > ORDERS_MAX:
            break
        members.append(household.member_id)
        orders += household.orders
    return {"program": draft(), "stored": {"member_ids": members}}


def asked(operator: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """What the draft would have given beside what was given; nothing is written."""
    answer: dict[str, Any] = operator.expect("POST", "/v1/program/simulations", body)
    return answer
