"""Every referral of a stage, page by page: the parts of the ranking one after the other, in each the friends of each source.

The ranking is an index. While it is walked a source may move up in it, and is then met twice; one that falls may be missed.
A stage at rest is exported whole.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from shared.adapters.dynamodb.items import Item, entry_of, instant_of, to_wire
from shared.adapters.dynamodb.profiles import profile_of
from shared.adapters.dynamodb.referrals import friend_of
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import (
    FRIEND,
    RANKING_INDEX,
    entry_key,
    friend_key,
    profile_key,
    ranking_part,
    referrer_pk,
    tally_key,
)
from shared.domain.brought import is_member
from shared.domain.entry import MemberId, referral_key
from shared.domain.importing import IMPORT_STATE_OF, LAUREL, ExportedReferral, ExportPlace
from shared.domain.member import Profile
from shared.domain.referral_counts import FUNNEL_SHARDS
from shared.domain.subject import Referral

SOURCES_MAX = 100
"""Sources that one page looks at: some have shared their code and brought nobody."""


@dataclass(frozen=True)
class DynamoReferralExport:
    """Reads all referrals over a `Store`."""

    store: Store

    def page(self, limit: int, after: ExportPlace | None = None) -> tuple[list[ExportedReferral], ExportPlace | None]:
        """See ports.ReferralExport."""
        rows: list[Item] = []
        place = after or ExportPlace(0)
        for _ in range(SOURCES_MAX):
            if place.source is not None:
                rows += self._friends(place.source, place.friend, limit - len(rows))
                if len(rows) == limit:
                    return self._told(rows), place._replace(friend=rows[-1]["friend"])
            following = self._following(place)
            if following is None:
                return self._told(rows), None
            place = following
        return self._told(rows), place

    def _following(self, place: ExportPlace) -> ExportPlace | None:
        """The next source, of the same part of the ranking or of the next that has one; None after the last."""
        for shard in range(place.shard, FUNNEL_SHARDS):
            start = place if shard == place.shard and place.source is not None else None
            arguments: dict[str, Any] = {
                "IndexName": RANKING_INDEX,
                "KeyConditionExpression": "#ranked_in = :part",
                "ExpressionAttributeNames": {"#ranked_in": "ranked_in"},
                "ExpressionAttributeValues": to_wire({":part": ranking_part(shard)}),
                "Limit": 1,
            }
            if start is not None and start.source is not None:
                key: Item = {"ranked_in": ranking_part(shard), "rank": start.rank, **tally_key(start.source)}
                arguments["ExclusiveStartKey"] = to_wire(key)
            for item in self.store.query(**arguments):
                return ExportPlace(shard, int(item["rank"]), item["pk"].removeprefix(referrer_pk("")))
        return None

    def _friends(self, source: str, after: str | None, limit: int) -> Iterator[Item]:
        """The friends of a source, in order of their ids, which is mostly that of time."""
        found = self.store.query(
            KeyConditionExpression="#pk = :pk AND #sk BETWEEN :first AND :last",
            ExpressionAttributeNames={"#pk": "pk", "#sk": "sk"},
            ExpressionAttributeValues=to_wire(
                # The id after `after`: nothing comes between it and itself with one symbol more.
                {
                    ":pk": referrer_pk(source),
                    ":first": friend_key(source, f"{after}!" if after else "")["sk"],
                    ":last": f"{FRIEND}~",
                }
            ),
            ConsistentRead=True,
            Limit=limit,
        )
        return islice(found, limit)

    def _told(self, rows: Sequence[Item]) -> list[ExportedReferral]:
        """The rows with the shop's own ids of everybody, and where each referral came from."""
        friends = [friend_of(row) for row in rows]
        brought = {MemberId(friend.source) for friend in friends if is_member(friend.source)}
        profiles = self._profiles({*brought, *(friend.friend for friend in friends)})
        keys = [entry_key(referral_key(friend.friend)) for friend in friends]
        systems = [_system(item) for item in self.store.get_all(keys)]
        return [
            ExportedReferral(
                friend=profiles[friend.friend].customer_id,
                advocate=_heir(profiles, MemberId(friend.source)) if is_member(friend.source) else None,
                campaign=None if is_member(friend.source) else friend.source,
                joined_at=instant_of(row["joined_at"]),
                state=IMPORT_STATE_OF[friend.state],
                source=system,
                given=friend.given if IMPORT_STATE_OF[friend.state] == "rewarded" else (),
            )
            for row, friend, system in zip(rows, friends, systems, strict=True)
        ]

    def _profiles(self, members: Collection[MemberId]) -> dict[MemberId, Profile]:
        """The profiles of members, and of whoever took over from them."""
        found: dict[MemberId, Profile] = {}
        wanted = set(members)
        while wanted:
            items = self.store.get_all([profile_key(member) for member in sorted(wanted)])
            profiles = [profile_of(item) for item in items if item is not None]
            found |= {profile.member: profile for profile in profiles}
            wanted = {profile.merged_into for profile in profiles if profile.merged_into} - found.keys()
        return found


def _heir(profiles: Mapping[MemberId, Profile], member: MemberId) -> str:
    """The customer id of a member, or of whoever took over in the end."""
    profile = profiles[member]
    return profile.customer_id if profile.merged_into is None else _heir(profiles, profile.merged_into)


def _system(item: Item | None) -> str:
    subject = entry_of(item).subject if item else None
    return subject.imported or LAUREL if isinstance(subject, Referral) else LAUREL
