"""What is counted of referrals beside the ledger: the funnel by day, and the tally of each advocate and campaign.

| counter | rises when |
|---|---|
| `shared` | a member shared their code |
| `joined` | a friend enrolled by a code |
| `flagged` | a referral was given to an operator to look at |
| `rejected` | nothing was given and will not be |
| `qualified` | the friend did what counts |
| `awarded` | both sides got their points, held |
| `rewarded` | the hold is over: counted on the day on which it ends; in the funnel only |
| `cancelled` | it was undone within the hold; `rewarded` falls again |
| `clawed_back` | it was undone after it |
"""

from collections import Counter
from datetime import date
from zlib import crc32

from shared.domain.decision import ReferralMoved
from shared.domain.referred import ReferralState

FUNNEL_SHARDS = 8
"""Partitions that the funnel is counted in: each takes about 500 changes a second."""
COUNTERS = ("shared", "joined", "flagged", "rejected", "qualified", "awarded", "rewarded", "cancelled", "clawed_back")


def shard_of(member: str) -> int:
    """The shard of the funnel that a member's referral is counted in."""
    return crc32(member.encode()) % FUNNEL_SHARDS


def given_name(side: str, currency: str) -> str:
    """Under which name points are counted that were given to a side, less what was taken back."""
    return f"given:{side}:{currency}"


def tallied(moved: ReferralMoved) -> Counter[str]:
    """What a step counts in the tally of whoever brought the friend."""
    before, after, found = moved.before, moved.after, Counter[str]()
    was = before.state if before else None
    found["joined"] = before is None
    found["flagged"] = after.flagged and not (before and before.flagged)
    found["qualified"] = after.qualified_on is not None and not (before and before.qualified_on)
    if after.state is not was:
        found["awarded"] = after.state is ReferralState.AWARDED
        found["clawed_back"] = after.state is ReferralState.CLAWED_BACK
        found["cancelled"] = was is ReferralState.AWARDED and after.state is ReferralState.REJECTED
        found["rejected"] = was is not ReferralState.AWARDED and after.state is ReferralState.REJECTED
    for side, currency, points in moved.given:
        found[given_name(side, currency)] += points
    return Counter({name: int(count) for name, count in found.items() if count})


def funnelled(moved: ReferralMoved) -> dict[date, Counter[str]]:
    """What a step counts in the funnel, by local day."""
    found = {moved.day: tallied(moved)}
    held_until = moved.after.held_until
    if held_until is None:
        return found
    on = max(held_until, moved.day)
    tally = found[moved.day]
    change = tally["awarded"] - tally["cancelled"]
    if change:
        found.setdefault(on, Counter())["rewarded"] += change
    return found
