"""Builds the zip of each function, without Docker.

A zip holds `functions/<name>/`, `shared/`, the packages of `requirements.txt`, compiled modules for the very
interpreter that will run them, and `botocore_data/` with the few service descriptions that are used.
"""

from infra.bundling.bundler import Bundler
from infra.bundling.errors import BundlingError
from infra.bundling.target import Target

__all__ = ["Bundler", "BundlingError", "Target"]
