"""What a simulated operation brings: a table to begin with, callers, and what must be true when all is quiet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

from shared.entrypoint.wiring import Wiring
from tests.simulation.invariants import Item, Watching
from tests.simulation.machinery import Backstage
from tests.simulation.service import Service
from tests.simulation.world import World


class Scenario(Protocol):
    """One world's story. Made fresh for each world; draws only from the world's chance."""

    functions: Mapping[str, Any]
    """The functions under test, as modules with a `handler` and its Powertools `app`, by the beginning of their paths."""

    def prepare(self, world: World, wired: Wiring) -> None:
        """Put into the table what was there before; `wired` is the product's own, over a network without faults."""

    def begin(self, world: World, service: Service) -> None:
        """Spawn the callers."""

    def violations(self, items: list[Item], service: Service) -> list[str]:
        """What is wrong with the table and the answers, beyond what holds of every ledger."""


@runtime_checkable
class Staged(Protocol):
    """A story in which something works by itself, beside what callers ask for."""

    skews: Sequence[float]
    """By how many seconds the clocks of containers are off."""
    watching: Watching
    """What looks at each write, beside what holds of every ledger."""

    def sized(self) -> AbstractContextManager[None]:
        """What is smaller in it than it is deployed. Entered before anything is prepared."""

    def staged(self, behind: Backstage) -> AbstractContextManager[None]:
        """Set it up, for as long as the world lasts. Called before `begin`."""
