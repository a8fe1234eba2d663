"""The tree of domain errors. An error carries data; shared/entrypoint/problems.py turns it into a problem document.

    LaurelError
    |-- InvalidError     the request can never be right as it stands      (400, 413, 422)
    |-- ForbiddenError   the caller may not do this                       (403)
    |-- UnknownError     what the request names is not there              (404)
    |-- RefusedError     right in form, refused by the state of things    (409, 412)
    |   `-- RefusalError     by what the ledger holds: kept under the caller's key, so that it stays the answer
    |-- SlowDownError    too many calls of a kind that could guess        (429)
    |-- TryAgainError    not known whether it took effect; send it again   (503)
    `-- FaultError       the store refused us: a fault of ours            (500)

Every concrete class has one row in the table of problems, hence one stable `type`.
"""

from dataclasses import dataclass, field
from datetime import date, datetime


class LaurelError(Exception):
    """Root of everything Laurel raises on purpose."""


class InvalidError(LaurelError):
    """The request can never be right as it stands; nothing was written and no key was claimed."""


class UnknownError(LaurelError):
    """What the request names is not there, or is not the caller's to see."""


class RefusedError(LaurelError):
    """The request is well formed; the state of the program refuses it."""


class RefusalError(RefusedError):
    """What the ledger holds refuses it; stored under the caller's key before it is given (the rules of points, 18)."""


class SlowDownError(LaurelError):
    """The caller asked too often; `retry_after` says how many seconds to wait."""


@dataclass(eq=False)
class MalformedBodyError(InvalidError):
    """The body is not one JSON document.

    `reason` says where it stops being one.
    """

    reason: str


@dataclass(eq=False)
class BodyTooLargeError(InvalidError):
    """The body has more than `bytes_max` bytes."""

    bytes_max: int


@dataclass(eq=False)
class RequestInvalidError(InvalidError):
    """One or more fields are wrong.

    Each fault is `{"path": ..., "reason": ...}`.
    """

    faults: list[dict[str, str]] = field(default_factory=list)


@dataclass(eq=False)
class CursorInvalidError(InvalidError):
    """The cursor was not issued by this route for this member and these filters."""


@dataclass(eq=False)
class CodeMalformedError(InvalidError):
    """The code cannot be right: a wrong symbol, length or check symbol; it was not counted as a guess.

    `fault` is "symbol", "length" or "check_symbol"; a code has `symbols` symbols beside hyphens and spaces.
    """

    fault: str
    symbols: int


@dataclass(eq=False)
class MixedCurrenciesError(InvalidError):
    """A line is in another currency than its order."""

    currency: str
    line_currency: str


@dataclass(eq=False)
class CurrencyNotAcceptedError(InvalidError):
    """The order is in another currency than the program's."""

    currency: str
    accepted: str


@dataclass(eq=False)
class AmountOverLimitError(InvalidError):
    """The order comes to more minor units, or would earn more points, than one call may move."""

    amount: int
    amount_max: int


@dataclass(eq=False)
class BalanceOverLimitError(InvalidError):
    """The member's points would reach the limit of what a wallet holds."""

    balance_max: int


@dataclass(eq=False)
class OccurredInFutureError(InvalidError):
    """`occurred_at` is further ahead of the server's clock than clocks may differ."""

    occurred_at: datetime
    now: datetime


@dataclass(eq=False)
class TooLateError(InvalidError):
    """The order is older than the program accepts."""

    occurred_on: date
    late_days_max: int


@dataclass(eq=False)
class BeforeEnrolmentError(InvalidError):
    """The order is older than the days before enrolment that a new member may claim."""

    occurred_on: date
    enrolled_on: date
    claim_days: int


@dataclass(eq=False)
class BeforeProgramError(InvalidError):
    """The order is older than the program's first version."""

    occurred_at: datetime
    program_since: datetime


@dataclass(eq=False)
class ProgramInvalidError(InvalidError):
    """The program document breaks a rule.

    Each fault is `{"path": ..., "reason": ...}`.
    """

    faults: list[dict[str, str]] = field(default_factory=list)


@dataclass(eq=False)
class RewardInvalidError(InvalidError):
    """The reward document breaks a rule.

    Each fault is `{"path": ..., "reason": ...}`.
    """

    faults: list[dict[str, str]]


@dataclass(eq=False)
class PointsNotOfferedError(InvalidError):
    """The reward cannot be had for that many points.

    It takes `points_min`, or `points_step` more, up to `points_max`; 0 where no choice fits the order.
    """

    points_min: int
    points_max: int
    points_step: int


@dataclass(eq=False)
class ForbiddenError(LaurelError):
    """The token carries none of the scopes that this route asks for."""

    scopes_any: list[str]


