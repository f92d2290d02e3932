"""What people do with tasks, as sentences: claim it, give it back, complete it, look at its form."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from app import bundles
from app.bundles import Bundle
from app.bundles.verbs import REJECTED
from app.cases import prompts
from app.cases.advance import Moved, advance
from app.cases.commands import (
    Assist,
    Claim,
    Complete,
    MergeAway,
    MergeUndone,
    Return,
    TakeIn,
    Transfer,
    Unclaim,
    Withdraw,
)
from app.cases.env import awake
from app.cases.models import cases, tasks
from app.cases.motion import Row, expression_data
from app.cases.rejections import REASON, SUGGESTED
from app.cases.secrets import showing
from app.cases.tree import Tree
from app.cases.verbs import return_
from app.core.db import Session, reading, transaction
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


def transfer(
    actor: Actor, task_id: str, to: str, reason: str, seen: int | None, request: Once | None = None
) -> Moved | Stored:
    """转办 to a person of the same pool, by login. Raises TransferredEnough, PersonNotSelectable …"""
    return advance(Transfer(task_id, to, reason, seen), actor, request)


def reject_order(
    actor: Actor,
    task_id: str,
    reason: str,
    suggest: str | None,
    opinion: str,
    seen: int | None,
    request: Once | None = None,
) -> Moved | Stored:
    """退单: completes the step with its outcome 退单. Raises VerbForbidden, ReturnNotRepeatable …"""
    answers = {REASON: reason, SUGGESTED: suggest}
    given = {name: value for name, value in answers.items() if value is not None}
    return complete(actor, task_id, REJECTED, given, opinion, seen, request)


def assist(
    actor: Actor,
    task_id: str,
    units: Sequence[str],
    demand: str,
    whistle: bool = False,
    request: Once | None = None,
) -> Moved | Stored:
    """协办、吹哨: a child case for each unit. Raises UnitNotSelectable, RequestPending, AssistUnavailable."""
    return advance(Assist(task_id, tuple(units), demand, whistle), actor, request)


def withdraw(actor: Actor, task_id: str, reason: str, request: Once | None = None) -> Moved | Stored:
    """撤回 what one did oneself. Raises CannotWithdraw with what happened since."""
    return advance(Withdraw(task_id, reason), actor, request)


def give_back(
    actor: Actor,
    task_id: str,
    step: str,
    reason: str,
    seen: int | None,
    scope: str = "auto",
    over_send: str | None = None,
    request: Once | None = None,
) -> Moved | Stored:
    """退回 to an earlier step. Raises ReturnNotPossible, ReturnOverSend, VerbForbidden, Stale …"""
    return advance(Return(task_id, step, reason, seen, scope, over_send), actor, request)


def give_back_plan(actor: Actor, task_id: str, step: str, scope: str = "auto") -> dict[str, Any]:
    """What a return would do; nothing is written. Raises as give_back does."""
    with transaction() as session:
        motion = Tree.locked(session, actor, [Return(task_id, step, "", None, scope)]).motion(task_id)
        task = return_.checked(motion, task_id)
        return return_.shown(motion, return_.planned(motion, awake(motion), task, step, scope))


def return_targets(actor: Actor, task_id: str) -> list[dict[str, Any]]:
    """The steps a task may go back to, each with the choices there are and why."""
    with transaction() as session:
        motion = Tree.locked(session, actor, [Return(task_id, "", "", None)]).motion(task_id)
        task = return_.checked(motion, task_id)
        return [
            {
                "step": target.step,
                "name": target.name,
                "rounds": target.rounds,
                "choices": list(target.choices),
                "reasons": list(target.reasons),
            }
            for target in awake(motion).return_targets(task["ref"])
        ]


def merge(
    actor: Actor, case_id: str, into: str, reason: str, seen: int | None, request: Once | None = None
) -> Moved | Stored:
    """合并 into another case. Raises CannotMerge, CaseMerged, CaseClosed, Stale …"""
    return advance([MergeAway(case_id, into, reason, seen), TakeIn(into, case_id)], actor, request)


def unmerge(actor: Actor, case_id: str, reason: str, request: Once | None = None) -> Moved | Stored:
    """撤销合并, until the other case closes. Raises NotMerged."""
    return advance(MergeUndone(case_id, reason), actor, request)


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


def look(actor: Actor, task_id: str) -> tuple[Row, Bundle]:
    """A task with its case's head and the version it runs."""
    with reading() as session:
        task = visible(session, actor, task_id)
    return task, bundles.get(task["version_id"])


def form_of(actor: Actor, task_id: str) -> dict[str, Any]:
    """The form as JSON Schema, its present values, its outcomes, and the draft a failure may have kept."""
    with reading() as session:
        task = visible(session, actor, task_id)
        case = dict(session.execute(select(cases).where(cases.c.id == task["case_id"])).mappings().one())
        bundle = bundles.get(task["version_id"])
        step = bundle.engine.step(task["step"])
        form = bundle.forms[step.form] if step.form else None
        data = dict(expression_data(bundle, case))
        if form is not None:
            data |= showing.form_values(session, actor, task, case, form, bundle)
        draft = showing.draft_of(session, actor, task, bundle)
        over = task["state"] not in ("open", "claimed")
        told = [] if over else prompts.of(prompts.At(session, bundle, case, task))
    return {
        "task": task["id"],
        "revision": task["revision"],
        "title": form.title if form else task["name"],
        "schema": form.json_schema()
        if form
        else {"type": "object", "properties": {}, "additionalProperties": False},
        "values": {name: data[name] for name in (f.name for f in form.fields) if data.get(name) is not None}
        if form
        else {},
        "outcomes": [{"name": o.name, "opinionRequired": o.demands_opinion} for o in step.outcomes],
        "draft": draft,
        "prompts": prompts.shown(told),
    }
