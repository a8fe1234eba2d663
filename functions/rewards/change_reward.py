"""Use cases: an operator puts a reward into the catalog, changes it, takes it out, and counts its stock."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.domain.calendar import local_day
from shared.domain.errors import ProgramMissingError, RewardInvalidError, TryAgainError, VersionStaleError
from shared.domain.program import Program, zone_of
from shared.domain.reward import Reward, RewardVersion, parse_reward
from shared.domain.stock import Stock
from shared.ports import Clock, Programs, Rewards


def put_reward(
    id: str,
    document: Mapping[str, Any],
    if_version: int | None,
    *,
    rewards: Rewards,
    programs: Programs,
    clock: Clock,
) -> RewardVersion:
    """Keep the document as the next version of the reward `id`; the same document again changes nothing.

    `document` may name its id, if it is the same. Raises RewardInvalidError, ProgramMissingError, VersionStaleError,
    TryAgainError.
    """
    if document.get("id", id) != id:
        raise RewardInvalidError(faults=[{"path": "id", "reason": "must be the id of the path, or be left out"}])
    reward = parse_reward({**document, "id": id})
    versions = programs.latest()
    if not versions:
        raise ProgramMissingError
    if faults := list(_strangers(reward, versions[-1].program)):
        raise RewardInvalidError(faults=faults)
    return rewards.put(reward, clock.now(), if_version)


def _strangers(reward: Reward, program: Program) -> Iterator[dict[str, str]]:
    """What the reward names that the newest version of the program does not have."""
    levels = program.tiers.levels if program.tiers else []
    known = {
        "currency": ([reward.currency], [currency.code for currency in program.currencies]),
        "tiers": (reward.tiers, [level.id for level in levels]),
        "memberships": (reward.memberships, [plan.id for plan in program.memberships]),
        "season_prices": ([price.season for price in reward.season_prices], [season.id for season in program.seasons]),
    }
    for field, (names, there) in known.items():
        for number, name in enumerate(names):
            if name not in there:
                path = field if field == "currency" else f"{field}.{number}"
                yield {"path": path, "reason": f"must be one that the program has: {', '.join(there) or 'there is none'}"}


def archive_reward(id: str, *, rewards: Rewards, clock: Clock) -> RewardVersion:
    """Take a reward out of the catalog, by a new version that says so; what was redeemed stays good.

    Archiving twice changes nothing. Raises RewardUnknownError, TryAgainError.
    """
    found = rewards.get(id)
    try:
        return rewards.put(found.reward.model_copy(update={"archived": True}), clock.now(), found.version)
    except VersionStaleError as error:
        raise TryAgainError from error


def set_stock(id: str, total: int, *, rewards: Rewards, programs: Programs, clock: Clock) -> Stock:
    """Say how many of a reward there are in all. Raises RewardUnknownError, TryAgainError."""
    rewards.get(id)
    return rewards.set_stock(id, total, local_day(clock.now(), zone_of(programs.versions())))
