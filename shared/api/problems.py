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
    errors.ActivityUnknownError: (404, "Check the kind and the id of the activity; it was not recorded."),
    errors.EntryUnknownError: (404, "Check the entry's id."),
    errors.ReferralUnknownError: (404, "Check the friend's member id; a member who came by no code has no referral."),
    errors.CampaignUnknownError: (404, "Put the campaign into the program first; one of referrals into its referral terms."),
    errors.ReferralCodeUnknownError: (404, "Compare the code with the one that was shared; or enrol without a code."),
    errors.ProgramVersionUnknownError: (404, "Choose a version that GET /v1/program lists."),
    errors.RewardUnknownError: (404, "Check the reward's id."),
    errors.RedemptionUnknownError: (404, "Check the redemption's id."),
    errors.VoucherUnknownError: (404, "Read the code again, or scan it."),
    errors.GiftCardUnknownError: (404, "Read the code again, or scan it."),
    errors.AdjustmentUnknownError: (404, "Check the adjustment's id."),
    errors.RunUnknownError: (404, "List the campaign's runs."),
    errors.GiftCardSpendUnknownError: (404, "Check the order id; only what the card paid comes back onto it."),
    errors.ReferralStateError: (409, "Read the referral; one that ended stays as it is."),
    errors.ReferralRingError: (409, "Check who brought whom; nobody is brought by someone whom they brought."),
    errors.ReferralCodeTakenError: (409, "Choose another code."),
    errors.ReferralCodeFixedError: (409, "Keep the code; an operator can change it."),
    errors.RewardNotOfferedError: (409, "The reward's document says to whom, where and when it is offered."),
    errors.LimitReachedError: (409, "Try again from `until` on; where it is null, never."),
    errors.SoldOutError: (409, "Choose another reward."),
    errors.PointsShortError: (409, "Collect `short_by` more points, or choose another reward."),
    errors.VersionStaleError: (409, "Read it again, and send your change on top of that version."),
    errors.RewardChangedError: (409, "Show the reward again, then redeem it under a new key."),
    errors.GiftCardActiveError: (409, "Nothing is to be done."),
    errors.GiftCardPendingError: (409, "Activate it first."),
    errors.GiftCardBlockedError: (409, "Ask an operator, who sees why."),
    errors.GiftCardExpiredError: (409, "Pay in another way; a refund onto the card makes it valid again."),
    errors.GiftCardShortError: (409, "Take at most `balance` from the card and the rest in another way."),
    errors.GiftCardWornError: (409, "Issue a new card for what is left."),
    errors.VoucherForeignError: (409, "Ask for a voucher of this member."),
    errors.VoucherUsedError: (409, "Its redemption tells when and on which order."),
    errors.VoucherCancelledError: (409, "Redeem the reward again."),
    errors.VoucherLapsedError: (409, "Redeem the reward again; the points came back with their own dates."),
    errors.OverRefundError: (409, "Refund at most `refundable`; nothing was written."),
    errors.SameOperatorError: (409, "Let another operator approve or reject it."),
    errors.AdjustmentPostedError: (409, "Where it was wrong, adjust the other way."),
    errors.AdjustmentRejectedError: (409, "Propose it again under a new key, if it is still right."),
    errors.TooManyCardsError: (409, "Give money back onto the gift cards themselves first, with their own refunds."),
    errors.VoucherWorthError: (409, "Take at most `value` with it and the rest in another way."),
    errors.MemberClosedError: (409, "Closed members earn no more points."),
    errors.MemberMergedError: (409, "Send it for the member in `into`."),
    errors.OpenRedemptionsError: (409, "Use or cancel the member's open redemptions first."),
    errors.TransferNotOfferedError: (409, "Transfer between points_min and points_max, if there is such a thing."),
    errors.RecognitionNotOfferedError: (
        409,
        "Give between points_min and points_max, from one who may give to one who may take.",
    ),
    errors.NothingDueError: (409, "Ask again when a date has passed."),
    errors.CampaignStateError: (409, "Read the campaign: start a draft, pause or cancel what runs, resume what is paused."),
    errors.CampaignOverError: (409, "Give the campaign a time to come in the program, then start it."),
    errors.GrantDeclinedError: (409, "Nothing was given; the campaign's report counts it."),
    errors.TrialUsedError: (409, "Start the membership with its first payment."),
    errors.KeyReusedError: (
        409,
        "Nothing was written: send it as it was before, or under a new id.",
    ),
    errors.IdentityTakenError: (409, "Find the member who has it, or leave it out."),
    errors.ProgramMissingError: (409, "Put a program into force with PUT /v1/program."),
    errors.ProgramNotYetError: (409, "Leave effective_from out, or choose a time from `earliest` on."),
    errors.ClockBackwardError: (409, "Choose an instant at or after `now`."),
    errors.PreconditionFailedError: (412, "Read it again, put your change on top of what is there, and send that with `etag`."),
    errors.BodyTooLargeError: (413, "Split the request."),
    errors.RequestInvalidError: (422, "Mend the fields in `faults`."),
    errors.ProgramInvalidError: (422, "Mend the places in `faults`."),
    errors.ReferralCodeInvalidError: (422, "Choose letters and digits that offend nobody."),
    errors.CodeMalformedError: (422, "Compare the code with what was typed, or scan it."),
    errors.RewardInvalidError: (422, "Mend the places in `faults`."),
    errors.PointsNotOfferedError: (422, "Take points_min points, or points_step more, up to points_max."),
    errors.MixedCurrenciesError: (422, "Send one order per currency."),
    errors.CurrencyNotAcceptedError: (422, "Send the amounts in the accepted currency."),
    errors.AmountOverLimitError: (422, "One call moves at most amount_max."),
    errors.BalanceOverLimitError: (422, "A wallet holds less than balance_max points of a currency."),
    errors.OccurredInFutureError: (422, "Set the sender's clock; up to 5 minutes ahead are accepted."),
    errors.TooLateError: (422, "Orders are accepted for late_days_max days."),
    errors.BeforeEnrolmentError: (422, "New members may claim orders of claim_days days before they enrolled."),
    errors.BeforeProgramError: (422, "Orders from before the program began earn nothing."),
    errors.TooManyAttemptsError: (429, "Wait `retry_after` seconds; other callers go on as before."),
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
