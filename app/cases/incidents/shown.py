"""The shapes in which incidents leave the house."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.bundles import Bundle
from app.cases.incidents.kinds import KINDS
from app.cases.incidents.ways import Ways
from app.core.http.fields import out


def listed(row: Mapping[str, Any]) -> dict[str, Any]:
    """An incident in a list."""
    return {
        "id": row["id"],
        "number": row["number"],
        "kind": row["kind"],
        "kindName": KINDS[row["kind"]].name,
        "case": row["case_id"],
        "caseNumber": row["case_number"],
        "process": row["process_key"],
        "element": row["element"],
        "explanation": row["explanation"],
        "cause": row["stack_hash"],
        "task": row["task_id"],
        "count": row["count"],
        "firstAt": out(row["first_at"]),
        "lastAt": out(row["last_at"]),
        "state": row["state"],
        "assignee": row["assignee_id"],
        "assigneeName": row["assignee_name"],
        "note": row["note"],
        "revision": row["revision"],
    }


def whole(
    row: Mapping[str, Any], bundle: Bundle | None, history: Sequence[Mapping[str, Any]], ways: Ways
) -> dict[str, Any]:
    """An incident with what it means, what may be done about it now, and what was done."""
    return {
        **listed(row),
        "kindMeaning": KINDS[row["kind"]].meaning,
        "processName": bundle.process.name if bundle is not None else None,
        "elementName": _called(row["element"], bundle),
        "error": row["error"],
        "history": [_line(line) for line in history],
        "actions": [{"action": act, "open": way.open, "says": way.says} for act, way in ways.items()],
    }


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "at": out(line["at"]),
        "action": line["act"],
        "by": line["actor_id"],
        "byName": line["actor_name"],
        "text": line["text"],
        "to": line["to_id"],
        "toName": line["to_name"],
    }


def _called(element: str | None, bundle: Bundle | None) -> str | None:
    return bundle.name_of(element) if element is not None and bundle is not None else None


def cause(row: Mapping[str, Any]) -> dict[str, Any]:
    """What several incidents have in common, and how many there are."""
    return {
        "cause": row["stack_hash"],
        "process": row["process_key"],
        "kind": row["kind"],
        "kindName": KINDS[row["kind"]].name,
        "element": row["element"],
        "error": row["error"],
        "explanation": row["explanation"],
        "incidents": row["lines"],
        "cases": row["cases"],
        "count": int(row["times"]),
        "firstAt": out(row["first_at"]),
        "lastAt": out(row["last_at"]),
    }
