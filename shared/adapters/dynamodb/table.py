"""The keys of the table: which item lives where. One place, so that roles, tests and people can rely on it.

pk                       sk                what
MEMBER#<ulid>            PROFILE           profile
MEMBER#<ulid>            WALLET            wallet
ORDER#<order id>         PURCHASE          entry of a purchase
ORDER#<order id>         REFUND#<id>       entry of a refund
ORDER#<order id>         TENDER#<what>     a redemption or gift card that paid a part of the order
KEY#<caller>#<op>#<key>  ENTRY             entry under a caller's own key, or the refusal or proposal that is its answer
KEY#<caller>#<op>#<key>  USE, CANCEL       entries that use or cancel the redemption
ACTIVITY#<kind>#<id>     ACTIVITY          entry of an activity
ACTIVITY#<kind>#<id>     VOID              entry that voids it
BILLING#<event id>       BILLING           entry of a billing event
REVIEW#<ulid>#<seq>      REVIEW            entry that tells a tier that changed by date
KEY#<caller>#<op>#<key>  APPROVAL          entry of the adjustment that was proposed, or that it was rejected
CLOSE#<ulid>             CLOSURE           entry that closed a member
REFERRAL#<friend>        JOINED            entry that says who brought a member
REFERRAL#<friend>        PASSED, REJECTED  entry of the ruling on a referral
REFERRAL#<friend>        AWARD, CLAWBACK   entry that gives the friend's reward, or takes it back; #ADVOCATE: the advocate's
GRANT#<campaign>#..      GRANT             entry of what a campaign gave a member for a period
GIFT#<campaign>#..       GIFT              entry of the redemption of a reward that a campaign gave
NOTICE#<ulid>#<what>     NOTICE            entry that says that a member was told something
SWEEP#<ulid>#<seq>       SWEEP             entry that books what dates made due
GRANT#<campaign>#..      PASSED            that a campaign passed the member over, and why
CAMPAIGN#<id>            CONTROL           what was done with a campaign: started, paused, resumed, cancelled
CAMPAIGN#<id>            RUN#<kind>#..     a run of a campaign, by period; of nobody's campaign: SWEEP, VISIT
CAMPAIGN#<id>            PART#<kind>#..    how far a part of a run has come, and what it counted
CAMPAIGN#<id>#<shard>    TALLY#<period>#.. what a campaign gave and whom it passed over, in shards
DRAW#<campaign>#<period> TICKET#<ticket>.. a candidate of a draw
RUNS                     RUN#<name>        a run that has not ended
REFERRER#<ulid or id>    FRIEND#<ulid>     a friend whom a member or a campaign brought, as listed
REFERRER#<ulid or id>    TALLY             how many friends came, and what both sides were given
REFERRER#<ulid or id>    CODE              the referral code that a member shows, or that was made for a campaign
REFERRER#<ulid>          FROM#<ulid>       a member who was merged into this one, whose friends are theirs now
FINGERPRINT#<digest>     MEMBERS           who was seen with a mailbox, phone, device or way of paying
FUNNEL#<shard>           DAY#<yyyymmdd>    how many referrals went on, and what was given, on a local day
FLAGS                    REFERRAL#<ulid>   a referral that waits for an operator
DISPOSABLE               DOMAIN#<domain>   a mail domain on the operator's list
MERGE#<ulid>             MERGE             entry that moved a member's points to another
as the entry             <its sk>#ARRIVAL  the other member's side of an entry that moves points between two
IDENTITY#<kind>#<value>  IDENTITY          which member has an identity
LOGIN#<issuer> <sub>     IDENTITY          which member has a login
PROGRAM                  VERSION#<n>       one version of the program
CATALOG                  REWARD#<id>       newest version of a reward
REWARD#<id>              VERSION#<n>       one version of a reward
STOCK#<id>               STOCK             how many of a reward there are, used and held
BUDGET#<cap>#<shard>     SINCE#<yyyymmdd>  points given of a cap that all members share, in the period since; EVER without one
APPROVALS                ADJUSTMENT#<key>  an adjustment that waits for a second operator
CHARITY#<charity>        MONTH#<yyyymm>#.. points and money of one currency given to a charity in a month
CARD#<ulid>              CARD              a gift card
CARDLOG#<ulid>           SPEND#<order>...  entry of a gift card: its kind and what it is about
ISSUE#<caller>#<key>     CARDS             gift cards that one request issued
CODE#<code>              CODE              what the code of a voucher, gift card or referral leads to
GUESS#<caller's digest>  MISSES            codes that a caller asked for in vain; REFERRAL# before the digest: referral codes
MESSAGE#<event id>       EMAIL             what became of the e-mail of an event
CLOCK                    CLOCK             the test clock of a sandbox stage
SECRET                   CURSOR            the key that signs cursors
SECRET                   FINGERPRINT       the key under which fingerprints are kept
"""

