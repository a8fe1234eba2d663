"""The functions and what watches them, as deployed."""

import json
import sys
from typing import Any

import pytest

from infra.routes import read_routes
from infra.service_stack import routes_of
from infra.stages import STAGES
from tests.infra.conftest import Synth, Synthesized

pytestmark = pytest.mark.infra

ON_PROD = {"members", "earning", "redemption", "transfers", "wallets", "rewards", "gift_cards", "program", "openapi"}
ON_PROD |= {"adjustments", "donations", "standing", "referrals", "campaigns"}
# Called by the clock, the bus, the stream or the state machine.
WITHOUT_ROUTES = {"bonuses", "events", "messages"}
ON_PROD |= WITHOUT_ROUTES
A_CORE = {"program", "bonuses"}
SECONDS = {"bonuses": 300, "events": 60, "messages": 60}
# What a campaign may take of the account's concurrency, so that the API keeps the rest.
LIMITED = {"bonuses": 10, "messages": 8}


def test_production_has_no_test_clock(prod: Synthesized, dev: Synthesized) -> None:
    assert set(prod.functions()) == ON_PROD
    assert set(dev.functions()) == {*ON_PROD, "test_clock"}
    assert "test-clock" not in json.dumps(prod.service)


def test_functions_run_on_arm_in_python_3_13_with_bounded_time_and_memory(prod: Synthesized) -> None:
    for name, function in prod.functions().items():
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
        # Dry runs and campaigns compute, and everything else waits.
        assert function["MemorySize"] == (1769 if name in A_CORE else 512)
        assert function["Timeout"] == SECONDS.get(name, 10)


def test_a_campaign_leaves_the_api_its_share_of_the_account(prod: Synthesized, dev: Synthesized, synth: Synth) -> None:
    def limits(stage: Synthesized) -> dict[str, int]:
        found = {name: one.get("ReservedConcurrentExecutions") for name, one in stage.functions().items()}
        return {name: limit for name, limit in found.items() if limit is not None}

    assert limits(prod) == LIMITED
    # Two places of the worker's are for ticks and schedules.
    assert limits(synth("prod", campaign_workers="40")) == {"bonuses": 42, "messages": 40}
    # A new account has so few that none can be set apart.
    assert limits(dev) == {}


def test_calls_that_nobody_waits_for_end_in_a_queue_when_they_fail(prod: Synthesized) -> None:
    kept = {name for name, one in prod.functions().items() if "DeadLetterConfig" in one}
    assert kept == {"bonuses", "messages"}
    for name in kept:
        assert "Failed" in str(prod.functions()[name]["DeadLetterConfig"])
    ages = {one["Properties"]["MaximumEventAgeInSeconds"] for one in prod.of_type("Lambda::EventInvokeConfig").values()}
    assert ages == {3_600, 21_600}
    assert {one["Properties"]["MaximumRetryAttempts"] for one in prod.of_type("Lambda::EventInvokeConfig").values()} == {2}


def test_local_functions_run_in_this_interpreter(local: Synthesized) -> None:
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert {one["Runtime"] for one in local.functions().values()} == {runtime}


def test_requests_are_traced_in_the_cloud_only(prod: Synthesized, dev: Synthesized, local: Synthesized) -> None:
    for stage in (prod, dev):
        assert all(one["TracingConfig"] == {"Mode": "Active"} for one in stage.functions().values())
    assert all("TracingConfig" not in one for one in local.functions().values())


SCHEDULED = {"LAUREL_SCHEDULES", "LAUREL_SCHEDULE_ROLE", "LAUREL_SCHEDULE_DLQ"}
SETTINGS_BESIDE = {
    "campaigns": {"LAUREL_BUS", "LAUREL_MACHINE", "LAUREL_BONUSES", *SCHEDULED},
    "bonuses": {"LAUREL_MACHINE"},
    "events": {"LAUREL_BUS", "LAUREL_PARKED"},
    "messages": {"LAUREL_MESSAGES", *SCHEDULED},
    "test_clock": {"LAUREL_BUS"},
}
# Each names one thing of this stage.
OUTLETS = {
    "LAUREL_BUS": "OutletsBus",
    "LAUREL_MACHINE": "OutletsCampaignsMachine",
    "LAUREL_SCHEDULES": "laurel-{stage}",
    "LAUREL_SCHEDULE_ROLE": "OutletsScheduleRole",
    "LAUREL_SCHEDULE_DLQ": "OutletsQueuesFailed",
    "LAUREL_BONUSES": "function:laurel-{stage}-bonuses",
    "LAUREL_MESSAGES": "function:laurel-{stage}-messages",
    "LAUREL_PARKED": "OutletsQueuesParked",
    "LAUREL_SENDER": "club@shop.example",
}


