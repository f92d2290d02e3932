"""What goes out: secret values covered, whole only for whoever handles the step whose form asks them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Row as SqlRow

from app.bundles import Bundle
from app.bundles.data_fields import DataField
from app.bundles.forms import Form
from app.cases import names
from app.cases.secrets.table import OF_CASE, place
from app.cases.secrets.taking import cover, draft_place
from app.core import personal
from app.core.db import Session
from app.crypto import data_keys, sm4
from app.crypto.data_keys import KeyDestroyed
from app.crypto.sealed import Sealed, open_
from app.crypto.sm4 import Unreadable
from app.identity.actor import Actor

if TYPE_CHECKING:
    from app.cases.motion import Motion

log = logging.getLogger("huying.secrets")

WRITTEN = {
    "title": "标题",
    "opinion": "意见",
    "reason": "原因",
    "note": "备注",
    "text": "文字",
    "demand": "要求",
    "as_typed": "输入时的原样",
}
"""Texts of the sidecar that stand beside the declared names."""

GONE = "（已按申请删除）"
UNREADABLE = "（无法解密，请联系运维人员）"


@dataclass(frozen=True)
class Kept:
    """A value of the sidecar, opened. `right` is False when it cannot be read; `value` then says so."""

    name: str
    origin: str | None
    value: Any
    right: bool = True


def kept(session: Session, case_id: str) -> list[Kept]:
    """Everything sealed of a case, oldest first. One statement."""
    return [_opened(row) for row in session.execute(OF_CASE, {"case": case_id})]


def of_origin(motion: Motion, origin: str) -> dict[str, Any]:
    """What was sealed with one task, by name."""
    found = kept(motion.session, motion.case["id"])
    return {each.name: each.value for each in found if each.origin == origin}


def secrets_now(motion: Motion) -> dict[str, Any]:
    """The secret names of a case that moves, as they will be: for a message that says it may carry them."""
    held = {each.name: each.value for each in kept(motion.session, motion.case["id"]) if each.right}
    held |= {each.name: each.value for each in motion.taken.values()}
    return {name: value for name, value in held.items() if name in motion.bundle.secret_names}


def current(session: Session, case_id: str) -> dict[str, Any]:
    """What each name holds now."""
    return {each.name: each.value for each in kept(session, case_id)}


def data_of(session: Session, case: Mapping[str, Any], bundle: Bundle) -> dict[str, Any]:
    """The case's data with its secret values covered. No statement where nothing is declared secret."""
    if not bundle.secret_names:
        return dict(case["data"])
    held = current(session, case["id"])
    hidden = {
        name: shown(bundle.process.data[name], held[name])
        for name in bundle.process.data
        if name in bundle.secret_names and held.get(name) is not None
    }
    return {**case["data"], **hidden}


def form_values(
    session: Session,
    actor: Actor,
    task: Mapping[str, Any],
    case: Mapping[str, Any],
    form: Form,
    bundle: Bundle,
) -> dict[str, Any]:
    """The sealed values that a form shows: whole for its handler while the task is open, else covered.

    Texts with covered numbers come whole for the handler alone: the case itself has them covered.
    """
    asked = {each.name for each in form.fields}
    whole = handles(actor, task) and case["state"] == "active"
    if not whole and not asked & bundle.secret_names:
        return {}
    values = {}
    for name, value in current(session, case["id"]).items():
        if name not in asked or value is None:
            continue
        if name in bundle.secret_names:
            values[name] = value if whole else shown(bundle.process.data[name], value)
        elif whole and cover(value) == case["data"].get(name):  # else the text was changed since
            values[name] = value
    return values


def handles(actor: Actor, task: Mapping[str, Any]) -> bool:
    """Whether somebody is the one who works on an open task."""
    if task["state"] != "claimed":
        return False
    standing = names.standing(actor, task, task["process_key"])
    return bool(task["assignee_id"] == (standing.actor.id if standing is not None else actor.id))


def draft_of(
    session: Session, actor: Actor, task: Mapping[str, Any], bundle: Bundle
) -> dict[str, Any] | None:
    """The draft: whole for who wrote it and for who handles the task, covered for others who see the task."""
    sealed: Sealed | None = task["draft"]
    if sealed is None:
        return None
    try:
        draft: dict[str, Any] = orjson.loads(open_(session, draft_place(task["id"]), sealed))
    except Unreadable:
        log.error("a draft cannot be opened", extra={"fields": {"task": task["id"]}})
        return None
    if draft.get("by") == actor.id or handles(actor, task):
        return draft
    declared = bundle.process.data
    answers = {
        name: shown(declared[name], value) if name in bundle.secret_names else cover(value)
        for name, value in draft.get("answers", {}).items()
    }
    return {**draft, "answers": answers, "opinion": cover(draft.get("opinion"))}


def label(name: str, bundle: Bundle) -> str:
    """What people call a name of the sidecar."""
    field = bundle.process.data.get(name)
    return field.label if field is not None else WRITTEN.get(name, name)


def shown(field: DataField, value: Any) -> Any:
    """A secret value as everybody may see it."""
    if value in (GONE, UNREADABLE) or not isinstance(value, str):
        return value if value in (GONE, UNREADABLE, None) else "****"
    return personal.COVERS[field.format or "name"](value)


def uncovered(session: Session, case_id: str, bundle: Bundle, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Answers in which what came back covered stands for the value that is kept: the person left it alone."""
    suspects = [n for n, v in answers.items() if n in bundle.secret_names and isinstance(v, str) and "*" in v]
    if not suspects:
        return dict(answers)
    held = current(session, case_id)
    same = {
        name: held[name]
        for name in suspects
        if held.get(name) is not None and shown(bundle.process.data[name], held[name]) == answers[name]
    }
    return {**answers, **same}


def _opened(row: SqlRow[Any]) -> Kept:
    if row.sealed is None:
        return Kept(row.name, row.origin, None)
    try:
        opened = sm4.open_(data_keys.unwrap(row), place(row.row_id), row.sealed.data)
        return Kept(row.name, row.origin, orjson.loads(opened))
    except KeyDestroyed:
        return Kept(row.name, row.origin, GONE, right=False)
    except Unreadable:  # one value that was tampered with must not hide the whole case
        log.error("a secret value cannot be opened", extra={"fields": {"row": row.row_id}})
        return Kept(row.name, row.origin, UNREADABLE, right=False)
