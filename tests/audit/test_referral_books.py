"""The proof finds what no referral could have given, told or taken back: each promise is broken once here, by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.audit import audit
from shared.domain.counts import ONE_REFERRAL, Count
from shared.domain.effect import Correction, Recount
from shared.domain.entry import (
    Entry,
    EntryKey,
    MemberId,
    award_key,
    clawback_key,
    of_advocate,
    purchase_key,
    referral_key,
    refund_key,
    ruling_key,
)
from shared.domain.points import Credit
from shared.domain.referral_audit import NUMBERED, PROMISED, STEPS, WHOLE
from shared.domain.referral_books import AGREED, LISTED, Beside, referral_breaks
from shared.domain.referral_books import listed_as as due_row
from shared.domain.referred import ReferralState
from tests.audit.referral_story import (
    CANCELLED,
    CLAWED,
    FLAGGED,
    FRIENDS,
    HEIR,
    MEMBERS,
    OLD,
    OPEN,
    PASSED,
    REJECTED,
    REWARDED,
    SPRING,
    VOIDED,
    live,
    version,
)
from tests.contract.counter import Counter
from tests.contract.ledgers import memory_place
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, CAT

EXPLAINED = "every point is explained"
IN_ROOM = "no cap or limit of a member is exceeded"
COUNTED = "what an entry counts is what its rules gave"
VERSIONS = [version()]
Change = Callable[[Entry], Entry]


@dataclass(frozen=True)
class Stage:
    """The stage of the story, in memory."""

    counter: Counter

    def tampered(self, key: EntryKey, change: Change) -> set[str]:
        """The promises that are found broken in the books of its member after one entry was changed."""
        member = self.counter.ledger.entry(key).member
        entries = self.counter.entries(member)
        changed = [change(entry) if entry.key == key else entry for entry in entries]
        assert changed != entries
        return {found.promise for found in audit(self.counter.ledger.view(member).wallet, changed, VERSIONS)}

    def beside(self, friend: MemberId) -> Beside:
        """What stands beside a friend's books."""
        posted = self.counter.ledger.posted  # type: ignore[attr-defined]
        keys = (of_advocate(award_key(friend)), of_advocate(clawback_key(friend)))
        entries = tuple(posted[key] for key in keys if key in posted)
        referred = self.counter.ledger.view(friend).wallet.referral
        rows = due_row(self.counter.entries(friend), Beside(entries))
        return Beside(entries, rows, bool(referred and referred.flagged))

    def heir(self, member: str) -> str | None:
        """Who took over."""
        return self.counter.ledger.view(MemberId(member)).wallet.merged_into

    def found(self, friend: MemberId, beside: Beside, entries: Sequence[Entry] | None = None) -> set[str]:
        """The promises that are found broken across books."""
        own = self.counter.entries(friend) if entries is None else entries
        return {found.promise for found in referral_breaks(friend, own, beside, self.heir)}


@pytest.fixture(scope="module")
def stage() -> Stage:
    """Nothing in these tests changes it."""
    clock = FakeClock(grocer.NOON)
    return Stage(live(memory_place(clock), clock))


def test_honest_books_have_no_break(stage: Stage) -> None:
    assert stage.counter.proven(*MEMBERS) == []
    assert {friend: stage.found(friend, stage.beside(friend)) for friend in MEMBERS} == {member: set() for member in MEMBERS}


def stands(**changes: Any) -> Change:
    """The entry with another word on where the referral stands."""

    def change(entry: Entry) -> Entry:
        assert entry.effect.referral is not None
        return replace(entry, told=replace(entry.effect, referral=replace(entry.effect.referral, **changes)))

    return change


def about(**changes: Any) -> Change:
    """The entry with something else told of what it is about."""
    return lambda entry: replace(entry, subject=replace(entry.subject, **changes))  # type: ignore[type-var]


def effect(**changes: Any) -> Change:
    """The entry with another effect."""
    return lambda entry: replace(entry, told=replace(entry.effect, **changes))


def sharing(number: int, **changes: Any) -> Change:
    """Another of the entry's reasons."""

    def change(entry: Entry) -> Entry:
        why = list(entry.why)
        why[number] = replace(why[number], **changes)
        return replace(entry, why=tuple(why))

    return change


def order_of(friend: MemberId) -> EntryKey:
    return purchase_key(f"order-{friend}")


def refund_of(friend: MemberId) -> EntryKey:
    return refund_key(f"order-{friend}", "r1")


def advocates(friend: MemberId) -> EntryKey:
    return of_advocate(award_key(friend))


def taken(friend: MemberId) -> EntryKey:
    return of_advocate(clawback_key(friend))


# ---- where a referral stands


