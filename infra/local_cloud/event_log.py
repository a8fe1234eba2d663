"""What the stage's bus tells while somebody listens: a rule and a queue beside the stack, as any consumer has them."""

import json
from dataclasses import dataclass
from typing import Any

from infra.local_cloud.cloud import Cloud
from infra.local_cloud.state import ACCOUNT, REGION

_TAKEN_MAX = 10


@dataclass
class EventLog:
    """The events of some types on a bus, from `listen` on, each once: the bus may tell one twice, under the same id."""

    cloud: Cloud
    bus: str
    name: str

    def __post_init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def listen(self, *types: str, entry: str | None = None) -> None:
        """From now on keep what is told: of these types, none named: of all; or only of one entry. Again changes nothing."""
        sqs, events = self.cloud.client("sqs"), self.cloud.client("events")
        sqs.create_queue(QueueName=self.name)
        pattern: dict[str, Any] = {"source": ["laurel"]}
        pattern |= {"detail-type": list(types)} if types else {}
        pattern |= {"detail": {"entry_id": [entry]}} if entry else {}
        rule = {"Name": self.name, "EventBusName": self.bus}
        events.put_rule(**rule, EventPattern=json.dumps(pattern), State="ENABLED")
        target = {"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}"}
        events.put_targets(Rule=self.name, EventBusName=self.bus, Targets=[target])

    def read(self) -> list[dict[str, Any]]:
        """All that was told so far, as EventBridge told it, in the order in which it came. It stays for the next who asks."""
        sqs = self.cloud.client("sqs")
        url = sqs.get_queue_url(QueueName=self.name)["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=_TAKEN_MAX).get("Messages", []):
            for message in messages:
                self._keep(json.loads(message["Body"]))
        return self.events

    def close(self) -> None:
        """Listen no more; what nobody read is gone."""
        sqs, events = self.cloud.client("sqs"), self.cloud.client("events")
        events.remove_targets(Rule=self.name, EventBusName=self.bus, Ids=["queue"])
        events.delete_rule(Name=self.name, EventBusName=self.bus)
        sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=self.name)["QueueUrl"])

    def _keep(self, event: dict[str, Any]) -> None:
        if all(known["detail"]["id"] != event["detail"]["id"] for known in self.events):
            self.events.append(event)
