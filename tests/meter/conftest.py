"""The engines' fixtures, for the meter's tests."""

from tests.engines.fixtures import dynamodb_local_address, dynamodb_local_engine, ministack_engine, moto_engine

__all__ = ["dynamodb_local_address", "dynamodb_local_engine", "ministack_engine", "moto_engine"]
