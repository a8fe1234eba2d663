"""What charities were given, on DynamoDB: totals that each donation's own transaction adds to."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.adapters.dynamodb.items import to_wire
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import charity_month, charity_pk
from shared.domain.donating import CharityMonth, Given


@dataclass(frozen=True)
class DynamoDonations:
    """Donations over a `Store`."""

    store: Store

    def months(self, charity: str, first: date, last: date) -> list[CharityMonth]:
        """See ports.Donations."""
        items = self.store.query(
            KeyConditionExpression="#pk = :pk AND #sk BETWEEN :first AND :last",
            ExpressionAttributeNames={"#pk": "pk", "#sk": "sk"},
            ExpressionAttributeValues=to_wire(
                # "~" comes after every code of money.
                {":pk": charity_pk(charity), ":first": charity_month(first), ":last": f"{charity_month(last)}#~"}
            ),
            ConsistentRead=True,
        )
        return [charity_month_of(item) for item in items]


def charity_month_of(item: dict[str, Any]) -> CharityMonth:
    """The totals that an item holds."""
    _, month, money = item["sk"].split("#")
    return CharityMonth(
        charity=item["pk"].removeprefix(charity_pk("")),
        month=datetime.strptime(f"{month}01", "%Y%m%d").date(),  # noqa: DTZ007 (a day, of no zone)
        given=Given(money, int(item["points"]), int(item["value"]), int(item["gifts"])),
    )
