"""`python -m shared.audit.enlist --table NAME`: list members of an older release for sweeps and campaigns.

Members who enrolled before there were sweeps stand in no roster, and no alarm rings for them, until their profile changes. This
adds both to every profile that lacks them, once; run it after the deploy that brings the indexes. Reads and writes with the
caller's own AWS credentials; again it changes nothing.
"""

import argparse
import os
import sys
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from shared.adapters.dynamodb.client import make_client
from shared.adapters.dynamodb.items import from_wire
from shared.adapters.dynamodb.profiles import profile_item, profile_of
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import ROSTER_PARTITION
from shared.domain.alarm import Alarm
from shared.domain.errors import LaurelError

console = Console()


def main() -> int:
    """Enlist everybody; 0 when all are, 1 when somebody changed meanwhile and it is to be run again, 2 when it cannot."""
    parser = argparse.ArgumentParser(prog="python -m shared.audit.enlist", description=__doc__.splitlines()[0])
    parser.add_argument("--table", default=os.environ.get("LAUREL_TABLE"), help="the stage's table (output TableName)")
    table = parser.parse_args().table
    if not table:
        parser.error("name the table with --table; `cdk deploy` prints it as TableName")
    try:
        enlisted, missed = enlist(Store(make_client(), table))
    except (ClientError, BotoCoreError, LaurelError) as error:
        console.print(f"[red]Cannot enlist the members of {table}:[/] {error}. Check the credentials and the region.")
        return 2
    console.print(f"{enlisted:,} members enlisted." + (f" {missed:,} changed meanwhile: run it again." if missed else ""))
    return 1 if missed else 0


def enlist(store: Store) -> tuple[int, int]:
    """How many members were enlisted, and how many were not because their profile changed meanwhile."""
    columns = (SpinnerColumn(), TextColumn("reading items"), MofNCompleteColumn(), TimeElapsedColumn())
    enlisted, missed = 0, 0
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("reading", total=None)
        for page in store.client.get_paginator("scan").paginate(TableName=store.table, ConsistentRead=True):
            progress.advance(task, page["Count"])
            for wire in page["Items"]:
                item = from_wire(wire)
                if item["sk"] != "PROFILE" or item["closed_at"] or ROSTER_PARTITION in item:
                    continue
                profile = profile_of(item)
                profile = replace(profile, alarm=Alarm().no_later([profile.enrolled_at]))
                # Nobody changed the profile since it was read.
                done = store.set(store.update(profile_item(profile), expected={"version": profile.version}))
                enlisted, missed = enlisted + done, missed + (not done)
    return enlisted, missed


if __name__ == "__main__":
    sys.exit(main())
