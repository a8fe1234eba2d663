"""What differs between the places Laurel runs: one frozen record per stage, chosen with `-c stage=...`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Protocol

from shared.adapters.dynamodb.table import ALARM_INDEX, ENTRY_KINDS, ROSTER_INDEX

# Where a client of the code flow listens for its answer when no other address is given: a native app's or
# a command line's own loopback address (RFC 8252), safe on any stage because the flow demands PKCE.
LOOPBACK_CALLBACK = "http://localhost:8400/callback"

# Came together, after the first release: a table from before gets them in two deploys.
LATER_INDEXES = (ALARM_INDEX, ROSTER_INDEX)


class StageError(ValueError):
    """The command line asks for a stage that does not or must not exist. The message says what to do."""


class Context(Protocol):
    """Reads one `-c key=value` of the command line; None when it was not given."""

    def try_get_context(self, key: str) -> object:
        """The value of `key`, as CDK's construct nodes give it."""


@dataclass(frozen=True)
class Issuer:
    """An OIDC issuer that replaces a Cognito user pool: its URL and the audience its tokens carry."""

    url: str
    audience: str


@dataclass(frozen=True)
class Stage:
    """One place to run. Immutable; `stage_from` builds it from the command line.

    `tills` are POS clients beside the first: each is a caller of its own, whose guesses at codes are counted apart.
    `throttle_rate` is requests a second and `throttle_burst` requests, over all callers of the API. Every `tick_minutes` what
    is due is done; `campaign_workers` is how many workers a run of a campaign has at once. `published` are the kinds of
    entries that become events on the bus (none named: all); `sender` is the address that mail to members comes from (without
    it nothing is mailed). `index_to_come` is left out of the table: one that is there already gets an index at a time.
    """

    name: str
    sandbox: bool
    retained: bool
    alarms: bool
    checked: bool
    traced: bool
    local: bool
    staff_mfa: bool
    customer_key: bool
    log_retention_days: int
    throttle_rate: int
    throttle_burst: int
    tick_minutes: int = 15
    campaign_workers: int = 8
    published: tuple[str, ...] = ()
    sender: str | None = None
    index_to_come: str | None = None
    alarm_email: str | None = None
    member_issuer: Issuer | None = None
    staff_issuer: Issuer | None = None
    member_callbacks: tuple[str, ...] = (LOOPBACK_CALLBACK,)
    operator_callbacks: tuple[str, ...] = (LOOPBACK_CALLBACK,)
    tills: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # A sandbox has a clock that anyone with an operator's token can move: with real points that mints
        # and expires them at will.
        if self.sandbox and self.retained:
            raise StageError(
                f"Stage {self.name!r} keeps real points and can't be a sandbox: leave out `-c sandbox=true`, "
                "or use `-c stage=dev`."
            )

    def stack_name(self, part: str) -> str:
        """The name of one of the stage's stacks: `Laurel-prod-data`."""
        return f"Laurel-{self.name}-{part}"

    def resource_name(self, part: str) -> str:
        """The name of a resource that people and logs refer to: `laurel-prod-earning`."""
        return f"laurel-{self.name}-{part}"

    @property
    def namespace(self) -> str:
        """The name of the one bus and of the one group of schedules: `laurel-prod`."""
        return f"laurel-{self.name}"


STAGES = {
    # The local cloud: MiniStack on this machine. No alarms, traces or throttling exist there to look at.
    "local": Stage(
        name="local",
        sandbox=True,
        retained=False,
        alarms=False,
        checked=False,
        traced=False,
        local=True,
        staff_mfa=False,
        customer_key=False,
        log_retention_days=1,
        throttle_rate=1_000,
        throttle_burst=2_000,
        # Who tries it out does not wait a quarter of an hour.
        tick_minutes=1,
        # Each worker is a process of this machine.
        campaign_workers=2,
        sender="club@shop.example",
    ),
    # A sandbox in an AWS account: disposable data, no standing cost.
    "dev": Stage(
        name="dev",
        sandbox=True,
        retained=False,
        alarms=False,
        checked=False,
        traced=True,
        local=False,
        staff_mfa=False,
        customer_key=False,
        log_retention_days=7,
        throttle_rate=50,
        throttle_burst=100,
    ),
    "prod": Stage(
        name="prod",
        sandbox=False,
        retained=True,
        alarms=True,
        checked=True,
        traced=True,
        local=False,
        staff_mfa=True,
        customer_key=True,
        log_retention_days=90,
        throttle_rate=500,
        throttle_burst=1_000,
    ),
}


