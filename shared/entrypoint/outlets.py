"""What reaches out of the table: each outlet made when it is first needed, once per container."""

from functools import cache

from shared.adapters.aws import CONFIG, PATIENT, client_of
from shared.adapters.bus import EventBridgeBus
from shared.adapters.clock import SystemClock
from shared.adapters.dynamodb.stream import TableStream, change_in
from shared.adapters.machine import StepFunctionsMachine
from shared.adapters.mail import CONFIG as MAIL_CONFIG
from shared.adapters.mail import SesMail
from shared.adapters.parked import ParkedQueue
from shared.adapters.schedules import EventBridgeSchedules
from shared.entrypoint.settings import Settings
from shared.ports import Bus, Clock, Machine, Mail, Parked, Schedules, Stream

__all__ = ["bus", "change_in", "machine", "mail", "named", "parked", "real_clock", "schedules", "stream"]


@cache
def bus() -> Bus:
    """The stage's event bus."""
    return EventBridgeBus(client_of("events", PATIENT), named("bus"))


@cache
def machine() -> Machine:
    """What runs campaigns."""
    return StepFunctionsMachine(client_of("stepfunctions", PATIENT), named("machine"))


@cache
def schedules() -> Schedules:
    """Calls of functions at times to come."""
    group, role, failed = named("schedules"), named("schedule_role"), named("schedule_dlq")
    return EventBridgeSchedules(client_of("scheduler", PATIENT), group, role, failed, real_clock())


@cache
def mail() -> Mail:
    """E-mail from the stage's sender; a stage without one mails nothing (`Settings.sender` is None)."""
    return SesMail(client_of("sesv2", MAIL_CONFIG), named("sender"))


@cache
def parked() -> Parked:
    """Where records wait that could not be processed."""
    return ParkedQueue(client_of("sqs", CONFIG), named("parked"))


@cache
def stream() -> Stream:
    """The table's stream, for what is to be read once more."""
    return TableStream(client_of("dynamodbstreams", PATIENT))


def real_clock() -> Clock:
    """Real time, by which schedules come on every stage."""
    return SystemClock()


def named(field: str) -> str:
    """What the stack tells this function. Raises RuntimeError where it does not: the function was deployed without it."""
    found = getattr(Settings.from_environment(), field)
    if not found:
        raise RuntimeError(f"LAUREL_{field.upper()} is not set")
    return str(found)
