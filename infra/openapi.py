"""Make the API's document from all routes, and the schemas of programs and domain events: `python -m infra.openapi`.

The result is committed, served by the function `openapi`, and read by the service stack, which makes one route of the
gateway from each operation. So code, document and gateway cannot differ; a test makes it anew and compares.
"""

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer

FUNCTIONS = Path(__file__).parents[1] / "functions"
DOCUMENT = FUNCTIONS / "openapi" / "openapi.json"
PROGRAM_SCHEMA = FUNCTIONS.parent / "docs" / "program.schema.json"
EVENTS_SCHEMA = FUNCTIONS.parent / "docs" / "events.schema.json"

INFO = {
    "title": "Laurel",
    "version": "1",
    "description": "Loyalty points that are never lost, doubled or unexplained. "
    "Problems are RFC 9457 documents; their types are listed in docs/api.md.",
}
SECURITY_SCHEMES = {
    "members": HTTPBearer(bearerFormat="JWT", description="An access token of a member (code flow with PKCE)"),
    "staff": HTTPBearer(
        bearerFormat="JWT", description="An access token of a till (client credentials) or an operator (code flow)"
    ),
}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem; beside these members it carries the data of its type",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:laurel:problem:member-unknown"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what to do next"},
    },
}
PROBLEM_RESPONSE = {
    "description": "A problem",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def make_document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of all functions."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Problem": PROBLEM}
    schemes: dict[str, Any] = {}
    for folder in sorted(path.parent.name for path in FUNCTIONS.glob("*/handler.py")):
        handler = importlib.import_module(f"functions.{folder}.handler")
        if not hasattr(handler, "app"):
            # Fed by the stream, the bus or a schedule: it has no routes.
            continue
        part = json.loads(
            handler.app.get_openapi_json_schema(openapi_version="3.1.0", security_schemes=SECURITY_SCHEMES, **INFO)
        )
        for path, operations in part["paths"].items():
            paths.setdefault(path, {}).update({verb: _operation(found, handler) for verb, found in operations.items()})
        _merge(schemas, part["components"].get("schemas", {}))
        schemes |= part["components"]["securitySchemes"]
    for unused in ("HTTPValidationError", "ValidationError", "ResponseValidationError"):
        schemas.pop(unused, None)
    components = {"schemas": dict(sorted(schemas.items())), "securitySchemes": dict(sorted(schemes.items()))}
    return {"openapi": "3.1.0", "info": INFO, "paths": dict(sorted(paths.items())), "components": components}


def make_program_schema() -> dict[str, Any]:
    """The JSON Schema of a program document, as GET /v1/program/schema answers it."""
    schema: dict[str, Any] = importlib.import_module("functions.program.read_program").program_schema()
    return schema


def make_events_schema() -> dict[str, Any]:
    """The JSON Schema of the domain events on the bus."""
    schema: dict[str, Any] = importlib.import_module("functions.events.schema").events_schema()
    return schema


def _operation(found: dict[str, Any], handler: ModuleType) -> dict[str, Any]:
    """An operation by its function's name and docstring, with its problems: the framework's own 422 never leaves Laurel."""
    name = next(name for name in vars(handler) if found["operationId"].startswith(f"{name}_v1_"))
    responses = {status: answer for status, answer in found["responses"].items() if status != "422"}
    return {
        **found,
        "operationId": name,
        "summary": (getattr(handler, name).__doc__ or "").split("\n")[0],
        "responses": {**responses, "default": PROBLEM_RESPONSE},
    }


def _merge(schemas: dict[str, Any], part: dict[str, Any]) -> None:
    for name, schema in part.items():
        if schemas.setdefault(name, schema) != schema:
            raise ValueError(f"two functions have different models named {name}; rename one of them")


def main() -> None:
    """Write all of them where they are committed."""
    made = {DOCUMENT: make_document(), PROGRAM_SCHEMA: make_program_schema(), EVENTS_SCHEMA: make_events_schema()}
    for path, content in made.items():
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        print(f"wrote {path.relative_to(FUNCTIONS.parent)}")


if __name__ == "__main__":
    main()