@pytest.mark.parametrize(
    ("key", "change"),
    [
        (referral_key(OPEN), effect(referral=None)),
        (referral_key(OPEN), stands(advocate=CAT)),
        (referral_key(OPEN), stands(campaign="spring")),
        (referral_key(OPEN), stands(state=ReferralState.AWARDED)),
        (referral_key(OPEN), stands(state=ReferralState.REJECTED)),
        (referral_key(OPEN), stands(flagged=True)),
        (referral_key(OPEN), stands(cleared=True)),
        (referral_key(OPEN), stands(orders=("order",))),
        (referral_key(OPEN), stands(joined_on=grocer.NOON.date() + timedelta(days=1))),
        (referral_key(SPRING), stands(campaign="winter")),
        (referral_key(OLD), stands(award=1)),
        (order_of(REWARDED), stands(orders=("another",))),
        (order_of(REWARDED), stands(state=ReferralState.JOINED)),
        (order_of(REWARDED), stands(qualified_on=grocer.NOON.date() + timedelta(days=1))),
        (order_of(REWARDED), stands(advocate=CAT)),
        (order_of(REWARDED), stands(version=2)),
        (order_of(FLAGGED), stands(state=ReferralState.REJECTED)),
        (order_of(FLAGGED), stands(flagged=False)),
        (award_key(REWARDED), effect(referral=None)),
        (award_key(REWARDED), stands(state=ReferralState.QUALIFIED)),
        (award_key(REWARDED), stands(held_until=grocer.NOON.date())),
        (award_key(REWARDED), stands(award=1)),
        (award_key(SPRING), stands(awarded_to=ADA)),
        (ruling_key(PASSED, passed=True), stands(cleared=False)),
        (ruling_key(PASSED, passed=True), stands(state=ReferralState.AWARDED)),
        (ruling_key(REJECTED, passed=False), stands(state=ReferralState.CLAWED_BACK)),
        (ruling_key(REJECTED, passed=False), effect(referral=None)),
        (refund_of(CANCELLED), stands(state=ReferralState.CLAWED_BACK)),
        (refund_of(CLAWED), stands(state=ReferralState.REJECTED)),
        (refund_of(CLAWED), stands(state=ReferralState.AWARDED)),
        (clawback_key(VOIDED), stands(state=ReferralState.JOINED)),
        (clawback_key(VOIDED), effect(referral=None)),
    ],
)
def test_a_step_that_no_entry_of_its_kind_leads_to_is_found(stage: Stage, key: EntryKey, change: Change) -> None:
    assert STEPS in stage.tampered(key, change)


def test_an_award_of_a_referral_that_waits_for_an_operator_is_found(stage: Stage) -> None:
    """As if nobody had looked at it: the ruling is taken out of the books."""
    entries = [entry for entry in stage.counter.entries(PASSED) if entry.key != ruling_key(PASSED, passed=True)]
    wallet = stage.counter.ledger.view(PASSED).wallet
    assert STEPS in {found.promise for found in audit(wallet, entries, VERSIONS)}


# ---- what both sides got


@pytest.mark.parametrize(
    ("key", "change"),
    [
        (advocates(REWARDED), sharing(0, points=499)),
        (advocates(REWARDED), sharing(0, points=501)),
        (advocates(REWARDED), sharing(0, room=None)),
        (advocates(REWARDED), sharing(1, room=5)),
        (advocates(REWARDED), sharing(1, points=2)),
        (advocates(REWARDED), sharing(0, rule="referral:friend:points")),
        (advocates(REWARDED), sharing(0, rule="base")),
        (advocates(REWARDED), sharing(0, currency="coffee")),
        (advocates(REWARDED), sharing(0, program_version=2)),
        (advocates(REWARDED), lambda entry: replace(entry, why=entry.why[:1])),
        (advocates(REWARDED), lambda entry: replace(entry, names=order_of(REWARDED))),
        (advocates(REWARDED), about(side="friend")),
        (advocates(REWARDED), about(friend=ADA)),
        (advocates(REWARDED), about(friend=CANCELLED)),
        (advocates(OLD), about(imported=None)),
        (award_key(REWARDED), sharing(0, points=251)),
        (award_key(REWARDED), sharing(0, rule="referral:advocate:points")),
        (award_key(REWARDED), sharing(0, rule="campaign:spring:points")),
        (award_key(SPRING), sharing(0, rule="referral:friend:points")),
        (award_key(SPRING), sharing(0, points=41)),
        (award_key(REWARDED), lambda entry: replace(entry, names=referral_key(REWARDED))),
        (award_key(REWARDED), about(cause=referral_key(REWARDED))),
        (award_key(REWARDED), about(held_until=grocer.NOON.date())),
        (award_key(REWARDED), lambda entry: replace(entry, subject=None)),
    ],
)
def test_an_award_that_its_terms_do_not_promise_is_found(stage: Stage, key: EntryKey, change: Change) -> None:
    assert PROMISED in stage.tampered(key, change)


