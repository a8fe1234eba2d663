"""Reads of what is listed and counted of referrals (see referral_lists.py for the writes)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from shared.adapters.dynamodb.items import Item, instant_of, to_wire
from shared.adapters.dynamodb.lots import day_of
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import (
    FLAGS_PK,
    FRIEND,
    RANKING_INDEX,
    TAKEN_OVER,
    TALLY,
    flag_key,
    friend_key,
    funnel_key,
    funnel_pk,
    ranking_part,
    referrer_pk,
    tally_key,
)
from shared.domain.brought import Flag, Friend, Tally, is_counter
from shared.domain.entry import MemberId
from shared.domain.referral_counts import FUNNEL_SHARDS
from shared.domain.referred import ReferralState

LAST = "~"
"""Comes after every symbol of an id."""


@dataclass(frozen=True)
class DynamoReferrals:
    """Lists and counters of referrals over a `Store`."""

    store: Store

    def tallies(self, member: MemberId) -> list[Tally]:
        """See ports.Referrals."""
        sources, found = [str(member)], list[Tally]()
        for source in sources:
            counts: Counter[str] = Counter()
            for item in self._between(referrer_pk(source), TAKEN_OVER, TALLY):
                if item["sk"] == TALLY:
                    counts = _counts(item)
                else:
                    sources.append(item["sk"].removeprefix(TAKEN_OVER))
            found.append(Tally(source, counts))
        return found

    def friends(self, sources: Sequence[str], limit: int, after: tuple[str, str] | None = None) -> list[Friend]:
        """See ports.Referrals."""
        source, last = after or (sources[0], LAST)
        found: list[Friend] = []
        for one in sources[sources.index(source) :]:
            items = self._between(referrer_pk(one), FRIEND, FRIEND + last, newest_first=True, page=limit + 1 - len(found))
            found += [friend_of(item) for item in islice((item for item in items if _is_older(item, last)), limit - len(found))]
            if len(found) == limit:
                break
            last = LAST
        return found

    def friend(self, source: str, friend: MemberId) -> Friend | None:
        """See ports.Referrals."""
        item = self.store.get(friend_key(source, friend))
        return friend_of(item) if item else None

    def funnel(self, first: date, last: date) -> Counter[str]:
        """See ports.Referrals."""
        found: Counter[str] = Counter()
        for shard in range(FUNNEL_SHARDS):
            for item in self._between(funnel_pk(shard), funnel_key(shard, first)["sk"], funnel_key(shard, last)["sk"]):
                found.update(_counts(item))
        return found

    def top(self, limit: int) -> list[Tally]:
        """See ports.Referrals."""
        ranked = sorted(
            ((-int(item["rank"]), item["pk"].removeprefix(referrer_pk(""))) for item in self._ranked(limit)),
        )[:limit]
        items = self.store.get_all([tally_key(source) for _, source in ranked])
        found = [Tally(source, _counts(item)) for (_, source), item in zip(ranked, items, strict=True) if item]
        return sorted(found, key=lambda tally: (-tally.acquired, tally.source))

    def flags(self, limit: int, after: str | None = None) -> list[Flag]:
        """See ports.Referrals."""
        first = flag_key(f"{after}{LAST}" if after else "")["sk"]
        waiting = list(islice(self._between(FLAGS_PK, first, flag_key(LAST)["sk"], page=limit), limit))
        rows = self.store.get_all([friend_key(item["source"], item["friend"]) for item in waiting])
        pairs = zip(waiting, rows, strict=True)
        return [Flag(friend_of(row), instant_of(item["flagged_at"])) for item, row in pairs if row]

    def _between(
        self, pk: str, first: str, last: str, *, newest_first: bool = False, page: int | None = None
    ) -> Iterator[Item]:
        """The items of a partition from one sort key to another, both included; one round trip each `page`."""
        arguments: dict[str, Any] = {
            "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :first AND :last",
            "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
            "ExpressionAttributeValues": to_wire({":pk": pk, ":first": first, ":last": last}),
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
        }
        return self.store.query(**arguments, **({"Limit": page} if page else {}))

    def _ranked(self, limit: int) -> Iterator[Item]:
        """The first of each part of the ranking: the first of all are among them."""
        for shard in range(FUNNEL_SHARDS):
            items = self.store.query(
                IndexName=RANKING_INDEX,
                KeyConditionExpression="#ranked_in = :part",
                ExpressionAttributeNames={"#ranked_in": "ranked_in"},
                ExpressionAttributeValues=to_wire({":part": ranking_part(shard)}),
                ScanIndexForward=False,
                Limit=limit,
            )
            yield from islice(items, limit)


def _is_older(item: Item, last: str) -> bool:
    return bool(item["sk"] != FRIEND + last)


def _counts(item: Item) -> Counter[str]:
    return Counter({name: int(value) for name, value in item.items() if is_counter(name)})


def friend_of(item: Item) -> Friend:
    """A friend as the list's item tells it."""
    given = [(*name.split(":", 1), int(points)) for name, points in item.get("given", {}).items()]
    return Friend(
        friend=MemberId(item["friend"]),
        source=item["pk"].removeprefix(referrer_pk("")),
        state=ReferralState(item["state"]),
        flagged=item["flagged"],
        joined_on=day_of(item["joined_on"]) or date.min,
        code=item.get("code"),
        qualified_on=day_of(item["qualified_on"]),
        held_until=day_of(item["held_until"]),
        orders=tuple(item["orders"]),
        signs=tuple(item.get("signs", ())),
        reason=item.get("reason"),
        given=tuple((side, currency, points) for side, currency, points in given),
    )
