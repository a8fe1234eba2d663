"""POST /v1/purchases and its kin: tills and shop servers report what members bought."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body, Path
from pydantic import ValidationError

from functions.earning.earn_points import quote_purchase, record_purchase
from functions.earning.models import (
    BatchAnswer,
    BatchRequest,
    BatchResult,
    QuoteAnswer,
    RecordedAnswer,
    RefundAnswer,
    VoidAnswer,
    VoidBody,
)
from functions.earning.refund_purchase import refund_purchase
from functions.earning.reward_activity import record_activity, undo_activity
from shared.api.answers import BalanceAnswer, EntryAnswer, PurchaseAnswer, earned
from shared.api.fields import Id
from shared.api.orders import ActivityBody, PurchaseRequest, RefundBody
from shared.api.problems import problem
from shared.domain.document import Code
from shared.domain.errors import FaultError, LaurelError, RequestInvalidError
from shared.domain.faults import faults_of
from shared.domain.refunding import refund_of
from shared.domain.subject import Void
from shared.entrypoint import wiring
from shared.entrypoint.app import make_app, serve
from shared.entrypoint.callers import OPERATOR, POS, for_any

app = make_app()


@app.post("/v1/purchases", status_code=201, tags=["earning"], **for_any(POS))
def post_purchase(body: Annotated[PurchaseRequest, Body()]) -> EntryAnswer:
    """Record a purchase and give its points, once per order id"""
    wired = wiring.wired()
    return EntryAnswer.of(record_purchase(body.purchase(), ledger=wired.ledger, programs=wired.programs))


@app.post("/v1/purchases/quote", tags=["earning"], **for_any(POS))
def post_quote(body: Annotated[PurchaseRequest, Body()]) -> QuoteAnswer:
    """What a purchase would earn now; writes nothing"""
    wired = wiring.wired()
    entry = quote_purchase(body.purchase(), ledger=wired.ledger, programs=wired.programs)
    return QuoteAnswer(earned=earned(entry, entry.why, entry.zone), balances=[BalanceAnswer.of(after) for after in entry.after])


@app.post("/v1/purchases/batch", tags=["earning"], **for_any(POS))
def post_batch(body: Annotated[BatchRequest, Body()]) -> BatchAnswer:
    """Record up to 25 purchases, each with a result of its own"""
    return BatchAnswer(results=[_result(document) for document in body.purchases])


def _result(document: dict[str, Any]) -> BatchResult:
    try:
        return BatchResult(status=201, entry=post_purchase(PurchaseRequest.model_validate(document)))
    except ValidationError as error:
        faults = faults_of(error.errors(include_url=False, include_input=False))
        document = problem(RequestInvalidError(faults=faults))
    except FaultError:
        # Not this order's fault: the whole batch fails and rings the alarm, and may be sent again as it is.
        raise
    except LaurelError as error:
        document = problem(error)
    return BatchResult(status=document["status"], problem=document)


@app.get("/v1/purchases/<order_id>", tags=["earning"], **for_any(POS, OPERATOR))
def get_purchase(order_id: Annotated[Id, Path()]) -> RecordedAnswer:
    """A recorded purchase with its lines, its entry and its refunds"""
    order = wiring.wired().ledger.order(order_id)
    return RecordedAnswer(
        purchase=PurchaseAnswer.of(order.bought),
        entry=EntryAnswer.of(order.purchase),
        refunds=[RefundAnswer.of(entry) for entry in order.refunds],
        net=order.bought.amount - sum(refund_of(entry).total for entry in order.refunds),
    )


@app.post("/v1/purchases/<order_id>/refunds", status_code=201, tags=["earning"], **for_any(POS, OPERATOR))
def post_refund(order_id: Annotated[Id, Path()], body: Annotated[RefundBody, Body()]) -> RefundAnswer:
    """Record a refund and take back what the refunded part earned, once per refund id"""
    wired = wiring.wired()
    return RefundAnswer.of(refund_purchase(body.request(order_id), ledger=wired.ledger, programs=wired.programs))


@app.post("/v1/activities", status_code=201, tags=["earning"], **for_any(POS))
def post_activity(body: Annotated[ActivityBody, Body()]) -> EntryAnswer:
    """Reward something that a member did beside buying, once per activity_id"""
    wired = wiring.wired()
    return EntryAnswer.of(record_activity(body.report(), ledger=wired.ledger, programs=wired.programs))


@app.post("/v1/activities/<activity>/<activity_id>/void", status_code=201, tags=["earning"], **for_any(POS, OPERATOR))
def post_void(
    activity: Annotated[Code, Path()], activity_id: Annotated[Id, Path()], body: Annotated[VoidBody, Body()]
) -> VoidAnswer:
    """Take back what an activity gave, because it did not count after all"""
    wired, void = wiring.wired(), Void(reason=body.reason)
    return VoidAnswer.of(undo_activity(activity, activity_id, void, ledger=wired.ledger, programs=wired.programs))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
