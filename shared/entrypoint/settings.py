"""The environment of a function, checked once when its container starts."""

import os
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Settings(BaseModel):
    """What the stack tells a function. `sandbox` stages have a settable clock; production never does."""

    model_config = ConfigDict(frozen=True)

    table: str = Field(min_length=3)
    stage: Literal["local", "dev", "prod"]
    sandbox: bool = False
    # Only where a function needs them: its row in infra/permissions.py says so.
    bus: str | None = None
    """The name of the event bus."""
    machine: str | None = None
    """The ARN of the state machine that runs campaigns."""
    schedules: str | None = None
    """The name of the group of schedules."""
    schedule_role: str | None = None
    schedule_dlq: str | None = None
    """ARNs: what a schedule may do, and where ends what it could not."""
    bonuses: str | None = None
    messages: str | None = None
    """ARNs of the functions that schedules call."""
    parked: str | None = None
    """The URL of the queue of records that can't be read."""
    lists: str | None = None
    """The name of the bucket of members' lists."""
    sender: str | None = None
    """The address that mail to members comes from; without it nothing is mailed."""

    @model_validator(mode="after")
    def _production_keeps_real_time(self) -> Self:
        if self.sandbox and self.stage == "prod":
            raise ValueError("LAUREL_SANDBOX must not be set on the prod stage: its clock is real time")
        return self

    @classmethod
    def from_environment(cls) -> "Settings":
        """Reads LAUREL_TABLE, LAUREL_STAGE and all others by their names."""
        names = {field: f"LAUREL_{field.upper()}" for field in cls.model_fields}
        return cls.model_validate({field: os.environ[name] for field, name in names.items() if name in os.environ})
