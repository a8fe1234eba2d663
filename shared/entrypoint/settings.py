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

    @model_validator(mode="after")
    def _production_keeps_real_time(self) -> Self:
        if self.sandbox and self.stage == "prod":
            raise ValueError("LAUREL_SANDBOX must not be set on the prod stage: its clock is real time")
        return self

    @classmethod
    def from_environment(cls) -> "Settings":
        """Reads LAUREL_TABLE, LAUREL_STAGE and LAUREL_SANDBOX."""
        names = {"table": "LAUREL_TABLE", "stage": "LAUREL_STAGE", "sandbox": "LAUREL_SANDBOX"}
        return cls.model_validate({field: os.environ[name] for field, name in names.items() if name in os.environ})
