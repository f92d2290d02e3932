"""One's own matters as a resident reads them: public words, no name, no reason and no draft of staff."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, exists, select

from app import bundles
from app.audit.chain import case_chain
from app.bundles import Bundle, store
from app.bundles.form_schema import json_schema
from app.bundles.ratings import RATED
from app.cases import inbox
from app.cases.attachments.models import attachments
from app.cases.models import cases, tasks
from app.cases.secrets.showing import data_of
from app.core.db import Session, reading
from app.core.http.fields import out
from app.identity.actor import Actor
from app.identity.models import case_access
from app.identity.scopes import hidden

Row = dict[str, Any]

SAID = {
    "case.received": "已收到并登记",
    "case.dispatched": "已派给承办单位",
    "case.signed": "承办单位已签收",
    "case.replied": "已答复",
    "case.resolved": "已解决",
    "case.rated": "已评价",
    "case.escalated": "已上报上级",
    "case.urged": "已催办",
    "letter.sent": "工作人员来信",
    "letter.answered": "已回信",
    "case.suspended": "暂停办理",
    "case.resumed": "恢复办理",
    "case.redone": "重新办理",
    "case.reopened": "重新打开",
    "case.merged": "与另一件同样的事合并办理",
    "case.unmerged": "恢复单独办理",
    "case.revoked": "已撤诉",
    "case.terminated": "终止办理",
    "case.closed": "已办结",
}
"""What a resident reads of a matter's course; everything else is the staff's own."""
MOST_STEPS = 2000
MOST_WAITING = 200

_OWN = exists().where(
    case_access.c.case_id == cases.c.id,
    case_access.c.holder == bindparam("holder"),
    case_access.c.reason == "started",
)
_ONE = select(cases).where(cases.c.id == bindparam("case"), _OWN)
_FILED = select(cases).where(cases.c.filed_from == bindparam("case"), _OWN).order_by(cases.c.id)
_GOING_ON = select(cases.c.id, cases.c.version_id, cases.c.status).where(
    cases.c.id.in_(bindparam("which", expanding=True))
)
_TASKS = select(tasks).where(
    tasks.c.case_id == bindparam("case"), tasks.c.state.in_(("open", "claimed")), tasks.c.part.is_(None)
)
_SOME_TASK = (
    select(tasks.c.id)
    .where(tasks.c.case_id == bindparam("case"), tasks.c.state.in_(("open", "claimed")))
    .order_by(tasks.c.id)
    .limit(1)
)
_ONE_TASK = select(tasks.c.id, tasks.c.pools, tasks.c.done_by, tasks.c.assignee_id).where(
    tasks.c.id == bindparam("task")
)
_OPENED = select(tasks.c.step).where(tasks.c.case_id == bindparam("case")).distinct()
_CHAIN = (
    select(case_chain.c.seq, case_chain.c.at, case_chain.c.events)
    .where(case_chain.c.case_id == bindparam("case"))
    .order_by(case_chain.c.seq)
    .limit(MOST_STEPS)
)
_FILES = select(attachments).where(attachments.c.case_id == bindparam("case")).order_by(attachments.c.id)


def processes() -> list[Row]:
    """What a resident may file now, each with the form of its filing."""
    with reading() as session:
        versions = store.current(session)
    found = [bundles.get(version) for version in versions]
    return [_filed_with(bundle) for bundle in found if bundle.process.start_by_resident]


def own(session: Session, actor: Actor, case_id: str) -> Row:
    """A matter that the actor filed, or that was filed for him. Raises NotFound."""
    row = session.execute(_ONE, {"case": case_id, "holder": desk(actor)}).mappings().one_or_none()
    if row is None:
        raise hidden(actor, case_id)
    return dict(row)


def look(actor: Actor, case_id: str) -> Row:
    """One matter, with what was filled in for and by the reporter, the steps that wait for him, and what
    became of it: the matters of his that it was filed as, as they stand now."""
    with reading() as session:
        case = own(session, actor, case_id)
        bundle = bundles.get(case["version_id"])
        held = data_of(session, case, bundle)
        open_tasks = [dict(row) for row in session.execute(_TASKS, {"case": case_id}).mappings()]
        told = _fields(session, case, bundle)
        which = {"case": case_id, "holder": desk(actor)}
        filed = [dict(row) for row in session.execute(_FILED, which).mappings()]
        stand = standing(session, [case, *filed])
    mine = [task for task in open_tasks if desk(actor) in task["pools"]]
    return {
        **head(case, bundle, stand),
        "data": [
            {"name": name, "label": bundle.process.data[name].label, "value": held[name]}
            for name in told
            if held.get(name) is not None
        ],
        "tasks": [asked(task, bundle) for task in mine],
        "filed": [head(row, bundles.get(row["version_id"]), stand) for row in filed],
    }


def standing(session: Session, matters: Sequence[Mapping[str, Any]]) -> dict[str, str | None]:
    """Matter → its public status, of those that were merged: they stand where the one that goes on stands."""
    into = {row["id"]: row["merged_into"] for row in matters if row["state"] == "merged"}
    if not into:
        return {}
    going = {row.id: row for row in session.execute(_GOING_ON, {"which": sorted(set(into.values()))})}
    return {
        own: bundles.get(going[other].version_id).process.public_status(going[other].status)
        for own, other in into.items()
    }


def head(case: Mapping[str, Any], bundle: Bundle, stand: Mapping[str, str | None]) -> Row:
    """A matter in a list; `stand` as `standing` says it."""
    return {
        "id": case["id"],
        "number": case["number"],
        "process": case["process_key"],
        "processName": bundle.process.name,
        "title": case["title"],
        "placeUnit": case["place_unit"],
        "status": stand.get(case["id"], bundle.process.public_status(case["status"])),
        "state": case["state"],
        "receivedAt": out(case["received_at"]),
        "closedAt": out(case["closed_at"]),
        "revision": case["revision"],
    }


def asked(task: Mapping[str, Any], bundle: Bundle) -> Row:
    """A step that waits for a resident."""
    step = bundle.step(task["step"])
    return {
        "id": task["id"],
        "case": task["case_id"],
        "name": task["name"],
        "rates": step.event == RATED,
        "openedAt": out(task["opened_at"]),
        "dueAt": out(task["due_at"]),
        "revision": task["revision"],
    }


def course(actor: Actor, case_id: str) -> list[Row]:
    """What happened, and each public status that its steps brought, oldest first."""
    with reading() as session:
        bundle = bundles.get(own(session, actor, case_id)["version_id"])
        rows = session.execute(_CHAIN, {"case": case_id}).all()
    told: list[Row] = []
    stood: str | None = None
    for row in rows:
        happened = orjson.loads(row.events)
        said, stands = _said(happened), _came_to(happened, bundle) or stood
        if stands not in (stood, None, *said) and told:  # where it begins is no news
            said.append(f"进入“{stands}”")
        stood = stands
        if said:
            told.append({"seq": row.seq, "at": out(row.at), "text": "；".join(said)})
    return told


def files(actor: Actor, case_id: str) -> list[Row]:
    """The attachments that one brought oneself, and those that the reporter's forms show; oldest first."""
    with reading() as session:
        case = own(session, actor, case_id)
        shown = _files_shown(session, case)
        rows = session.execute(_FILES, {"case": case_id}).mappings()
        return [dict(row) for row in rows if row["uploader_id"] == actor.id or row["id"] in shown]


