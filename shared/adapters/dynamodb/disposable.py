"""The operator's list of disposable mail domains on DynamoDB."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice

from shared.adapters.dynamodb.items import to_wire
from shared.adapters.dynamodb.store import Outcome, Store
from shared.adapters.dynamodb.table import DISPOSABLE_PK, domain_key


@dataclass(frozen=True)
class DynamoMailDomains:
    """The list over a `Store`."""

    store: Store

    def add(self, domains: Collection[str]) -> None:
        """See ports.MailDomains."""
        wanted = sorted(set(domains))
        for _ in self.store.backoff.attempts():
            listed = self.store.get_all([domain_key(domain) for domain in wanted])
            new = [domain for domain, item in zip(wanted, listed, strict=True) if item is None]
            # None of these is listed yet.
            writes = [self.store.put({**domain_key(domain), "domain": domain}) for domain in new]
            if not writes or self.store.transact(writes).outcome is Outcome.DONE:
                return

    def remove(self, domain: str) -> None:
        """See ports.MailDomains."""
        for _ in self.store.backoff.attempts():
            if self.store.get(domain_key(domain)) is None:
                return
            # It is still listed.
            if (
                self.store.transact([self.store.delete(domain_key(domain), expected={"domain": domain})]).outcome
                is Outcome.DONE
            ):
                return

    def page(self, limit: int, after: str | None = None) -> list[str]:
        """See ports.MailDomains."""
        found = self.store.query(
            KeyConditionExpression="#pk = :pk AND #sk > :after",
            ExpressionAttributeNames={"#pk": "pk", "#sk": "sk"},
            ExpressionAttributeValues=to_wire({":pk": DISPOSABLE_PK, ":after": domain_key(after or "")["sk"]}),
            ConsistentRead=True,
            Limit=limit,
        )
        return [item["domain"] for item in islice(found, limit)]
