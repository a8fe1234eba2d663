"""What is listed and counted of referrals beside the ledger: written in the transaction of the entry that moves one."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from shared.adapters.dynamodb.items import Item, to_wire
from shared.adapters.dynamodb.lots import day_number
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import Key, flag_key, friend_key, funnel_key, ranking_part, tally_key
from shared.domain.calendar import first_of_period, instant_text
from shared.domain.decision import CodeShared, Joins, ReferralMoved
from shared.domain.referral_counts import funnelled, shard_of, tallied
from shared.domain.referred import Referred

PERIODS = ("day", "week", "month", "year")
"""Calendar periods in which it is counted how many friends of an advocate join."""


def moved_writes(store: Store, moved: ReferralMoved) -> Iterator[Any]:
    """The writes of a step: the friend's row in the list, the tally, the funnel, and the queue of flagged ones."""
    yield _listed(store, moved)
    counters = tallied(moved)
    if counters or moved.joins is not None:
        yield _tally(store, moved, counters)
    for day, counts in funnelled(moved).items():
        if any(counts.values()):
            yield _add(store, funnel_key(shard_of(moved.friend), day), counts)
    was = moved.before is not None and moved.before.flagged
    if moved.after.flagged and not was:
        yield store.put(
            {
                **flag_key(moved.friend),
                "friend": moved.friend,
                "source": moved.after.source,
                "flagged_at": instant_text(moved.changed_at),
            }
        )
    if was and not moved.after.flagged:
        yield store.delete(flag_key(moved.friend), expected={"friend": moved.friend})


def shared_writes(store: Store, shared: CodeShared) -> Iterator[Any]:
    """The writes that count that a member shared their code."""
    counters = Counter(shared=1)
    yield _add(store, tally_key(shared.member), counters, {"ranked_in": _rank(shared.member)}, {"rank": 0})
    yield _add(store, funnel_key(shard_of(shared.member), shared.day), counters)


def _rank(source: str) -> str:
    """The part of the ranking that an advocate or a campaign is in."""
    return ranking_part(shard_of(source))


def _listed(store: Store, moved: ReferralMoved) -> Any:
    item: Item = {**friend_key(moved.after.source, moved.friend), **_row(moved.after)}
    item["changed_at"] = instant_text(moved.changed_at)
    if moved.signs:
        item["signs"] = list(moved.signs)
    if moved.reason is not None:
        item["reason"] = moved.reason
    if any(points > 0 for _, _, points in moved.given):
        item["given"] = {f"{side}:{currency}": points for side, currency, points in moved.given}
    if moved.before is None:
        return store.put({**item, "friend": moved.friend, "code": moved.code, "joined_at": item["changed_at"]})
    # Only ever beside the friend's wallet as it was read: so the row is where that wallet says.
    return store.update(item, expected={"state": moved.before.state})


def _row(referred: Referred) -> Item:
    return {
        "version": referred.version,
        "state": referred.state,
        "flagged": referred.flagged,
        "joined_on": day_number(referred.joined_on),
        "qualified_on": day_number(referred.qualified_on),
        "held_until": day_number(referred.held_until),
        "orders": list(referred.orders),
    }


def _tally(store: Store, moved: ReferralMoved, counters: Counter[str]) -> Any:
    source = moved.after.source
    sets: Item = {"ranked_in": _rank(source)}
    rank = {"rank": counters["awarded"] - counters["cancelled"] - counters["clawed_back"]}
    if moved.joins is None:
        return _add(store, tally_key(source), counters, sets, rank)
    sets["recent"] = _recent(moved.joins, moved.day)
    return _add(store, tally_key(source), counters, sets, rank, {"recent": _told(moved.joins)})


def _recent(joins: Joins, day: date) -> dict[str, list[int]]:
    """How many joined in each running period, with the one who joins now."""
    found = {}
    for per in PERIODS:
        since, count = joins.by_period.get(per, (date.min, 0))
        first = first_of_period(per, day)
        found[per] = [day_number(first), count + 1 if since == first else 1]
    return found


def _told(joins: Joins) -> dict[str, list[int]] | None:
    return {per: [day_number(since), count] for per, (since, count) in joins.by_period.items()} or None


def _add(
    store: Store,
    key: Key,
    counters: Mapping[str, int],
    sets: Item | None = None,
    also: Mapping[str, int] | None = None,
    expected: Mapping[str, Any] | None = None,
) -> Any:
    """Add to counters. Only ever beside an entry that is put under a condition: so it happens once.

    `expected` are attributes as they were read, None for one that was not there.
    """
    adds = {**{name: count for name, count in counters.items() if count}, **(also or {})}
    sets = sets or {}
    names = {f"#{n}": name for n, name in enumerate((*adds, *sets))}
    place = {name: short for short, name in names.items()}
    values: Item = {f":{place[name][1:]}": value for name, value in (*adds.items(), *sets.items())}
    parts = []
    if sets:
        parts.append("SET " + ", ".join(f"{place[name]} = :{place[name][1:]}" for name in sets))
    if adds:
        parts.append("ADD " + ", ".join(f"{place[name]} :{place[name][1:]}" for name in adds))
    update: dict[str, Any] = {"TableName": store.table, "Key": to_wire(key), "UpdateExpression": " ".join(parts)}
    conditions = []
    for n, (name, value) in enumerate((expected or {}).items()):
        names[f"#read{n}"] = name
        if value is None:
            conditions.append(f"attribute_not_exists(#read{n})")
        else:
            conditions.append(f"#read{n} = :read{n}")
            values[f":read{n}"] = value
    if conditions:
        update["ConditionExpression"] = " AND ".join(conditions)
    return {"Update": {**update, "ExpressionAttributeNames": names, "ExpressionAttributeValues": to_wire(values)}}
