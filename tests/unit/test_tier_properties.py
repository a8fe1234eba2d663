"""Random members, policies and protections: the domain agrees with the rules read day by day (tests/unit/plain_tiers.py)."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from shared.domain.tier import Record, Tiers
from shared.domain.tier_course import opening_for, outlook, tier_on
from tests.unit.plain_tiers import plain_tiers

EXAMPLES = int(os.environ.get("LAUREL_EXAMPLES", "100"))
"""Members per promise; LAUREL_EXAMPLES asks for more."""
DAY = timedelta(days=1)
START = date(2023, 11, 1)
DAYS = 1300

YEARS_BEGIN = [date(year, month, day) for year in (2024, 2025, 2026) for month, day in ((1, 1), (2, 28), (11, 15))]

# Half of all days are where something happens: around the beginning of a year and in the grace after it.
anywhere = st.integers(0, DAYS).map(lambda n: START + n * DAY)
days = st.one_of(
    anywhere, st.tuples(st.sampled_from(YEARS_BEGIN), st.integers(-3, 65)).map(lambda item: item[0] + item[1] * DAY)
)
years = st.one_of(
    st.sampled_from(["01-01", "02-28", "11-15"]).map(lambda starts: {"kind": "calendar_year", "starts": starts}),
    st.just({"kind": "anniversary"}),
)
windows = st.one_of(
    st.integers(1, 400).map(lambda n: {"kind": "rolling", "days": n}),
    st.integers(1, 13).map(lambda n: {"kind": "rolling", "months": n}),
)


@st.composite
def tiers(draw: Any, rolling: bool | None = None) -> Tiers:
    rolls = draw(st.booleans()) if rolling is None else rolling
    thresholds = sorted(draw(st.sets(st.sampled_from([0, 1, 2, 3, 5, 8, 12]), min_size=1, max_size=4)))
    ids = draw(st.permutations(["a", "b", "c", "d", "e"]))
    return Tiers.model_validate(
        {
            "metric": draw(st.sampled_from(["orders", "orders", "spend"])),
            "period": draw(windows if rolls else years),
            "grace_days": draw(st.sampled_from([0, 1, 30, 60, 90 if rolls else 364])),
            "downgrade": "by_balance" if rolls else draw(st.sampled_from(["one_step", "by_balance"])),
            "levels": [{"id": id, "name": id, "threshold": n} for id, n in zip(ids, thresholds, strict=False)],
        }
    )


@st.composite
def regraded(draw: Any, policy: Tiers) -> Tiers:
    """The same period with other levels."""
    other = draw(tiers(rolling=policy.period.kind == "rolling"))
    return other.model_copy(update={"period": policy.period, "downgrade": policy.downgrade})


@st.composite
def policies(draw: Any) -> list[tuple[date, Tiers | None]]:
    starts = sorted(draw(st.lists(days, max_size=3)))
    said: list[Tiers | None] = [draw(tiers())]
    for _ in starts:
        last = said[-1]
        said.append(draw(st.one_of(tiers(), tiers(), st.just(last), *([regraded(last)] * 3 if last else []), st.none())))
    first = draw(st.sampled_from([START - 700 * DAY, START + 90 * DAY]))
    return list(zip([first, *(max(first, day) for day in starts)], said, strict=True))


credits = st.dictionaries(days, st.integers(0, 6), max_size=12).map(lambda found: tuple(sorted(found.items())))
ranges = st.lists(
    st.tuples(days, st.one_of(st.none(), st.integers(1, 500))).map(lambda item: (item[0], item[1] and item[0] + item[1] * DAY)),
    max_size=2,
).map(tuple)


@st.composite
def records(draw: Any) -> Record:
    enrolled = draw(st.sampled_from([START, date(2024, 1, 1), date(2024, 2, 29), date(2024, 11, 15)]))
    others = {"spend": draw(credits)} if draw(st.booleans()) else {}
    return Record(enrolled, draw(credits), protected=draw(ranges), others=others)


def until(record: Record, day: date) -> Record:
    def cut(credit: tuple[tuple[date, int], ...]) -> tuple[tuple[date, int], ...]:
        return tuple(item for item in credit if item[0] <= day)

    return replace(record, credit=cut(record.credit), others={key: cut(credit) for key, credit in record.others.items()})


def telling(record: Record, said: list[tuple[date, Tiers | None]], first: date) -> list[date]:
    """Days from `first` on: those around which anything may change, and one a month."""
    edges = [*YEARS_BEGIN, first, record.enrolled_on, *(day for day, _ in said)]
    edges += [day for credit in (record.credit, *record.others.values()) for day, _ in credit]
    edges += [edge for run in record.protected for edge in run if edge]
    found = {edge + n * DAY for edge in edges for n in (-1, 0, 1, 30, 60, 364, 365)} | {first + n * 30 * DAY for n in range(50)}
    return sorted(day for day in found if first <= day <= START + (DAYS + 400) * DAY)


@settings(max_examples=EXAMPLES)
@given(records(), policies())
def test_a_tier_is_what_the_rules_give_day_by_day(record: Record, said: list[tuple[date, Tiers | None]]) -> None:
    plain = plain_tiers(record, said, START + (DAYS + 400) * DAY)
    for day in telling(record, said, record.enrolled_on):
        level = tier_on(record, said, day)
        assert (day, level and level.id) == (day, plain[day])


@settings(max_examples=EXAMPLES)
@given(records(), policies(), days)
def test_the_day_of_the_fall_is_the_first_lower_one(record: Record, said: list[tuple[date, Tiers | None]], day: date) -> None:
    day = max(day, record.enrolled_on)
    seen = outlook(record, said, day)
    silent = until(record, day)
    assert seen.level == tier_on(record, said, day)
    if seen.level is None:
        assert seen.falls_on is None
        return

    def lower(on: date) -> bool:
        policy = next((tiers for first, tiers in reversed(said) if first <= on), None)
        level = tier_on(silent, said, on)
        if policy is None or level is None:
            return True
        known = policy.level(seen.level.id)
        return level.threshold < (known or seen.level).threshold

    end = seen.falls_on or START + (DAYS + 1600) * DAY
    event("falls" if seen.falls_on else "stays")
    assert not any(lower(day + n * DAY) for n in range(1, (end - day).days, 1 if (end - day).days < 400 else 7))
    if seen.falls_on:
        assert lower(seen.falls_on)
        assert not lower(seen.falls_on - DAY) or seen.falls_on == day + DAY
        assert seen.falls_to == tier_on(silent, said, seen.falls_on)


@settings(max_examples=EXAMPLES * 2)
@given(records(), policies(), days, credits, credits, days)
def test_an_opening_stands_for_all_that_was_dropped(
    record: Record,
    said: list[tuple[date, Tiers | None]],
    keep_from: date,
    later: tuple[tuple[date, int], ...],
    later_spend: tuple[tuple[date, int], ...],
    again: date,
) -> None:
    keep_from = max(keep_from, record.enrolled_on)
    opening = opening_for(record, said, keep_from)
    event("drops" if opening.day > record.enrolled_on else "keeps")

    def with_later(found: Record) -> Record:
        def changed(credit: tuple[tuple[date, int], ...], new: tuple[tuple[date, int], ...]) -> tuple[tuple[date, int], ...]:
            old = [item for item in credit if item[0] < keep_from]
            return (*old, *(item for item in new if item[0] >= keep_from))

        others = {key: changed(credit, later_spend) for key, credit in found.others.items()}
        return replace(found, credit=changed(found.credit, later), others=others)

    whole = with_later(record)
    dropped = with_later(dropping(record, opening))
    second = max(again, keep_from)
    twice = dropping(dropped, opening_for(dropped, said, second))
    for day in telling(whole, said, keep_from):
        assert tier_on(dropped, said, day) == tier_on(whole, said, day)
        if day >= second:
            assert tier_on(twice, said, day) == tier_on(whole, said, day)


def dropping(record: Record, opening: Any) -> Record:
    def rest(credit: tuple[tuple[date, int], ...]) -> tuple[tuple[date, int], ...]:
        return tuple(item for item in credit if item[0] >= opening.day)

    others = {key: rest(credit) for key, credit in record.others.items()}
    return replace(record, credit=rest(record.credit), others=others, opening=opening)


@settings(max_examples=EXAMPLES)
@given(records(), policies(), days, days, st.integers(1, 6))
def test_more_credit_never_lowers_a_tier(
    record: Record, said: list[tuple[date, Tiers | None]], day: date, earned: date, amount: int
) -> None:
    richer = {**dict(record.credit)}
    richer[earned] = richer.get(earned, 0) + amount
    before = tier_on(record, said, day)
    after = tier_on(replace(record, credit=tuple(sorted(richer.items()))), said, day)
    assert before is None or (after is not None and after.threshold >= before.threshold)
