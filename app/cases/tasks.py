"""What people do with tasks, as sentences: claim it, give it back, complete it, look at its form."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from app import bundles
from app.bundles.form_schema import json_schema
from app.cases import prompts, viewing
from app.cases.advance import Moved, advance
from app.cases.commands import Claim, Complete, Unclaim
from app.cases.models import cases, tasks
from app.cases.motion import Row, expression_data
from app.cases.phrases import service as phrases
from app.cases.secrets import showing
from app.cases.stack import SIGNERS
from app.cases.suggestions import service as suggestions
from app.core.db import Session, reading
from app.core.once import Once, Stored
from app.identity.actor import Actor
from app.identity.permissions import TASK_READ
from app.identity.scopes import case_scope, hidden, require


def claim(actor: Actor, task_id: str, request: Once | None = None, seen: int | None = None) -> Moved | Stored:
    """签收. The same person again gets the same answer. Raises TaskTaken, TaskDone, Stale, CaseBusy …"""
    return advance(Claim(task_id, seen), actor, request)


def unclaim(
    actor: Actor, task_id: str, reason: str, seen: int | None, request: Once | None = None
) -> Moved | Stored:
    """退回待办池, with a reason. Raises TaskNotClaimed, ReasonRequired, Stale."""
    return advance(Unclaim(task_id, reason, seen), actor, request)


def complete(
    actor: Actor,
    task_id: str,
    outcome: str,
    answers: Mapping[str, Any],
    opinion: str | None = None,
    seen: int | None = None,
    request: Once | None = None,
    confirm: Sequence[str] = (),
) -> Moved | Stored:
    """办理. `seen` is the revision the person looked at, `confirm` the prompts they go on with.

    Raises AnswersWrong, OutcomeUnknown, TaskDone, and the problem of a prompt that still stands.
    """
    return advance(Complete(task_id, outcome, answers, opinion, seen, tuple(confirm)), actor, request)


_ONE = (
    select(
        tasks,
        cases.c.version_id,
        cases.c.process_key,
        cases.c.number,
        cases.c.title,
        cases.c.status,
        cases.c.light,
        cases.c.org_path,
    )
    .join(cases, cases.c.id == tasks.c.case_id)
    .where(tasks.c.id == bindparam("task"))
)


def visible(session: Session, actor: Actor, task_id: str) -> Row:
    """Loading and being allowed are one act. Raises NotFound out of scope."""
    require(actor, TASK_READ, subject=task_id)
    statement = _ONE.where(case_scope(actor, TASK_READ, cases.c.org_path, cases.c.id))
    row = session.execute(statement, {"task": task_id}).mappings().one_or_none()
    if row is None:
        raise hidden(actor, task_id)
    return dict(row)


def look(actor: Actor, task_id: str) -> Row:
    """A task with its case's head."""
    with reading() as session:
        return visible(session, actor, task_id)


def form_of(actor: Actor, task_id: str) -> dict[str, Any]:
    """The form as JSON Schema, its present values, its outcomes, its draft, what is to be said about it,
    the phrases
    that fit it, and what is suggested for its fields."""
    with reading() as session:
        task = visible(session, actor, task_id)
        case = dict(session.execute(select(cases).where(cases.c.id == task["case_id"])).mappings().one())
        bundle = bundles.get(task["version_id"])
        step = bundle.step(task["step"])
        signs = task["part"] in SIGNERS
        form = bundle.forms[step.form] if step.form and not signs else None
        plain = expression_data(bundle, case)
        data = dict(plain)
        if form is not None:
            data |= showing.form_values(session, actor, task, case, form, bundle)
        draft = showing.draft_of(session, actor, task, bundle)
        over = task["state"] not in ("open", "claimed")
        at = prompts.At(session, actor, bundle, case, task)
        told = [] if over or task["part"] is not None else prompts.all_of(at)
        kept = [] if over else phrases.offered(session, actor, bundle.key, task["step"], form)
        advised = [] if over else suggestions.offered(session, form, plain)
    return {
        "task": task["id"],
        "revision": task["revision"],
        "title": form.title if form else task["name"],
        "schema": json_schema(form)
        if form
        else {"type": "object", "properties": {}, "additionalProperties": False},
        "values": {name: data[name] for name in (f.name for f in form.fields) if data.get(name) is not None}
        if form
        else {},
        "outcomes": viewing.outcomes_of(task, bundle),
        "draft": draft,
        "prompts": told,
        "phrases": kept,
        "suggestions": advised,
    }
