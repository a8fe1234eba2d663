"""The state machine of campaigns on Step Functions."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from shared.adapters.dynamodb.store import aws_errors

NAME_MAX = 80
"""Characters that the name of an execution may have."""
DIGEST = 16

STARTED = "ExecutionAlreadyExists"


@dataclass(frozen=True)
class StepFunctionsMachine:
    """A state machine by its ARN. `client` is Step Functions'."""

    client: Any
    arn: str

    def start(self, run: str, attempt: int, shards: Sequence[int], list_key: str | None) -> None:
        """See ports.Machine. An attempt is an execution of its name, and Step Functions lets a name be used once in 90 days."""
        work = json.dumps({"run": run, "shards": list(shards), "list": list_key}, separators=(",", ":"))
        with aws_errors():
            try:
                self.client.start_execution(stateMachineArn=self.arn, name=execution_name(run, attempt), input=work)
            except ClientError as error:
                # It runs, or it did: whether this very call started it or another one did is all the same.
                if error.response["Error"]["Code"] != STARTED:
                    raise


def execution_name(run: str, attempt: int) -> str:
    """The name of an attempt of a run; where it would be too long or has letters of other kinds, a digest tells it apart."""
    name = f"{run}.{attempt}"
    if len(name) <= NAME_MAX and re.fullmatch(r"[A-Za-z0-9._-]+", name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:DIGEST]
    return f"{re.sub(r'[^A-Za-z0-9._-]', '-', run)[: NAME_MAX - DIGEST - 1]}.{digest}"
