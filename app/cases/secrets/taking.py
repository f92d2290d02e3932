"""What comes in: secret values leave the open data, personal numbers leave the texts, both are sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import insert

from app.bundles.data_fields import PERSONAL, DataField
from app.cases.secrets.proof import KEPT, seal_of
from app.cases.secrets.table import case_secrets, place
from app.core import personal, typed
from app.core.db import Session
from app.core.ids import new_id
from app.crypto import blind, data_keys
from app.crypto.data_keys import INDEX
from app.crypto.sealed import Place, Sealed, seal_with
from app.crypto.sm4 import DataKey

if TYPE_CHECKING:
    from app.cases.motion import Motion

SPOKEN = ("opinion", "reason", "text", "demand")
"""Parts of an event that hold what a person wrote."""

AS_TYPED = "as_typed"
"""The row that holds what was typed, by the names it was typed for."""

_INSERT = insert(case_secrets)


@dataclass(frozen=True)
class Taken:
    """A value on its way to the sidecar: a declared secret, or a whole text in which numbers were covered."""

    name: str
    origin: str | None
    value: Any


def split(motion: Motion, values: Mapping[str, Any], origin: str | None = None) -> dict[str, Any]:
    """The values without the secret ones, and with personal numbers covered in texts; both are kept to be
    sealed with the case. `origin` is the task they were filled in at.
    """
    declared, open_values = motion.bundle.process.data, {}
    for name, value in values.items():
        field = declared.get(name)
        _remember(motion, name, value, origin)
        if field is not None and field.secret:
            motion.taken[name, origin] = Taken(name, origin, value)
        elif field is not None and value is not None and _is_text(field):
            open_values[name] = hush(motion, name, value, origin)
        else:
            open_values[name] = value
    return open_values


def hush(motion: Motion, name: str, said: Any, origin: str | None = None) -> Any:
    """A text, or a list of them, with every personal number covered; as it was written it is sealed."""
    covered = cover(said)
    _remember(motion, name, said, origin)
    if covered != said:
        motion.taken[name, origin] = Taken(name, origin, said)
    return covered


def _remember(motion: Motion, name: str, said: Any, origin: str | None) -> None:
    """What was typed before it was brought to a normal form is sealed beside it: one row an act, by name."""
    was = typed.original(said)
    if was is None or any(name in each.value for each in motion.taken.values() if each.name == AS_TYPED):
        return  # an answer comes by twice: with its task, and on its way into the case's data
    held = motion.taken.get((AS_TYPED, origin))
    others = held.value if held is not None else {}
    motion.taken[AS_TYPED, origin] = Taken(AS_TYPED, origin, {**others, name: was})


def hush_spoken(motion: Motion, data: Mapping[str, Any], origin: str | None) -> dict[str, Any]:
    """The parts of an event or of a task with what people wrote covered, so that it may stand in the open."""
    return {
        name: hush(motion, name, value, origin) if name in SPOKEN and value else value
        for name, value in data.items()
    }


def cover(said: Any) -> Any:
    if isinstance(said, list):
        return [cover(each) for each in said]
    return personal.covered(said) if isinstance(said, str) else said


def _is_text(field: DataField) -> bool:
    return "text" in (field.type, field.item)


def seal(motion: Motion) -> list[dict[str, Any]]:
    """The rows of the sidecar for what the motion took, told to the chain by a hash of what was sealed."""
    if not motion.taken:
        return []
    key = key_of(motion.session, motion.case["id"])
    rows = [_row(motion, each, key) for each in motion.taken.values()]
    names = list(dict.fromkeys(row["name"] for row in rows))
    motion.tell(KEPT, fields=names, seal=seal_of(rows))
    return rows


def save(session: Session, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.write(_INSERT, rows)


def key_of(session: Session, case_id: str) -> DataKey:
    """The data key of a case, made when it has none."""
    return data_keys.of(session, f"case:{case_id}")


def _row(motion: Motion, taken: Taken, key: DataKey) -> dict[str, Any]:
    row_id = new_id()
    row: dict[str, Any] = {
        "id": row_id,
        "case_id": motion.case["id"],
        "name": taken.name,
        "origin": taken.origin,
        "seq": motion.case["audit_seq"] + 1,
        "key_id": key.number,
        "sealed": None,
        "blind": None,
        "coarse": None,
    }
    if taken.value is None:
        return row
    row["sealed"] = seal_with(key, place(row_id), orjson.dumps(taken.value))
    field = motion.bundle.process.data.get(taken.name)
    if field is not None and field.secret and field.format in PERSONAL:
        index = data_keys.system(motion.session, INDEX)
        row["blind"] = blind.exact(index, taken.name, taken.value)
        row["coarse"] = blind.coarse(index, taken.name, taken.value)
    return row


def seal_draft(session: Session, case_id: str, task_id: str, draft: Mapping[str, Any]) -> Sealed:
    """A draft as it is kept: whole, for nobody has looked at it yet."""
    return seal_with(key_of(session, case_id), draft_place(task_id), orjson.dumps(dict(draft)))


def draft_place(task_id: str) -> Place:
    return Place("tasks", "draft", task_id)
