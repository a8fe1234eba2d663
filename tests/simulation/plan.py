"""What goes wrong in a world: which fates may meet a call, how often, and when peace returns.

Each world draws its own mix, few kinds or many, rare or dense: worlds with one kind of fault at every second call
find what worlds with a little of everything never reach.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import Enum

from tests.engines.faults import Fault, can_happen


class Interruption(Enum):
    """What happens to a caller or its request beside what DynamoDB answers."""

    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    # A zombie: stands still until long after its caller has gone, then goes on as if nothing had been.
    STALLED_BEFORE = "stalled before"
    STALLED_AFTER = "stalled after"
    # The caller's time-out passes first; the request arrives all the same, perhaps when everyone has forgotten it.
    ARRIVES_LATE = "arrives late"
    # The answer comes, and the same request arrives a second time.
    ARRIVES_TWICE = "arrives twice"


Fate = Fault | Interruption
DELIVERED_TWICE = "delivered twice"
"""An event that two invocations get at once."""

FATES: tuple[Fate, ...] = (*Fault, *Interruption)
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})
_RATES = (0.1, 0.3, 0.6, 0.9)
# Most calls are reads, and a fault at a read tells little: it is asked again.
_READS_SHARE = 0.2
_FAULTS_MAX = 24


@dataclass
class Plan:
    """The fates of one world. `left` faults may still happen; after the last one everything works."""

    kinds: tuple[Fate, ...] = FATES
    rate: float = 0.0
    delivered_twice_rate: float = 0.0
    reads_apart_rate: float = 0.0
    left: int = _FAULTS_MAX
    happened: dict[str, int] = field(default_factory=dict)

    @classmethod
    def drawn(cls, chance: random.Random) -> Plan:
        """A mix by chance: 1 to all kinds of fates, at one of four rates."""
        kinds = chance.sample(FATES, chance.randint(1, len(FATES)))
        return cls(
            kinds=tuple(kind for kind in FATES if kind in kinds),
            rate=chance.choice(_RATES),
            delivered_twice_rate=chance.choice((0.0, 0.1, 0.3)),
            reads_apart_rate=chance.choice((0.0, 0.5, 1.0)),
            left=chance.randint(1, _FAULTS_MAX),
        )

    def fate(self, operation: str, chance: random.Random) -> Fate | None:
        """What meets this call, None for nothing."""
        rate = self.rate if operation in WRITES else self.rate * _READS_SHARE
        if not self.left or chance.random() >= rate:
            return None
        fitting = [kind for kind in self.kinds if possible(kind, operation)]
        if not fitting:
            return None
        fate = chance.choice(fitting)
        self._count(fate.value)
        return fate

    def delivered_twice(self, chance: random.Random) -> bool:
        """Whether this event reaches two invocations."""
        if not self.left or chance.random() >= self.delivered_twice_rate:
            return False
        self._count(DELIVERED_TWICE)
        return True

    def reads_apart(self, chance: random.Random) -> bool:
        """Whether a read is no snapshot: a batch key by key, in any order, while others write; an index behind. No fault."""
        return chance.random() < self.reads_apart_rate

    def _count(self, what: str) -> None:
        self.left -= 1
        self.happened[what] = self.happened.get(what, 0) + 1


def possible(kind: Fate, operation: str) -> bool:
    """Whether `kind` can meet a call of `operation` and change anything."""
    if kind in (Interruption.ARRIVES_LATE, Interruption.ARRIVES_TWICE):
        return operation in WRITES
    return can_happen(kind, operation) if isinstance(kind, Fault) else True
