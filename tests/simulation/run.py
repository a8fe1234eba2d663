"""Run worlds: one seed, one scenario, one verdict."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from shared.adapters.dynamodb.store import Backoff
from shared.entrypoint.settings import Settings
from shared.entrypoint.wiring import wire
from tests.engines.engine import create_table
from tests.engines.ministack import Backend
from tests.simulation.campaigns import Campaigns
from tests.simulation.containers import EXACT, Containers, Pool, wired_per_container
from tests.simulation.earn import Earn
from tests.simulation.invariants import Witness, ledger_violations
from tests.simulation.machinery import Backstage
from tests.simulation.mutations import MUTATIONS, PLANTED
from tests.simulation.network import Network
from tests.simulation.plan import Plan
from tests.simulation.redeem import Redeem
from tests.simulation.refer import Refer
from tests.simulation.rules import Rules
from tests.simulation.scenario import Scenario, Staged
from tests.simulation.sdk import Clients
from tests.simulation.service import Service
from tests.simulation.undo import Undo
from tests.simulation.virtual import virtual
from tests.simulation.world import World

TABLE = "simulated"
SCENARIOS: dict[str, Callable[[], Scenario]] = {
    "earn": Earn,
    "redeem": Redeem,
    "undo": Undo,
    "rules": Rules,
    "refer": Refer,
    "campaigns": Campaigns,
}


@dataclass(frozen=True)
class Verdict:
    """How one world ended. `digest` is its trace's hash; `happened` counts its faults by kind."""

    seed: int
    scenario: str
    violations: list[str]
    trace: list[str]
    digest: str
    calls: int
    without: str | None = None
    happened: dict[str, int] = field(default_factory=dict)

    @property
    def replay(self) -> str:
        """The line that runs this world again."""
        mutation = f" --without {self.without}" if self.without else ""
        return f"python -m tests.simulation --scenario {self.scenario}{mutation} --seed {self.seed}"


def simulate(seed: int, scenario: str = "earn", *, without: str | None = None, plan: Plan | None = None) -> Verdict:
    """Live through the world of `seed`. `without` names a mutation to plant; `plan` replaces the drawn faults."""
    world, backend, story = World(seed), Backend(), SCENARIOS[scenario]()
    plan = plan or Plan.drawn(world.chance)
    clients = Clients()
    try:
        with wired_per_container(), virtual(world), ExitStack() as around:
            if isinstance(story, Staged):
                around.enter_context(story.sized())
            if without in PLANTED:
                around.enter_context(PLANTED[without]())
            calm = clients.take(backend.send)
            create_table(calm, TABLE)
            story.prepare(world, wire(Settings(table=TABLE, stage="prod"), calm, world, Backoff()))
            witness = Witness(backend, TABLE)
            network = Network(
                world,
                backend,
                plan,
                rewrite=MUTATIONS.get(without or ""),
                after_write=witness.after_write,
                after_read=witness.after_read,
            )
            skews = story.skews if isinstance(story, Staged) else EXACT
            pool = partial(Pool, world, clients, network.send, TABLE, skews)
            deployed = {start: Containers(world, pool(), function) for start, function in story.functions.items()}
            service = Service(world, plan, deployed)
            if isinstance(story, Staged):
                around.enter_context(story.staged(Backstage(world, plan, pool(), lambda: backend.items(TABLE))))
                witness.watching = story.watching
            story.begin(world, service)
            world.run()
            items = backend.items(TABLE)
            world.close()
    finally:
        clients.give_back()
        backend.close()
    for broken in (*ledger_violations(items), *story.violations(items, service)):
        world.violate(broken)
    return Verdict(seed, scenario, world.violations, world.trace, world.digest(), network.calls, without, plan.happened)