from datetime import date
from typing import Any

from shared.domain.cap import BudgetKey
from shared.domain.entry import EntryKey, EntryKind, MemberId
from shared.domain.errors import EntryUnknownError
from shared.domain.member import Identity, IdentityKind
from shared.domain.run import Run, RunKind, run_of

HISTORY_INDEX = "history"
"""The index of entries by member and sequence. Eventually consistent; see DynamoLedger.rows for how gaps are closed."""

HISTORY_PROJECTION = ("kind", "occurred_at", "recorded_at", "recorded_on", "postings", "after", "prev", "effect", "lapsed")
"""What the index carries beside the keys: all that the fold needs."""

ALARM_INDEX = "alarms"
"""The sparse index of wallets by the instant at which something may be due, in as many partitions as alarms have shards."""
ALARM_PARTITION, ALARM_AT = "wakes", "wake_at"
ALARM_KEYS = (ALARM_PARTITION, ALARM_AT)
ALARM_DAYS = ("ahead", "silent_after")

ROSTER_INDEX = "roster"
"""The sparse index of profiles of members who have not left, in as many partitions as alarms have shards; sorted by key."""
ROSTER_PARTITION = "roster"

RANKING_INDEX = "ranking"
"""The sparse index of tallies by how many friends are rewarded or held, in as many partitions as the funnel has shards.

It carries keys only: a step that leaves the rank as it was writes nothing to it, and who reads it reads the tallies themselves.
"""

ENTRY_KINDS = tuple(kind.value for kind in EntryKind)
"""What an entry's attribute `kind` can say."""

Key = dict[str, str]

CLOCK: Key = {"pk": "CLOCK", "sk": "CLOCK"}
CURSOR_SECRET: Key = {"pk": "SECRET", "sk": "CURSOR"}
FINGERPRINT_SECRET: Key = {"pk": "SECRET", "sk": "FINGERPRINT"}
PROGRAM_PK = "PROGRAM"
CATALOG_PK = "CATALOG"
APPROVALS_PK = "APPROVALS"
FLAGS_PK = "FLAGS"
DISPOSABLE_PK = "DISPOSABLE"
FRIEND, TAKEN_OVER, TALLY = "FRIEND#", "FROM#", "TALLY"
RUNS_PK = "RUNS"
RUN, GRANTS_TALLY = "RUN#", "TALLY#"


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


def catalog_key(reward: str) -> Key:
    """Where the newest version of a reward lives, beside those of all others."""
    return {"pk": CATALOG_PK, "sk": f"REWARD#{reward}"}


def reward_version_key(reward: str, version: int) -> Key:
    """Where a version of a reward lives; sorts by number."""
    return {"pk": f"REWARD#{reward}", "sk": f"VERSION#{version:08d}"}


def stock_key(reward: str) -> Key:
    """Where the stock of a reward is counted: apart from the reward, so that who may count cannot change what it costs."""
    return {"pk": f"STOCK#{reward}", "sk": "STOCK"}


def budget_key(budget: BudgetKey) -> Key:
    """Where it is counted what was given of a budget."""
    since = f"SINCE#{budget.since:%Y%m%d}" if budget.since else "EVER"
    # Each shard has a partition of its own: it is the partition that takes so many writes a second.
    return {"pk": f"BUDGET#{budget.cap}#{budget.shard}", "sk": since}


def code_key(code: str) -> Key:
    """Where a code, in its stored form, says what it leads to."""
    return {"pk": f"CODE#{code}", "sk": "CODE"}