@pytest.mark.parametrize("key", [advocates(REWARDED), award_key(REWARDED)])
@pytest.mark.parametrize("changes", [{"spendable_from": grocer.NOON.date()}, {"gone_on": None}, {"points": 249}])
def test_points_that_are_held_or_live_otherwise_than_promised_are_found(
    stage: Stage, key: EntryKey, changes: dict[str, Any]
) -> None:
    def change(entry: Entry) -> Entry:
        first, *others = entry.effect.credits
        return replace(entry, told=replace(entry.effect, credits=(replace(first, **changes), *others)))

    assert (EXPLAINED if "points" in changes else PROMISED) in stage.tampered(key, change)


@pytest.mark.parametrize(
    "change", [about(number=2), about(number=None), effect(counts=()), effect(counts=(Count("referrals", None, 2),))]
)
def test_a_number_that_is_given_twice_or_not_counted_is_found(stage: Stage, change: Change) -> None:
    assert NUMBERED in stage.tampered(advocates(REWARDED), change)


def without(start: str) -> Change:
    """The entry that does not count what is called so."""
    return lambda entry: replace(
        entry,
        told=replace(entry.effect, counts=tuple(count for count in entry.effect.counts if not count.name.startswith(start))),
    )


@pytest.mark.parametrize("start", ["cap:", "tier:"])
def test_an_award_that_counts_against_no_cap_or_for_no_tier_is_found(stage: Stage, start: str) -> None:
    assert COUNTED in stage.tampered(advocates(REWARDED), without(start))


def test_an_award_beyond_the_cap_is_found_though_all_of_it_says_the_same(stage: Stage) -> None:
    """The cap is 3,200 a month; here the books are honest, and the program is not the one that was in force."""
    program = version()
    [monthly, budget] = program.program.caps
    lower = program.program.model_copy(update={"caps": [monthly.model_copy(update={"points": 2900}), budget]})
    wallet, entries = stage.counter.ledger.view(ADA).wallet, stage.counter.entries(ADA)
    found = list(audit(wallet, entries, [replace(program, program=lower)]))
    assert {one.promise for one in found} == {IN_ROOM}


@pytest.mark.parametrize("key", [referral_key(OPEN), ruling_key(PASSED, passed=True), taken(VOIDED)])
def test_points_of_an_entry_that_may_give_none_are_found(stage: Stage, key: EntryKey) -> None:
    credit = Credit("points", 10, grocer.NOON.date(), None)
    assert EXPLAINED in stage.tampered(key, effect(credits=(credit,)))


# ---- what was taken back


@pytest.mark.parametrize(
    ("key", "change"),
    [
        (taken(CANCELLED), sharing(0, points=-499)),
        (taken(CANCELLED), lambda entry: replace(entry, why=())),
        (taken(CANCELLED), effect(corrections=())),
        (taken(CANCELLED), lambda entry: effect(corrections=entry.effect.corrections[:1])(entry)),
        (taken(CANCELLED), effect(corrections=(Correction(1, "coffee", 0), Correction(1, "points", 1)))),
        (taken(CANCELLED), effect(recounts=())),
        (taken(CANCELLED), lambda entry: effect(recounts=(replace(entry.effect.recounts[0], counts=()),))(entry)),
        (taken(CANCELLED), lambda entry: replace(entry, names=advocates(REWARDED))),
        (taken(CANCELLED), about(friend=REWARDED)),
        (taken(CANCELLED), about(side="friend")),
        (clawback_key(VOIDED), lambda entry: replace(entry, why=())),
        (clawback_key(VOIDED), effect(corrections=())),
        (refund_of(CLAWED), effect(corrections=())),
        (refund_of(CLAWED), lambda entry: replace(entry, why=entry.why[:-1])),
        (refund_of(CLAWED), sharing(-1, points=-249)),
        (refund_of(CLAWED), stands(state=ReferralState.AWARDED)),
        (refund_of(CLAWED), effect(referral=None)),
    ],
)
def test_an_award_that_is_not_taken_back_whole_is_found(stage: Stage, key: EntryKey, change: Change) -> None:
    assert WHOLE in stage.tampered(key, change)


