"""Whether a campaign runs: after any acts, by its dates, and only what its state allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.campaign import Campaign
from shared.domain.control import ALLOWED, Act, CampaignState, Control, Step
from shared.domain.errors import CampaignStateError
from tests.unit.crowd import campaign

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SILENCE = {"kind": "silence", "days": 60}


def document(trigger: dict[str, Any] = SILENCE, **fields: Any) -> Campaign:
    return Campaign.model_validate(campaign("it", trigger, **fields))


def after(*acts: Act, found: Campaign | None = None, since: datetime = NOW) -> Control:
    """A control after these acts, an hour apart."""
    control = Control("it")
    for number, act in enumerate(acts):
        control = control.after(Step(act, since + number * HOUR, "me", "why"), found or document(), "UTC")
    return control


def plain_state(acts: list[Act]) -> CampaignState:
    """The state of a campaign without dates, by walking over what was done."""
    state = CampaignState.DRAFT
    for act in acts:
        state = {
            Act.START: CampaignState.RUNNING,
            Act.RESUME: CampaignState.RUNNING,
            Act.PAUSE: CampaignState.PAUSED,
            Act.CANCEL: CampaignState.ENDED,
            Act.FINISH: CampaignState.ENDED,
        }[act]
    return state


LEGAL = {
    CampaignState.DRAFT: {Act.START},
    CampaignState.SCHEDULED: {Act.PAUSE, Act.CANCEL, Act.FINISH},
    CampaignState.RUNNING: {Act.PAUSE, Act.CANCEL, Act.FINISH},
    CampaignState.PAUSED: {Act.RESUME, Act.CANCEL, Act.FINISH},
    CampaignState.ENDED: set[Act](),
}
"""What can be done in each state."""


@pytest.mark.parametrize("length", range(5))
def test_every_sequence_of_acts_is_taken_as_far_as_each_is_allowed(length: int) -> None:
    for acts in product(Act, repeat=length):
        control, done = Control("it"), list[Act]()
        for number, act in enumerate(acts):
            state = plain_state(done)
            step = Step(act, NOW + number * HOUR, "me", "why")
            if act in LEGAL[state]:
                control, done = control.after(step, document(), "UTC"), [*done, act]
            else:
                with pytest.raises(CampaignStateError) as refused:
                    control.after(step, document(), "UTC")
                assert (refused.value.state, refused.value.act) == (state, act)
        assert control.state(document(), "UTC", NOW + length * HOUR) is plain_state(done)
        assert control.version == len(done)


def test_each_state_allows_what_the_table_says() -> None:
    for act, state in product(Act, CampaignState):
        assert (state in ALLOWED[act]) == (act in LEGAL[state])


def test_the_state_of_the_past_is_told_by_what_was_done_by_then() -> None:
    control = after(Act.START, Act.PAUSE, Act.RESUME, Act.CANCEL)
    states = [control.state(document(), "UTC", NOW + n * HOUR - timedelta(seconds=1)) for n in range(5)]
    assert states == ["draft", "running", "paused", "running", "ended"]
    assert [control.runs(document(), "UTC", NOW + n * HOUR) for n in range(4)] == [True, False, True, False]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu"])
def test_dates_of_the_document_are_wall_times_of_its_zone(zone: str) -> None:
    found = document(starts="2026-06-02T09:00", ends="2026-06-03T24:00", time_zone=zone)
    offset = {"UTC": 0, "America/New_York": 4 * 60, "Asia/Kathmandu": -(5 * 60 + 45)}[zone]
    begin = datetime(2026, 6, 2, 9, tzinfo=UTC) + timedelta(minutes=offset)
    end = datetime(2026, 6, 4, tzinfo=UTC) + timedelta(minutes=offset)
    control = after(Act.START, found=found, since=NOW - 5 * HOUR)
    second = timedelta(seconds=1)
    told = [control.state(found, "Pacific/Apia", at) for at in (begin - second, begin, end - second, end)]
    assert told == ["scheduled", "running", "running", "ended"]
    paused = control.after(Step(Act.PAUSE, begin, "me", "why"), found, "UTC")
    assert paused.state(found, "UTC", end - second) is CampaignState.PAUSED
    assert paused.state(found, "UTC", end) is CampaignState.ENDED


def test_a_date_is_scheduled_until_it_comes_and_runs_until_it_was_finished() -> None:
    found = document({"kind": "date", "at": "2026-06-05T09:00"})
    control = after(Act.START, found=found)
    at = datetime(2026, 6, 5, 9, tzinfo=UTC)
    assert control.state(found, "UTC", at - timedelta(seconds=1)) is CampaignState.SCHEDULED
    assert control.state(found, "UTC", at) is CampaignState.RUNNING
    done = control.after(Step(Act.FINISH, at + HOUR, "schedule", "done"), found, "UTC")
    assert done.state(found, "UTC", at + 2 * HOUR) is CampaignState.ENDED


@given(st.lists(st.integers(-10, 10), min_size=1, max_size=6))
def test_steps_stand_in_the_order_in_which_they_were_taken_whatever_the_clocks_say(minutes: list[int]) -> None:
    control = after(Act.START)
    for number, minute in enumerate(minutes):
        # Two servers' clocks: an act is never before one that was done.
        act = Act.PAUSE if number % 2 == 0 else Act.RESUME
        last = control.steps[-1].at
        state = control.state(document(), "UTC", control.as_of(last + timedelta(minutes=minute)))
        if state in ALLOWED[act]:
            control = control.after(Step(act, last + timedelta(minutes=minute), "me", "why"), document(), "UTC")
    assert [step.at for step in control.steps] == sorted(step.at for step in control.steps)


def test_another_campaign_under_the_same_id_was_started_by_nobody() -> None:
    control = after(Act.START)
    other = document({"kind": "birthday"})
    assert control.state(other, "UTC", NOW + HOUR) is CampaignState.DRAFT
    again = control.after(Step(Act.START, NOW + HOUR, "me", "why"), other, "UTC")
    assert again.runs(other, "UTC", NOW + HOUR)
    assert again.started_at == NOW + HOUR


def test_a_server_whose_clock_lags_knows_of_what_was_done() -> None:
    """Whatever stands in the control was done before it was read."""
    lagging, paused = NOW - timedelta(seconds=1), after(Act.START, Act.PAUSE)
    assert after(Act.START).state(document(), "UTC", lagging) is CampaignState.DRAFT
    assert after(Act.START).runs(document(), "UTC", after(Act.START).as_of(lagging))
    assert paused.as_of(lagging) == NOW + HOUR
    assert paused.as_of(NOW + 2 * HOUR) == NOW + 2 * HOUR


def test_what_a_lagging_server_does_is_allowed_by_what_was_done_before() -> None:
    ended = after(Act.START, Act.FINISH)
    with pytest.raises(CampaignStateError):
        ended.after(Step(Act.FINISH, NOW - HOUR, "schedule", "its date has come"), document(), "UTC")
