"""Forms as JSON Schema, for clients that draw them."""

from collections.abc import Mapping
from typing import Any

from app.bundles.choices import FixedChoices
from app.bundles.forms import Form, FormField


def json_schema(form: Form) -> dict[str, Any]:
    """JSON Schema 2020-12; conditions and queries travel as `x-` words."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": form.title,
        "type": "object",
        "properties": {each.name: _property(each) for each in form.fields},
        "required": [each.name for each in form.fields if each.required and each.show_if is None],
        "additionalProperties": False,
        **({"x-refuse": _refuse(form)} if form.refusals else {}),
    }


def _refuse(form: Form) -> list[dict[str, str]]:
    return [{"when": each.when.text, "field": each.field, "text": each.text} for each in form.refusals]


_TYPES: Mapping[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "int": {"type": "integer"},
    "decimal": {"type": ["number", "string"]},
    "bool": {"type": "boolean"},
    "choice": {"type": "string"},
    "unit": {"type": "string", "x-type": "unit"},
    "person": {"type": "string", "x-type": "person"},
    "category": {"type": "string", "x-type": "category"},
    "files": {"type": "string", "x-type": "file"},
    "point": {
        "type": "object",
        "x-type": "point",
        "properties": {"lng": {"type": "number"}, "lat": {"type": "number"}},
        "required": ["lng", "lat"],
        "additionalProperties": False,
    },
}


def _property(each: FormField) -> dict[str, Any]:
    data = each.data
    schema: dict[str, Any] = dict(_TYPES[each.asks])
    if data.type == "text":
        schema["maxLength"] = data.longest
        if data.format:
            schema["x-format"] = data.format
    for word, bound in (("minimum", data.low), ("maximum", data.high)):
        if bound is not None:
            schema[word if isinstance(bound, int | float) else f"x-{word}"] = bound
    if data.options:
        schema["enum"] = list(data.options)
    if isinstance(each.choices, FixedChoices):
        schema["enum"] = list(each.choices.options)
    elif each.choices is not None:
        schema["x-choices"] = each.choices.shown()
    if data.type == "category":
        schema["x-table"] = data.table
    if data.type == "files":
        schema["x-maxBytes"] = data.each
        if data.kinds:
            schema["x-kinds"] = list(data.kinds)
    if data.type in ("list", "files"):
        schema = {"type": "array", "items": schema, "maxItems": data.longest, "uniqueItems": True}
    if not each.required:
        schema = {"anyOf": [schema, {"type": "null"}]}
    schema["title"] = data.label
    if each.show_if is not None:
        schema["x-showIf"] = each.show_if.text
    if each.required_if is not None:
        schema["x-requiredIf"] = each.required_if.text
    if each.phrases:
        schema["x-phrases"] = True
    if each.suggest:
        schema["x-suggest"] = each.suggest
    if data.secret:
        schema["x-secret"] = True
    if each.readonly:
        schema["readOnly"] = True
    return schema
