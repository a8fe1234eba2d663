"""Runs and their parts: names that read back, counts that add up, and when a run is late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.run import LATE_AFTER, Part, Run, RunKind, place_of, run_of, summed

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
codes = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
periods = st.from_regex(r"[A-Za-z0-9-]{1,30}", fullmatch=True)
counts = st.dictionaries(st.sampled_from(["granted", "lost", "passed:budget", "members"]), st.integers(0, 100))


def run(kind: RunKind = RunKind.CAMPAIGN, campaign: str | None = "xmas", period: str = "once") -> Run:
    return Run(kind=kind, campaign=campaign, period=period, version=1, due_at=NOW, started_at=NOW)


@given(st.sampled_from(list(RunKind)), codes, periods)
def test_a_runs_name_reads_back(kind: RunKind, campaign: str, period: str) -> None:
    """Also of campaigns with odd ids; names are made of what a state machine takes."""
    found = run(kind, campaign, period)
    assert place_of(found.name) == (kind, campaign, period)
    assert set(found.name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


@pytest.mark.parametrize("kind", [RunKind.SWEEP, RunKind.VISIT])
def test_book_keeping_is_nobodys_run_and_no_campaigns(kind: RunKind) -> None:
    found = run(kind, None, "2026")
    assert place_of(found.name) == (kind, None, "2026")
    assert found.of == kind.upper() == run_of(kind, None)
    assert found.name not in {run(kind, campaign, "2026").name for campaign in ("all", "none", "sweep", "visit")}


@pytest.mark.parametrize("text", ["", "campaign", "campaign.xmas", "nothing.xmas.once"])
def test_what_is_no_name_of_a_run_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        place_of(text)


def test_a_run_is_late_once_no_worker_got_on_for_too_long_and_never_after_its_end() -> None:
    long = LATE_AFTER + timedelta(seconds=1)
    assert not run().is_late(NOW + LATE_AFTER)
    assert run().is_late(NOW + long)
    assert not run().is_late(NOW + long, last_seen=NOW + timedelta(seconds=2))
    assert not run().again(NOW + LATE_AFTER).is_late(NOW + long)
    assert not replace(run(), ended_at=NOW).is_late(NOW + 2 * long)
    assert run().again(NOW).attempt == 2


@given(st.lists(st.lists(counts, max_size=5), max_size=6))
def test_counts_of_parts_add_up_however_they_are_parted(pages: list[list[dict[str, int]]]) -> None:
    parts = []
    for part in pages:
        found = Part()
        for number, page in enumerate(part):
            found = found.further(str(number), page, done=number == len(part) - 1)
            assert found.version == number + 1
        parts.append(found)
    whole = summed(iter(parts))
    for name in ("granted", "lost", "passed:budget", "members"):
        assert whole.get(name, 0) == sum(page.get(name, 0) for part in pages for page in part)
