"""/v1/rewards: the catalog, and what a member may have of it."""

from datetime import date
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query

from functions.rewards.change_reward import archive_reward, put_reward, set_stock
from functions.rewards.models import (
    OfferAnswer,
    OffersAnswer,
    RewardAnswer,
    RewardHistoryAnswer,
    RewardRequest,
    RewardsAnswer,
    RewardVersionAnswer,
    StockAnswer,
    StockRequest,
)
from functions.rewards.read_rewards import list_offers, stock_of
from shared.api.fields import Id, Text
from shared.domain.calendar import local_day
from shared.domain.document import Code
from shared.domain.entry import MemberId
from shared.domain.program import zone_of
from shared.domain.reward import RewardVersion
from shared.entrypoint import wiring
from shared.entrypoint.app import make_app, serve
from shared.entrypoint.callers import MEMBER, OPERATOR, POS, for_any, my_member

app = make_app()

RewardId = Annotated[Code, Path()]
Channel = Annotated[Text | None, Query(description="where the member asks: a channel of a reward's `channels`")]
Region = Annotated[Text | None, Query(description="where the member is: a region of a reward's `regions`")]


@app.get("/v1/rewards", tags=["rewards"], **for_any(POS, OPERATOR))
def get_rewards() -> RewardsAnswer:
    """The catalog with its stock"""
    return RewardsAnswer(rewards=_answers(list(wiring.wired().rewards.all())))


@app.get("/v1/rewards/<reward_id>", tags=["rewards"], **for_any(POS, OPERATOR))
def get_reward(reward_id: RewardId) -> RewardHistoryAnswer:
    """A reward with its stock and every version there ever was"""
    versions = wiring.wired().rewards.versions(reward_id)
    [newest] = _answers([versions[-1]])
    return RewardHistoryAnswer(
        **newest.model_dump(),
        versions=[RewardVersionAnswer.of(version) for version in reversed(versions)],
    )


@app.put("/v1/rewards/<reward_id>", tags=["rewards"], **for_any(OPERATOR))
def put_reward_document(reward_id: RewardId, body: Annotated[RewardRequest, Body()]) -> RewardAnswer:
    """Put a reward into the catalog, or change it by a next version"""
    wired = wiring.wired()
    kept = put_reward(
        reward_id,
        body.document,
        body.if_version,
        rewards=wired.rewards,
        programs=wired.programs,
        clock=wired.clock,
    )
    return _answers([kept])[0]


@app.delete("/v1/rewards/<reward_id>", tags=["rewards"], **for_any(OPERATOR))
def delete_reward(reward_id: RewardId) -> RewardAnswer:
    """Archive a reward: nobody can redeem it any more, and what was redeemed stays good"""
    wired = wiring.wired()
    return _answers([archive_reward(reward_id, rewards=wired.rewards, clock=wired.clock)])[0]


@app.put("/v1/rewards/<reward_id>/stock", tags=["rewards"], **for_any(OPERATOR))
def put_stock(reward_id: RewardId, body: Annotated[StockRequest, Body()]) -> StockAnswer:
    """Say how many of a reward there are in all"""
    wired = wiring.wired()
    stock = set_stock(reward_id, body.total, rewards=wired.rewards, programs=wired.programs, clock=wired.clock)
    return StockAnswer.of(stock, _today())


@app.get("/v1/members/<member_id>/rewards", tags=["rewards"], **for_any(POS, OPERATOR))
def get_member_rewards(member_id: Annotated[Id, Path()], channel: Channel = None, region: Region = None) -> OffersAnswer:
    """What a member may have, and what stands between them and the rest"""
    return _offers(MemberId(member_id), channel, region)


@app.get("/v1/me/rewards", tags=["rewards"], **for_any(MEMBER))
def get_my_rewards(channel: Channel = None, region: Region = None) -> OffersAnswer:
    """What the caller may have, and what stands between them and the rest"""
    return _offers(my_member(app, wiring.wired().members), channel, region)


def _answers(versions: list[RewardVersion]) -> list[RewardAnswer]:
    stock, day = stock_of(versions, rewards=wiring.wired().rewards), _today()
    return [RewardAnswer.with_stock(version, stock.get(version.reward.id), day) for version in versions]


def _today() -> date:
    wired = wiring.wired()
    return local_day(wired.clock.now(), zone_of(wired.programs.versions()))


def _offers(member: MemberId, channel: str | None, region: str | None) -> OffersAnswer:
    wired = wiring.wired()
    offers = list_offers(
        member,
        channel,
        region,
        ledger=wired.ledger,
        rewards=wired.rewards,
        programs=wired.programs,
    )
    return OffersAnswer(rewards=[OfferAnswer.of(offer) for offer in offers])


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
