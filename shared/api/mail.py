"""E-mail addresses and domains of mail in the one form in which they are kept and compared."""

from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field


def email_of(value: str) -> str:
    """The address in lower case: in practice no two people share a mailbox that differs by case alone. Raises ValueError."""
    try:
        return validate_email(value, check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise ValueError("must be an e-mail address") from error


def domain_of(value: str) -> str:
    """The domain as addresses have it: `XN--BCHER-KVA.EXAMPLE` and `bücher.example` are the same one. Raises ValueError."""
    try:
        found = validate_email(f"postmaster@{value}", check_deliverability=False)
    except EmailNotValidError as error:
        raise ValueError("must be a domain of mail, such as mailbox.example") from error
    return found.normalized.rpartition("@")[2].lower()


Email = Annotated[str, Field(max_length=254, examples=["ada@example.com"]), AfterValidator(email_of)]
"""An e-mail address."""
MailDomain = Annotated[str, Field(max_length=253, examples=["mailbox.example"]), AfterValidator(domain_of)]
"""A domain of mail."""
