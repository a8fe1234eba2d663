"""GET /v1/openapi.json: the document that `python -m infra.openapi` made from every function's routes."""

import json
from pathlib import Path
from typing import Any

from shared.entrypoint.app import make_app, serve
from shared.entrypoint.callers import OPERATOR, POS, for_any

DOCUMENT: dict[str, Any] = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))

app = make_app()


@app.get("/v1/openapi.json", tags=["openapi"], **for_any(POS, OPERATOR))
def get_openapi() -> dict[str, Any]:
    """The API in OpenAPI 3.1"""
    return DOCUMENT


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