@dataclass(eq=False)
class RouteUnknownError(UnknownError):
    """No operation has this method and path."""


@dataclass(eq=False)
class MemberUnknownError(UnknownError):
    """No member has this id or identity."""


@dataclass(eq=False)
class LoginUnknownError(UnknownError):
    """The caller's login belongs to no member yet."""


@dataclass(eq=False)
class ProgramVersionUnknownError(UnknownError):
    """The program has no version of this number; its newest one is `newest`, 0 where there is none."""

    newest: int


@dataclass(eq=False)
class PurchaseUnknownError(UnknownError):
    """No purchase was recorded under this order id."""


@dataclass(eq=False)
class EntryUnknownError(UnknownError):
    """No entry has this id, or it is another member's."""


@dataclass(eq=False)
class RewardUnknownError(UnknownError):
    """No reward has this id."""


@dataclass(eq=False)
class RedemptionUnknownError(UnknownError):
    """No redemption has this id, or it is another member's."""


@dataclass(eq=False)
class VoucherUnknownError(UnknownError):
    """No voucher has this code."""


@dataclass(eq=False)
class GiftCardUnknownError(UnknownError):
    """No gift card has this code or id."""


@dataclass(eq=False)
class AdjustmentUnknownError(UnknownError):
    """No adjustment has this id."""


@dataclass(eq=False)
class ActivityUnknownError(UnknownError):
    """No activity was recorded under this id."""


@dataclass(eq=False)
class ReferralUnknownError(UnknownError):
    """No friend was referred under this id."""


@dataclass(eq=False)
class CampaignUnknownError(UnknownError):
    """The program has no campaign with this id."""


@dataclass(eq=False)
class ReferralCodeUnknownError(UnknownError):
    """No member and no campaign has this referral code."""


@dataclass(eq=False)
class ReferralStateError(RefusedError):
    """The referral is not where that could be done: it is `state` (joined, qualified, awarded, rejected or clawed_back)."""

    state: str


@dataclass(eq=False)
class ReferralRingError(RefusedError):
    """The advocate came by the friend, directly or by others whom the friend brought; or they are one person."""


@dataclass(eq=False)
class ReferralCodeTakenError(RefusedError):
    """Somebody else has this referral code, or one that reads like it."""


@dataclass(eq=False)
class ReferralCodeFixedError(RefusedError):
    """The member has chosen their referral code before: it is changed once."""


@dataclass(eq=False)
class ReferralCodeInvalidError(InvalidError):
    """The referral code cannot be: a wrong symbol or length, or it could offend.

    `fault` is "symbol", "length" or "word"; a code has `symbols_min` to `symbols_max` letters and digits.
    """

    fault: str
    symbols_min: int
    symbols_max: int


@dataclass(eq=False)
class RewardNotOfferedError(RefusalError):
    """The reward is not offered to this member, here and now.

    `reason` is archived, not_started, ended, segment, region or channel; segment also for tiers and memberships.
    """

    reason: str


@dataclass(eq=False)
class LimitReachedError(RefusalError):
    """The member had or did this as often as they may.

    `limit` is ever; per_period, whose next one begins on the local day `until`; open, for too many vouchers that are not
    used; transfers, in the month that ends before `until`; activity, for rewards of the same kind of activity; allowance, for
    `count` points that may be given away; or invitations, of a day.
    """

    limit: str
    count: int
    until: date | None


@dataclass(eq=False)
class SoldOutError(RefusalError):
    """Nothing is left of the reward."""


@dataclass(eq=False)
class PointsShortError(RefusalError):
    """The member has too few active points: `short_by` are missing."""

    currency: str
    points: int
    active: int
    short_by: int


@dataclass(eq=False)
class VersionStaleError(RefusedError):
    """Someone else changed it first: it is at `version` now."""

    version: int


@dataclass(eq=False)
class RewardChangedError(RefusalError):
    """The reward is no longer as it was shown: it has another `version`, and costs `points`."""

    version: int
    points: int


@dataclass(eq=False)
class GiftCardSpendUnknownError(UnknownError):
    """The gift card paid nothing of this order."""


@dataclass(eq=False)
class GiftCardActiveError(RefusedError):
    """The gift card is active already."""


@dataclass(eq=False)
class GiftCardPendingError(RefusedError):
    """The gift card was not activated yet."""


@dataclass(eq=False)
class GiftCardBlockedError(RefusedError):
    """The gift card is blocked."""


@dataclass(eq=False)
class GiftCardExpiredError(RefusedError):
    """The gift card could be spent until `last_day`."""

    last_day: date


@dataclass(eq=False)
class GiftCardShortError(RefusedError):
    """There is less on the gift card than is to be paid: `balance` minor units, `short_by` too few."""

    currency: str
    balance: int
    short_by: int


