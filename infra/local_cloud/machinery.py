"""What comes by itself in the local cloud: the tick, what the table's stream tells, and the mail of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from infra.local_cloud.cloud import Cloud
from infra.local_cloud.event_log import EventLog
from infra.local_cloud.state import ACCOUNT, REGION
from infra.stages import STAGES

_STAGE = STAGES["local"]
BUS = _STAGE.namespace
TICK, TICK_WANTED, MAIL = (_STAGE.resource_name(name) for name in ("tick", "tick-wanted", "mail"))
_POLL_SECONDS = 0.2
_SECONDS_MAX = 60


@dataclass(frozen=True)
class Machinery:
    """The deployed machinery, which can rest."""

    cloud: Cloud

    @contextmanager
    def resting(self, last: str) -> Iterator[None]:
        """Let it rest meanwhile: a year that goes by in a minute would call it at each of its days, and at each order.

        Afterwards the bus is told of all that happened, up to the entry `last`; nobody is mailed of it.
        """
        log = EventLog(self.cloud, BUS, _STAGE.resource_name("catch-up"))
        log.listen("EntryPosted", entry=last)
        self.stop(TICK, TICK_WANTED, MAIL)
        self.feed(enabled=False)
        try:
            yield
            self._catch_up(log)
            log.close()
        finally:
            self.go_on(TICK, TICK_WANTED, MAIL)
            self.feed(enabled=True)

    def stop(self, *rules: str) -> None:
        """Let these rules call nobody."""
        for rule in rules:
            self._events.disable_rule(**_on_its_bus(rule))

    def go_on(self, *rules: str) -> None:
        """Let these rules call again; what they would have called meanwhile is not made up for."""
        for rule in rules:
            self._events.enable_rule(**_on_its_bus(rule))

    def feed(self, *, enabled: bool) -> None:
        """Whether the table's stream is told of. What it has waits."""
        functions = self.cloud.client("lambda")
        teller = _STAGE.resource_name("events")
        for mapping in functions.list_event_source_mappings(FunctionName=teller)["EventSourceMappings"]:
            if mapping["EventSourceArn"].startswith(f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:"):
                functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)

    def _catch_up(self, log: EventLog) -> None:
        """Wait until the bus told what the log listens to."""
        self.feed(enabled=True)
        deadline = time.monotonic() + _SECONDS_MAX
        # Who was interrupted right here has heard of it before.
        while not log.read() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)

    @property
    def _events(self) -> Any:
        return self.cloud.client("events")


def _on_its_bus(rule: str) -> dict[str, str]:
    """The tick is on the default bus, as every schedule."""
    return {"Name": rule} if rule == TICK else {"Name": rule, "EventBusName": BUS}