def shows(actor: Actor, file: Row) -> bool:
    """Whether a file is one's own, or one that a form shows to the reporter of its case."""
    if file["uploader_id"] == actor.id:
        return True
    with reading() as session:
        row = session.execute(_ONE, {"case": file["case_id"], "holder": desk(actor)}).mappings().one_or_none()
        return row is not None and file["id"] in _files_shown(session, dict(row))


def _files_shown(session: Session, case: Row) -> set[str]:
    bundle = bundles.get(case["version_id"])
    held = data_of(session, case, bundle)
    told = _fields(session, case, bundle)
    named = [name for name in told if bundle.process.data[name].type == "files"]
    return {one for name in named for one in held.get(name) or ()}


def own_task(actor: Actor, task_id: str) -> None:
    """Raises NotFound for a step that is not the actor's, whoever's case it is of."""
    with reading() as session:
        row = session.execute(_ONE_TASK, {"task": task_id}).one_or_none()
    mine = row is not None and (desk(actor) in row.pools or actor.id in (row.done_by, row.assignee_id))
    if not mine:
        raise hidden(actor, task_id)


def waiting(actor: Actor) -> list[Row]:
    """The open steps that lie with a resident, the most urgent first."""
    rows = inbox.page(actor, "todo", MOST_WAITING, None)
    return [asked(row, bundles.get(row["version_id"])) for row in rows]


