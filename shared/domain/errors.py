"""The tree of domain errors. An error carries data; shared/entrypoint/problems.py turns it into a problem document.

    LaurelError
    |-- InvalidError     the request can never be right as it stands      (400, 413, 422)
    |-- ForbiddenError   the caller may not do this                       (403)
    |-- UnknownError     what the request names is not there              (404)
    |-- RefusedError     right in form, refused by the state of things    (409)
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
class PurchaseUnknownError(UnknownError):
    """No purchase was recorded under this order id."""


@dataclass(eq=False)
class EntryUnknownError(UnknownError):
    """No entry has this id, or it is another member's."""


@dataclass(eq=False)
class MemberClosedError(RefusedError):
    """The member was closed: no more points are earned or spent."""


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
class ClockBackwardError(RefusedError):
    """A test clock moves forward only."""

    now: datetime


@dataclass(eq=False)
class TryAgainError(LaurelError):
    """The store was busy or out of reach; whether the request took effect is not known.

    The same request, under the same id, may be sent again: it takes effect once.
    """


@dataclass(eq=False)
class FaultError(LaurelError):
    """The store refused a call in a way that no retry mends: a right is missing, or a request is wrong. It rings an alarm."""

    code: str
