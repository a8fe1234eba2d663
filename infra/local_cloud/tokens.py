"""Access tokens from the local cloud's own identity provider, got as real clients get them.

Members and operators sign in with the authorization code flow and PKCE through the sign-in page; a till uses
its client credentials. Nothing here is known to the API or its functions.
"""

import base64
import hashlib
import hmac
import html
import re
import secrets
from dataclasses import dataclass
from typing import Any

import httpx

from infra.local_cloud.cloud import Cloud
from infra.local_cloud.errors import LocalCloudError

MEMBER_SCOPE = "laurel/member"
POS_SCOPE = "laurel/pos"
OPERATOR_SCOPE = "laurel/operator"

_HIDDEN_FIELD = re.compile(r'<input type="hidden" name="(?P<name>\w+)" value="(?P<value>[^"]*)">')


@dataclass(frozen=True)
class Login:
    """A user of one of the pools: whose tokens carry `issuer` and `subject`."""

    email: str
    issuer: str
    subject: str


@dataclass(frozen=True)
class IdentityProvider:
    """The user pools of a deployed stack; `outputs` are the stack's."""

    cloud: Cloud
    outputs: dict[str, str]

    def member(self, email: str) -> Login:
        """The user of the members' pool with that address, made if there is none."""
        return self._user(self.outputs["MemberPoolId"], email)

    def member_token(self, email: str) -> str:
        """Sign the member in; the token lasts an hour."""
        self.member(email)
        return self.sign_in("MemberPoolId", "MemberClientId", email, MEMBER_SCOPE)

    def operator_token(self, email: str = "operator@example.com") -> str:
        """Sign an operator in, made if there is none; the token lasts an hour."""
        self._user(self.outputs["StaffPoolId"], email)
        return self.sign_in("StaffPoolId", "OperatorClientId", email, OPERATOR_SCOPE)

    def pos_token(self) -> str:
        """The till's token, by its client's id and secret; it lasts eight hours."""
        client = self._client(self.outputs["StaffPoolId"], self.outputs["PosClientId"])
        return self._token(
            {
                "grant_type": "client_credentials",
                "client_id": client["ClientId"],
                "client_secret": client["ClientSecret"],
                "scope": POS_SCOPE,
            }
        )

    def sign_in(self, pool: str, client: str, email: str, scope: str) -> str:
        """Sign a known user in to an app client; `pool` and `client` are names of the stack's outputs.

        Raises LocalCloudError when the sign-in page refuses the user or the scope.
        """
        known = self._client(self.outputs[pool], self.outputs[client])
        callback = known["CallbackURLs"][0]
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        with self._http() as http:
            page = http.get(
                "/oauth2/authorize",
                params={
                    "client_id": known["ClientId"],
                    "redirect_uri": callback,
                    "response_type": "code",
                    "scope": scope,
                    "state": secrets.token_urlsafe(16),
                    "code_challenge": challenge,
                    "code_challenge_method": "S256",
                },
            )
            form = {field["name"]: html.unescape(field["value"]) for field in _HIDDEN_FIELD.finditer(page.text)}
            answer = http.post("/login", data=form | {"username": email, "password": self._password(email)})
        code = httpx.URL(answer.headers.get("location", "")).params.get("code")
        if code is None:
            raise LocalCloudError(f"{email} could not sign in to the local cloud: run `make reset`, then `make up`")
        return self._token(
            {
                "grant_type": "authorization_code",
                "client_id": known["ClientId"],
                "code": code,
                "redirect_uri": callback,
                "code_verifier": verifier,
            }
        )

    def _user(self, pool: str, email: str) -> Login:
        cognito = self.cloud.client("cognito-idp")
        try:
            user = cognito.admin_get_user(UserPoolId=pool, Username=email)
            attributes = user["UserAttributes"]
        except cognito.exceptions.UserNotFoundException:
            user = cognito.admin_create_user(
                UserPoolId=pool,
                Username=email,
                MessageAction="SUPPRESS",
                UserAttributes=[
                    {"Name": "email", "Value": email},
                    {"Name": "email_verified", "Value": "true"},
                ],
            )["User"]
            attributes = user["Attributes"]
            cognito.admin_set_user_password(UserPoolId=pool, Username=email, Password=self._password(email), Permanent=True)
        subject = next(attribute["Value"] for attribute in attributes if attribute["Name"] == "sub")
        region = pool.partition("_")[0]
        return Login(email, f"https://cognito-idp.{region}.amazonaws.com/{pool}", subject)

    def _password(self, email: str) -> str:
        """A password nobody needs to write down: it follows from the cloud's own secret."""
        key = self.cloud.settings.secret_key.encode()
        return "Aa1!" + hmac.new(key, email.encode(), hashlib.sha256).hexdigest()

    def _token(self, form: dict[str, str]) -> str:
        with self._http() as http:
            answer = http.post("/oauth2/token", data=form)
        if not answer.is_success:
            raise LocalCloudError(f"the local cloud gave no token ({answer.text.strip()}): run `make reset`, then `make up`")
        token: str = answer.json()["access_token"]
        return token

    def _client(self, pool: str, client_id: str) -> dict[str, Any]:
        cognito = self.cloud.client("cognito-idp")
        client: dict[str, Any] = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client_id)["UserPoolClient"]
        return client

    def _http(self) -> httpx.Client:
        return httpx.Client(base_url=self.cloud.endpoint, trust_env=False, timeout=30)
