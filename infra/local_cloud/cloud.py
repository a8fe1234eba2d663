"""The local AWS as its owner sees it: clients for its services, an environment for tools that deploy."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.local_cloud.server import HOST, endpoint
from infra.local_cloud.state import ACCOUNT, REGION, Settings

DATA_STACK = "Laurel-local-data"
SERVICE_STACK = "Laurel-local-service"
_FINISHED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


@dataclass(frozen=True)
class Cloud:
    """One running local cloud, called as its root user."""

    settings: Settings

    @property
    def endpoint(self) -> str:
        """Where all its services answer, and the pages where users sign in."""
        return endpoint(self.settings)

    def client(self, service: str) -> Any:
        """The client of a service; it reaches this cloud only, whatever profile, endpoint or proxy the user has set up."""
        if service not in self._clients:
            self._clients[service] = self._session.create_client(
                service,
                region_name=REGION,
                endpoint_url=self.endpoint,
                aws_access_key_id=self.settings.access_key,
                aws_secret_access_key=self.settings.secret_key,
                config=Config(proxies={}, retries={"mode": "standard", "total_max_attempts": 3}),
            )
        return self._clients[service]

    def close(self) -> None:
        """Close the clients' connections."""
        for client in self._clients.values():
            client.close()

    def environment(self) -> dict[str, str]:
        """The caller's environment, but with this cloud in the place of any real AWS account."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
        unproxied = ",".join(filter(None, [os.environ.get("NO_PROXY"), HOST, "localhost"]))
        return kept | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.settings.access_key,
            "AWS_SECRET_ACCESS_KEY": self.settings.secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DEFAULT_ACCOUNT": ACCOUNT,
            "CDK_DEFAULT_REGION": REGION,
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "NO_PROXY": unproxied,
            "no_proxy": unproxied,
        }

    def outputs(self) -> dict[str, str] | None:
        """What the service stack says of itself (ApiUrl, TableName, ...); None before it is complete."""
        try:
            stack = self.client("cloudformation").describe_stacks(StackName=SERVICE_STACK)["Stacks"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":
                return None
            raise
        if stack["StackStatus"] not in _FINISHED:
            return None
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def remember(self, what: str, text: str) -> None:
        """Write a note into the cloud itself: the note and what it speaks of live and die together."""
        self.client("ssm").put_parameter(Name=_note(what), Value=text, Type="String", Overwrite=True)

    def recall(self, what: str) -> str | None:
        """The note of an earlier run, or None."""
        ssm = self.client("ssm")
        try:
            text: str = ssm.get_parameter(Name=_note(what))["Parameter"]["Value"]
        except ssm.exceptions.ParameterNotFound:
            return None
        return text

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _session(self) -> botocore.session.Session:
        return botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )


def _note(what: str) -> str:
    return f"/laurel/local/{what}"
