"""What each function may do to the table: the whole of it, as data.

Every line of an IAM policy comes from here, so a review of a function's powers is a review of its row, and
the template tests pin each one. Transactions need no action of their own: DynamoDB authorizes each item of
a `TransactWriteItems` as the PutItem, UpdateItem or DeleteItem that it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared.adapters.dynamodb.table import HISTORY_INDEX, RANKING_INDEX


@dataclass(frozen=True)
class Permission:
    """Some DynamoDB actions, on the table or on one of its indexes.

    `keys` are patterns of partition keys (`MEMBER#*`): the action is allowed on items under them only.
    Without `keys` it is allowed on every item. `ConditionCheckItem` is asked for nowhere.
    """

    actions: tuple[str, ...]
    keys: tuple[str, ...] = ()
    index: str | None = None


READ = Permission(actions=("GetItem", "BatchGetItem"))
READ_ONE = Permission(actions=("GetItem",))
READ_HISTORY = Permission(actions=("Query",), index=HISTORY_INDEX)
READ_RANKING = Permission(actions=("Query",), index=RANKING_INDEX)
READ_PROGRAM = Permission(actions=("Query",), keys=("PROGRAM",))

# What a step of a referral counts and draws beside its entries.
STEPS: Final = ("REFERRER#*", "FUNNEL#*", "BUDGET#*")
# What is new where a friend does what counts: entries, and the queue of flagged ones.
QUALIFIED: Final = ("REFERRAL#*", "FLAGS")

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
        Permission(actions=("UpdateItem",), keys=("MEMBER#*", "CARD#*", *STEPS)),
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
    "test_clock": (
        READ_ONE,
        # Put once; each later move updates the time as it was read, forward only.
        Permission(actions=("PutItem", "UpdateItem"), keys=("CLOCK",)),
    ),
    "openapi": (),
}

# Functions that a production stage does not have.
SANDBOX_ONLY: Final = frozenset({"test_clock"})


def functions_of(*, sandbox: bool) -> tuple[str, ...]:
    """The names of the functions a stage has, in a stable order."""
    return tuple(name for name in PERMISSIONS if sandbox or name not in SANDBOX_ONLY)
