"""The DynamoDB client."""

from typing import TYPE_CHECKING

from shared.adapters.aws import CONFIG, client_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["CONFIG", "make_client"]


def make_client() -> "DynamoDBClient":
    """A low-level client for the region and credentials of the environment."""
    return client_of("dynamodb")  # type: ignore[no-any-return]
