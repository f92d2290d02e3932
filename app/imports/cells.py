"""What people write in a table, as the form wants it: 是, 2026/3/2 9:30, 甲、乙; what is unclear stays."""

import re
from datetime import datetime
from typing import Any

from app.bundles.forms import FormField
from app.core.clock import BEIJING

_YES = {"是": True, "否": False, "true": True, "false": False}
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_MOMENT = re.compile(_DAY.pattern + r"[T ]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?")


def typed(value: Any, field: FormField) -> Any:
    """The value for one field; the form judges it afterwards."""
    if field.data.type == "list":
        parts = re.split("[、;；]", value) if isinstance(value, str) else value
        return [_one(part, field.asks) for part in parts] if isinstance(parts, list) else parts
    return _one(value, field.asks)


def _one(value: Any, asks: str) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    match asks:
        case "bool":
            return _YES.get(text.lower(), value)
        case "int" if re.fullmatch(r"[+-]?\d{1,18}", text):
            return int(text)
        case "date":
            return day(text)
        case "datetime":
            return moment(text)
    return text


def day(text: str) -> str:
    """`2026/3/2` as `2026-03-02`; anything else as it is."""
    found = _DAY.fullmatch(text)
    return "-".join(part.zfill(2) for part in found.groups()) if found else text


def moment(text: Any) -> Any:
    """A time without an offset is Beijing's; one with an offset, or unreadable, stays as it is."""
    found = _MOMENT.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return text
    numbers = [int(part or 0) for part in found.groups()]
    try:
        year, month, day_, hour, minute, second = numbers
        return datetime(year, month, day_, hour, minute, second, tzinfo=BEIJING).isoformat()
    except ValueError:
        return text


def degrees(value: Any) -> Any:
    """A longitude or latitude that a table wrote as text."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
