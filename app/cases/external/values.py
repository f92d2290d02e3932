"""Variables as Camunda 7 writes them: `{"value": …, "type": …}`; a bare value is understood as well."""

from collections.abc import Collection, Mapping
from typing import Any

import orjson

_MOST_INTEGER = 2**31 - 1


def typed(variables: Mapping[str, Any], only: Collection[str] | None) -> dict[str, Any]:
    """What a worker gets: each value with its type; `only` these, None: all of them."""
    return {name: _typed(value) for name, value in variables.items() if only is None or name in only}


def plain(variables: Mapping[str, Any]) -> dict[str, Any]:
    """What a worker gave, as bare values."""
    return {name: _plain(value) for name, value in variables.items()}


def _typed(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"value": None, "type": "Null"}
        case bool():
            return {"value": value, "type": "Boolean"}
        case int():
            return {"value": value, "type": "Integer" if abs(value) <= _MOST_INTEGER else "Long"}
        case float():
            return {"value": value, "type": "Double"}
        case str():
            return {"value": value, "type": "String"}
        case _:  # Camunda carries lists and objects as the text of a JSON document
            return {"value": orjson.dumps(value).decode(), "type": "Json"}


def _plain(given: Any) -> Any:
    if not isinstance(given, Mapping) or "value" not in given:
        return given
    value = given["value"]
    if str(given.get("type", "")).lower() == "json" and isinstance(value, str):
        try:
            return orjson.loads(value)
        except ValueError:
            return value  # its reader says what is wrong with it
    return value
