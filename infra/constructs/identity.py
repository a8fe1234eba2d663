"""Who may call: one user pool for members and one for staff, or issuers of the shop's own.

Two pools, because one pool's sign-up page serves all of its clients: in a shared pool every member could
sign in to the operators' client and come out with an operator's scope.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.stages import Issuer, Stage

RESOURCE_SERVER = "laurel"


@dataclass(frozen=True)
class Authority:
    """Whose tokens a scheme accepts: the issuer's URL and the audiences (client ids)."""

    issuer: str
    audiences: tuple[str, ...]

    @classmethod
    def of(cls, issuer: Issuer) -> Authority:
        """The authority that the command line names."""
        return cls(issuer=issuer.url, audiences=(issuer.audience,))


class MemberPool(Construct):
    """Members sign themselves up, and in with the code flow and PKCE from the shop's app."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        # A second factor is each one's choice: a customer who must own an authenticator does not join.
        self.pool = _pool(self, stage, open_to_all=True, mfa=cognito.Mfa.OPTIONAL)
        server, scopes = _resource_server(self.pool, {"member": "Read and change one's own membership"})
        self.client = _code_flow_client(
            self.pool,
            "App",
            server,
            scopes["member"],
            stage.member_callbacks,
            access_hours=1,
            refresh_days=90,
        )
        _domain(self.pool, stage, "members")
        self.authority = Authority(_issuer(self.pool), (self.client.user_pool_client_id,))


class StaffPool(Construct):
    """Operators sign in with the code flow; tills with client credentials. Nobody signs themselves up."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        # Off where demos and tests sign in by themselves and nobody holds an authenticator.
        mfa = cognito.Mfa.REQUIRED if stage.staff_mfa else cognito.Mfa.OFF
        self.pool = _pool(self, stage, open_to_all=False, mfa=mfa)
        server, scopes = _resource_server(
            self.pool,
            {"pos": "Enrol members and record purchases", "operator": "Run the program"},
        )
        self.operator_client = _code_flow_client(
            self.pool,
            "Operator",
            server,
            scopes["operator"],
            stage.operator_callbacks,
            access_hours=1,
            refresh_days=1,
        )
        self.pos_client = self._pos_client("Pos", server, scopes["pos"])
        self.tills = {name: self._pos_client(f"Pos{name.capitalize()}", server, scopes["pos"]) for name in stage.tills}
        _domain(self.pool, stage, "staff")
        self.authority = Authority(
            _issuer(self.pool),
            tuple(client.user_pool_client_id for client in (self.operator_client, self.pos_client, *self.tills.values())),
        )

    def _pos_client(
        self, name: str, server: cognito.UserPoolResourceServer, scope: cognito.ResourceServerScope
    ) -> cognito.UserPoolClient:
        """A till or a shop's server. Its secret stays in Cognito: no template, output or function has it."""
        return self.pool.add_client(
            name,
            generate_secret=True,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(client_credentials=True),
                scopes=[cognito.OAuthScope.resource_server(server, scope)],
            ),
            # Each token is billed, so a till keeps its own for the day; to lock one out takes as long.
            access_token_validity=Duration.hours(8),
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
        )


def _issuer(pool: cognito.UserPool) -> str:
    # Written out, because the local cloud lacks the pool's attribute that holds it.
    return f"https://cognito-idp.{Aws.REGION}.amazonaws.com/{pool.user_pool_id}"


def _pool(scope: Construct, stage: Stage, *, open_to_all: bool, mfa: cognito.Mfa) -> cognito.UserPool:
    """A pool of people known by their e-mail address, with what both pools share."""
    return cognito.UserPool(
        scope,
        "Pool",
        self_sign_up_enabled=open_to_all,
        sign_in_aliases=cognito.SignInAliases(email=True),
        sign_in_case_sensitive=False,
        auto_verify=cognito.AutoVerifiedAttrs(email=True),
        keep_original=cognito.KeepOriginalAttrs(email=True),
        account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
        mfa=mfa,
        # No second factor by text message: numbers are hijacked, and each message costs.
        mfa_second_factor=None if mfa is cognito.Mfa.OFF else cognito.MfaSecondFactor(otp=True, sms=False),
        password_policy=cognito.PasswordPolicy(
            min_length=12,
            require_lowercase=True,
            require_uppercase=True,
            require_digits=True,
            require_symbols=True,
        ),
        feature_plan=cognito.FeaturePlan.ESSENTIALS,
        deletion_protection=stage.retained,
        removal_policy=RemovalPolicy.RETAIN if stage.retained else RemovalPolicy.DESTROY,
    )


def _resource_server(
    pool: cognito.UserPool, described: dict[str, str]
) -> tuple[cognito.UserPoolResourceServer, dict[str, cognito.ResourceServerScope]]:
    scopes = {name: cognito.ResourceServerScope(scope_name=name, scope_description=text) for name, text in described.items()}
    server = pool.add_resource_server("Api", identifier=RESOURCE_SERVER, scopes=list(scopes.values()))
    return server, scopes


def _code_flow_client(
    pool: cognito.UserPool,
    name: str,
    server: cognito.UserPoolResourceServer,
    scope: cognito.ResourceServerScope,
    callbacks: tuple[str, ...],
    *,
    access_hours: int,
    refresh_days: int,
) -> cognito.UserPoolClient:
    """A public client: no secret, because an app in a customer's hands can't keep one."""
    return pool.add_client(
        name,
        generate_secret=False,
        # Passwords go to the sign-in page alone: a direct sign-in yields no scope of ours and is no use.
        auth_flows=cognito.AuthFlow(user_srp=True),
        o_auth=cognito.OAuthSettings(
            flows=cognito.OAuthFlows(authorization_code_grant=True),
            scopes=[cognito.OAuthScope.OPENID, cognito.OAuthScope.resource_server(server, scope)],
            callback_urls=list(callbacks),
        ),
        supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
        access_token_validity=Duration.hours(access_hours),
        id_token_validity=Duration.hours(access_hours),
        refresh_token_validity=Duration.days(refresh_days),
        prevent_user_existence_errors=True,
        enable_token_revocation=True,
    )


def _domain(pool: cognito.UserPool, stage: Stage, audience: str) -> None:
    """The sign-in page. Its prefix is unique in the region over all accounts, hence the account's number."""
    pool.add_domain(
        "Domain",
        cognito_domain=cognito.CognitoDomainOptions(domain_prefix=f"{stage.resource_name(audience)}-{Aws.ACCOUNT_ID}"),
    )