def card_key(card: str) -> Key:
    """Where a gift card lives."""
    return {"pk": f"CARD#{card}", "sk": "CARD"}


def card_log_pk(card: str) -> str:
    """The partition of a gift card's entries: apart from the card, so that no role may change an entry."""
    return f"CARDLOG#{card}"


def card_entry_key(card: str, key: str) -> Key:
    """Where an entry of a gift card lives, by its key within the card (`spend:order-1`)."""
    kind, *rest = key.split(":")
    return {"pk": card_log_pk(card), "sk": "#".join((kind.upper(), *rest))}


def key_of_card_entry(item: dict[str, Any]) -> str:
    """The key within its card of an entry's item: the inverse of `card_entry_key`."""
    kind, *rest = item["sk"].split("#")
    return ":".join((kind.lower(), *rest))


def card_issue_key(caller: str, key: str) -> Key:
    """Where the cards are named that a caller issued under its own key."""
    return {"pk": f"ISSUE#{caller}#{key}", "sk": "CARDS"}


def alarm_partition(shard: int) -> str:
    """A partition of the index of alarms."""
    return f"WAKE#{shard}"


def roster_partition(shard: int) -> str:
    """A partition of the index of members."""
    return f"ROSTER#{shard}"


def campaign_pk(campaign: str) -> str:
    """The partition of a campaign: its control, its runs, its counters."""
    return f"CAMPAIGN#{campaign}"


def control_key(campaign: str) -> Key:
    """Where it stands what was done with a campaign."""
    return {"pk": campaign_pk(campaign), "sk": "CONTROL"}


def run_key(kind: RunKind, campaign: str | None, period: str) -> Key:
    """Where a run is kept."""
    return {"pk": campaign_pk(run_of(kind, campaign)), "sk": f"{RUN}{kind}#{period}"}


def part_prefix(kind: RunKind, period: str | None = None) -> str:
    """How the sort keys of the parts of a kind's runs begin; of one run's."""
    return f"PART#{kind}#" + (f"{period}#" if period else "")


def part_key(run: Run, part: str) -> Key:
    """How far a part of a run has come."""
    return {"pk": campaign_pk(run.of), "sk": part_prefix(run.kind, run.period) + part}


def draw_pk(run: Run) -> str:
    """The partition of a draw's candidates."""
    return f"DRAW#{run.of}#{run.period}"


def open_run_key(run: Run) -> Key:
    """Where a run is listed among all that have not ended."""
    return {"pk": RUNS_PK, "sk": f"RUN#{run.name}"}


def ticket_key(run: Run, ticket: str, member: str) -> Key:
    """A candidate of a draw; sorts by ticket."""
    return {"pk": draw_pk(run), "sk": f"TICKET#{ticket}#{member}"}


def grants_tally_key(campaign: str, period: str, shard: int) -> Key:
    """Where it is counted what a campaign gave: of a date's campaign by period, of others for ever."""
    # Each shard has a partition of its own: it is the partition that takes so many writes a second.
    return {"pk": f"{campaign_pk(campaign)}#{shard}", "sk": f"{GRANTS_TALLY}{period}#{shard}"}


def passed_key(campaign: str, period: str, member: str) -> Key:
    """Where it stands that a campaign passed a member over, and why."""
    return {"pk": f"GRANT#{campaign}#{period}#{member}", "sk": "PASSED"}


def attempts_key(caller: str) -> Key:
    """Where the misses of a caller (by digest) are counted."""
    return {"pk": f"GUESS#{caller}", "sk": "MISSES"}


def order_pk(order_id: str) -> str:
    """The partition of an order: its purchase, its refunds and what paid for it."""
    return f"ORDER#{order_id}"


def tender_key(order_id: str, kind: str, reference: str) -> Key:
    """Where an order says that a redemption or a gift card paid a part of it."""
    return {"pk": order_pk(order_id), "sk": f"TENDER#{kind}:{reference}"}


def waiting_key(adjustment: EntryKey) -> Key:
    """Where an adjustment waits for a second operator, beside all others that do."""
    return {"pk": APPROVALS_PK, "sk": f"ADJUSTMENT#{adjustment}"}


