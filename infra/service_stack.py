"""The stateless stack: the API, its functions, what calls them and what watches them. It can be deleted and deployed again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from aws_cdk import CfnOutput, IStackSynthesizer, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.api import LaurelApi
from infra.constructs.function import LaurelFunction
from infra.constructs.monitoring import Alarms, Overview, Watched
from infra.constructs.outlets import Outlets
from infra.constructs.powers import Powers
from infra.constructs.triggers import Triggers
from infra.data_stack import DataStack
from infra.permissions import functions_of
from infra.routes import Route, RouteError
from infra.stages import Stage

# The code of a function, by its name: a bundle, or a stand-in where a test looks at the template only.
CodeOf = Callable[[str], lambda_.Code]

LOCAL_CLOUD = "http://127.0.0.1:4566"


class ServiceStack(Stack):
    """One function per folder of `functions/`, one route per operation of the OpenAPI document."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        data: DataStack,
        routes: Iterable[Route],
        code_of: CodeOf,
        synthesizer: IStackSynthesizer | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=stage.stack_name("service"),
            description=f"Laurel {stage.name}: the API and its functions",
            synthesizer=synthesizer,
        )
        stream = data.ledger.table.table_stream_arn
        if stream is None:
            raise RuntimeError("the table has no stream")
        self.outlets = Outlets(self, "Outlets", stage=stage, lists=data.lists.bucket)
        powers = Powers(stage, self.outlets, stream)
        self.functions = {
            name: LaurelFunction(self, name, name=name, stage=stage, ledger=data.ledger, powers=powers, code=code_of(name))
            for name in functions_of(sandbox=stage.sandbox)
        }
        Triggers(self, "Triggers", stage=stage, outlets=self.outlets, functions=self.functions, stream=stream)
        self.api = LaurelApi(
            self,
            "Api",
            stage=stage,
            routes=routes_of(stage, routes),
            functions=self.functions,
            authorities=data.authorities,
        )
        if stage.alarms:
            watched = Watched(self.api.api, tuple(self.functions.values()), data.ledger.table, self.outlets)
            Alarms(self, "Alarms", stage=stage, watched=watched)
            Overview(self, "Overview", stage=stage, watched=watched)
        self._outputs(stage, data)

    def _outputs(self, stage: Stage, data: DataStack) -> None:
        values = {
            "ApiUrl": self._api_url(stage),
            "TableName": data.ledger.table.table_name,
            "BusName": self.outlets.bus.event_bus_name,
            "ListsBucket": data.lists.bucket.bucket_name,
        }
        if data.members:
            values["MemberPoolId"] = data.members.pool.user_pool_id
            values["MemberClientId"] = data.members.client.user_pool_client_id
        if data.staff:
            values["StaffPoolId"] = data.staff.pool.user_pool_id
            values["OperatorClientId"] = data.staff.operator_client.user_pool_client_id
            values["PosClientId"] = data.staff.pos_client.user_pool_client_id
            for name, client in data.staff.tills.items():
                values[f"PosClientId{name.capitalize()}"] = client.user_pool_client_id
        for key, value in values.items():
            CfnOutput(self, key, value=value)

    def _api_url(self, stage: Stage) -> str:
        """Without a trailing slash: `{ApiUrl}/v1/purchases`."""
        if not stage.local:
            return self.api.api.api_endpoint
        # Python resolves no name under localhost, so the local cloud is called by path. Its port is where
        # this very deploy goes.
        cloud = os.environ.get("AWS_ENDPOINT_URL", LOCAL_CLOUD).rstrip("/")
        return f"{cloud}/_aws/execute-api/{self.api.api.api_id}/$default"


def routes_of(stage: Stage, routes: Iterable[Route]) -> tuple[Route, ...]:
    """The routes that the stage has: those of functions it lacks are left out.

    Raises RouteError on a route of a function that no stage has, because its role is written nowhere.
    """
    everywhere, here = functions_of(sandbox=True), functions_of(sandbox=stage.sandbox)
    for route in routes:
        if route.function not in everywhere:
            raise RouteError(
                f"{route.method} {route.path} belongs to {route.function!r}, which has no row in "
                "infra/permissions.py: add one that says what it may do."
            )
    return tuple(route for route in routes if route.function in here)
