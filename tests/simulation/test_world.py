"""A world is the same each time, a killed task never goes on, and nobody waits for ever."""

from __future__ import annotations

import os
import random
import secrets
import threading
import time
import uuid

import pytest

from tests.simulation.virtual import virtual
from tests.simulation.world import START, Signal, World, WorldError


def counting(world: World, name: str, times: int) -> None:
    for turn in range(times):
        world.note(f"turn {turn}")
        world.pause()


def story(seed: int) -> World:
    world = World(seed)
    for name in ("a", "b", "c"):
        world.spawn(name, lambda name=name: counting(world, name, 5))
    world.run()
    world.close()
    return world


def test_the_same_seed_gives_the_same_trace() -> None:
    assert story(7).trace == story(7).trace
    assert story(7).digest() == story(7).digest()


def test_another_seed_gives_another_order_of_turns() -> None:
    orders = {tuple(line.split()[1] for line in story(seed).trace) for seed in range(10)}
    assert len(orders) > 5


def test_virtual_time_passes_in_the_order_of_waking() -> None:
    world, woken = World(0), []
    for seconds in (30, 10, 20):
        world.spawn("sleeper", lambda seconds=seconds: (world.sleep(seconds), woken.append((seconds, world.now() - START))))
    world.run()
    assert [seconds for seconds, _ in woken] == [10, 20, 30]
    assert [passed.total_seconds() for _, passed in woken] == [10, 20, 30]


def test_a_killed_task_never_goes_on_and_its_cleanup_cannot_wait() -> None:
    world, did = World(0), []

    def dies() -> None:
        try:
            world.die()
        finally:
            did.append("cleanup")
            world.sleep(1)
            did.append("waited")

    task = world.spawn("dies", dies)
    world.run()
    assert task.killed
    assert did == []
    world.close()
    assert did == ["cleanup"]
    assert task.greenlet.dead


def test_a_death_is_told_to_who_asked() -> None:
    world, told = World(0), []
    world.spawn("dies", world.die).on_death = lambda: told.append("dead")
    world.run()
    world.close()
    assert told == ["dead"]


def test_a_signal_wakes_who_waits_and_a_missing_one_times_out() -> None:
    world, came, missing = World(0), Signal(), Signal()
    results: dict[str, tuple[bool, float]] = {}

    def waiter(name: str, signal: Signal) -> None:
        results[name] = (world.wait(signal, seconds=5), (world.now() - START).total_seconds())

    world.spawn("first", lambda: waiter("came", came))
    world.spawn("second", lambda: waiter("missing", missing))
    world.spawn("giver", lambda: (world.sleep(2), world.give(came)))
    world.run()
    assert results == {"came": (True, 2.0), "missing": (False, 5.0)}


def test_a_task_that_never_ends_is_an_error_that_names_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulation.world.STEPS_MAX", 50)
    world = World(42)
    world.spawn("for ever", lambda: counting(world, "for ever", 1000))
    with pytest.raises(WorldError, match="seed 42"):
        world.run()
    world.close()


def test_what_goes_wrong_in_a_task_stops_the_run() -> None:
    world = World(0)
    world.spawn("broken", lambda: {}["missing"])
    with pytest.raises(KeyError, match="missing"):
        world.run()


def test_only_tasks_can_wait() -> None:
    with pytest.raises(WorldError, match="spawn one"):
        World(0).pause()


def test_state_of_the_process_follows_the_task_that_runs() -> None:
    """Two requests in one process: each goes on with its own."""
    world, process, seen = World(3), {"request": None}, []

    class Process:
        def save(self) -> object:
            return process["request"]

        def restore(self, saved: object) -> None:
            process["request"] = saved

    world.ambients.append(Process())

    def request(name: str) -> None:
        process["request"] = name
        for _ in range(4):
            world.pause()
            seen.append((name, process["request"]))

    for name in ("a", "b"):
        world.spawn(name, lambda name=name: request(name))
    world.run()
    assert len(seen) == 8
    assert all(name == found for name, found in seen)


def drawn(seed: int) -> tuple[object, ...]:
    world = World(seed)
    with virtual(world):
        return uuid.uuid4(), os.urandom(4), secrets.token_hex(4), random.random(), time.time(), time.monotonic()


def test_chance_and_time_of_the_machine_come_from_the_seed() -> None:
    assert drawn(1) == drawn(1)
    assert drawn(1)[:4] != drawn(2)[:4]
    assert drawn(1)[4] == START.timestamp()


def test_sleeping_costs_no_real_time() -> None:
    world = World(0)
    world.spawn("sleeper", lambda: time.sleep(86_400))
    began = time.perf_counter()
    with virtual(world):
        world.run()
    assert world.elapsed_microseconds == 86_400_000_000
    assert time.perf_counter() - began < 10


def test_other_threads_keep_real_time_and_everything_is_put_back() -> None:
    real, elsewhere = time.time(), []
    state = random.getstate()
    with virtual(World(0)):
        thread = threading.Thread(target=lambda: elsewhere.append(time.time()))
        thread.start()
        thread.join()
    assert abs(elsewhere[0] - real) < 60
    assert abs(time.time() - real) < 60
    assert random.getstate() == state
