"""The service descriptions of botocore that are used: 0.5 of 19 MB, and without their prose.

Parsing them dominates the making of a client, so what is left out is time saved at every cold start. The
layout is botocore's own: a plain `botocore.loaders.Loader` reads it.
"""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

from infra.bundling.errors import BundlingError

SERVICES = ("dynamodb", "dynamodbstreams", "events", "scheduler", "sesv2", "sqs", "stepfunctions")
# What a client looks up whatever its service.
SHARED_FILES = ("partitions.json", "_retry.json", "sdk-default-configuration.json")
PARTS = ("service-2", "endpoint-rule-set-1", "paginators-1")


def write_trimmed_data(botocore_data: Path, destination: Path) -> None:
    """Write to `destination` what clients of SERVICES need from `botocore_data`, botocore's own folder.

    Raises BundlingError when a needed file is not there.
    """
    destination.mkdir(parents=True)
    for name in SHARED_FILES:
        _needed(botocore_data / name)
        shutil.copyfile(botocore_data / name, destination / name)
    _write(destination / "endpoints.json", _endpoints(_read(botocore_data / "endpoints.json")))
    for service in SERVICES:
        versions = sorted(path.name for path in (botocore_data / service).iterdir() if path.is_dir())
        # A client uses the latest version of its service.
        for part in PARTS:
            source = botocore_data / service / versions[-1] / f"{part}.json"
            _write(destination / service / versions[-1] / f"{part}.json", _without_prose(_read(source)))


def _needed(path: Path) -> None:
    if not path.is_file():
        raise BundlingError(f"botocore has no {path.name} any more: see what its clients read now, and change {__name__}.")


def _read(path: Path) -> Any:
    packed = path.with_name(path.name + ".gz")
    if packed.is_file():
        return json.loads(gzip.decompress(packed.read_bytes()))
    _needed(path)
    return json.loads(path.read_bytes())


def _write(path: Path, content: object) -> None:
    # Not packed: the zip is, and unpacking twice costs time at every cold start.
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")


def _endpoints(document: dict[str, Any]) -> dict[str, Any]:
    for partition in document["partitions"]:
        partition["services"] = {name: service for name, service in partition["services"].items() if name in SERVICES}
    return document


def _without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_prose(inner)
            for key, inner in value.items()
            # A member of a shape may be called `documentation` as well: that one is no text.
            if not (key == "documentation" and isinstance(inner, str))
        }
    if isinstance(value, list):
        return [_without_prose(inner) for inner in value]
    return value
