"""`python -m infra.local_cloud up | down | reset | verify`: what the make targets of these names call."""

import argparse
import json
import shutil
import subprocess
import sys
import time
from dataclasses import asdict

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from infra.local_cloud import dry_run, report, server
from infra.local_cloud.api import Caller, api_address
from infra.local_cloud.cloud import Cloud
from infra.local_cloud.demo import Replay, Replayed
from infra.local_cloud.deploy import deploy
from infra.local_cloud.errors import LocalCloudError
from infra.local_cloud.event_log import EventLog
from infra.local_cloud.friends import Friends, Story
from infra.local_cloud.machinery import Machinery
from infra.local_cloud.mailroom import Mailroom
from infra.local_cloud.occasions import DORA, EMIL, TOLD, Awaited, Guests, Occasions, Party
from infra.local_cloud.retail import RetailOrder, read_orders
from infra.local_cloud.state import REPOSITORY, LocalFolder
from infra.local_cloud.tokens import IdentityProvider
from infra.local_cloud.visit import Visit, pay_a_visit, set_up_catalog

# 25 of the 2,469 households: 2,387 orders, over 364 days.
SAMPLE = {"modulus": 100, "remainder": 7}
APP_USER = "shopper@example.com"
# The one has points that are gone three days after New Year, the other points that are gone on that day.
ENDING = ("907", "707")


