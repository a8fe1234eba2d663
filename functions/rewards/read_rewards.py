"""Use cases: the catalog as an operator sees it, and as one member does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.domain.decision import Wanted
from shared.domain.entry import MemberId
from shared.domain.errors import RefusalError, RewardNotOfferedError
from shared.domain.history import day_of_entry, standing
from shared.domain.program import in_force
from shared.domain.redeeming import Asked, Place, seasons_now, situation_of
from shared.domain.reward import RewardVersion, obstacles
from shared.domain.standing import Course
from shared.domain.stock import Stock
from shared.ports import Ledger, Programs, Rewards

HIDDEN = frozenset({"archived", "segment"})
"""Reasons for which a member does not see a reward at all; whatever else stands in the way is told."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A reward for one member: how many are `left` (None: unlimited), and all that stands between them.

    Where nothing does, the member may have it.
    """

    version: RewardVersion
    left: int | None
    obstacles: tuple[RefusalError, ...]


def stock_of(versions: Sequence[RewardVersion], *, rewards: Rewards) -> Mapping[str, Stock]:
    """The stock of those rewards whose stock is limited. Raises TryAgainError."""
    return rewards.stock([version.reward.id for version in versions if version.reward.stock_limited])


def list_offers(
    member: MemberId,
    channel: str | None,
    region: str | None,
    *,
    ledger: Ledger,
    rewards: Rewards,
    programs: Programs,
) -> list[Offer]:
    """The rewards that a member sees, in order of id, each with every reason why they may not have it now.

    A member who left sees none. Raises MemberUnknownError, ProgramMissingError, BeforeProgramError, TryAgainError.
    """
    view, versions = ledger.view(member, Wanted(profile=True)), programs.versions()
    course = Course.by(versions, in_force(versions, view.now))
    day = day_of_entry(view.wallet, view.now, course.zone)
    wallet = standing(view.wallet, view.history, day)
    if wallet.closed:
        return []
    catalog = rewards.all()
    stock = stock_of(catalog, rewards=rewards)
    asked = Asked.of(view, wallet, day, course, Place(channel, region))
    seasons = seasons_now(view, course)
    offers: list[Offer] = []
    for version in catalog:
        reward = version.reward.on(seasons)
        left = max(stock[reward.id].available(day), 0) if reward.stock_limited else None
        situation = situation_of(asked, reward, stock.get(reward.id))
        offers.append(Offer(replace(version, reward=reward), left, tuple(obstacles(reward, situation))))
    return [offer for offer in offers if not _hidden(offer)]


def _hidden(offer: Offer) -> bool:
    return any(isinstance(found, RewardNotOfferedError) and found.reason in HIDDEN for found in offer.obstacles)