def stage_from(context: Context) -> Stage:
    """The stage that the command line names, with its options; `dev` when it names none.

    Raises StageError on an unknown stage, a half-given issuer, or a production stage with sandbox.
    """
    name = _text(context, "stage") or "dev"
    if name not in STAGES:
        raise StageError(f"There is no stage {name!r}: use `-c stage=` with one of {', '.join(STAGES)}.")
    stage = STAGES[name]
    return replace(
        stage,
        sandbox=_switch(context, "sandbox", default=stage.sandbox),
        customer_key=_switch(context, "customer_key", default=stage.customer_key),
        alarm_email=_text(context, "alarm_email"),
        member_issuer=_issuer(context, "member"),
        staff_issuer=_issuer(context, "staff"),
        member_callbacks=_addresses(context, "member_callbacks") or stage.member_callbacks,
        operator_callbacks=_addresses(context, "operator_callbacks") or stage.operator_callbacks,
        tills=_names(context, "tills") or stage.tills,
        campaign_workers=_count(context, "campaign_workers", default=stage.campaign_workers),
        published=_kinds(context, "published") or stage.published,
        sender=_sender(context) or stage.sender,
        index_to_come=_index(context),
    )


def _text(context: Context, key: str) -> str | None:
    value = context.try_get_context(key)
    return str(value).strip() or None if value is not None else None


def _switch(context: Context, key: str, *, default: bool) -> bool:
    given = _text(context, key)
    if given is None:
        return default
    if given.lower() not in ("true", "false"):
        raise StageError(f"`-c {key}={given}` is neither true nor false: write `-c {key}=true` or leave it out.")
    return given.lower() == "true"


def _issuer(context: Context, who: str) -> Issuer | None:
    url, audience = _text(context, f"{who}_issuer"), _text(context, f"{who}_audience")
    if url and audience:
        return Issuer(url=url, audience=audience)
    if url or audience:
        raise StageError(
            f"An issuer of your own for {who} needs both `-c {who}_issuer=https://...` and "
            f"`-c {who}_audience=...`; without either, a Cognito user pool is made."
        )
    return None


def _names(context: Context, key: str) -> tuple[str, ...]:
    names = _addresses(context, key)
    for name in names:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,31}", name):
            raise StageError(f"`-c {key}={','.join(names)}`: {name!r} is no name of letters and digits, a letter first.")
    return names


def _count(context: Context, key: str, *, default: int) -> int:
    given = _text(context, key)
    if given is None:
        return default
    if not re.fullmatch(r"[1-9][0-9]{0,2}", given):
        raise StageError(f"`-c {key}={given}` is no number from 1 to 999.")
    return int(given)


def _kinds(context: Context, key: str) -> tuple[str, ...]:
    kinds = _addresses(context, key)
    for kind in kinds:
        if kind not in ENTRY_KINDS:
            raise StageError(f"`-c {key}={','.join(kinds)}`: no entry is a {kind!r}; there are {', '.join(ENTRY_KINDS)}.")
    return kinds


def _sender(context: Context) -> str | None:
    given = _text(context, "sender")
    if given is not None and not re.fullmatch(r"[^@\s*?]+@[^@\s*?]+\.[^@\s*?]+", given):
        raise StageError(f"`-c sender={given}` is no mail address: write `-c sender=club@shop.example`.")
    return given


def _index(context: Context) -> str | None:
    given = _text(context, "index_to_come")
    if given not in (None, *LATER_INDEXES):
        raise StageError(f"`-c index_to_come={given}`: the indexes that can come later are {', '.join(LATER_INDEXES)}.")
    return given


def _addresses(context: Context, key: str) -> tuple[str, ...]:
    given = _text(context, key) or ""
    return tuple(part.strip() for part in given.split(",") if part.strip())
