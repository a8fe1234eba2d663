"""Lambda containers of one function: the real handler, wired anew in each, however many run at once.

One process stands for many here. What the code keeps per process is kept per container: its wiring by `wiring.wired`,
and Powertools' current request by `PowertoolsRequest`, an ambient of the world.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from shared.adapters.dynamodb.store import Backoff
from shared.entrypoint import wiring
from shared.entrypoint.settings import Settings
from tests.engines.wire import Transport
from tests.simulation.sdk import Clients
from tests.simulation.service import Answer, Event
from tests.simulation.world import World

Handler = Callable[[Event, Any], dict[str, Any]]
_container: ContextVar[wiring.Wiring] = ContextVar("container")


class PowertoolsRequest:
    """The request that Powertools' resolver keeps in its class and in the app while it is being answered."""

    def __init__(self, app: APIGatewayHttpResolver) -> None:
        self._app = app

    def save(self) -> Any:
        """The request of the task that is about to wait."""
        # The class has these only once a first request came.
        event, context = getattr(BaseRouter, "current_event", None), getattr(BaseRouter, "lambda_context", None)
        return event, context, self._app.context

    def restore(self, saved: Any) -> None:
        """The request of the task that goes on."""
        BaseRouter.current_event, BaseRouter.lambda_context, self._app.context = saved

    def begin(self) -> None:
        """A new container has a context of its own; the app would otherwise clear another's."""
        self._app.context = {}


EXACT = (0.0,)
"""The skews of clocks that are all right."""


@dataclass(frozen=True)
class SkewedClock:
    """Implements ports.Clock: a machine's clock that is off by `skew`."""

    world: World
    skew: timedelta

    def now(self) -> datetime:
        """See ports.Clock."""
        return self.world.now() + self.skew


class Pool:
    """The containers of one function in one world: warm ones that wait, new ones when none does.

    Each has a clock of its own, which is off by one of `skews` (seconds).
    """

    def __init__(
        self, world: World, clients: Clients, transport: Transport, table: str, skews: Sequence[float] = EXACT
    ) -> None:
        self._skews = skews
        self._world = world
        self._clients = clients
        self._transport = transport
        self._table = table
        self._idle: list[wiring.Wiring] = []

    def take(self) -> wiring.Wiring:
        """The warm container that was used last, else a new one."""
        return self._idle.pop() if self._idle else self._cold()

    def enter(self, container: wiring.Wiring) -> None:
        """Let the current task run in a container."""
        _container.set(container)

    def give_back(self, container: wiring.Wiring) -> None:
        """Keep a container for the next invocation. A killed invocation takes its container with it."""
        self._idle.append(container)

    def _cold(self) -> wiring.Wiring:
        world = self._world
        backoff = Backoff(sleep=world.sleep, rng=random.Random(world.chance.getrandbits(64)))
        client = self._clients.take(self._transport)
        clock = world if self._skews == EXACT else SkewedClock(world, timedelta(seconds=world.chance.choice(self._skews)))
        return wiring.wire(Settings(table=self._table, stage="prod"), client, clock, backoff)


class Containers:
    """The containers of one function of the API (a module with a `handler` and its `app`) in one world."""

    def __init__(self, world: World, pool: Pool, function: Any) -> None:
        self._pool = pool
        self._handler: Handler = function.handler
        self._request = PowertoolsRequest(function.app)
        self._invocations = 0
        world.ambients.append(self._request)

    def start(self) -> Callable[[Event], Answer]:
        """A container for one invocation."""
        container = self._pool.take()
        self._invocations += 1
        context = SimpleNamespace(aws_request_id=f"invocation-{self._invocations}")

        def invoke(event: Event) -> Answer:
            self._pool.enter(container)
            self._request.begin()
            answer = self._handler(event, context)
            self._pool.give_back(container)
            return Answer(answer["statusCode"], answer["body"])

        return invoke


@contextmanager
def wired_per_container() -> Iterator[None]:
    """While it lasts, `wiring.wired()` gives the wiring of the container that asks; nothing is logged."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with patch.object(wiring, "wired", _container.get):
            yield
    finally:
        logging.disable(before)
