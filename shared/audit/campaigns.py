"""What is counted of campaigns, as items of the table: counters in shards, and markers of those who were passed over."""

from shared.adapters.dynamodb.items import Item
from shared.adapters.dynamodb.table import GRANTS_TALLY, campaign_pk
from shared.domain.tallies import CampaignPeriod

GRANT, PASSED = "GRANT#", "PASSED"


def tally_of(item: Item) -> CampaignPeriod | None:
    """Of which campaign and period an item is a shard of the counters; None for any other item."""
    if not item["pk"].startswith(campaign_pk("")) or not item["sk"].startswith(GRANTS_TALLY):
        return None
    return item["pk"].removeprefix(campaign_pk("")).partition("#")[0], item["sk"].removeprefix(GRANTS_TALLY).rpartition("#")[0]


def campaign_counts(item: Item) -> dict[str, int]:
    """The counts of a shard by name."""
    return {name: int(count) for name, count in item.items() if name not in ("pk", "sk")}


def passed_of(item: Item) -> tuple[str, str, str] | None:
    """A marker that somebody was passed over: the campaign, the period it is counted under, why; None for other items."""
    if not item["pk"].startswith(GRANT) or item["sk"] != PASSED:
        return None
    return item["pk"].split("#")[1], item["tallied"], item["reason"]
