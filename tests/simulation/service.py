"""API Gateway and Lambda as callers meet them: an event goes in; an answer comes back, or a 502, or nothing in time."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.simulation.plan import Plan
from tests.simulation.world import Signal, World

Event = dict[str, Any]
CALLER_PATIENCE_SECONDS = 10
"""How long a till waits before it sends the same again; an invocation may well outlive it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway gives back."""

    status: int
    body: str


class Function(Protocol):
    """A deployed function: something that hands out containers."""

    def start(self) -> Callable[[Event], Answer]:
        """A container for one invocation: a free warm one or a new one. Raises what the handler lets through."""


class Service:
    """Functions behind the gateway, by the beginning of their paths, the longest that fits.

    `given` has every answer that any invocation ever gave, seen or not.
    """

    def __init__(self, world: World, plan: Plan, functions: Mapping[str, Function]) -> None:
        self.world = world
        self.given: list[tuple[Event, Answer]] = []
        self._plan = plan
        self._functions = functions
        self._invocations = 0

    def call(self, event: Event) -> Answer | None:
        """Send one request and wait for its answer; None when patience ends first."""
        world = self.world
        arrived: Signal = Signal()
        answers: list[Answer] = []

        def receive(answer: Answer) -> None:
            answers.append(answer)
            world.give(arrived)

        twice = self._plan.delivered_twice(world.chance)
        world.note(f"sends {event['rawPath']}" + (" <- delivered twice" if twice else ""))
        for _ in range(2 if twice else 1):
            self._invoke(event, receive)
        if not world.wait(arrived, seconds=CALLER_PATIENCE_SECONDS):
            world.note("gives up waiting")
            return None
        world.note(f"gets {answers[0].status} {answers[0].body[:120]}")
        return answers[0]

    def _invoke(self, event: Event, receive: Callable[[Answer], None]) -> None:
        """Run the function in a task of its own, where it may be killed or stand still."""
        world = self.world
        self._invocations += 1
        # Some deaths are noticed at once, of others the caller only ever hears silence.
        noticed = world.chance.random() < 0.5

        def crashed() -> None:
            if noticed:
                receive(Answer(502, "the function died"))

        def run() -> None:
            answer = self._function(event).start()(copy.deepcopy(event))
            self.given.append((event, answer))
            receive(answer)

        world.spawn(f"invocation {self._invocations}", run, after_seconds=0.001).on_death = crashed

    def _function(self, event: Event) -> Function:
        path = event["rawPath"]
        return self._functions[max((start for start in self._functions if path.startswith(start)), key=len)]
