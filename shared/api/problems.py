"""Domain errors as RFC 9457 problem documents. The only place where an error gets a status and words."""

import re
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from shared.domain import errors
from shared.domain.calendar import instant_text

PROBLEM_JSON = "application/problem+json"

PROBLEMS: dict[type[errors.LaurelError], tuple[int, str]] = {
    errors.MalformedBodyError: (400, "Send one JSON object, UTF-8, without duplicate names, NaN or Infinity."),
    errors.CursorInvalidError: (400, "Start again without a cursor; a cursor fits only the request it came from."),
    errors.ForbiddenError: (403, "Use a token with one of the scopes in scopes_any."),
    errors.RouteUnknownError: (404, "See the API's document at /v1/openapi.json."),
    errors.MemberUnknownError: (404, "Check the id, or enrol the member first."),
    errors.LoginUnknownError: (404, "Enrol the member with this login, or let an operator link it."),
    errors.PurchaseUnknownError: (404, "Check the order id; the purchase was not recorded."),
    errors.EntryUnknownError: (404, "Check the entry's id."),
    errors.MemberClosedError: (409, "Closed members earn no more points."),
    errors.KeyReusedError: (
        409,
        "Nothing was written: send it as it was before, or under a new id.",
    ),
    errors.IdentityTakenError: (409, "Find the member who has it, or leave it out."),
    errors.ProgramMissingError: (409, "Put a program into force with PUT /v1/program."),
    errors.ProgramNotYetError: (409, "Leave effective_from out, or choose a time from `earliest` on."),
    errors.ClockBackwardError: (409, "Choose an instant at or after `now`."),
    errors.BodyTooLargeError: (413, "Split the request."),
    errors.RequestInvalidError: (422, "Mend the fields in `faults`."),
    errors.ProgramInvalidError: (422, "Mend the places in `faults`."),
    errors.MixedCurrenciesError: (422, "Send one order per currency."),
    errors.CurrencyNotAcceptedError: (422, "Send the amounts in the accepted currency."),
    errors.AmountOverLimitError: (422, "One call moves at most amount_max."),
    errors.BalanceOverLimitError: (422, "A wallet holds less than balance_max points of a currency."),
    errors.OccurredInFutureError: (422, "Set the sender's clock; up to 5 minutes ahead are accepted."),
    errors.TooLateError: (422, "Orders are accepted for late_days_max days."),
    errors.BeforeEnrolmentError: (422, "New members may claim orders of claim_days days before they enrolled."),
    errors.BeforeProgramError: (422, "Orders from before the program began earn nothing."),
    errors.FaultError: (500, "Laurel cannot do this now; its operators have been told."),
    errors.TryAgainError: (503, "Send the same request, under the same id, again in a moment; it takes effect once."),
}
"""Status and what to do next, by error. The `type` is the class in kebab case; other members are the error's data."""


def problem_type(error: type[errors.LaurelError]) -> str:
    """The stable name of an error: `urn:laurel:problem:member-unknown`."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__.removesuffix("Error")).lower()
    return f"urn:laurel:problem:{words}"


def problem(error: errors.LaurelError) -> dict[str, Any]:
    """The problem document of an error."""
    status, advice = PROBLEMS[type(error)]
    # What went wrong inside is for the log, not for the caller.
    told = () if isinstance(error, errors.FaultError) else fields(error)  # type: ignore[arg-type]
    data = {part.name: _json(getattr(error, part.name)) for part in told}
    title = (type(error).__doc__ or "").split("\n")[0].replace("`", "")
    return {"type": problem_type(type(error)), "title": title, "status": status, "detail": advice, **data}


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else value