def test_an_award_that_is_taken_back_twice_or_for_nothing_is_found(stage: Stage) -> None:
    again = lambda entry: replace(entry, subject=stage.counter.ledger.entry(taken(CANCELLED)).subject)  # noqa: E731
    assert WHOLE in stage.tampered(taken(CLAWED), again)
    [award] = [entry for entry in stage.counter.entries(REWARDED) if entry.key == award_key(REWARDED)]
    back = effect(corrections=(Correction(award.sequence, "points", 0),), recounts=(Recount(award.sequence, ()),))
    first = stage.counter.entries(REWARDED)[0]
    entries = [*stage.counter.entries(REWARDED), back(replace(first, sequence=4, key=EntryKey("closure:x")))]
    assert WHOLE in {found.promise for found in audit(stage.counter.ledger.view(REWARDED).wallet, entries)}


def test_reasons_of_an_order_never_explain_what_a_referral_had_given(stage: Stage) -> None:
    """The refund takes back 40 points and 40 double ones of the order, and 250 of the referral: in all they are as many."""

    def mixed(entry: Entry) -> Entry:
        *others, order, referral = entry.why
        why = (*others, replace(order, points=order.points - 10), replace(referral, points=referral.points + 10))
        return replace(entry, why=why)

    assert {EXPLAINED, WHOLE} <= stage.tampered(refund_of(CLAWED), mixed)


# ---- both sides together, and lists


@pytest.mark.parametrize("friend", [friend for friend in FRIENDS if friend not in (OPEN, FLAGGED, REJECTED, SPRING)])
def test_an_award_of_which_one_side_is_missing_is_found(stage: Stage, friend: MemberId) -> None:
    assert AGREED in stage.found(friend, replace(stage.beside(friend), entries=()))


@pytest.mark.parametrize("friend", [CANCELLED, CLAWED, VOIDED])
def test_an_award_that_was_taken_back_on_one_side_alone_is_found(stage: Stage, friend: MemberId) -> None:
    beside = stage.beside(friend)
    assert AGREED in stage.found(friend, replace(beside, entries=beside.entries[:1]))


def test_a_clawback_of_what_stands_is_found(stage: Stage) -> None:
    entries = (stage.beside(REWARDED).entries[0], stage.counter.ledger.entry(taken(CANCELLED)))
    assert AGREED in stage.found(REWARDED, replace(stage.beside(REWARDED), entries=entries))


@pytest.mark.parametrize(
    "change",
    [
        about(number=9),
        about(held_until=grocer.NOON.date()),
        about(friend=CANCELLED),
        about(given_on=grocer.NOON.date() + timedelta(days=1)),
        lambda entry: replace(entry, request_hash=b"another"),
        lambda entry: replace(entry, occurred_at=entry.occurred_at + timedelta(seconds=1)),
        lambda entry: replace(entry, member=CAT),
    ],
)
def test_sides_that_tell_of_another_award_are_found(stage: Stage, change: Change) -> None:
    beside = stage.beside(REWARDED)
    assert AGREED in stage.found(REWARDED, replace(beside, entries=(change(beside.entries[0]),)))


def test_an_award_of_a_member_who_did_not_take_over_is_found(stage: Stage) -> None:
    assert stage.heir(BOB) == ADA
    assert stage.found(HEIR, stage.beside(HEIR)) == set()
    beside, own = stage.beside(HEIR), stage.counter.entries(HEIR)
    assert {found.promise for found in referral_breaks(HEIR, own, beside, lambda _: None)} == {AGREED}


def test_a_clawback_for_another_reason_than_the_friends_is_found(stage: Stage) -> None:
    beside = stage.beside(CANCELLED)
    award, clawback = beside.entries
    entries = (award, replace(clawback, request_hash=b"another"))
    assert AGREED in stage.found(CANCELLED, replace(beside, entries=entries))


@pytest.mark.parametrize("friend", FRIENDS)
def test_a_referral_that_is_listed_otherwise_or_not_at_all_is_found(stage: Stage, friend: MemberId) -> None:
    beside = stage.beside(friend)
    [row] = beside.rows
    others: list[dict[str, Any]] = [
        {"source": CAT if row.source != CAT else ADA},
        {"state": ReferralState.CLAWED_BACK if row.state is ReferralState.AWARDED else ReferralState.AWARDED},
        {"flagged": not row.flagged},
        {"held_until": grocer.NOON.date()},
        {"orders": ("another",)},
        {"given": (("advocate", "points", 1),)},
        {"code": "another"},
    ]
    for rows in ((), (row, row), *((replace(row, **changes),) for changes in others)):
        assert LISTED in stage.found(friend, replace(beside, rows=rows))
    assert LISTED in stage.found(friend, replace(beside, queued=not beside.queued))


def test_the_number_of_every_award_is_counted_once(stage: Stage) -> None:
    counted = [entry.subject for entry in stage.counter.entries(ADA) if ONE_REFERRAL in entry.effect.counts]
    numbers = [subject.number for subject in counted]  # type: ignore[union-attr]
    assert numbers == list(range(1, 9))
