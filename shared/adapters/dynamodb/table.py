"""The keys of the table: which item lives where. One place, so that roles, tests and people can rely on it.

pk                       sk                what
MEMBER#<ulid>            PROFILE           profile
MEMBER#<ulid>            WALLET            wallet
ORDER#<order id>         PURCHASE          entry of a purchase
CLOSE#<ulid>             CLOSURE           entry that closed a member
IDENTITY#<kind>#<value>  IDENTITY          which member has an identity
LOGIN#<issuer> <sub>     IDENTITY          which member has a login
PROGRAM                  VERSION#<n>       one version of the program
CLOCK                    CLOCK             the test clock of a sandbox stage
SECRET                   CURSOR            the key that signs cursors
"""

from typing import Any

from shared.domain.entry import EntryKey, MemberId
from shared.domain.errors import EntryUnknownError
from shared.domain.member import Identity, IdentityKind

HISTORY_INDEX = "history"
"""The index of entries by member and sequence. Eventually consistent; see DynamoLedger.rows for how gaps are closed."""

HISTORY_PROJECTION = ("kind", "occurred_at", "recorded_at", "recorded_on", "postings", "after", "prev")
"""What the index carries beside the keys: all that the fold needs."""

Key = dict[str, str]

CLOCK: Key = {"pk": "CLOCK", "sk": "CLOCK"}
CURSOR_SECRET: Key = {"pk": "SECRET", "sk": "CURSOR"}
PROGRAM_PK = "PROGRAM"


def wallet_key(member: MemberId) -> Key:
    """Where a member's wallet lives."""
    return {"pk": f"MEMBER#{member}", "sk": "WALLET"}


def profile_key(member: MemberId) -> Key:
    """Where a member's profile lives."""
    return {"pk": f"MEMBER#{member}", "sk": "PROFILE"}


def identity_key(identity: Identity) -> Key:
    """Where an identity says whose it is."""
    if identity.kind is IdentityKind.LOGIN:
        return {"pk": f"LOGIN#{identity.value}", "sk": "IDENTITY"}
    return {"pk": f"IDENTITY#{identity.kind}#{identity.value}", "sk": "IDENTITY"}


def program_key(version: int) -> Key:
    """Where a version of the program lives; sorts by number."""
    return {"pk": PROGRAM_PK, "sk": f"VERSION#{version:08d}"}


_FAMILIES = {"purchase": ("ORDER#", "PURCHASE"), "closure": ("CLOSE#", "CLOSURE")}
_FAMILY_OF = {prefix: family for family, (prefix, _) in _FAMILIES.items()}


def entry_key(key: EntryKey) -> Key:
    """Where an entry lives: an order's entries stand together. Raises EntryUnknownError for the key of no family."""
    family, _, rest = key.partition(":")
    if family not in _FAMILIES:
        raise EntryUnknownError
    prefix, sk = _FAMILIES[family]
    return {"pk": prefix + rest, "sk": sk}


def key_of_entry(item: dict[str, Any]) -> EntryKey:
    """The entry key of an item: the inverse of `entry_key`."""
    prefix, _, rest = item["pk"].partition("#")
    return EntryKey(f"{_FAMILY_OF[prefix + '#']}:{rest}")


def create_table_arguments(name: str) -> dict[str, Any]:
    """Arguments of CreateTable that give tests the table that the data stack deploys."""
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "member", "AttributeType": "S"},
            {"AttributeName": "seq", "AttributeType": "N"},
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": HISTORY_INDEX,
                "KeySchema": [
                    {"AttributeName": "member", "KeyType": "HASH"},
                    {"AttributeName": "seq", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(HISTORY_PROJECTION)},
            }
        ],
    }
