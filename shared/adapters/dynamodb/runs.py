"""Runs on DynamoDB: what was begun, how far its parts have come, and the candidates of draws."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from shared.adapters.dynamodb.items import Item, instant_of, to_wire
from shared.adapters.dynamodb.store import Outcome, Store
from shared.adapters.dynamodb.table import (
    RUNS_PK,
    campaign_pk,
    draw_pk,
    open_run_key,
    part_key,
    part_prefix,
    run_key,
    ticket_key,
)
from shared.domain.calendar import instant_text
from shared.domain.entry import MemberId
from shared.domain.errors import RunUnknownError, TryAgainError
from shared.domain.run import Part, Run, RunKind, place_of


@dataclass(frozen=True)
class DynamoRuns:
    """Runs over a `Store`."""

    store: Store

    def begin(self, run: Run) -> Run | None:
        """See ports.Runs."""
        for _ in self.store.backoff.attempts():
            # It was never begun.
            writes = [self.store.put(_run_item(run)), self.store.put({**open_run_key(run), "run": run.name})]
            outcome = self.store.transact(writes).outcome
            if outcome is Outcome.DONE:
                return run
            if outcome is Outcome.STALE:
                return None
        raise TryAgainError

    def run(self, name: str) -> Run:
        """See ports.Runs."""
        try:
            kind, campaign, period = place_of(name)
        except ValueError:
            raise RunUnknownError from None
        item = self.store.get(run_key(kind, campaign, period))
        if item is None:
            raise RunUnknownError
        return _run_of(item)

    def going(self) -> list[Run]:
        """See ports.Runs."""
        items = self.store.query(
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": "pk"},
            ExpressionAttributeValues=to_wire({":pk": RUNS_PK}),
            ConsistentRead=True,
        )
        runs = self.store.get_all([run_key(*place_of(item["run"])) for item in items])
        return [_run_of(item) for item in runs if item is not None]

    def of(self, campaign: str) -> list[Run]:
        """See ports.Runs."""
        items = self.store.query(
            KeyConditionExpression="#pk = :pk AND begins_with(#sk, :run)",
            ExpressionAttributeNames={"#pk": "pk", "#sk": "sk"},
            ExpressionAttributeValues=to_wire({":pk": campaign_pk(campaign), ":run": "RUN#"}),
            ConsistentRead=True,
        )
        return sorted(map(_run_of, items), key=lambda run: run.started_at)

    def again(self, run: Run, now: datetime) -> Run | None:
        """See ports.Runs."""
        after = run.again(now)
        # Nobody else started its workers, and it did not end meanwhile.
        write = self.store.update(_run_item(after), expected={"attempt": run.attempt, "ended_at": None})
        return after if self.store.set(write) else None

    def end(self, run: Run, now: datetime) -> Run:
        """See ports.Runs."""
        for _ in self.store.backoff.attempts():
            found = self.run(run.name)
            if found.ended_at is not None:
                return found
            ended = replace(found, ended_at=now)
            writes = [
                self.store.update(_run_item(ended), expected={"attempt": found.attempt}),
                self.store.delete(open_run_key(run), expected={"run": run.name}),
            ]
            if self.store.transact(writes).outcome is Outcome.DONE:
                return ended
        raise TryAgainError

    def part(self, run: Run, part: str) -> Part:
        """See ports.Runs."""
        item = self.store.get(part_key(run, part))
        return _part_of(item) if item else Part()

    def advance(self, run: Run, part: str, before: Part, after: Part) -> bool:
        """See ports.Runs."""
        item: Item = {**part_key(run, part), "cursor": after.cursor, "done": after.done, "version": after.version}
        item["at"] = instant_text(after.at) if after.at else None
        item["counts"] = dict(after.counts)
        # Nobody else went on with this part since it was read.
        write = self.store.update(item, expected={"version": before.version}) if before.version else self.store.put(item)
        return self.store.set(write)

    def parts(self, run: Run) -> dict[str, Part]:
        """See ports.Runs."""
        return dict(self._parts(run.of, part_prefix(run.kind, run.period)))

    def parts_of(self, campaign: str, kind: RunKind) -> dict[str, dict[str, Part]]:
        """See ports.Runs."""
        found: dict[str, dict[str, Part]] = {}
        for name, part in self._parts(campaign, part_prefix(kind)):
            period, _, place = name.partition("#")
            found.setdefault(period, {})[place] = part
        return found

    def _parts(self, of: str, prefix: str) -> Iterator[tuple[str, Part]]:
        items = self.store.query(
            KeyConditionExpression="#pk = :pk AND begins_with(#sk, :part)",
            ExpressionAttributeNames={"#pk": "pk", "#sk": "sk"},
            ExpressionAttributeValues=to_wire({":pk": campaign_pk(of), ":part": prefix}),
            ConsistentRead=True,
        )
        return ((item["sk"].removeprefix(prefix), _part_of(item)) for item in items)

    def nominate(self, run: Run, ticket: str, member: MemberId) -> None:
        """See ports.Runs."""
        for _ in self.store.backoff.attempts():
            if self.store.transact([self.store.put(ticket_key(run, ticket, member))]).outcome is not Outcome.BUSY:
                return
        raise TryAgainError

    def candidates(self, run: Run) -> Iterator[tuple[str, MemberId]]:
        """See ports.Runs."""
        items = self.store.query(
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": "pk"},
            ExpressionAttributeValues=to_wire({":pk": draw_pk(run)}),
            ConsistentRead=True,
        )
        for item in items:
            _, ticket, member = item["sk"].split("#")
            yield ticket, MemberId(member)


def _run_item(run: Run) -> Item:
    return {
        **run_key(run.kind, run.campaign, run.period),
        "version": run.version,
        "due_at": instant_text(run.due_at),
        "started_at": instant_text(run.started_at),
        "ended_at": instant_text(run.ended_at) if run.ended_at else None,
        "attempt": run.attempt,
        "attempted_at": instant_text(run.attempted_at) if run.attempted_at else None,
        "member_list": run.member_list,
        "breakage_percent": run.breakage_percent,
    }


def _run_of(item: Item) -> Run:
    _, kind, period = item["sk"].split("#", 2)
    of = item["pk"].removeprefix("CAMPAIGN#")
    return Run(
        kind=RunKind(kind),
        campaign=None if of == RunKind(kind).upper() else of,
        period=period,
        version=int(item["version"]),
        due_at=instant_of(item["due_at"]),
        started_at=instant_of(item["started_at"]),
        ended_at=instant_of(item["ended_at"]) if item["ended_at"] else None,
        attempt=int(item["attempt"]),
        attempted_at=instant_of(item["attempted_at"]) if item["attempted_at"] else None,
        member_list=item["member_list"],
        breakage_percent=int(item["breakage_percent"]),
    )


def _part_of(item: Item) -> Part:
    counts = {name: int(count) for name, count in item["counts"].items()}
    return Part(item["cursor"], item["done"], counts, int(item["version"]), instant_of(item["at"]) if item["at"] else None)