def some_task(actor: Actor, case_id: str) -> str | None:
    """An open task of one's matter, whoever has it in hand."""
    with reading() as session:
        own(session, actor, case_id)
        found: str | None = session.scalar(_SOME_TASK, {"case": case_id})
        return found


def desk(actor: Actor) -> str:
    return f"person:{actor.id}"


def _filed_with(bundle: Bundle) -> Row:
    form = bundle.forms.get(bundle.engine.start_form or "")
    nothing = {"type": "object", "properties": {}, "additionalProperties": False}
    return {
        "key": bundle.key,
        "name": bundle.process.name,
        "title": form.title if form is not None else bundle.process.name,
        "schema": json_schema(form) if form is not None else nothing,
    }


def _said(events: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(said for event in events if (said := _words(event))))


def _came_to(events: Sequence[Mapping[str, Any]], bundle: Bundle) -> str | None:
    """The public status of the last step that opened, where process.yaml has a word for it."""
    opened = [bundle.drawn.steps.get(event["step"]) for event in events if event["name"] == "task.opened"]
    words = [bundle.process.public.get(step.status or "") for step in opened if step is not None]
    return next((word for word in reversed(words) if word), None)


def _words(event: Mapping[str, Any]) -> str | None:
    """Public words for an event; what another case of the house told is said with its status."""
    if event["name"] == "message.received" and event.get("public"):
        return f"{event['process']}：{event['public']}"
    return SAID.get(event["name"])


def _fields(session: Session, case: Row, bundle: Bundle) -> list[str]:
    """What the forms ask or show the reporter: the start form if he filed it, and those of his steps; a field
    that is not early once its step has come."""
    start = bundle.forms.get(bundle.engine.start_form or "") if case["source"] == "resident" else None
    names = [field.name for field in start.fields] if start is not None else []
    steps = {
        key: bundle.forms[step.form]
        for key, step in bundle.drawn.steps.items()
        if step.form
        and step.form in bundle.forms
        and any(rule.kind == "reporter" for rule in bundle.rules_at(key))
    }
    late = any(not field.early for form in steps.values() for field in form.fields)
    came = set(session.execute(_OPENED, {"case": case["id"]}).scalars()) if late else set()
    for key, form in steps.items():
        names += [field.name for field in form.fields if field.early or key in came]
    return list(dict.fromkeys(names))


def fields_of(bundle: Bundle, *, filed: bool) -> list[str]:
    """What a list may show the reporter, however far a matter is: early fields of his steps; the start form
    if he filed it.
    """
    start = bundle.forms.get(bundle.engine.start_form or "") if filed else None
    names = [field.name for field in start.fields] if start is not None else []
    for key, step in bundle.drawn.steps.items():
        form = bundle.forms.get(step.form or "")
        if form is not None and any(rule.kind == "reporter" for rule in bundle.rules_at(key)):
            names += [field.name for field in form.fields if field.early]
    return list(dict.fromkeys(names))
