"""Campaigns on DynamoDB: whether they run, and what they gave."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.adapters.dynamodb.changes import TALLY_SHARDS, counted
from shared.adapters.dynamodb.controls import control_item, control_of
from shared.adapters.dynamodb.items import Item, to_wire
from shared.adapters.dynamodb.store import Outcome, Store
from shared.adapters.dynamodb.table import GRANTS_TALLY, control_key, entry_key, grants_tally_key, passed_key
from shared.domain.control import Control
from shared.domain.entry import MemberId, grant_key
from shared.domain.errors import TryAgainError


@dataclass(frozen=True)
class DynamoCampaigns:
    """Campaigns over a `Store`."""

    store: Store

    def controls(self, campaigns: Sequence[str]) -> Mapping[str, Control]:
        """See ports.Campaigns."""
        items = self.store.get_all([control_key(campaign) for campaign in campaigns])
        return {name: control_of(item) if item else Control(name) for name, item in zip(campaigns, items, strict=True)}

    def change(self, campaign: str, change: Callable[[Control], Control]) -> Control:
        """See ports.Campaigns."""
        for _ in self.store.backoff.attempts():
            before = self.controls([campaign])[campaign]
            after = change(before)
            if after == before:
                return before
            # Nobody did anything with the campaign since it was read.
            item = control_item(after)
            write = self.store.update(item, expected={"version": before.version}) if before.version else self.store.put(item)
            if self.store.transact([write]).outcome is Outcome.DONE:
                return after
        raise TryAgainError

    def pass_over(self, campaign: str, period: str, tallied: str, member: MemberId, reason: str) -> None:
        """See ports.Campaigns."""
        for _ in self.store.backoff.attempts():
            writes = [
                self.store.put({**passed_key(campaign, period, member), "reason": reason, "tallied": tallied}),
                counted(self.store, campaign, tallied, member, {f"passed:{reason}": 1}),
            ]
            result = self.store.transact(writes)
            if result.outcome is not Outcome.BUSY:
                # Stale: it was counted before.
                return
        raise TryAgainError

    def given(self, campaign: str, period: str, members: Sequence[MemberId]) -> frozenset[MemberId]:
        """See ports.Campaigns."""
        grants = self.store.get_all([entry_key(grant_key(campaign, period, member)) for member in members])
        return frozenset(member for member, grant in zip(members, grants, strict=True) if grant)

    def tallies(self, campaign: str) -> Mapping[str, Counter[str]]:
        """See ports.Campaigns."""
        found: dict[str, Counter[str]] = {}
        for shard in range(TALLY_SHARDS):
            for item in self._shard(grants_tally_key(campaign, "", shard)["pk"]):
                period = item["sk"].removeprefix(GRANTS_TALLY).rpartition("#")[0]
                counts = {name: int(count) for name, count in item.items() if name not in ("pk", "sk")}
                found.setdefault(period, Counter()).update(counts)
        return found

    def _shard(self, pk: str) -> Iterator[Item]:
        return self.store.query(
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": "pk"},
            ExpressionAttributeValues=to_wire({":pk": pk}),
            ConsistentRead=True,
        )
