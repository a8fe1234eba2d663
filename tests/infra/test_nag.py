"""cdk-nag: clean on production, and not by being deaf."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from infra.app import add_stacks
from infra.routes import read_routes
from infra.stages import STAGES
from tests.infra.conftest import Synth, Synthesized

pytestmark = pytest.mark.infra


def verdict(report: dict[str, Any] | None) -> tuple[str, set[str]]:
    """The conclusion of the checks, and the rules they found broken."""
    assert report is not None
    (plugin,) = report["pluginReports"]
    assert plugin["pluginName"] == "AwsSolutions"
    return plugin["conclusion"], {violation["ruleName"] for violation in plugin["violations"]}


def test_production_has_no_finding_without_a_reason(prod: Synthesized) -> None:
    assert verdict(prod.report) == ("success", set())


@pytest.mark.parametrize(
    "options",
    [
        {"customer_key": "false"},
        {"alarm_email": "owner@shop.example"},
        {"sender": "club@shop.example", "published": "grant,notice", "campaign_workers": "50"},
        {"member_issuer": "https://members.example", "member_audience": "app"},
    ],
)
def test_no_option_brings_a_finding(synth: Synth, options: dict[str, str]) -> None:
    assert verdict(synth("prod", **options).report) == ("success", set())


def test_a_finding_elsewhere_still_fails(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    stand_in = lambda_.Code.from_inline("# a stand-in")
    _, service = add_stacks(app, STAGES["prod"], routes=read_routes(), code_of=lambda name: stand_in)
    # A queue that takes plain HTTP and has nowhere to put what fails.
    sqs.Queue(service, "Careless")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    conclusion, rules = verdict(json.loads((tmp_path / "validation-report.json").read_text()))
    assert conclusion == "failure"
    assert rules == {"AwsSolutions-SQS3", "AwsSolutions-SQS4"}
