"""The HTTP API: one route per operation of the OpenAPI document, each behind a scope."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import cast

from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.function import LaurelFunction
from infra.constructs.identity import Authority
from infra.constructs.log_group import log_group
from infra.routes import Route
from infra.stages import Stage

# One line of JSON per request, also for those the gateway refuses. It names the route and not the path, and
# not the query: both can hold a phone number or an e-mail address.
ACCESS_LOG = {
    "request_id": "$context.requestId",
    "time": "$context.requestTime",
    "source_ip": "$context.identity.sourceIp",
    "route": "$context.routeKey",
    "status": "$context.status",
    "response_bytes": "$context.responseLength",
    "latency_ms": "$context.responseLatency",
    "integration_latency_ms": "$context.integrationLatency",
    "integration_error": "$context.integrationErrorMessage",
    "gateway_error": "$context.error.message",
    "authorizer_error": "$context.authorizer.error",
    "subject": "$context.authorizer.claims.sub",
    "client": "$context.authorizer.claims.client_id",
}


class LaurelApi(Construct):
    """Every route asks for a token with one of its scopes before any function runs.

    No WAF stands before it: an HTTP API takes none, and the way around (a CloudFront distribution with a web
    ACL in us-east-1, and something that keeps callers from going past it) costs upwards of 6 dollars a month
    idle. What a WAF would stop is met otherwise: a token on every route, throttling here, counters in the
    table where codes can be guessed. The README says when to choose differently, and how.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        routes: Iterable[Route],
        functions: Mapping[str, LaurelFunction],
        authorities: Mapping[str, Authority],
    ) -> None:
        super().__init__(scope, construct_id)
        self.api = apigateway.HttpApi(
            self,
            "Http",
            api_name=stage.resource_name("api"),
            description=f"Laurel {stage.name}",
            create_default_stage=False,
        )
        self.access_log = log_group(self, "AccessLog", stage=stage)
        self.stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            auto_deploy=True,
            # Metrics per route are billed one by one; the access log tells the same.
            detailed_metrics_enabled=False,
            throttle=apigateway.ThrottleSettings(rate_limit=stage.throttle_rate, burst_limit=stage.throttle_burst),
        )
        _log_accesses(self.stage, self.access_log)
        authorizer = {scheme: _authorizer(scheme, authority) for scheme, authority in authorities.items()}
        integration = {name: _integration(function) for name, function in functions.items()}
        for route in routes:
            self.api.add_routes(
                path=route.path,
                methods=[apigateway.HttpMethod[route.method]],
                integration=integration[route.function],
                authorizer=authorizer[route.scheme],
                authorization_scopes=list(route.scopes),
            )


def _log_accesses(stage: apigateway.HttpStage, group: logs.LogGroup) -> None:
    # The construct's own settings are an interface that Python can't fill in with a plain value.
    resource = cast(apigateway.CfnStage, stage.node.default_child)
    resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
        destination_arn=group.log_group_arn, format=json.dumps(ACCESS_LOG)
    )


def _authorizer(scheme: str, authority: Authority) -> authorizers.HttpJwtAuthorizer:
    return authorizers.HttpJwtAuthorizer(
        scheme.capitalize(),
        authority.issuer,
        authorizer_name=scheme,
        jwt_audience=list(authority.audiences),
    )


def _integration(function: LaurelFunction) -> integrations.HttpLambdaIntegration:
    return integrations.HttpLambdaIntegration(
        f"{function.name}-integration",
        function.function,
        # One permission for the API: one per route would fill the function's policy.
        scope_permission_to_route=False,
    )
