"""The examples of the page about campaigns are campaigns, of every kind there is."""

import json
import re
from pathlib import Path
from typing import Any, get_args

from shared.domain.campaign import Bonus, Trigger
from shared.domain.program import parse_program
from tests.fakes.grocer import document

PAGE = (Path(__file__).parents[2] / "docs" / "campaigns.md").read_text(encoding="utf-8")
WHOLE, TRIGGERS, BONUSES = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
TIERS = {"metric": "spend", "period": {"kind": "calendar_year"}, "levels": [{"id": "gold", "name": "Gold", "threshold": 1}]}
CAPS = [{"id": "winback_budget", "currency": "points", "scope": "program", "points": 10**6}]


def kinds(union: Any) -> set[str]:
    return {get_args(part.model_fields["kind"].annotation)[0] for part in get_args(get_args(union)[0])}


def test_every_example_is_accepted_and_no_kind_is_missing() -> None:
    assert {trigger["kind"] for trigger in TRIGGERS} == kinds(Trigger)
    assert {bonus["kind"] for bonus in BONUSES} == kinds(Bonus)
    campaigns = [WHOLE]
    plain = {key: WHOLE[key] for key in ("name", "owner", "reason", "bonus", "template")}
    campaigns += [{**plain, "id": f"trigger_{number}", "trigger": trigger} for number, trigger in enumerate(TRIGGERS)]
    silence = {**plain, "trigger": WHOLE["trigger"]}
    campaigns += [{**silence, "id": f"bonus_{number}", "bonus": bonus} for number, bonus in enumerate(BONUSES)]
    limited = {"frequency_caps": [{"per": "month", "count": 2}]}
    assert f'"frequency_caps": {json.dumps(limited["frequency_caps"])}' in PAGE
    parse_program(document(campaigns=campaigns, tiers=TIERS, caps=CAPS, **limited))
