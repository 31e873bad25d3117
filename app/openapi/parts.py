"""What a description is put together from: schemas, bodies and answers, as plain dictionaries."""

from typing import Any

Part = dict[str, Any]

TEXT: Part = {"type": "string"}
ADDRESS: Part = {"type": "string", "format": "uri"}
NUMBER: Part = {"type": "integer"}
SECONDS: Part = {"type": "integer", "minimum": 0}
YES_OR_NO: Part = {"type": "boolean"}


def texts(of: Part = TEXT) -> Part:
    return {"type": "array", "items": of}


def one(*values: str) -> Part:
    return {"type": "string", "enum": [*values]}


def members(required: Part, optional: Part | None = None) -> Part:
    """An object with these members, by name, and perhaps others."""
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": [*required]}


def form(*kinds: Part) -> Part:
    """A form body of one of these *kinds*; unknown parameters change nothing."""
    lenient = [{**kind, "additionalProperties": TEXT} for kind in kinds]
    content = {"schema": lenient[0] if len(kinds) == 1 else {"oneOf": lenient}}
    return {"required": True, "content": {"application/x-www-form-urlencoded": content}}


def answer(description: str, schema: Part, kind: str = "application/json") -> Part:
    return {"description": description, "content": {kind: {"schema": schema}}}


def text(description: str, kind: str = "text/plain; charset=utf-8") -> Part:
    return answer(description, TEXT, kind)


def refusal(description: str, *, challenge: bool = False) -> Part:
    """An error for a machine. *challenge*: it says how to prove who asks."""
    body = answer(description, members({}, {"error": TEXT, "error_description": TEXT}))
    return body | ({"headers": {"WWW-Authenticate": {"required": True, "schema": TEXT}}} if challenge else {})


def operation(summary: str, responses: Part, **more: Any) -> Part:
    """One thing to ask for. Any of them fails alike where the database does not answer."""
    return {
        "summary": summary,
        **more,
        "responses": {**responses, "503": {"$ref": "#/components/responses/Unavailable"}},
    }


def header(name: str, example: str, description: str) -> Part:
    """A header that may be sent."""
    return {"name": name, "in": "header", "schema": TEXT, "example": example, "description": description}


def parameter(name: str, schema: Part, example: Any, description: str) -> Part:
    """A part of the path."""
    given = {"schema": schema, "example": example, "description": description}
    return {"name": name, "in": "path", "required": True, **given}
