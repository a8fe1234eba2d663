"""The functions and what watches them, as deployed."""

import json
import sys

import pytest

from tests.infra.conftest import Synth, Synthesized

pytestmark = pytest.mark.infra

ON_PROD = {"members", "earning", "redemption", "transfers", "wallets", "rewards", "gift_cards", "program", "openapi"}
ON_PROD |= {"adjustments", "donations", "standing", "referrals"}


def test_production_has_no_test_clock(prod: Synthesized, dev: Synthesized) -> None:
    assert set(prod.functions()) == ON_PROD
    assert set(dev.functions()) == {*ON_PROD, "test_clock"}
    assert "test-clock" not in json.dumps(prod.service)


def test_functions_run_on_arm_in_python_3_13_with_bounded_time_and_memory(prod: Synthesized) -> None:
    for name, function in prod.functions().items():
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
        # Dry runs compute, and everything else waits.
        assert (function["MemorySize"], function["Timeout"]) == (1769 if name == "program" else 512, 10)


def test_local_functions_run_in_this_interpreter(local: Synthesized) -> None:
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert {one["Runtime"] for one in local.functions().values()} == {runtime}


def test_requests_are_traced_in_the_cloud_only(prod: Synthesized, dev: Synthesized, local: Synthesized) -> None:
    for stage in (prod, dev):
        assert all(one["TracingConfig"] == {"Mode": "Active"} for one in stage.functions().values())
    assert all("TracingConfig" not in one for one in local.functions().values())


@pytest.mark.parametrize(("stage", "sandbox"), [("prod", "false"), ("dev", "true"), ("local", "true")])
def test_a_functions_environment_is_these_settings_and_holds_no_secret(
    stage: str, sandbox: str, request: pytest.FixtureRequest
) -> None:
    synthesized: Synthesized = request.getfixturevalue(stage)
    for name, function in synthesized.functions().items():
        settings = dict(function["Environment"]["Variables"])
        assert "LedgerTable" in str(settings.pop("LAUREL_TABLE"))
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
    # One for each function, and the access log.
    assert len(groups) == len(synthesized.functions()) + 1


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


def test_only_this_api_invokes_a_function(prod: Synthesized) -> None:
    permissions = [one["Properties"] for one in prod.of_type("Lambda::Permission").values()]
    assert len(permissions) == len(ON_PROD)
    for permission in permissions:
        assert permission["Principal"] == "apigateway.amazonaws.com"
        assert "ApiHttp" in str(permission["SourceArn"])


def test_production_alarms_on_what_a_caller_or_the_ledger_would_notice(prod: Synthesized) -> None:
    told = {one["Properties"]["AlarmDescription"] for one in prod.of_type("CloudWatch::Alarm").values()}
    per_function = {
        text
        for name in ON_PROD
        for text in (
            f"Laurel: the {name} function crashed or ran out of time",
            f"Laurel: the {name} function met the account's limit of concurrent executions",
        )
    }
    assert told == per_function | {
        "Laurel: 5xx answers",
        "Laurel: 1 request in 100 takes over 2000 ms",
        "Laurel: DynamoDB throttled a request on the table",
        "Laurel: DynamoDB refused 100 requests of this account in 5 minutes, three times running",
    }
    assert len(prod.of_type("CloudWatch::Dashboard")) == 1


def test_an_idle_sandbox_has_nothing_that_costs_by_the_month(dev: Synthesized) -> None:
    for kind in ("CloudWatch::Alarm", "CloudWatch::Dashboard", "KMS::Key", "WAFv2::WebACL"):
        assert dev.of_type(kind) == {}
    assert all("SnapStart" not in one for one in dev.functions().values())


def test_the_outputs_are_those_that_tools_read(prod: Synthesized, dev: Synthesized, local: Synthesized) -> None:
    for stage in (prod, dev, local):
        assert set(stage.service["Outputs"]) == {
            "ApiUrl",
            "TableName",
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
