"""The routes of the API, read from the committed OpenAPI document that the handlers generate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

DOCUMENT: Final = Path(__file__).resolve().parent.parent / "functions" / "openapi" / "openapi.json"
METHODS: Final = ("get", "put", "post", "delete", "patch")
SCHEMES: Final = ("members", "staff")


class RouteError(ValueError):
    """The document describes a route that can't be deployed safely. The message names it and says why."""


@dataclass(frozen=True)
class Route:
    """One operation: the function that answers it, who authorizes it, and the scopes (any one suffices)."""

    method: str
    path: str
    function: str
    scheme: str
    scopes: tuple[str, ...]


def read_routes(document: Path = DOCUMENT) -> tuple[Route, ...]:
    """Every operation of the document, in its order.

    Raises RouteError when the file is missing, or an operation has no function or no scope: such a route
    would let every token pass, an ID token of any member included.
    """
    if not document.is_file():
        raise RouteError(f"{document} is missing: write it with `python -m infra.openapi`.")
    paths: dict[str, dict[str, Any]] = json.loads(document.read_text(encoding="utf-8"))["paths"]
    return tuple(
        _route(method, path, operation)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if method in METHODS
    )


def _route(method: str, path: str, operation: dict[str, Any]) -> Route:
    name = f"{method.upper()} {path}"
    tags, security = operation.get("tags", []), operation.get("security", [])
    if len(tags) != 1:
        raise RouteError(f"{name} needs one tag, the name of the function that answers it, and has {tags}.")
    if len(security) != 1 or len(security[0]) != 1:
        raise RouteError(f"{name} needs one security scheme and has {security}.")
    (scheme, scopes), *_ = security[0].items()
    if scheme not in SCHEMES or not scopes:
        raise RouteError(f"{name} needs scopes of one of {', '.join(SCHEMES)} and has {security}.")
    return Route(method=method.upper(), path=path, function=tags[0], scheme=scheme, scopes=tuple(scopes))
