"""scenarios/*.yaml as values: what people do and what must be true then."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.bundles.keys import Found
from app.bundles.yaml_file import Path

FIRST = "本件"
"""What a scenario calls the case that it files first; further ones have the name that `called` gives them."""

ENVELOPE = ("title", "external_no", "place_unit", "received_at", "priority", "reporter")
"""Names of a `start` form that belong to the filing itself; the others are answers."""


@dataclass(frozen=True)
class Step:
    """One step: `kind` is its key, `given` what stands under it; `line` is where."""

    kind: str
    given: Any = field(hash=False)
    line: int | None


@dataclass(frozen=True)
class Scenario:
    """One scenario; `at` is aware."""

    file: str
    name: str
    at: datetime
    steps: tuple[Step, ...]


def about(step: Step) -> str:
    """The name of the case that a step is about: the one it files, or the one it names; else the first."""
    given = step.given if isinstance(step.given, Mapping) else {}
    return str(given.get("called") or given.get("case") or FIRST)


def read_instant(text: str, found: Found, path: Path) -> datetime | None:
    """An aware instant, or None with a finding."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        found.error(
            "value-invalid",
            path,
            f"“{text}”不是带时区的时间，应写成 2026-03-02T09:00+08:00。",
            "Not an instant with offset.",
        )
        return None
    return at