def charity_pk(charity: str) -> str:
    """The partition of a charity's totals."""
    return f"CHARITY#{charity}"


def charity_month(day: date) -> str:
    """How the sort keys of a month's totals begin; they sort by time."""
    return f"MONTH#{day:%Y%m}"


def charity_key(charity: str, day: date, money: str) -> Key:
    """Where a charity's totals of a month are, by the currency of their worth."""
    return {"pk": charity_pk(charity), "sk": f"{charity_month(day)}#{money}"}


def referrer_pk(source: str) -> str:
    """The partition of all that a member (by id) or a campaign brought."""
    return f"REFERRER#{source}"


def friend_key(source: str, friend: str) -> Key:
    """Where a friend is listed; ids of members sort by time."""
    return {"pk": referrer_pk(source), "sk": f"{FRIEND}{friend}"}


def tally_key(source: str) -> Key:
    """Where it is counted what a member or a campaign brought."""
    return {"pk": referrer_pk(source), "sk": TALLY}


def own_code_key(member: str) -> Key:
    """Where a member's referral code is."""
    return {"pk": referrer_pk(member), "sk": "CODE"}


def taken_over_key(into: str, member: str) -> Key:
    """Where it stands that a member's friends are those of whoever took over."""
    return {"pk": referrer_pk(into), "sk": f"{TAKEN_OVER}{member}"}


def ranking_part(shard: int) -> str:
    """A part of the ranking: what the index has as its partition."""
    return f"REFERRERS#{shard}"


def fingerprint_key(digest: str) -> Key:
    """Where it stands who was seen with a fingerprint, by its digest."""
    return {"pk": f"FINGERPRINT#{digest}", "sk": "MEMBERS"}


def funnel_pk(shard: int) -> str:
    """The partition of a shard of the funnel."""
    return f"FUNNEL#{shard}"


def funnel_key(shard: int, day: date) -> Key:
    """Where a shard counts what referrals did on a local day; sorts by time."""
    return {"pk": funnel_pk(shard), "sk": f"DAY#{day:%Y%m%d}"}


def flag_key(friend: str) -> Key:
    """Where a flagged referral waits for an operator, beside all others that do."""
    return {"pk": FLAGS_PK, "sk": f"REFERRAL#{friend}"}


def domain_key(domain: str) -> Key:
    """Where a mail domain is listed."""
    return {"pk": DISPOSABLE_PK, "sk": f"DOMAIN#{domain}"}


def message_key(event: str) -> Key:
    """Where it stands what became of the e-mail of an event, by the event's id."""
    return {"pk": f"MESSAGE#{event}", "sk": "EMAIL"}


def event_of_message(item: dict[str, Any]) -> str:
    """The id of the event that a message's item is about: the inverse of `message_key`."""
    return str(item["pk"]).removeprefix("MESSAGE#")


# The families of entries that stand alone under their key, by their first word.
_ALONE = {
    "purchase": ("ORDER#", "PURCHASE"),
    "closure": ("CLOSE#", "CLOSURE"),
    "key": ("KEY#", "ENTRY"),
    "merge": ("MERGE#", "MERGE"),
    "activity": ("ACTIVITY#", "ACTIVITY"),
    "billing": ("BILLING#", "BILLING"),
    "review": ("REVIEW#", "REVIEW"),
    "referral": ("REFERRAL#", "JOINED"),
    "passed": ("REFERRAL#", "PASSED"),
    "rejected": ("REFERRAL#", "REJECTED"),
    "award": ("REFERRAL#", "AWARD"),
    "clawback": ("REFERRAL#", "CLAWBACK"),
    "grant": ("GRANT#", "GRANT"),
    "gift": ("GIFT#", "GIFT"),
    "notice": ("NOTICE#", "NOTICE"),
    "sweep": ("SWEEP#", "SWEEP"),
}
_WORD_OF = {sk: word for word, (_, sk) in _ALONE.items()}
# Entries that stand beside the one they answer.
_BESIDE = {"use": "USE", "cancel": "CANCEL", "approval": "APPROVAL", "void": "VOID"}
_BESIDE_OF = {sk: word for word, sk in _BESIDE.items()}
_REFUND = "REFUND#"
# The other member's side of an entry stands beside it, and the side of whoever took over from that one beside that.
_ARRIVAL = "#ARRIVAL"
# The advocate's side of an award or a clawback stands beside the friend's.
_ADVOCATE, _OF_ADVOCATE = "#ADVOCATE", ":advocate"

