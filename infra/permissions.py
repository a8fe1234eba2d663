"""What each function may do to the table and to the rest of AWS: the whole of it, as data.

Every line of an IAM policy comes from here, so a review of a function's powers is a review of its two rows, and
the template tests pin each one. Transactions need no action of their own: DynamoDB authorizes each item of
a `TransactWriteItems` as the PutItem, UpdateItem or DeleteItem that it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from shared.adapters.dynamodb.table import ALARM_INDEX, HISTORY_INDEX, RANKING_INDEX, ROSTER_INDEX


@dataclass(frozen=True)
class Permission:
    """Some DynamoDB actions, on the table or on one of its indexes.

    `keys` are patterns of partition keys (`MEMBER#*`): the action is allowed on items under them only.
    Without `keys` it is allowed on every item. `ConditionCheckItem` is asked for nowhere.
    """

    actions: tuple[str, ...]
    keys: tuple[str, ...] = ()
    index: str | None = None


class Power(Enum):
    """A thing a function may do beside the table; infra/constructs/powers.py says which rights and settings that takes."""

    TELL = auto()
    """Puts events on the stage's bus."""
    RUN = auto()
    """Starts runs of campaigns: executions of the one state machine."""
    FIRE_LATER = auto()
    """Makes, changes and drops schedules that call `bonuses`."""
    MAIL_LATER = auto()
    """Makes, changes and drops schedules that call `messages`."""
    MAIL = auto()
    """Sends mail to members, as the stage's sender and nobody else."""
    READ_STREAM = auto()
    """Is fed with the table's changes."""
    PARK = auto()
    """Puts records of the stream aside: those that it can't read, and batches that it failed at."""
    RETRY = auto()
    """Is fed with records that were put aside, once an operator sends them again."""
    FAIL = auto()
    """Is called by nobody who waits: what it fails at in the end is kept."""


READ = Permission(actions=("GetItem", "BatchGetItem"))
READ_ONE = Permission(actions=("GetItem",))
READ_HISTORY = Permission(actions=("Query",), index=HISTORY_INDEX)
READ_RANKING = Permission(actions=("Query",), index=RANKING_INDEX)
READ_ALARMS = Permission(actions=("Query",), index=ALARM_INDEX)
READ_ROSTER = Permission(actions=("Query",), index=ROSTER_INDEX)
READ_PROGRAM = Permission(actions=("Query",), keys=("PROGRAM",))

# What a step of a referral counts and draws beside its entries.
STEPS: Final = ("REFERRER#*", "FUNNEL#*", "BUDGET#*")
# What is new where a friend does what counts: entries, and the queue of flagged ones.
QUALIFIED: Final = ("REFERRAL#*", "FLAGS")

# A campaign's control, runs and counters, and the list of runs that have not ended.
CAMPAIGNS: Final = ("CAMPAIGN#*", "RUNS")

