"""E-mail by SES: templates of the account, one attempt a call, no address in any log."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, ConnectTimeoutError, EndpointConnectionError, HTTPClientError

from shared.adapters.aws import PATIENT
from shared.domain.errors import TryAgainError
from shared.domain.message import MessageState
from shared.ports import Email, MailAnswer

CONFIG = PATIENT.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
"""The SDK must not send again what may have been sent: after a lost answer nobody knows."""

REFUSED = frozenset({"MessageRejected", "BadRequestException"})
"""Errors that the same e-mail would meet again."""


@dataclass(frozen=True)
class SesMail:
    """Mail from the address `sender`. `client` is SES's, version 2, made with CONFIG."""

    client: Any
    sender: str

    def send(self, email: Email) -> MailAnswer:
        """See ports.Mail."""
        template = {"TemplateName": email.template, "TemplateData": json.dumps(email.data, ensure_ascii=False)}
        try:
            sent = self.client.send_email(
                FromEmailAddress=self.sender,
                Destination={"ToAddresses": [email.address]},
                Content={"Template": template},
            )
        except ClientError as error:
            return _not_sent(error)
        except (EndpointConnectionError, ConnectTimeoutError) as error:
            return MailAnswer(MessageState.PUT_BACK, type(error).__name__)
        except (ConnectionError, HTTPClientError):
            # It may have arrived. What the SDK tells of it may hold the address.
            raise TryAgainError from None
        return MailAnswer(MessageState.SENT, sent["MessageId"])


def _not_sent(error: ClientError) -> MailAnswer:
    """What an error says; its text may hold the address, its code does not. Raises TryAgainError."""
    code = error.response["Error"]["Code"]
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise TryAgainError from None
    return MailAnswer(MessageState.FAILED if code in REFUSED else MessageState.PUT_BACK, code)
