"""Adapters behind the ports, made once per container."""

import random
import secrets
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from shared.adapters.clock import SystemClock
from shared.adapters.dynamodb.alarms import DynamoAlarms
from shared.adapters.dynamodb.approvals import DynamoApprovals
from shared.adapters.dynamodb.attempts import DynamoAttempts
from shared.adapters.dynamodb.budgets import DynamoBudgets
from shared.adapters.dynamodb.campaigns import DynamoCampaigns
from shared.adapters.dynamodb.client import make_client
from shared.adapters.dynamodb.clock import TestClock
from shared.adapters.dynamodb.disposable import DynamoMailDomains
from shared.adapters.dynamodb.donations import DynamoDonations
from shared.adapters.dynamodb.gift_cards import DynamoGiftCards
from shared.adapters.dynamodb.ledger import DynamoLedger
from shared.adapters.dynamodb.members import DynamoMembers
from shared.adapters.dynamodb.outbox import DynamoOutbox
from shared.adapters.dynamodb.programs import DynamoPrograms
from shared.adapters.dynamodb.referral_codes import DynamoReferralCodes
from shared.adapters.dynamodb.referral_export import DynamoReferralExport
from shared.adapters.dynamodb.referrals import DynamoReferrals
from shared.adapters.dynamodb.rewards import DynamoRewards
from shared.adapters.dynamodb.runs import DynamoRuns
from shared.adapters.dynamodb.secrets import Secret
from shared.adapters.dynamodb.store import Backoff, Store
from shared.adapters.dynamodb.table import CURSOR_SECRET
from shared.domain.program import STALENESS_SECONDS_MAX
from shared.entrypoint.settings import Settings
from shared.ports import Clock, SettableClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SANDBOX_STALENESS_SECONDS = 1
"""On a sandbox stage whoever activates a program wants to try it at once."""
ACTIVATION_SECONDS_MAX = 15
"""From deciding when a version takes effect to having it written: a function's time limit, and how far clocks differ."""


@dataclass(frozen=True)
class Wiring:
    """Everything a use case may ask for."""

    settings: Settings
    clock: Clock
    test_clock: SettableClock | None
    ledger: DynamoLedger
    members: DynamoMembers
    programs: DynamoPrograms
    budgets: DynamoBudgets
    rewards: DynamoRewards
    cursor_secret: Secret
    attempts: DynamoAttempts
    referral_codes: DynamoReferralCodes
    gift_cards: DynamoGiftCards
    approvals: DynamoApprovals
    donations: DynamoDonations
    referrals: DynamoReferrals
    referral_export: DynamoReferralExport
    mail_domains: DynamoMailDomains
    alarms: DynamoAlarms
    campaigns: DynamoCampaigns
    runs: DynamoRuns
    outbox: DynamoOutbox
    code_rng: random.Random


def wire(settings: Settings, client: "DynamoDBClient", real: Clock, backoff: Backoff) -> Wiring:
    """The adapters of one stage over one client."""
    store = Store(client, settings.table, backoff)
    test_clock = TestClock(store, real) if settings.sandbox else None
    clock: Clock = test_clock or real
    ledger = DynamoLedger(store, clock)
    staleness = SANDBOX_STALENESS_SECONDS if settings.sandbox else STALENESS_SECONDS_MAX - ACTIVATION_SECONDS_MAX
    # Real time also on sandbox stages: whoever guesses codes waits in earnest.
    attempts = DynamoAttempts(store, real)
    # Codes are worth money: the operating system's own randomness.
    code_rng = secrets.SystemRandom()
    return Wiring(
        settings=settings,
        clock=clock,
        test_clock=test_clock,
        ledger=ledger,
        members=DynamoMembers(store, ledger),
        # The wall clock: a container's monotonic clock may stand still while it is frozen between requests.
        programs=DynamoPrograms(store, staleness, timer=lambda: real.now().timestamp()),
        budgets=DynamoBudgets(store),
        rewards=DynamoRewards(store),
        cursor_secret=Secret(store, CURSOR_SECRET),
        attempts=attempts,
        referral_codes=DynamoReferralCodes(store, attempts, code_rng),
        gift_cards=DynamoGiftCards(store, clock),
        approvals=DynamoApprovals(store, ledger),
        donations=DynamoDonations(store),
        referrals=DynamoReferrals(store),
        referral_export=DynamoReferralExport(store),
        mail_domains=DynamoMailDomains(store),
        alarms=DynamoAlarms(store),
        campaigns=DynamoCampaigns(store),
        runs=DynamoRuns(store),
        outbox=DynamoOutbox(store),
        code_rng=code_rng,
    )


@cache
def wired() -> Wiring:
    """The wiring of this container, from its environment."""
    return wire(Settings.from_environment(), make_client(), SystemClock(), Backoff())
