"""外部办理交回: what a worker hands in, held against its lock and the diagram, under the case's lock."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from app.bundles.forms import AnswersRefused, Form, FormField
from app.bundles.keys import nearest
from app.cases.commands import FinishWork
from app.cases.env import awake
from app.cases.external.errors import ExternalTaskClosed, ExternalTaskLockLost, VariablesWrong
from app.cases.external.models import LIVE, external_tasks
from app.cases.motion import Motion, Row
from app.core import dialects
from app.core.clock import BEIJING
from app.core.db import Session
from app.core.errors import FieldError, NotFound
from app.engine.run import Run
from app.engine.version import Service
from app.identity import org

ONE = dialects.locked(select(external_tasks).where(external_tasks.c.id == bindparam("which")))
_SAID = update(external_tasks).where(external_tasks.c.id == bindparam("which"))
OVER = {
    "done": "已经交回",
    "error": "已按报出的错误办理",
    "cancelled": "流程已不再需要",
    "returned": "办件已退回",
    "skipped": "已被人跳过",
    "resting": "办件已挂起，或已并入另一件",
}
"""How a task ended, for whoever comes late."""


def finish(motion: Motion, command: FinishWork) -> Run | None:
    """The engine with the work handed in; None for a repetition, which gets the same answer.

    Raises ExternalTaskClosed (who, when), ExternalTaskLockLost, VariablesWrong, ErrorUncaught.
    """
    row = locked(motion.session, command.work_id)
    wanted = "done" if command.error is None else "error"
    ended = row["state"] == wanted
    given_up = row["state"] == "stopped" and command.error is not None and row["error_code"] == command.error
    if (ended or given_up) and by_the_same(row, motion.actor.id, command.worker):
        motion.made = row
        return None
    held(motion.session, row, motion.actor.id, command.worker, motion.now)
    run = awake(motion)
    service = run.service_at(row["ref"])
    given = _given(motion, service, command.variables, all_of_them=command.error is None)
    if command.error is None:
        run.deliver(row["ref"], given)
    else:
        run.env.write({name: given[result] for result, name in service.outputs if result in given})
        run.fail(row["ref"], command.error)
    motion.finished[row["ref"]] = wanted
    told = {"element": row["element"], "label": row["name"], "topic": row["topic"]}
    if command.error is not None:
        told["code"] = command.error
        said = {"error_code": command.error, "error_message": command.said}
        motion.session.execute(_SAID.values(said), {"which": row["id"]})
        row |= said
    motion.tell(f"external.{wanted}", **told)
    motion.made = {**row, "state": wanted, "closed_at": motion.now, "lock_until": None}
    return run


def locked(session: Session, work_id: str) -> Row:
    """The row, which nobody can fetch or hand in meanwhile. Raises NotFound."""
    row = session.execute(ONE, {"which": work_id}).mappings().one_or_none()
    if row is None:
        raise NotFound
    return dict(row)


def by_the_same(row: Row, account: str, worker: str | None) -> bool:
    """Whether this worker of this account had it last."""
    return (row["account_id"], row["worker"]) == (account, worker)


def held(session: Session, row: Row, account: str, worker: str | None, now: datetime) -> None:
    """Raises unless the work is open and this worker's. Without a worker the house hands in (scenarios)."""
    if row["state"] not in LIVE or row["state"] == "resting":
        who = org.name_of(session, row["closed_by"])
        when = row["closed_at"].astimezone(BEIJING).isoformat(timespec="seconds")
        says = f"{OVER[row['state']]}：{who}，{when}。"
        raise ExternalTaskClosed(says, who=who, when=when, state=row["state"])
    if row["state"] == "stopped":
        raise ExternalTaskLockLost("这件外部任务停在一条异常上，等人处理。")
    if worker is None:
        return
    if row["lock_until"] is None:
        raise ExternalTaskLockLost("这件外部任务没有被锁定，请重新领取。")
    if row["lock_until"] <= now:
        when = row["lock_until"].astimezone(BEIJING).isoformat(timespec="seconds")
        raise ExternalTaskLockLost(f"锁在 {when} 过了期，请重新领取。", when=when)
    if not by_the_same(row, account, worker):
        raise ExternalTaskLockLost("这件外部任务现在由别的 worker 锁定。")


def _given(
    motion: Motion, service: Service, variables: Mapping[str, Any], *, all_of_them: bool
) -> dict[str, Any]:
    """What was handed in, by the name of the result, each as its data name is declared."""
    known = [result for result, _ in service.outputs]
    wrong = [
        FieldError(_pointer(name), "unknown-field", f"这一步不交回这一项；要交回的有{nearest(name, known)}。")
        for name in variables
        if name not in known
    ]
    if all_of_them:
        wrong += [
            FieldError(_pointer(name), "required", f"请交回“{name}”，没有的写 null。")
            for name in known
            if name not in variables
        ]
    declared = motion.bundle.process.data
    form = Form(service.id, service.name, tuple(FormField(declared[name]) for _, name in service.outputs))
    answers = {name: variables[result] for result, name in service.outputs if result in variables}
    clean: Mapping[str, Any] = {}
    try:
        clean = form.check(answers, motion.case["data"], motion.lookups)
    except AnswersRefused as refused:
        back = {f"/answers/{name}": result for result, name in service.outputs}
        wrong += [
            FieldError(_pointer(back[each.pointer]), each.code, each.message) for each in refused.errors
        ]
    if wrong:
        raise VariablesWrong(errors=wrong)
    return {result: clean.get(name) for result, name in service.outputs if result in variables}


def _pointer(name: str) -> str:
    return "/variables/" + name[:120].replace("~", "~0").replace("/", "~1")
