"""/v1/gift-cards: issued by operators, taken by tills."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from functions.gift_cards.guard_card import guard_card
from functions.gift_cards.issue_cards import issue_cards
from functions.gift_cards.models import (
    CardAnswer,
    CardBalanceRequest,
    CardEntryAnswer,
    CardGuardRequest,
    CardHistoryAnswer,
    CardIssueAnswer,
    CardIssueRequest,
    CardRefundRequest,
    CardSpendRequest,
    IssuedCardAnswer,
)
from functions.gift_cards.read_card import read_card, read_entries
from functions.gift_cards.use_card import activate, find_card, refund, spend
from shared.api.fields import Id, IdempotencyKey
from shared.domain.gift_card import CardEntryKind, CardId
from shared.entrypoint import wiring
from shared.entrypoint.app import make_app, serve
from shared.entrypoint.callers import OPERATOR, POS, caller, for_any

app = make_app()


@app.post("/v1/gift-cards", status_code=201, tags=["gift_cards"], **for_any(OPERATOR))
def post_gift_cards(idempotency_key: IdempotencyKey, body: Annotated[CardIssueRequest, Body()]) -> CardIssueAnswer:
    """Issue up to 25 gift cards"""
    wired = wiring.wired()
    issued = issue_cards(
        body.batch(),
        caller(app).digest,
        idempotency_key,
        cards=wired.gift_cards,
        programs=wired.programs,
        rng=wired.code_rng,
    )
    return CardIssueAnswer(cards=[IssuedCardAnswer.of(entry) for entry in issued])


@app.post("/v1/gift-cards/balance", tags=["gift_cards"], **for_any(POS))
def post_balance(body: Annotated[CardBalanceRequest, Body()]) -> CardAnswer:
    """The gift card with a code"""
    wired = wiring.wired()
    card = find_card(body.code, caller(app).digest, attempts=wired.attempts)
    return CardAnswer.of(read_card(card, cards=wired.gift_cards, programs=wired.programs), to_operator=False)


@app.post("/v1/gift-cards/spend", status_code=201, tags=["gift_cards"], **for_any(POS))
def post_spend(body: Annotated[CardSpendRequest, Body()]) -> CardEntryAnswer:
    """Pay a part of an order with the gift card that has a code, once per order"""
    wired = wiring.wired()
    card = find_card(body.code, caller(app).digest, attempts=wired.attempts)
    entry = spend(card, body.order_id, body.amount, body.currency, cards=wired.gift_cards, programs=wired.programs)
    return CardEntryAnswer.of(entry, to_operator=False)


@app.get("/v1/gift-cards/<card_id>", tags=["gift_cards"], **for_any(POS, OPERATOR))
def get_gift_card(card_id: Annotated[Id, Path()]) -> CardHistoryAnswer:
    """A gift card with all its entries"""
    wired, to_operator = wiring.wired(), _is_operator()
    found = read_card(CardId(card_id), cards=wired.gift_cards, programs=wired.programs)
    return CardHistoryAnswer(
        **dict(CardAnswer.of(found, to_operator=to_operator)),
        entries=[CardEntryAnswer.of(entry, to_operator=to_operator) for entry in read_entries(found, cards=wired.gift_cards)],
    )


@app.post("/v1/gift-cards/<card_id>/activate", status_code=201, tags=["gift_cards"], **for_any(POS, OPERATOR))
def post_activate(card_id: Annotated[Id, Path()]) -> CardEntryAnswer:
    """Give a pending gift card its money, once"""
    wired = wiring.wired()
    entry = activate(CardId(card_id), cards=wired.gift_cards, programs=wired.programs)
    return CardEntryAnswer.of(entry, to_operator=_is_operator())


@app.post("/v1/gift-cards/<card_id>/refunds", status_code=201, tags=["gift_cards"], **for_any(POS))
def post_card_refund(card_id: Annotated[Id, Path()], body: Annotated[CardRefundRequest, Body()]) -> CardEntryAnswer:
    """Give back onto a gift card what it paid for an order, once per refund"""
    wired = wiring.wired()
    entry = refund(CardId(card_id), body.order_id, body.refund_id, body.amount, cards=wired.gift_cards, programs=wired.programs)
    return CardEntryAnswer.of(entry, to_operator=False)


@app.post("/v1/gift-cards/<card_id>/block", status_code=201, tags=["gift_cards"], **for_any(OPERATOR))
def post_block(
    card_id: Annotated[Id, Path()], idempotency_key: IdempotencyKey, body: Annotated[CardGuardRequest, Body()]
) -> CardEntryAnswer:
    """Block a gift card: nothing is spent from it, and its money stays on it"""
    return _guard(CardId(card_id), CardEntryKind.BLOCK, idempotency_key, body)


@app.post("/v1/gift-cards/<card_id>/unblock", status_code=201, tags=["gift_cards"], **for_any(OPERATOR))
def post_unblock(
    card_id: Annotated[Id, Path()], idempotency_key: IdempotencyKey, body: Annotated[CardGuardRequest, Body()]
) -> CardEntryAnswer:
    """Unblock a gift card"""
    return _guard(CardId(card_id), CardEntryKind.UNBLOCK, idempotency_key, body)


def _guard(card: CardId, kind: CardEntryKind, key: str, body: CardGuardRequest) -> CardEntryAnswer:
    wired = wiring.wired()
    entry = guard_card(card, kind, body.reason, caller(app).digest, key, cards=wired.gift_cards, programs=wired.programs)
    return CardEntryAnswer.of(entry, to_operator=True)


def _is_operator() -> bool:
    return OPERATOR in caller(app).scopes


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
