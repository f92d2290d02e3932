"""One JSON Schema per kind of file, generated from the same descriptions that check it."""

from functools import cache
from typing import Any

from app.bundles import form_files, keys, message_file, process_file, sla

BASE = "/schemas/"


@cache
def schemas() -> dict[str, dict[str, Any]]:
    """Kind (process, form, sla, messages) → schema; processes/ adds scenarios and the organisation."""
    return {
        "process": described("process", "process.yaml", process_file.SHAPE),
        "form": described("form", "forms/*.yaml", form_files.SHAPE),
        "sla": described("sla", "sla.yaml", sla.SHAPE),
        "messages": described("messages", "messages.yaml", message_file.SHAPE),
    }


def described(kind: str, title: str, shape: keys.Shape) -> dict[str, Any]:
    """The schema of a shape with its heading."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{BASE}{kind}.json",
        "title": title,
        **keys.json_schema(shape),
    }
