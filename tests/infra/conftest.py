"""Each stage is synthesized once a session, with a stand-in for the bundles: templates don't look inside."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk import aws_lambda as lambda_

from infra.app import add_stacks
from infra.routes import read_routes
from infra.stages import stage_from

Resource = dict[str, Any]


@dataclass(frozen=True)
class Synthesized:
    """The two templates of a stage as CloudFormation gets them, and what cdk-nag said (None: not asked)."""

    data: dict[str, Any]
    service: dict[str, Any]
    report: dict[str, Any] | None

    def of_type(self, kind: str) -> dict[str, Resource]:
        """The resources of both stacks of one type, `DynamoDB::Table`, by logical id."""
        every = {**self.data["Resources"], **self.service["Resources"]}
        return {key: resource for key, resource in every.items() if resource["Type"] == f"AWS::{kind}"}

    def only(self, kind: str) -> Resource:
        """The one resource of its type."""
        (resource,) = self.of_type(kind).values()
        return resource

    def functions(self) -> dict[str, dict[str, Any]]:
        """The properties of each Lambda function, by the name of its folder."""
        found = (resource["Properties"] for resource in self.of_type("Lambda::Function").values())
        return {one["Handler"].split(".")[1]: one for one in found}

    def role(self, function: str) -> dict[str, list[Resource]]:
        """The statements of a function's role, by policy."""
        logical_id = self.functions()[function]["Role"]["Fn::GetAtt"][0]
        role = self.service["Resources"][logical_id]["Properties"]
        assert "ManagedPolicyArns" not in role
        return {one["PolicyName"]: one["PolicyDocument"]["Statement"] for one in role["Policies"]}


Synth = Callable[..., Synthesized]


@pytest.fixture(scope="session")
def synth(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    """`synth("prod", customer_key="false")`: what `cdk synth -c stage=prod -c customer_key=false` makes."""

    @cache
    def synthesize(stage: str, **options: str) -> Synthesized:
        out = tmp_path_factory.mktemp("cdk.out")
        app = App(outdir=str(out), context={**_context_of_cdk_json(), "stage": stage, **options})
        chosen = stage_from(app.node)
        stand_in = lambda_.Code.from_inline("# a stand-in")
        add_stacks(app, chosen, routes=read_routes(), code_of=lambda name: stand_in)
        app.synth()
        report = out / "validation-report.json"
        return Synthesized(
            data=json.loads((out / f"{chosen.stack_name('data')}.template.json").read_text()),
            service=json.loads((out / f"{chosen.stack_name('service')}.template.json").read_text()),
            report=json.loads(report.read_text()) if chosen.checked else None,
        )

    return synthesize


def _context_of_cdk_json() -> Mapping[str, Any]:
    content = json.loads((Path(__file__).parents[2] / "cdk.json").read_text())
    return dict(content["context"])


@pytest.fixture(scope="session")
def prod(synth: Synth) -> Synthesized:
    return synth("prod")


@pytest.fixture(scope="session")
def dev(synth: Synth) -> Synthesized:
    return synth("dev")


@pytest.fixture(scope="session")
def local(synth: Synth) -> Synthesized:
    return synth("local")
