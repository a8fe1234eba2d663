"""The local cloud's mail: what the stage's sender may send, and what it sent. Nothing leaves this machine."""

from dataclasses import dataclass
from typing import Any

import httpx

from infra.local_cloud.cloud import Cloud
from infra.local_cloud.errors import LocalCloudError
from infra.local_cloud.state import ACCOUNT
from infra.stages import STAGES

SENDER = STAGES["local"].sender or ""
TEMPLATES = {
    "birthday": ("Happy birthday! {{points}} points are for you", "They are yours already, {{customer_id}}."),
    "we_miss_you": ("We miss you! {{points}} points are waiting", "They are yours already, {{customer_id}}. Come by."),
    "points_expiring": ("{{points}} points will be gone soon", "Spend them until {{last_day}}, {{customer_id}}."),
}
"""The grocer's: subject and text."""


@dataclass(frozen=True)
class Mail:
    """An e-mail that was sent."""

    message_id: str
    to: str
    subject: str


@dataclass(frozen=True)
class Mailroom:
    """The mail of a cloud, as the shop's owner sets it up in SES."""

    cloud: Cloud

    def set_up(self) -> None:
        """Let the stage's address send, with the grocer's templates. Again changes nothing."""
        ses = self.cloud.client("sesv2")
        if SENDER not in [one["IdentityName"] for one in ses.list_email_identities().get("EmailIdentities", [])]:
            ses.create_email_identity(EmailIdentity=SENDER)
        known = [one["TemplateName"] for one in ses.list_email_templates().get("TemplatesMetadata", [])]
        for name, (subject, text) in TEMPLATES.items():
            if name not in known:
                ses.create_email_template(TemplateName=name, TemplateContent={"Subject": subject, "Text": text})

    def sent(self) -> list[Mail]:
        """All that was sent, the oldest first."""
        answer = httpx.get(f"{self.cloud.endpoint}/_ministack/ses/messages", params={"account": ACCOUNT}, trust_env=False)
        if not answer.is_success:
            raise LocalCloudError(f"the local cloud does not tell what it mailed: {answer.text[:300]}")
        found: list[dict[str, Any]] = answer.json()["messages"].get(ACCOUNT, [])
        return [Mail(one["MessageId"], one["To"][0], one["Subject"]) for one in found]
