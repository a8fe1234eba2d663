"""The JSON Schema of what the bus is told, kept in docs/events.schema.json."""

from typing import Any

from pydantic.json_schema import models_json_schema

from shared.domain.announcing import DETAILS

REFERENCE = "#/$defs/{model}"


def events_schema() -> dict[str, Any]:
    """One schema that holds for every event of the bus, and in its `$defs` one of the `detail` of each type."""
    places, parts = models_json_schema([(model, "serialization") for model in DETAILS.values()], ref_template=REFERENCE)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Laurel's domain events",
        "description": "An event on the bus, as EventBridge delivers it. Fields may be added; ignore those you do not know.",
        "type": "object",
        "required": ["source", "detail-type", "detail"],
        "properties": {"source": {"const": "laurel"}},
        "oneOf": [
            {"properties": {"detail-type": {"const": type.value}, "detail": places[model, "serialization"]}}
            for type, model in DETAILS.items()
        ],
        "$defs": dict(sorted(parts["$defs"].items())),
    }
