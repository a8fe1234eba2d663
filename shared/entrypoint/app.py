"""The Powertools app that every function's routes hang on."""

import base64
import json
import time
from typing import Any, NoReturn

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from shared.api.problems import PROBLEM_JSON, problem
from shared.domain import errors
from shared.domain.faults import faults_of

BODY_BYTES_MAX = 256 * 1024
"""An order of 500 lines fits several times."""
RETRY_AFTER_SECONDS = 1
JSON = "application/json"

logger = Logger()


def make_app() -> APIGatewayHttpResolver:
    """A resolver for HTTP API events (payload v2): strict JSON, known fields only, problem documents."""
    app = APIGatewayHttpResolver(enable_validation=True, json_body_deserializer=strict_json)
    app.use([_only_known_query_parameters])
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(errors.FaultError)(_fault)
    app.exception_handler(errors.LaurelError)(problem_response)
    app.not_found(lambda _: problem_response(errors.RouteUnknownError()))
    return app


def serve(app: APIGatewayHttpResolver, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request and log one line about it: route, status and milliseconds, nothing personal."""
    began = time.perf_counter_ns()
    try:
        answer = app.resolve({**event, **_text_body(event)}, context)
    except errors.MalformedBodyError as error:
        refused = problem_response(error)
        answer = {"statusCode": refused.status_code, "headers": {"Content-Type": PROBLEM_JSON}, "body": refused.body}
    logger.info(
        "served",
        route=event.get("routeKey"),
        status=answer["statusCode"],
        milliseconds=(time.perf_counter_ns() - began) // 1_000_000,
        request_id=getattr(context, "aws_request_id", None),
    )
    return answer


def _text_body(event: dict[str, Any]) -> dict[str, Any]:
    """The event's body as JSON text, before the framework would read it as a form or fail to decode it."""
    if not event.get("body"):
        return {}
    headers = event.get("headers") or {}
    if headers.get("content-type", JSON).partition(";")[0].strip().lower() != JSON:
        raise errors.MalformedBodyError(reason=f"the content type is not {JSON}")
    body = event["body"]
    if event.get("isBase64Encoded"):
        try:
            body = base64.b64decode(body, validate=True).decode()
        except ValueError as error:
            raise errors.MalformedBodyError(reason="the body is not UTF-8") from error
    return {"headers": {**headers, "content-type": JSON}, "body": body, "isBase64Encoded": False}


def strict_json(text: str) -> Any:
    """Exactly one JSON object: no duplicate names, no NaN, no Infinity, no depth without end."""
    if len(text.encode("utf-8", "surrogatepass")) > BODY_BYTES_MAX:
        raise errors.BodyTooLargeError(bytes_max=BODY_BYTES_MAX)
    try:
        document = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_not_json)
    except json.JSONDecodeError as error:
        raise errors.MalformedBodyError(reason=f"{error.msg} at character {error.pos}") from error
    except (ValueError, RecursionError) as error:
        # ValueError: an integer of more digits than Python reads.
        raise errors.MalformedBodyError(reason="a number is too long or the nesting too deep") from error
    if not isinstance(document, dict):
        # The framework would take the first of a list for the whole.
        raise errors.MalformedBodyError(reason="the document is no object")
    return document


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise errors.MalformedBodyError(reason="an object has the same name twice")
    return found


def _not_json(constant: str) -> NoReturn:
    raise errors.MalformedBodyError(reason=f"{constant} is not JSON")


def _only_known_query_parameters(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[str]:
    known = {field.alias for field in app.context["_route"].dependant.query_params}
    if strangers := sorted(set(app.current_event.query_string_parameters) - known):
        faults = [{"path": f"query.{name}", "reason": "is not a parameter of this route"} for name in strangers]
        raise errors.RequestInvalidError(faults=faults)
    return next_middleware(app)


def _fault(error: errors.FaultError) -> Response[str]:
    logger.error("fault", code=error.code, exc_info=error)
    return problem_response(error)


def _invalid(error: RequestValidationError) -> Response[str]:
    """What the request's models refuse."""
    return problem_response(errors.RequestInvalidError(faults=faults_of(list(error.errors()))))


def problem_response(error: errors.LaurelError) -> Response[str]:
    """An error as the answer of a request."""
    document = problem(error)
    return Response(document["status"], PROBLEM_JSON, json.dumps(document, separators=(",", ":")), _retry_after(error))


def _retry_after(error: errors.LaurelError) -> dict[str, str | list[str]]:
    if isinstance(error, errors.TryAgainError):
        return {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return {"Retry-After": str(error.retry_after)} if isinstance(error, errors.TooManyAttemptsError) else {}
