"""A case as a person may see it, and the shapes in which cases and tasks leave the house."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, exists, literal, select

from app import bundles
from app.bundles import Bundle
from app.cases import hints, names
from app.cases.models import GOING, cases, favourites, tasks
from app.cases.motion import Row
from app.cases.secrets.showing import data_of
from app.cases.stack import SIGNED, SIGNERS
from app.clocks.models import clocks
from app.clocks.rows import ROUND
from app.core.db import Session, reading
from app.core.http.fields import out
from app.identity.actor import Actor
from app.identity.models import case_access
from app.identity.permissions import CASE_READ
from app.identity.scopes import case_scope, hidden, require

LISTED_CASE = tuple(c for c in cases.c if c.name not in ("engine", "data", "audit_head"))
"""What a list reads of a case: never the bytes of its engine or its data, which it does not show."""
LISTED_TASK = tuple(c for c in tasks.c if c.name not in ("answers", "answers_salt", "draft"))
"""What a list reads of a task."""
HEAD = (
    cases.c.number,
    cases.c.title,
    cases.c.process_key,
    cases.c.status,
    cases.c.light,
    cases.c.version_id,
    cases.c.state.label("case_state"),
)
"""What a listed task shows of its case."""

_ONE = select(cases).where(cases.c.id == bindparam("case"))
_OPEN_TASKS = (
    select(tasks)
    .where(tasks.c.case_id == bindparam("case"), tasks.c.state.in_(("open", "claimed", "waiting")))
    .order_by(tasks.c.opened_at, tasks.c.id)
)
_CLOCKS = (
    select(clocks).where(clocks.c.case_id == bindparam("case")).order_by(clocks.c.started_at, clocks.c.id)
)


_MARKS = select(
    exists()
    .where(
        case_access.c.case_id == bindparam("case"),
        case_access.c.holder == bindparam("holder"),
        case_access.c.reason == literal("followed"),
    )
    .label("followed"),
    exists()
    .where(favourites.c.person_id == bindparam("person"), favourites.c.case_id == bindparam("case"))
    .label("favourite"),
)


def visible(session: Session, actor: Actor, case_id: str, permission: str = CASE_READ) -> Row:
    """Loading and being allowed are one act. Raises NotFound out of scope."""
    require(actor, permission, subject=case_id)
    statement = _ONE.where(case_scope(actor, permission, cases.c.org_path, cases.c.id))
    row = session.execute(statement, {"case": case_id}).mappings().one_or_none()
    if row is None:
        raise hidden(actor, case_id)
    return dict(row)


def marks(session: Session, actor: Actor, case_id: str) -> dict[str, bool]:
    """What the actor set on a case: 关注, 收藏."""
    which = {"case": case_id, "holder": f"person:{actor.id}", "person": actor.id}
    row = session.execute(_MARKS, which).one()
    return {"followed": bool(row.followed), "favourite": bool(row.favourite)}


def look(actor: Actor, case_id: str) -> dict[str, Any]:
    """A case with its open tasks and its clocks."""
    with reading() as session:
        case = visible(session, actor, case_id)
        open_tasks = [dict(row) for row in session.execute(_OPEN_TASKS, {"case": case_id}).mappings()]
        running = [dict(row) for row in session.execute(_CLOCKS, {"case": case_id}).mappings()]
        bundle = bundles.get(case["version_id"])
        data = data_of(session, case, bundle)
        set_by_me = marks(session, actor, case_id)
    return {
        **case_view(case, bundle),
        "data": data,
        "tasks": [task_view(task, bundle) for task in open_tasks],
        "clocks": [clock_view(row) for row in running],
        "prompts": hints.of_case(bundle, case) if case["state"] in GOING else [],
        **set_by_me,
    }


def case_view(case: Mapping[str, Any], bundle: Bundle) -> dict[str, Any]:
    return {
        "id": case["id"],
        "number": case["number"],
        "process": case["process_key"],
        "version": case["version_id"],
        "title": case["title"],
        "source": case["source"],
        "externalNo": case["external_no"],
        "placeUnit": case["place_unit"],
        "priority": case["priority"],
        "instructed": case["instructed"],
        "supervised": case["supervised"],
        "onHold": case["on_hold"],
        "excluded": case["excluded"],
        "round": case["round"],
        "ownerUnit": case["owner_unit"],
        "mergedInto": case["merged_into"],
        "parent": case["parent_id"],
        "state": case["state"],
        "status": case["status"],
        "publicStatus": bundle.process.public_status(case["status"]),
        "light": case["light"],
        "closeReason": case["close_reason"],
        "end": case["end_element"],
        "receivedAt": out(case["received_at"]),
        "openedAt": out(case["opened_at"]),
        "closedAt": out(case["closed_at"]),
        "revision": case["revision"],
    }


def outcomes_of(task: Mapping[str, Any], bundle: Bundle) -> list[dict[str, Any]]:
    """How the task may be finished: as its step says; a signature has two words of its own, and what was only
    delegated none, for it is given back."""
    if task["part"] == "delegate":
        return []
    known = SIGNED if task["part"] in SIGNERS else bundle.step(task["step"]).outcomes
    return [{"name": each.name, "opinionRequired": each.demands_opinion} for each in known]


def task_view(task: Mapping[str, Any], bundle: Bundle) -> dict[str, Any]:
    step = bundle.step(task["step"])
    return {
        "id": task["id"],
        "case": task["case_id"],
        "step": task["step"],
        "name": task["name"],
        "lane": task["lane"],
        "round": task["round"],
        "state": task["state"],
        "pools": task["pools"],
        "assignee": task["assignee_id"],
        "signature": task["signature"],
        "part": task["part"],
        "under": task["under_id"],
        "owner": task["owner_id"],
        "priority": task["priority"],
        "dueAt": out(task["due_at"]),
        "form": step.form if task["part"] not in SIGNERS else None,
        "outcomes": outcomes_of(task, bundle),
        "openedAt": out(task["opened_at"]),
        "claimedAt": out(task["claimed_at"]),
        "closedAt": out(task["closed_at"]),
        "outcome": task["outcome"],
        "opinion": task["opinion"],
        "revision": task["revision"],
    }


def seen_task(actor: Actor, row: Mapping[str, Any]) -> dict[str, Any]:
    """A task as somebody sees it, with whom he would act for (代理)."""
    standing = names.standing(actor, row, row["process_key"])
    return {
        **task_view(row, bundles.get(row["version_id"])),
        "onBehalfOf": standing.actor.name if standing is not None else None,
    }


def listed_task(actor: Actor, row: Mapping[str, Any]) -> dict[str, Any]:
    """A task in a list, with its case's head."""
    return {
        **seen_task(actor, row),
        "caseNumber": row["number"],
        "caseTitle": row["title"],
        "caseStatus": row["status"],
        "caseState": row["case_state"],
        "process": row["process_key"],
        "light": row["light"],
    }


def clock_view(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "round": int(row["instance"].removeprefix(ROUND)) if row["instance"].startswith(ROUND) else None,
        "state": row["state"],
        "limit": row["allowance"],
        "startedAt": out(row["started_at"]),
        "dueAt": out(row["due_at"]),
        "stoppedAt": out(row["stopped_at"]),
    }
