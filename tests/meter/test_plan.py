"""The plan for 25 million members is made of what was measured, and the page says what the plan says."""

from __future__ import annotations

from pathlib import Path

from benchmarks import plan
from benchmarks.page import write_section
from tests.meter.test_campaigns import EXPECTED

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
MEASURED = {what: costs for found in EXPECTED.values() for what, costs in found.items()}


def costs(step: plan.Step) -> tuple[int, float, float, float]:
    """Trips, read units, write units and those of indexes."""
    return step.reads + step.transactions + step.writes, step.read_units, step.write_units, step.index_units


def test_each_step_costs_what_was_measured() -> None:
    assert costs(plan.DUE) == MEASURED["a birthday"] == MEASURED["60 days of silence"]
    assert costs(plan.GIVEN) == MEASURED["points"]
    assert costs(plan.DRAWN) == MEASURED["points, so many bonuses in all"]
    assert costs(plan.LOOKED_AT) == MEASURED["nothing due, the alarm is set anew"]
    page, note = MEASURED["a page of 100 members"], MEASURED["how far a part has come, noted"]
    assert costs(plan.PAGED) == tuple(sum(both) for both in zip(page, note, strict=True))
    # A page is rounded up as one: ten times as many lines are at most ten times as many units.
    assert plan.TICKETS.read_units == page[1] * plan.DRAW_PAGE / plan.PAGE


def test_the_page_says_what_the_plan_says(tmp_path: Path) -> None:
    again = tmp_path / "scale.md"
    again.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    write_section(again, "plan", f"{plan.MEMBERS:,} members", "", plan.tables(plan.MEMBERS))
    assert again.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")


def test_the_nightly_work_is_done_before_the_morning_and_all_else_within_a_day() -> None:
    hours = {task.what: task.seconds / 3600 / plan.WORKERS[0] for task in plan.tasks(plan.MEMBERS)}
    assert all(hours[task] < 0.5 for task in hours if task.startswith("a day of"))
    assert all(found < 24 for found in hours.values())