@dataclass(eq=False)
class GiftCardWornError(RefusedError):
    """The gift card has paid for `orders_max` orders, as many as one card can."""

    orders_max: int


@dataclass(eq=False)
class VoucherForeignError(RefusedError):
    """The voucher is another member's."""


@dataclass(eq=False)
class VoucherUsedError(RefusedError):
    """The voucher was used before; a redeemed voucher is neither used again nor cancelled."""


@dataclass(eq=False)
class VoucherCancelledError(RefusedError):
    """The voucher was cancelled and its points were given back."""


@dataclass(eq=False)
class VoucherLapsedError(RefusedError):
    """The voucher lapsed on `lapsed_on` and its points were given back."""

    lapsed_on: date


@dataclass(eq=False)
class OverRefundError(RefusedError):
    """More would be refunded than is left of the order or of its line; `refundable` is in minor units."""

    refundable: int


@dataclass(eq=False)
class SameOperatorError(RefusedError):
    """Whoever proposed an adjustment does not decide on it."""


@dataclass(eq=False)
class AdjustmentPostedError(RefusedError):
    """The adjustment was posted before."""


@dataclass(eq=False)
class AdjustmentRejectedError(RefusedError):
    """The adjustment was rejected before."""


@dataclass(eq=False)
class TooManyCardsError(RefusedError):
    """More gift cards paid for the order than one refund can give money back to."""

    cards_max: int


@dataclass(eq=False)
class VoucherWorthError(RefusedError):
    """The voucher is worth less than it is to pay: `value` minor units."""

    value: int


@dataclass(eq=False)
class MemberClosedError(RefusedError):
    """The member was closed: no more points are earned or spent."""


@dataclass(eq=False)
class MemberMergedError(RefusedError):
    """The member was merged with another, who has all points now."""

    into: str


@dataclass(eq=False)
class OpenRedemptionsError(RefusedError):
    """The member has vouchers that are neither used nor cancelled."""

    count: int


@dataclass(eq=False)
class TransferNotOfferedError(RefusedError):
    """The program does not let members transfer these points; where it does, from `points_min` to `points_max` a time."""

    points_min: int
    points_max: int


@dataclass(eq=False)
class TrialUsedError(RefusedError):
    """The member tried this plan before: its trial began at `tried_at`."""

    plan: str
    tried_at: datetime


@dataclass(eq=False)
class RecognitionNotOfferedError(RefusalError):
    """The program does not let this member give these points to that one.

    `reason` is giver, taker or points; between `points_min` and `points_max` can be given at a time.
    """

    reason: str
    points_min: int
    points_max: int


@dataclass(eq=False)
class NothingDueError(RefusedError):
    """Nothing has changed by date since the member's last entry."""


@dataclass(eq=False)
class RunUnknownError(UnknownError):
    """There is no such run of the campaign."""


@dataclass(eq=False)
class CampaignStateError(RefusedError):
    """The campaign is in a state that does not allow this."""

    campaign: str
    state: str
    act: str


@dataclass(eq=False)
class CampaignOverError(RefusedError):
    """The campaign could give nothing any more: its time was over `at`."""

    campaign: str
    at: datetime


@dataclass(eq=False)
class GrantDeclinedError(RefusedError):
    """The campaign gives this member nothing now; `reason` says why."""

    campaign: str
    reason: str


@dataclass(eq=False)
class KeyReusedError(RefusedError):
    """The same key came before with another body."""

    key: str


@dataclass(eq=False)
class IdentityTakenError(RefusedError):
    """Another member has this identity."""

    identity: str


@dataclass(eq=False)
class ProgramMissingError(RefusedError):
    """No program was put into force yet."""


@dataclass(eq=False)
class ProgramNotYetError(RefusedError):
    """A new version must take effect at or after `earliest`, when every function has seen it."""

    earliest: datetime


@dataclass(eq=False)
class PreconditionFailedError(RefusedError):
    """It is not as If-Match or If-None-Match says it was read: its ETag is `etag` now, null where there is nothing yet."""

    etag: str | None


@dataclass(eq=False)
class ClockBackwardError(RefusedError):
    """A test clock moves forward only."""

    now: datetime


@dataclass(eq=False)
class TooManyAttemptsError(SlowDownError):
    """Too many codes that do not exist; no code is looked up for this caller for `retry_after` seconds."""

    retry_after: int


@dataclass(eq=False)
class TryAgainError(LaurelError):
    """The store was busy or out of reach; whether the request took effect is not known.

    The same request, under the same id, may be sent again: it takes effect once.
    """


@dataclass(eq=False)
class FaultError(LaurelError):
    """The store refused a call in a way that no retry mends: a right is missing, or a request is wrong. It rings an alarm."""

    code: str
