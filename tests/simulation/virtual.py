"""Virtual time and seeded chance for code that asks its machine: `time`, `uuid`, `os.urandom`, `random`.

Only what is looked up in those modules at the call is caught. What bound a function earlier, as a default argument or
by `from time import sleep`, keeps the real one: hand it the world's instead where it is made (see `containers.py`).
"""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import ulid

from tests.simulation.world import START, World


@contextmanager
def virtual(world: World) -> Iterator[None]:
    """Give this thread the world's time and chance until the end; other threads keep the real ones."""
    thread = threading.get_ident()
    identities = random.Random(f"identities of {world.seed}")
    epoch = int(START.timestamp())

    def nanoseconds() -> int:
        return epoch * 10**9 + world.elapsed_microseconds * 1000

    def seconds() -> float:
        return nanoseconds() / 1e9

    # random keeps its own name for os.urandom, for SystemRandom and so for `secrets`.
    replaced: list[tuple[Any, str, Callable[..., Any]]] = [
        (time, "time", seconds),
        (time, "time_ns", nanoseconds),
        (time, "monotonic", seconds),
        (time, "monotonic_ns", nanoseconds),
        (time, "perf_counter", seconds),
        (time, "perf_counter_ns", nanoseconds),
        (time, "sleep", world.sleep),
        (uuid, "uuid4", lambda: uuid.UUID(int=identities.getrandbits(128), version=4)),
        (os, "urandom", identities.randbytes),
        (random, "_urandom", identities.randbytes),
    ]
    state = random.getstate()
    random.seed(world.seed)
    with ExitStack() as patches:
        # It remembers its last millisecond, which another world may have had too.
        patches.enter_context(patch.object(ulid, "default_generator", ulid.ULIDGenerator()))
        for module, name, replacement in replaced:
            real = getattr(module, name)
            patches.enter_context(patch.object(module, name, _in_thread(thread, replacement, real)))
        try:
            yield
        finally:
            random.setstate(state)


def _in_thread(thread: int, replacement: Callable[..., Any], real: Callable[..., Any]) -> Callable[..., Any]:
    def chosen(*arguments: Any) -> Any:
        return (replacement if threading.get_ident() == thread else real)(*arguments)

    return chosen
