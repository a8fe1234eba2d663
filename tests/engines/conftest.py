"""The engines' fixtures, for the engines' own tests."""

from tests.engines.fixtures import (
    any_engine,
    dynamodb_local_address,
    dynamodb_local_engine,
    ministack_engine,
    moto_engine,
)

__all__ = ["any_engine", "dynamodb_local_address", "dynamodb_local_engine", "ministack_engine", "moto_engine"]