def test_mail_comes_from_the_address_that_was_given_and_from_none_without(
    prod: Synthesized, local: Synthesized, synth: Synth
) -> None:
    def sender(stage: Synthesized) -> str | None:
        address: str | None = stage.functions()["messages"]["Environment"]["Variables"].get("LAUREL_SENDER")
        return address

    assert sender(prod) is None
    assert sender(synth("prod", sender="hello@shop.example")) == "hello@shop.example"
    assert sender(local) == "club@shop.example"
    others = [one["Environment"]["Variables"] for name, one in local.functions().items() if name != "messages"]
    assert all("LAUREL_SENDER" not in settings for settings in others)


@pytest.mark.parametrize(("stage", "sandbox"), [("prod", "false"), ("dev", "true"), ("local", "true")])
def test_a_functions_environment_is_these_settings_and_holds_no_secret(
    stage: str, sandbox: str, request: pytest.FixtureRequest
) -> None:
    synthesized: Synthesized = request.getfixturevalue(stage)
    for name, function in synthesized.functions().items():
        settings = dict(function["Environment"]["Variables"])
        assert "LedgerTable" in str(settings.pop("LAUREL_TABLE"))
        beside = {key: str(settings.pop(key)) for key in list(settings) if key in OUTLETS}
        assert set(beside) - {"LAUREL_SENDER"} == SETTINGS_BESIDE.get(name, set())
        assert all(OUTLETS[key].format(stage=stage) in text for key, text in beside.items())
        assert settings == {
            "LAUREL_STAGE": stage,
            "LAUREL_SANDBOX": sandbox,
            "POWERTOOLS_SERVICE_NAME": name,
            "POWERTOOLS_METRICS_NAMESPACE": "Laurel",
            "POWERTOOLS_LOG_LEVEL": "INFO",
            "PYDANTIC_DISABLE_PLUGINS": "__all__",
        }


@pytest.mark.parametrize(("stage", "days"), [("prod", 90), ("dev", 7), ("local", 1)])
def test_every_log_is_forgotten_in_time(stage: str, days: int, request: pytest.FixtureRequest) -> None:
    synthesized: Synthesized = request.getfixturevalue(stage)
    groups = synthesized.of_type("Logs::LogGroup").values()
    assert {one["Properties"]["RetentionInDays"] for one in groups} == {days}
    # One for each function, the access log, and the log of campaigns' runs.
    assert len(groups) == len(synthesized.functions()) + 2


def test_the_access_log_tells_who_called_what_and_no_phone_number(prod: Synthesized) -> None:
    settings = prod.only("ApiGatewayV2::Stage")["Properties"]["AccessLogSettings"]
    fields = json.loads(settings["Format"])
    assert {"request_id", "route", "status", "latency_ms", "subject", "client"} <= set(fields)
    for leaky in ("$context.path", "querystring", "$context.requestOverride"):
        assert leaky not in settings["Format"]


@pytest.mark.parametrize(("stage", "rate", "burst"), [("prod", 500, 1000), ("dev", 50, 100)])
def test_the_gateway_throttles(stage: str, rate: int, burst: int, request: pytest.FixtureRequest) -> None:
    synthesized: Synthesized = request.getfixturevalue(stage)
    limits = synthesized.only("ApiGatewayV2::Stage")["Properties"]["DefaultRouteSettings"]
    assert (limits["ThrottlingRateLimit"], limits["ThrottlingBurstLimit"]) == (rate, burst)


def test_only_this_api_and_the_rules_invoke_a_function(prod: Synthesized) -> None:
    permissions = [one["Properties"] for one in prod.of_type("Lambda::Permission").values()]
    callers = {"apigateway.amazonaws.com": "ApiHttp", "events.amazonaws.com": "Triggers"}
    for permission in permissions:
        assert callers[permission["Principal"]] in str(permission["SourceArn"])
    by_api = [str(one["FunctionName"]) for one in permissions if one["Principal"] == "apigateway.amazonaws.com"]
    assert len(by_api) == len(set(by_api)) == len({route.function for route in routes_of(STAGES["prod"], read_routes())})
    assert not any(name in called for name in WITHOUT_ROUTES for called in by_api)
    by_rules = [str(one["FunctionName"]) for one in permissions if one["Principal"] == "events.amazonaws.com"]
    assert len(by_rules) == 2
    assert all("bonuses" in name for name in by_rules)


