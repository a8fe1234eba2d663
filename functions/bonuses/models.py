"""What wakes the bonuses function, apart from the clock: work of the state machine, and schedules of campaigns."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.domain.alarm import SHARDS


class _Work(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    run: str


class ShardWork(_Work):
    """Go on with a shard of a run."""

    task: Literal["shard"]
    shard: int = Field(ge=0, lt=SHARDS)


class ListWork(_Work):
    """Go on with members of a run's list."""

    task: Literal["list"]
    members: list[str]


class FinishWork(_Work):
    """End a run."""

    task: Literal["finish"]


class Fired(BaseModel):
    """A campaign's schedule fired: a tick that comes on time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    task: Literal["fire"]
    campaign: str
    at: str


Work = Annotated[ShardWork | ListWork | FinishWork | Fired, Field(discriminator="task")]
"""What a call of the function asks for."""


def is_tick(event: dict[str, Any]) -> bool:
    """Whether an event of the bus asks for the standing tick: the rule's own, or that something was started or set."""
    return event.get("source") == "aws.events" or event.get("detail-type") == "TickWanted"
