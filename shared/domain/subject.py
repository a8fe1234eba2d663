"""What entries are about, as the requests told it: kept with each entry, so that it explains itself and answers again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.domain.purchase import Purchase


@dataclass(frozen=True, kw_only=True)
class Redemption:
    """A reward as it was when points were taken for it.

    `value` is what it is worth in minor units of `money`, None where that is not known. `benefit` is the reward's own JSON.
    `immediate` rewards are fulfilled at once. Any other has a voucher with a `code`, good until the local day `lapses_on`, the
    first on which it can be used no more. `gift_card` is the card that was bought, and then `code` is the card's. `stocked`
    says whether it took one of the reward's stock.
    """

    reward: str
    reward_version: int
    name: str
    benefit: Mapping[str, Any]
    currency: str
    points: int
    money: str
    immediate: bool = False
    value: int | None = None
    code: str | None = None
    lapses_on: date | None = None
    gift_card: str | None = None
    stocked: bool = False
    channel: str | None = None
    region: str | None = None

    @property
    def charity(self) -> str | None:
        """The charity that the points were given to, for a donation."""
        return self.benefit["charity"] if self.benefit["kind"] == "donation" else None


@dataclass(frozen=True, kw_only=True)
class Use:
    """A voucher was taken at a point of sale for an order, of which it paid `amount` minor units (None: not told)."""

    order_id: str
    amount: int | None = None


@dataclass(frozen=True, kw_only=True)
class Cancellation:
    """A redemption was taken back before it was used."""

    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RefundLine:
    """Minor units that come off the order's line with this number, counted from 1."""

    line: int
    amount: int


@dataclass(frozen=True, kw_only=True)
class Returned:
    """What a refund gave back of one way of paying: points of a redemption, or minor units on a gift card."""

    kind: str
    reference: str
    amount: int


@dataclass(frozen=True, kw_only=True)
class Refund:
    """Money of an order that was given back: `lines` off their lines, `amount` off what is left of all lines.

    `total` is the sum of both; `net` is what is left of the order, both in minor units.
    """

    order_id: str
    refund_id: str
    lines: tuple[RefundLine, ...] = ()
    amount: int = 0
    total: int = 0
    net: int = 0
    returned: tuple[Returned, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Adjustment:
    """Points that an operator gave or took, and why. `approved_by` is the second operator, where one was needed."""

    currency: str
    points: int
    reason: str
    operator: str
    approved_by: str | None = None


@dataclass(frozen=True, slots=True)
class Renumbered:
    """The giver's serials `first`, `first + 1`, ... (`count` of them) are the taker's `became`, `became + 1`, ..."""

    first: int
    count: int
    became: int


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Points that went to another member, or came from one; the taker's entry tells what each serial became."""

    currency: str
    points: int
    counterpart: str
    serials: tuple[Renumbered, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Merge:
    """All there was of one member went to another; `counterpart` is the other side."""

    counterpart: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Something that a member did beside buying: `activity` under the shop's proof `activity_id`."""

    activity: str
    activity_id: str
    channel: str | None = None
    store: str | None = None
    attributes: Mapping[str, str | int | bool] | None = None


@dataclass(frozen=True, kw_only=True)
class Void:
    """An activity that was rewarded did not count after all."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Billing:
    """What a billing provider told of a paid membership; `starts` and `ends` are the edges of the term, in UTC."""

    plan: str
    event: str
    starts: datetime
    ends: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Review:
    """A tier changed by date alone: `before` and `after` are levels, None for none."""

    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class Recognized:
    """Points that a member gave another out of an allowance; `counterpart` is the other side."""

    recognition: str
    currency: str
    points: int
    counterpart: str
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Referral:
    """How a member came: by `code` of `advocate` (a member) or of `campaign`, or from another system's list (no code).

    `path` are the advocate and their own advocates, nearest first. `signs` are what looked like farming, `verdict` what they
    led to. `imported` names the other system, `given` is what it gave: points by side and currency.
    """

    code: str | None = None
    advocate: str | None = None
    campaign: str | None = None
    path: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    verdict: str = "allow"
    imported: str | None = None
    given: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """An operator let a referral pass that was flagged (`passed`), or rejected it."""

    friend: str
    passed: bool
    reason: str
    operator: str


@dataclass(frozen=True, kw_only=True)
class Award:
    """What one `side` of a referral got; `number` counts the advocate's friends. `cause` is the entry that qualified it.

    `given_on` is the local day whose caps and budgets it used, where that is not the day of the entry: two servers' clocks may
    differ at midnight. `imported` names the other system that gave it: then nothing is given here, and it counts all the same.
    """

    friend: str
    side: str
    number: int | None = None
    cause: str | None = None
    held_until: date | None = None
    given_on: date | None = None
    imported: str | None = None


@dataclass(frozen=True, kw_only=True)
class Clawback:
    """What one side got was taken back: `reason` is why, `cause` the refund's entry where it was one."""

    friend: str
    side: str
    reason: str
    cause: str | None = None
    operator: str | None = None


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """A member shared their code, by `channel`."""

    code: str
    channel: str


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a campaign gave a member for a `period`, once; `due_at` is the instant from which it was due.

    `version` is the program's whose document said so.
    `bonus` says what: `points` of `currency`; a multiplier of `percent` for the next order up to the local day `until`; a
    `reward` of the catalog, whose voucher is the entry `redemption`; a gift card of `amount` minor units of `money` with its
    `code`; or a message alone. `template` names what the member is told by. `cause` is the order's entry, for a bonus on a
    purchase; `ticket` what was drawn, as 16 hexadecimal digits.
    """

    campaign: str
    version: int
    trigger: str
    period: str
    due_at: datetime
    bonus: str
    currency: str | None = None
    points: int = 0
    percent: int | None = None
    until: date | None = None
    reward: str | None = None
    redemption: str | None = None
    gift_card: str | None = None
    code: str | None = None
    amount: int | None = None
    money: str | None = None
    template: str | None = None
    cause: str | None = None
    ticket: str | None = None


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A member is told, once: `points` of `currency` are gone on the local day `on`, which is `days` away."""

    what: str
    currency: str
    points: int
    on: date
    days: int


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What dates made due was booked, for a member who stayed away."""


Subject = (
    Purchase
    | Redemption
    | Use
    | Cancellation
    | Refund
    | Adjustment
    | Transfer
    | Merge
    | Activity
    | Void
    | Billing
    | Review
    | Recognized
    | Referral
    | Ruling
    | Award
    | Clawback
    | Invitation
    | Grant
    | Notice
    | Swept
)
