"""GET /v1/openapi.json: the document that `python -m infra.openapi` made from every function's routes."""

from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import Response

from shared.entrypoint.app import make_app, serve
from shared.entrypoint.callers import OPERATOR, POS, for_any

DOCUMENT = Path(__file__).with_name("openapi.json")

app = make_app()


@app.get("/v1/openapi.json", tags=["openapi"], **for_any(POS, OPERATOR))
def get_openapi() -> Response[str]:
    """The API in OpenAPI 3.1"""
    return Response(200, "application/json", DOCUMENT.read_text(encoding="utf-8"))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