ENTRY_SORT_KEYS = frozenset({*_WORD_OF, *_BESIDE_OF})
"""Sort keys of entries, beside those of refunds."""


def entry_key(key: EntryKey) -> Key:
    """Where an entry lives: an order's entries stand together, so do a redemption's.

    Raises EntryUnknownError for the key of no family.
    """
    word, _, rest = key.partition(":")
    if word == "arrival":
        left = entry_key(EntryKey(rest))
        return {"pk": left["pk"], "sk": left["sk"] + _ARRIVAL}
    if word in _BESIDE:
        return {"pk": entry_key(EntryKey(rest))["pk"], "sk": _BESIDE[word]}
    if word == "refund":
        order, _, refund = rest.partition(":")
        return {"pk": order_pk(order), "sk": _REFUND + refund}
    if word not in _ALONE:
        raise EntryUnknownError
    prefix, sk = _ALONE[word]
    if word in ("award", "clawback") and rest.endswith(_OF_ADVOCATE):
        rest, sk = rest.removesuffix(_OF_ADVOCATE), sk + _ADVOCATE
    return {"pk": prefix + rest.replace(":", "#"), "sk": sk}


def key_of_entry(item: dict[str, Any]) -> EntryKey:
    """The entry key of an item: the inverse of `entry_key`."""
    (prefix, _, rest), sk = item["pk"].partition("#"), item["sk"]
    if sk.endswith(_ARRIVAL):
        return EntryKey(f"arrival:{key_of_entry({**item, 'sk': sk.removesuffix(_ARRIVAL)})}")
    if sk.endswith(_ADVOCATE):
        return EntryKey(key_of_entry({**item, "sk": sk.removesuffix(_ADVOCATE)}) + _OF_ADVOCATE)
    rest = rest.replace("#", ":")
    if sk.startswith(_REFUND):
        return EntryKey(f"refund:{rest}:{sk.removeprefix(_REFUND)}")
    if sk in _BESIDE_OF:
        word = next(word for word, (start, _) in _ALONE.items() if start == f"{prefix}#")
        return EntryKey(f"{_BESIDE_OF[sk]}:{word}:{rest}")
    return EntryKey(f"{_WORD_OF[sk]}:{rest}")


def is_entry(item: dict[str, Any]) -> bool:
    """Whether an item is an entry of the points' ledger; a refusal under a caller's key has no sequence."""
    sk = item["sk"]
    return "seq" in item and (sk in ENTRY_SORT_KEYS or sk.startswith(_REFUND) or sk.endswith((_ARRIVAL, _ADVOCATE)))


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
            {"AttributeName": "ranked_in", "AttributeType": "S"},
            {"AttributeName": "rank", "AttributeType": "N"},
            {"AttributeName": ALARM_PARTITION, "AttributeType": "S"},
            {"AttributeName": ALARM_AT, "AttributeType": "S"},
            {"AttributeName": ROSTER_PARTITION, "AttributeType": "S"},
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": HISTORY_INDEX,
                "KeySchema": [
                    {"AttributeName": "member", "KeyType": "HASH"},
                    {"AttributeName": "seq", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(HISTORY_PROJECTION)},
            },
            {
                "IndexName": RANKING_INDEX,
                "KeySchema": [
                    {"AttributeName": "ranked_in", "KeyType": "HASH"},
                    {"AttributeName": "rank", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
            {
                "IndexName": ALARM_INDEX,
                "KeySchema": [
                    {"AttributeName": ALARM_PARTITION, "KeyType": "HASH"},
                    {"AttributeName": ALARM_AT, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
            {
                "IndexName": ROSTER_INDEX,
                "KeySchema": [
                    {"AttributeName": ROSTER_PARTITION, "KeyType": "HASH"},
                    {"AttributeName": "pk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
        ],
    }