def test_production_alarms_on_what_a_caller_or_the_ledger_would_notice(prod: Synthesized) -> None:
    told = {one["Properties"]["AlarmDescription"] for one in prod.of_type("CloudWatch::Alarm").values()}
    per_function = {
        text
        for name in ON_PROD
        for text in (
            f"Laurel: the {name} function crashed or ran out of time",
            # One with a limit of its own meets that in every campaign.
            *([] if name in LIMITED else [f"Laurel: the {name} function met the account's limit of concurrent executions"]),
        )
    }
    assert told == per_function | {
        "Laurel: 5xx answers",
        "Laurel: 1 request in 100 takes over 2000 ms",
        "Laurel: DynamoDB throttled a request on the table",
        "Laurel: DynamoDB refused 100 requests of this account in 5 minutes, three times running",
        "Laurel: no tick came through for 45 minutes: nothing that is due is done",
        "Laurel: a run of a campaign failed, was stopped or took over a day",
        "Laurel: a run of a campaign has not ended in time",
        "Laurel: a campaign or a sweep passed a member over, because it failed for them",
        "Laurel: a campaign's budget is spent",
        "Laurel: entries wait over 15 minutes to become events",
        "Laurel: an entry was changed or deleted: nothing may",
        "Laurel: a call that nobody waits for failed in the end",
        "Laurel: a record of the stream could not be read or told, and was put aside",
        "Laurel: a record that was sent again waits for over an hour",
        "Laurel: a mail could not be sent",
        "Laurel: a mail may or may not have been sent, and is not sent again",
    }
    assert len(prod.of_type("CloudWatch::Dashboard")) == 1


def measurements(alarm: dict[str, Any]) -> int:
    """How many metrics an alarm looks at: each is billed, and ten are the most."""
    return sum("MetricStat" in one for one in alarm["Metrics"]) if "Metrics" in alarm else 1


def test_the_alarms_are_as_many_as_the_books_say(prod: Synthesized) -> None:
    counts = [measurements(one["Properties"]) for one in prod.of_type("CloudWatch::Alarm").values()]
    assert max(counts) == 10
    # See the table of costs in docs/operations.md.
    assert sum(counts) == 59


def test_the_tick_rings_when_it_is_silent_and_nothing_else_does(prod: Synthesized) -> None:
    alarms = [one["Properties"] for one in prod.of_type("CloudWatch::Alarm").values()]
    [tick] = [one for one in alarms if one["TreatMissingData"] == "breaching"]
    assert (tick["Namespace"], tick["MetricName"]) == ("Laurel", "Ticks")
    assert tick["Dimensions"] == [{"Name": "stage", "Value": "prod"}]
    assert tick["Period"] * tick["EvaluationPeriods"] == 45 * 60
    assert (tick["ComparisonOperator"], tick["Threshold"]) == ("LessThanThreshold", 1)


def test_what_functions_count_rings_at_the_first_count_on_this_stage(prod: Synthesized) -> None:
    counted = {
        one["Properties"]["MetricName"]: one["Properties"]
        for one in prod.of_type("CloudWatch::Alarm").values()
        if one["Properties"].get("Namespace") == "Laurel"
    }
    campaigns, messages = {"Ticks", "RunsLate", "MembersFailed", "CampaignBudgetSpent"}, {"MessageUnsure", "MessageFailed"}
    assert set(counted) == {*campaigns, *messages, "EntryModified"}
    for name in set(counted) - {"Ticks"}:
        alarm = counted[name]
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)
        assert alarm["Dimensions"] == [{"Name": "stage", "Value": "prod"}]


def test_an_idle_sandbox_has_nothing_that_costs_by_the_month(dev: Synthesized) -> None:
    for kind in ("CloudWatch::Alarm", "CloudWatch::Dashboard", "KMS::Key", "WAFv2::WebACL"):
        assert dev.of_type(kind) == {}
    assert all("SnapStart" not in one for one in dev.functions().values())


def test_the_outputs_are_those_that_tools_read(prod: Synthesized, dev: Synthesized, local: Synthesized) -> None:
    for stage in (prod, dev, local):
        assert set(stage.service["Outputs"]) == {
            "ApiUrl",
            "TableName",
            "BusName",
            "ListsBucket",
            "MemberPoolId",
            "MemberClientId",
            "StaffPoolId",
            "OperatorClientId",
            "PosClientId",
        }


def test_alarms_mail_to_the_address_given(synth: Synth, prod: Synthesized) -> None:
    stage = synth("prod", alarm_email="owner@shop.example")
    subscription = stage.only("SNS::Subscription")["Properties"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "owner@shop.example")
    for alarm in stage.of_type("CloudWatch::Alarm").values():
        assert alarm["Properties"]["AlarmActions"] == [subscription["TopicArn"]]
    assert prod.of_type("SNS::Topic") == {}