# Nobody may Scan. Nobody may update or delete an entry: what is dropped are the identifiers and logins that a
# member gave up, and what is listed for an operator until it is decided.
PERMISSIONS: Final[dict[str, tuple[Permission, ...]]] = {
    "members": (
        READ,
        READ_PROGRAM,
        READ_HISTORY,
        Permission(actions=("PutItem",), keys=("MEMBER#*", "IDENTITY#*", "LOGIN#*", "CLOSE#*", "MERGE#*")),
        # A friend who joins: entries, the list, who was seen with what, the queue of flagged ones, misses of codes.
        Permission(actions=("PutItem",), keys=("REFERRAL#*", "REFERRER#*", "FINGERPRINT#*", "FLAGS", "GUESS#*", "SECRET")),
        Permission(actions=("UpdateItem",), keys=("MEMBER#*", *STEPS, "FINGERPRINT#*", "GUESS#*")),
        # Who leaves waits for no operator.
        Permission(actions=("DeleteItem",), keys=("IDENTITY#*", "LOGIN#*", "FLAGS")),
    ),
    "earning": (
        READ,
        READ_PROGRAM,
        READ_HISTORY,
        Permission(actions=("Query",), keys=("ORDER#*",)),
        # A refund may give money back onto a gift card.
        Permission(actions=("PutItem",), keys=("ORDER#*", "ACTIVITY#*", "CARDLOG#*", *QUALIFIED)),
        # What campaigns give with an order, and what is counted of it.
        Permission(actions=("PutItem",), keys=("GRANT#*",)),
        Permission(actions=("UpdateItem",), keys=("MEMBER#*", "CARD#*", "CAMPAIGN#*", *STEPS)),
        # A refund may undo a referral that waits for an operator.
        Permission(actions=("DeleteItem",), keys=("FLAGS",)),
    ),
    "standing": (
        READ,
        READ_PROGRAM,
        READ_HISTORY,
        # A first payment may qualify a referral, and a refund of it undo that.
        Permission(actions=("PutItem",), keys=("BILLING#*", "REVIEW#*", *QUALIFIED)),
        Permission(actions=("UpdateItem",), keys=("MEMBER#*", *STEPS)),
        Permission(actions=("DeleteItem",), keys=("FLAGS",)),
    ),
    "referrals": (
        READ,
        READ_PROGRAM,
        READ_HISTORY,
        READ_RANKING,
        Permission(actions=("Query",), keys=("REFERRER#*", "FUNNEL#*", "FLAGS", "DISPOSABLE")),
        # Invitations, rulings and imports; codes and who shows them, the key of cursors, the operator's list, misses.
        Permission(
            actions=("PutItem",), keys=("KEY#*", "REFERRAL#*", "REFERRER#*", "CODE#*", "SECRET", "DISPOSABLE", "GUESS#*")
        ),
        Permission(actions=("UpdateItem",), keys=("MEMBER#*", *STEPS, "GUESS#*")),
        Permission(actions=("DeleteItem",), keys=("FLAGS", "DISPOSABLE")),
    ),
    "redemption": (
        READ,
        READ_PROGRAM,
        READ_HISTORY,
        # Entries and refusals under callers' keys, codes, what paid for an order, gift cards bought with points.
        Permission(actions=("PutItem",), keys=("KEY#*", "CODE#*", "ORDER#*", "CARD#*", "CARDLOG#*", "GUESS#*")),
        # A use or a cancellation of a reward that a campaign gave stands beside it.
        Permission(actions=("PutItem",), keys=("GIFT#*",)),
        Permission(actions=("UpdateItem",), keys=("MEMBER#*", "STOCK#*", "CHARITY#*", "GUESS#*")),
    ),
    "transfers": (
        READ,
        READ_PROGRAM,
        READ_HISTORY,
        Permission(actions=("PutItem",), keys=("KEY#*",)),
        Permission(actions=("UpdateItem",), keys=("MEMBER#*",)),
    ),
    "adjustments": (
        READ,
        READ_PROGRAM,
        READ_HISTORY,
        Permission(actions=("Query",), keys=("APPROVALS",)),
        # Entries, refusals, proposals and rejections under operators' keys, and the list of what waits.
        Permission(actions=("PutItem",), keys=("KEY#*", "APPROVALS")),
        Permission(actions=("UpdateItem",), keys=("MEMBER#*",)),
        Permission(actions=("DeleteItem",), keys=("APPROVALS",)),
    ),
    "donations": (
        READ,
        READ_PROGRAM,
        READ_HISTORY,
        Permission(actions=("Query",), keys=("CHARITY#*",)),
    ),
    "wallets": (
        READ,
        READ_PROGRAM,
        READ_HISTORY,
        # The key that signs cursors is made on first use.
        Permission(actions=("PutItem",), keys=("SECRET",)),
    ),
    "rewards": (
        READ,
        READ_PROGRAM,
        Permission(actions=("Query",), keys=("CATALOG", "REWARD#*")),
        Permission(actions=("Query",), index=HISTORY_INDEX),
        Permission(actions=("PutItem",), keys=("CATALOG", "REWARD#*", "STOCK#*")),
        # Versions are never updated; the newest in the catalog and the stock are, as they were read.
        Permission(actions=("UpdateItem",), keys=("CATALOG", "STOCK#*")),
    ),
    "gift_cards": (
        READ,
        READ_PROGRAM,
        Permission(actions=("Query",), keys=("CARDLOG#*",)),
        # New cards with their codes, entries, what a card paid of an order, and the first miss of a caller.
        Permission(actions=("PutItem",), keys=("CARD#*", "CARDLOG#*", "CODE#*", "ISSUE#*", "ORDER#*", "GUESS#*")),
        Permission(actions=("UpdateItem",), keys=("CARD#*", "GUESS#*")),
    ),
    "program": (
        READ,
        # Dry runs over stored orders.
        READ_HISTORY,
        Permission(actions=("Query", "PutItem"), keys=("PROGRAM",)),
    ),
    "campaigns": (
        READ,
        READ_PROGRAM,
        # Candidates of draws, for reports that anybody can check.
        Permission(actions=("Query",), keys=(*CAMPAIGNS, "DRAW#*")),
        # Controls are put and updated; dry runs are begun.
        Permission(actions=("PutItem",), keys=CAMPAIGNS),
        Permission(actions=("UpdateItem",), keys=("CAMPAIGN#*",)),
    ),
    "bonuses": (
        READ,
        READ_PROGRAM,
        READ_HISTORY,
        READ_ALARMS,
        READ_ROSTER,
        Permission(actions=("Query",), keys=(*CAMPAIGNS, "DRAW#*")),
        # Entries: what a campaign gives, what members are told, what dates made due, tiers that changed by date.
        Permission(actions=("PutItem",), keys=("GRANT#*", "GIFT#*", "NOTICE#*", "SWEEP#*", "REVIEW#*")),
        # What a grant gives beside points; how far a run has come and who takes part in a draw.
        Permission(actions=("PutItem",), keys=("CODE#*", "CARD#*", "CARDLOG#*", *CAMPAIGNS, "DRAW#*")),
        Permission(actions=("UpdateItem",), keys=("MEMBER#*", "BUDGET#*", "STOCK#*", "CAMPAIGN#*")),
        # A run that ended is listed no more.
        Permission(actions=("DeleteItem",), keys=("RUNS",)),
    ),
    # What it tells is in the stream's records.
    "events": (),
    "messages": (
        READ,
        READ_PROGRAM,
        # Whether a tier was reached from below.
        READ_HISTORY,
        # Each mail is written down before it is sent, and what became of it after.
        Permission(actions=("PutItem", "UpdateItem"), keys=("MESSAGE#*",)),
    ),
    "test_clock": (
        READ_ONE,
        # Put once; each later move updates the time as it was read, forward only.
        Permission(actions=("PutItem", "UpdateItem"), keys=("CLOCK",)),
    ),
    "openapi": (),
}

# What functions may do beside the table; those that are not here may do nothing else.
POWERS: Final[dict[str, tuple[Power, ...]]] = {
    "campaigns": (Power.TELL, Power.RUN, Power.FIRE_LATER),
    "bonuses": (Power.RUN, Power.FAIL),
    "events": (Power.READ_STREAM, Power.TELL, Power.PARK, Power.RETRY),
    "messages": (Power.MAIL, Power.MAIL_LATER, Power.FAIL),
    # Whoever moves the clock wants done what is due by it.
    "test_clock": (Power.TELL,),
}

# Functions that a production stage does not have.
SANDBOX_ONLY: Final = frozenset({"test_clock"})


def functions_of(*, sandbox: bool) -> tuple[str, ...]:
    """The names of the functions a stage has, in a stable order."""
    return tuple(name for name in PERMISSIONS if sandbox or name not in SANDBOX_ONLY)
