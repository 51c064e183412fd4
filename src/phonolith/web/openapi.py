"""The API's description (OpenAPI 3.1), made from the same table that the routes are made from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

import phonolith

if TYPE_CHECKING:
    from phonolith.web.api import Operation

_PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "Names this one incident in the server's log."},
    },
}
_PROBLEMS = {
    400: "A parameter cannot be understood.",
    404: "There is nothing with this id, key or year.",
    410: "It was withdrawn by its owner or because of its licence.",
    451: "It was withdrawn because the law requires it.",
    500: "A fault of the server.",
    503: "Nothing is built yet, or the library cannot answer at the moment.",
}


def describe(operations: Iterable[Operation], root: str) -> dict[str, Any]:
    """The description of these operations."""
    operations = list(operations)
    answers = [one.answer for one in operations]
    schemas, components = msgspec.json.schema_components(answers, ref_template="#/components/schemas/{name}")
    components["Problem"] = _PROBLEM
    paths = {root + one.path: {"get": _operation(one, schema)} for one, schema in zip(operations, schemas, strict=True)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Phonolith",
            "version": phonolith.__version__ if hasattr(phonolith, "__version__") else "1",
            "summary": "Search, browse and play a music archive.",
            "description": "Everything goes by public ids, which outlive builds. Lists come in pieces: `next` of an "
            "answer is `after` of the following request. Texts are as their sources have them and may hold anything; "
            "escape them before you show them. Durations are milliseconds, sizes bytes, bit rates bits per second.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(one: Operation, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": re.sub(r"\W+", "_", one.path.strip("/")),
        "summary": one.summary,
        "parameters": [
            {
                "name": parameter.name,
                "in": parameter.where,
                "required": parameter.where == "path",
                "description": parameter.about,
                "schema": parameter.schema(),
            }
            for parameter in one.parameters
        ],
        "responses": {
            "200": {"description": one.summary, "content": {"application/json": {"schema": schema}}},
            **{
                str(status): {
                    "description": words,
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
                for status, words in _PROBLEMS.items()
            },
        },
    }