def main() -> int:
    """Run one command. 0 when it did what was asked, 1 with one line on stderr when not, 130 after Ctrl-C."""
    arguments = _parse()
    console = Console(highlight=False, soft_wrap=True)
    folder = LocalFolder()
    try:
        match arguments.command:
            case "up":
                up(console, folder, port=arguments.port)
            case "down":
                down(console, folder)
            case "verify":
                return verify(folder)
            case "reset":
                down(console, folder)
                shutil.rmtree(folder.data, ignore_errors=True)
                console.print("Its data are gone: `make up` builds it anew.")
    except LocalCloudError as error:
        print(f"laurel: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("laurel: interrupted; `make up` goes on from here, `make down` stops it", file=sys.stderr)
        return 130
    return 0


def up(console: Console, folder: LocalFolder, *, port: int | None) -> None:
    """Start, deploy, run the demo, and show it; each step only as far as it is still to do."""
    with console.status("starting the local cloud"):
        cloud = Cloud(server.start(folder, port=port))
    console.print(f"Local cloud  {cloud.endpoint} (IAM enforced, log: {folder.shown(folder.server_log)})")
    started = time.monotonic()
    with console.status("comparing the sources with what is deployed") as status:
        outputs, deployed = deploy(folder, cloud, progress=status.update)
    seconds = time.monotonic() - started
    console.print(
        f"Deployed     both stacks by cdk deploy in {seconds:.0f} s (log: {folder.shown(folder.deploy_log)})"
        if deployed
        else "Deployed     already, and no source has changed since"
    )
    address, identities = api_address(cloud, outputs), IdentityProvider(cloud, outputs)
    with console.status("signing in"):
        tokens = report.Tokens(
            member=identities.member_token(APP_USER),
            pos=identities.pos_token(),
            operator=identities.operator_token(),
        )
    pos, operator = Caller.at(address, tokens.pos), Caller.at(address, tokens.operator)
    replay = Replay(pos, operator)
    households = _demo(console, cloud, outputs, replay, identities)
    visit = _visit(console, cloud, outputs, pos, operator, households)
    friends = _friends(cloud, outputs, pos, operator)
    question = dry_run.question(households)
    with console.status("asking what another program would have done"):
        answer = dry_run.asked(operator, question)
    occasions = _occasions(console, folder, cloud, outputs, replay, households)
    member_id = households[0].member_id
    history = pos.expect("GET", f"/v1/members/{member_id}/entries?limit=1")
    now = operator.expect("GET", "/v1/test-clock")["now"]
    report.write_walk(
        folder, address, member_id=member_id, now=now, visit=visit, friends=friends, occasions=occasions, question=question
    )
    lines = report.curl_lines(
        address,
        report.write_headers(folder, tokens),
        member_id=member_id,
        now=now,
        entry_id=history["entries"][0]["entry_id"],
        visit=visit,
        friends=friends,
        occasions=occasions,
    )
    tables = [
        report.balances(pos, households),
        report.visited(visit),
        report.brought(friends),
        report.came(occasions),
        report.simulated(answer),
    ]
    report.show(console, address, tokens, lines, tables)


def verify(folder: LocalFolder) -> int:
    """Prove the ledger of the running cloud, as its owner would on AWS; 0 when every promise holds."""
    settings = folder.read_settings()
    outputs = Cloud(settings).outputs() if settings and server.is_running(folder) else None
    if settings is None or outputs is None:
        raise LocalCloudError("the local cloud is not running: run `make up` first")
    command = [sys.executable, "-m", "shared.audit", "--table", outputs["TableName"]]
    return subprocess.run(command, cwd=REPOSITORY, env=Cloud(settings).environment(), check=False).returncode


def down(console: Console, folder: LocalFolder) -> None:
    """Stop the server that `up` started, and nothing else."""
    with console.status("stopping the local cloud, which saves what it holds"):
        stopped = server.stop(folder)
    console.print("The local cloud is stopped." if stopped else "The local cloud is not running.")


def _demo(
    console: Console, cloud: Cloud, outputs: dict[str, str], replay: Replay, identities: IdentityProvider
) -> list[Replayed]:
    """Replay the sample, or recall that it was; a table that was replaced starts afresh."""
    note = f"demo/{outputs['TableName']}"
    known = cloud.recall(note)
    if known is not None:
        households = [Replayed(**household) for household in json.loads(known)]
        console.print(f"Replayed     already: {sum(one.orders for one in households):,} orders")
        return households
    with console.status("reading the purchases"):
        orders = list(read_orders(**SAMPLE))
    replay.app_user = (min((order.household for order in orders), key=int), identities.member(APP_USER))
    started = time.monotonic()
    with _progress(console) as progress:
        task = progress.add_task("replaying", total=len(orders), day="")

        def advance(order: RetailOrder) -> None:
            progress.update(task, advance=1, day=order.local_day.isoformat())

        replay.on_order = advance
        replay.meanwhile = sorted([*Guests(replay.pos).steps, *Story(replay.pos).steps], key=lambda step: step[0])
        with Machinery(cloud).resting(f"purchase:{orders[-1].order_id}"):
            replay.set_up_program()
            households = replay.run(orders)
    seconds = time.monotonic() - started
    console.print(
        f"Replayed     {len(orders):,} orders of {len(households)} households through the API "
        f"in {seconds:.0f} s ({len(orders) / seconds:.0f} a second)"
    )
    cloud.remember(note, json.dumps([asdict(household) for household in households]))
    return households


def _visit(
    console: Console, cloud: Cloud, outputs: dict[str, str], pos: Caller, operator: Caller, households: list[Replayed]
) -> Visit:
    """Let the customer with the most orders redeem at a till, or recall that they did."""
    note = f"visit/{outputs['TableName']}"
    known = cloud.recall(note)
    if known is not None:
        return Visit.parse(known)
    with console.status("redeeming at a till"):
        set_up_catalog(operator)
        # The first one is the walk's: nobody spends their points for them.
        regular = max(households[1:], key=lambda one: one.orders)
        visit = pay_a_visit(pos, customer=regular.household, member_id=regular.member_id)
    cloud.remember(note, json.dumps(asdict(visit)))
    return visit


def _friends(cloud: Cloud, outputs: dict[str, str], pos: Caller, operator: Caller) -> Friends:
    """What became of the friends who were brought during the replay; in a cloud of before there were any, nobody was."""
    note = f"friends/{outputs['TableName']}"
    known = cloud.recall(note)
    if known is not None:
        return Friends.parse(known)
    if "referral" not in operator.expect("GET", "/v1/program")["program"]:
        raise LocalCloudError("this local cloud holds an older demo: run `make reset`, then `make up`")
    friends = Story(pos).told()
    cloud.remember(note, json.dumps(asdict(friends)))
    return friends


def _occasions(
    console: Console, folder: LocalFolder, cloud: Cloud, outputs: dict[str, str], replay: Replay, households: list[Replayed]
) -> Occasions:
    """Start the campaigns and let the schedule find whom they are for, or recall that it did."""
    note = f"occasions/{outputs['TableName']}"
    known = cloud.recall(note)
    if known is not None:
        return Occasions.parse(known)
    if "campaigns" not in replay.operator.expect("GET", "/v1/program")["program"]:
        raise LocalCloudError("this local cloud holds an older demo: run `make reset`, then `make up`")
    started = time.monotonic()
    log = EventLog(cloud, outputs["BusName"], "laurel-local-demo")
    party = Party(replay.operator, log, Mailroom(cloud), replay.move_clock)
    with console.status("starting campaigns, and waiting for what the schedule brings"):
        party.begin()
        guests = Guests(replay.pos).named()
        occasions = party.celebrate(_awaited(guests, households), guests)
    report.write_events(folder, log.events)
    console.print(
        f"Campaigns    2 started, the clock moved to New Year: {occasions.events} events on the bus "
        f"in {time.monotonic() - started:.0f} s ({folder.shown(folder.events)})"
    )
    cloud.remember(note, json.dumps(asdict(occasions)))
    return occasions


def _awaited(guests: dict[str, str], households: list[Replayed]) -> list[Awaited]:
    """Who is shown with what: the guests, and two customers whose points of January come to their end."""
    there = guests | {one.member_id: one.household for one in households}
    members = {who: member for member, who in there.items()}
    return [Awaited(kind, members[who], who) for kind, who in zip(TOLD, (DORA, EMIL, *ENDING), strict=True)]


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("orders  {task.fields[day]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local_cloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up", help="start, deploy and fill the local cloud; again changes nothing")
    start.add_argument("--port", type=int, help="insist on this port; else 4566 or a free one")
    commands.add_parser("down", help="stop the local cloud and keep what it holds")
    commands.add_parser("verify", help="prove the ledger of the running cloud")
    commands.add_parser("reset", help="stop the local cloud and throw away what it holds")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
