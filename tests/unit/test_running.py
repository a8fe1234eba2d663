"""What runs are due: each moment once, under the version that held then, however often one asks and documents are edited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.control import Act, Control, Step
from shared.domain.program import ProgramVersion, in_force
from shared.domain.run import Run, RunKind
from shared.domain.running import interrupted, runs_due
from tests.unit.books import noon
from tests.unit.crowd import campaign, program

DAILY = {"kind": "recurrence", "every": "day"}
HOUR = timedelta(hours=1)


def started(at: datetime, *versions: ProgramVersion, acts: tuple[tuple[Act, datetime], ...] = ()) -> dict[str, Control]:
    """The controls of all campaigns, started at an instant, and what was done since."""
    found = {}
    for one in versions[0].program.campaigns:
        control = Control(one.id).after(Step(Act.START, at, "me", "why"), one, "UTC")
        for act, when in acts:
            control = control.after(Step(act, when, "me", "why"), one, "UTC")
        found[one.id] = control
    return found


def dated(versions: list[ProgramVersion], controls: dict[str, Control], now: datetime) -> list[Run]:
    """The runs of campaigns that are due."""
    return [run for run in runs_due(versions, controls, now) if run.kind is RunKind.CAMPAIGN]


def daily(at: str, **more: Any) -> dict[str, Any]:
    return campaign("it", {**DAILY, "at": at}, **more)


times = st.integers(0, 23).map(lambda hour: f"{hour:02}:00")


@settings(max_examples=150)
@given(
    st.lists(st.tuples(times, st.integers(1, 60)), min_size=1, max_size=5),
    st.lists(st.integers(1, 30), min_size=5, max_size=60),
    st.integers(0, 30),
)
def test_a_daily_campaign_that_is_edited_comes_when_the_version_of_the_hour_says_and_once_a_day(
    edits: list[tuple[str, int]], ticks: list[int], begun: int
) -> None:
    """By a walk over the hours: each hour asks the document that holds then; the last moment before a tick is made up for."""
    begin, versions = noon(0) - 12 * HOUR, list[ProgramVersion]()
    since = begin - 24 * HOUR
    for number, (at, hours) in enumerate(edits, start=1):
        versions.append(program(daily(at), number=number, since=since))
        since += hours * HOUR
    start = begin + begun * HOUR
    controls, runs, now = started(start, *versions), dict[str, Run](), begin
    expected = dict[str, datetime]()
    for gap in ticks:
        now += gap * HOUR
        for run in dated(versions, controls, now) if now >= start else []:
            runs.setdefault(run.period, run)
        moment = now
        while moment > start and in_force(versions, moment).program.campaigns[0].trigger.at != f"{moment:%H:%M}":  # type: ignore[union-attr]
            moment -= HOUR
        current = in_force(versions, now).program.campaigns[0].trigger.at  # type: ignore[union-attr]
        # What an older document said is not made up for, once another holds.
        while moment > start and (
            in_force(versions, moment).program.campaigns[0].trigger.at != f"{moment:%H:%M}"  # type: ignore[union-attr]
            or f"{moment:%H:%M}" != current
        ):
            moment -= HOUR
        if moment > start and now >= start:
            expected.setdefault(f"{moment:%Y-%m-%d}", moment)
    assert {period: run.due_at for period, run in runs.items()} == expected
    for run in runs.values():
        assert run.version == in_force(versions, run.due_at).version


def test_a_run_keeps_the_version_of_its_moment() -> None:
    versions = [program(daily("09:00")), program(daily("09:00", bonus=70), number=2, since=noon(1) - 2 * HOUR)]
    controls = started(noon(0), *versions)
    [run] = dated(versions, controls, noon(1))
    assert (run.version, run.due_at) == (1, noon(1) - 3 * HOUR)
    [run] = dated(versions, controls, noon(2))
    assert (run.version, run.period) == (2, "2026-06-03")


def test_a_date_that_is_moved_comes_once_and_under_one_period() -> None:
    once = {"kind": "date", "at": "2026-06-02T09:00"}
    moved = {"kind": "date", "at": "2026-06-02T11:00"}
    versions = [program(campaign("it", once)), program(campaign("it", moved), number=2, since=noon(1) - 2 * HOUR)]
    controls = started(noon(0), *versions)
    [run] = dated(versions[:1], controls, noon(1) - 2 * HOUR - timedelta(seconds=1))
    [again] = dated(versions, controls, noon(1))
    assert run.name == again.name


def test_a_date_long_past_still_comes_and_a_recurrence_makes_up_for_the_last_moment_alone() -> None:
    once = campaign("once", {"kind": "date", "at": "2026-06-02T09:00"})
    versions = [program(once, daily("09:00"))]
    controls = started(noon(0), *versions)
    assert {(run.campaign, run.period) for run in dated(versions, controls, noon(200))} == {
        ("once", "once"),
        ("it", noon(200).date().isoformat()),
    }


def test_nothing_comes_for_a_campaign_that_is_paused_or_was_not_started() -> None:
    versions = [program(daily("09:00"))]
    assert dated(versions, {}, noon(3)) == []
    controls = started(noon(0), *versions, acts=((Act.PAUSE, noon(1)),))
    assert dated(versions, controls, noon(3)) == []


def visits(versions: list[ProgramVersion], controls: dict[str, Control], now: datetime) -> set[str]:
    """The names of the runs that look at everybody."""
    return {run.name for run in runs_due(versions, controls, now) if run.kind is RunKind.VISIT}


def test_everybody_is_looked_at_anew_when_and_only_when_something_changed_for_them() -> None:
    silence = campaign("it", {"kind": "silence", "days": 60})
    other = campaign("it", {"kind": "silence", "days": 30})
    versions = [
        program(silence),
        program(silence, number=2, since=noon(1), name="Another name"),
        program(other, number=3, since=noon(2)),
        program(silence, number=4, since=noon(3)),
        program(number=5, since=noon(4)),
        program(silence, number=6, since=noon(5)),
        program(silence, number=7, since=noon(6), frequency_caps=[{"per": "week", "count": 1}]),
        program(silence, number=8, since=noon(7), messages={"points_expiring_days": [7]}),
    ]
    controls = started(noon(-1), *versions)
    seen, new = set[str](), list[bool]()
    for number in range(9):
        names = visits(versions, controls, noon(number))
        new.append(bool(names - seen))
        seen |= names
        assert visits(versions, controls, noon(number) + HOUR) <= seen
    # The name of the program concerns nobody; what was changed and changed back, or taken out and put in again, was changed.
    assert new == [True, False, True, True, False, True, True, True, False]


def test_everybody_is_looked_at_anew_when_a_campaign_is_resumed() -> None:
    versions = [program(campaign("it", {"kind": "silence", "days": 60}))]
    before = started(noon(0), *versions)
    after = started(noon(0), *versions, acts=((Act.PAUSE, noon(1)), (Act.RESUME, noon(2))))
    assert visits(versions, after, noon(3)) - visits(versions, before, noon(3))


def test_workers_are_started_again_after_a_resume_and_when_late_but_not_in_a_pause() -> None:
    versions = [program(daily("09:00"))]
    found = versions[0].program.campaigns[0]
    controls = started(noon(0), *versions)
    [run] = dated(versions, controls, noon(1))
    assert not interrupted(run, controls["it"], found, "UTC", noon(1))
    assert interrupted(run, controls["it"], found, "UTC", noon(1) + 2 * HOUR)
    paused = started(noon(0), *versions, acts=((Act.PAUSE, noon(1) + HOUR),))["it"]
    assert not interrupted(run, paused, found, "UTC", noon(1) + 9 * HOUR)
    resumed = paused.after(Step(Act.RESUME, noon(1) + 2 * HOUR, "me", "why"), found, "UTC")
    assert interrupted(run, resumed, found, "UTC", noon(1) + 2 * HOUR)
    again = run.again(noon(1) + 2 * HOUR + timedelta(seconds=1))
    assert not interrupted(again, resumed, found, "UTC", noon(1) + 2 * HOUR + timedelta(seconds=2))
    assert datetime(2026, 6, 2, 12, tzinfo=UTC) == noon(1)
