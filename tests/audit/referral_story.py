"""A stage on which members brought friends, in every way that a referral can go: for the proofs of honest and false books."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from functions.referrals.rule_referral import Verb
from shared.domain.decision import Wanted
from shared.domain.entry import MemberId, caller_key, referral_key
from shared.domain.fingerprint import Fingerprint, FingerprintKind
from shared.domain.importing import ImportRequest, take_over
from shared.domain.inviting import InvitationRequest, invite
from shared.domain.program import ProgramVersion
from tests.contract.counter import Counter
from tests.contract.ledgers import Place
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, CAT
from tests.fakes.memory_catalog import FixedPrograms

HELD, REWARDED, CANCELLED, CLAWED, VOIDED, FLAGGED, REJECTED, OPEN, PASSED, SPRING, HEIR, OLD = (
    MemberId(f"01HFR1END{number:017d}") for number in range(12)
)
"""Friends by what became of them; one by a campaign, one of a member who was merged, one of another system."""
FRIENDS = (HELD, REWARDED, CANCELLED, CLAWED, VOIDED, FLAGGED, REJECTED, OPEN, PASSED, SPRING, HEIR, OLD)
MEMBERS = (ADA, BOB, CAT, *FRIENDS)
BUDGET = "all"
QUALIFIES = {"kind": "orders", "net_min": 2500}
TERMS: dict[str, Any] = {
    "qualifies": QUALIFIES,
    "hold_days": 14,
    "advocate": [
        {"currency": "points", "points": 500, "caps": ["monthly", BUDGET], "steps": [{"referral": 3, "points": 700}]},
        {"currency": "coffee", "points": 1},
    ],
    "friend": [{"currency": "points", "points": 250, "caps": [BUDGET]}],
    "campaigns": [
        {"id": "spring", "qualifies": QUALIFIES, "hold_days": 3, "friend": [{"currency": "points", "points": 40}]},
    ],
}
PROGRAM: dict[str, Any] = {
    "currencies": [{"code": "points", "expiry": {"after": 365, "rounded_to": "day"}}, {"code": "coffee"}],
    "caps": [
        {"id": "monthly", "currency": "points", "scope": "member", "per": "month", "points": 3200},
        {"id": BUDGET, "currency": "points", "scope": "program", "points": 10_000, "shards": 3},
    ],
    "earning_rules": [
        grocer.earning_rule(),
        {"id": "double", "kind": "multiplier", "currency": "points", "percent": 200, "caps": [BUDGET]},
    ],
    "tiers": {
        "metric": "referrals",
        "period": {"kind": "rolling", "days": 365},
        "levels": [{"id": "fan", "name": "Fan", "threshold": 0}, {"id": "star", "name": "Star", "threshold": 3}],
    },
    "referral": TERMS,
}


def version() -> ProgramVersion:
    """The program of the stage."""
    return grocer.version(**PROGRAM)


def live(place: Place, clock: FakeClock) -> Counter:
    """Open Ada, Bob and Cat, and let friends come, buy, give back, and be looked at; 20 days pass."""
    counter = Counter(place, FixedPrograms(version()))
    for member in (ADA, BOB, CAT):
        place.open(member, grocer.OPENED)
    device = Fingerprint(FingerprintKind.DEVICE, "the-same-device")
    for friend in (REWARDED, CANCELLED, CLAWED, VOIDED, OPEN):
        counter.join(friend, ADA)
    counter.join(FLAGGED, CAT, seen_with=(device,))
    counter.join(PASSED, ADA, seen_with=(device,))
    counter.join(REJECTED, ADA, phone="+12015550123", email="known@example.com")
    counter.join(SPRING, campaign="spring")
    counter.join(HEIR, BOB)
    _share(counter, ADA)
    for friend in (REWARDED, CANCELLED, CLAWED, VOIDED, FLAGGED, PASSED, SPRING):
        _buy(counter, friend)
    counter.refund(f"order-{CANCELLED}", amount=4000)
    counter.say(PASSED, Verb.PASS)
    counter.leave(BOB, ADA)
    _buy(counter, HEIR)
    clock.instant += timedelta(days=15)
    counter.refund(f"order-{CLAWED}", amount=4000)
    counter.say(VOIDED, Verb.VOID)
    counter.say(REJECTED, Verb.REJECT)
    _import(counter, OLD)
    counter.join(HELD, ADA)
    _buy(counter, HELD)
    return counter


def _buy(counter: Counter, friend: MemberId) -> None:
    counter.buy(f"order-{friend}", 60, member_id=friend)


def _share(counter: Counter, member: MemberId) -> None:
    key, request = caller_key("app", "invitation", "one"), InvitationRequest(channel="whatsapp")
    versions = counter.programs.versions()
    counter.ledger.decide_and_post(key, member, request.digest, lambda view: invite(view, request, "ADAS-CODE", versions, key))


def _import(counter: Counter, friend: MemberId) -> None:
    """Another system rewarded a friend of Ada's."""
    now, versions = counter.place.clock.now(), counter.programs.versions()
    counter.place.open(friend, now - timedelta(days=9))
    request = ImportRequest(
        friend=friend,
        advocate=ADA,
        joined_at=now - timedelta(days=9),
        state="rewarded",
        source="oldshop",
        given=(("advocate", "points", 300), ("friend", "points", 0)),
    )
    counter.ledger.decide_and_post(
        referral_key(friend),
        friend,
        request.digest,
        lambda view: take_over(view, request, (), versions),
        Wanted(referral=lambda _: request.wanted),
    )
