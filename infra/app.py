"""The CDK app: `cdk synth|diff|deploy -c stage=local|dev|prod`.

Options: `-c sandbox=false`, `-c customer_key=false`, `-c alarm_email=...`, `-c member_callbacks=https://...,...`
and `-c operator_callbacks=...`; for campaigns `-c campaign_workers=8`, `-c published=grant,notice,...` and
`-c sender=club@shop.example`; and an issuer of one's own with `-c member_issuer=... -c member_audience=...`
(the same with `staff_`).
"""

from __future__ import annotations

import sys

from aws_cdk import App, CliCredentialsStackSynthesizer, IStackSynthesizer, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.acknowledgements import acknowledge_findings
from infra.bundling import Bundler, BundlingError
from infra.data_stack import DataStack
from infra.routes import Route, RouteError, read_routes
from infra.service_stack import CodeOf, ServiceStack
from infra.stages import Stage, StageError, stage_from


def add_stacks(app: App, stage: Stage, *, routes: tuple[Route, ...], code_of: CodeOf) -> tuple[DataStack, ServiceStack]:
    """The two stacks of a stage; on prod also the checks of cdk-nag, whose findings fail the synth."""
    data = DataStack(app, stage.stack_name("data"), stage=stage, synthesizer=_synthesizer(stage))
    service = ServiceStack(
        app,
        stage.stack_name("service"),
        stage=stage,
        data=data,
        routes=routes,
        code_of=code_of,
        synthesizer=_synthesizer(stage),
    )
    for stack in (data, service):
        Tags.of(stack).add("project", "laurel")
        Tags.of(stack).add("stage", stage.name)
    if stage.checked:
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        acknowledge_findings(stage, data, service)
    return data, service


def _synthesizer(stage: Stage) -> IStackSynthesizer | None:
    # The local cloud refuses the role that publishes files for CDK; the caller's own credentials do it there.
    return CliCredentialsStackSynthesizer() if stage.local else None


def main() -> None:
    """Synthesize the stage that the command line names, with real bundles."""
    app = App()
    try:
        stage = stage_from(app.node)
        add_stacks(app, stage, routes=read_routes(), code_of=Bundler.for_stage(stage).code)
    except (StageError, RouteError, BundlingError) as error:
        sys.exit(f"laurel: {error}")
    app.synth()


if __name__ == "__main__":
    main()
