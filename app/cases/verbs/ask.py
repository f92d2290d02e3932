"""申请: a child case is begun beside a case, which a reviewer decides; the case itself goes on meanwhile."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from app import bundles
from app.bundles import Bundle, store
from app.bundles.forms import AnswersRefused
from app.cases import owning
from app.cases.commands.asking import Ask, RequestDecided
from app.cases.errors import RequestPending, RequestUnavailable, VerbForbidden
from app.cases.models import cases
from app.cases.motion import Motion, Row
from app.cases.requests import models, rules
from app.cases.requests.kinds import KINDS, Kind
from app.cases.sync import grant
from app.cases.verbs import children, guard
from app.cases.verbs.pressing import EFFECTS, REASON, Effect
from app.core import personal
from app.core.errors import FieldError
from app.identity import org

_NUMBER = select(cases.c.number).where(cases.c.id == bindparam("which"))


def ask(motion: Motion, command: Ask) -> Motion:
    """The child that was born; the caller lets it settle.

    Raises Forbidden, VerbForbidden, RequestPending, what the kind's own rule refuses, AnswersRefused,
    RequestUnavailable.
    """
    kind = KINDS[command.kind]
    task = guard.task_of(motion, command.task_id)
    unit = rules.unit_of(motion, task, kind)
    _open(motion, task, kind)
    before = None if kind.several else models.pending(motion.session, motion.case["id"], kind.key)
    if before is not None:
        number = motion.session.scalar(_NUMBER, {"which": before})
        raise RequestPending(f"{kind.called}申请 {number} 正在办理，请等它有了结果。", number=number)
    version = store.latest(motion.session, kind.process)
    if version is None:
        raise RequestUnavailable(f"还没有发布{kind.called}流程（{kind.process}），请联系流程管理员。")
    bundle = bundles.get(version)
    known = rules.check(motion, task, kind, command.answers)
    units = org.units_by_code(motion.session, [unit, motion.case["place_unit"]])
    own = units[unit]
    told = {
        "request_for": motion.case["number"],
        "request_unit": unit,
        "request_above": own.above[-1] if len(own.above) > 1 else None,
        "request_at": motion.now.isoformat(),
        **known,
    }
    effect = EFFECTS.get(kind.key, Effect())
    effect.before(motion, command.answers)
    place = units.get(motion.case["place_unit"], own)
    child = children.begin(
        motion, bundle, place, unit, _filled(bundle, command.answers, told), units.values()
    )
    grant(child, f"person:{motion.actor.id}", "started")
    grant(child, f"unit:{own.path}", "pool")
    _keep(motion, child, kind, own)
    effect.begun(motion, child)
    return child


def made(motion: Motion, child: Motion) -> Row:
    """The request as its answer shows it."""
    row = child.changes.inserts["case_requests"][0]
    return {
        **row,
        "parent_number": motion.case["number"],
        "parent_title": motion.case["title"],
        "number": child.case["number"],
        "status": child.case["status"],
        "unit_name": owning.name_of(motion, row["unit"]),
        "asked_by_name": motion.actor.name,
        "decided_by_name": None,
    }


def hear_decision(motion: Motion, command: RequestDecided) -> bool:
    """The case's part: its timeline says what became of it."""
    kind = KINDS[command.kind]
    said = {"opinion": command.said, "reason": command.said} if command.said else {}
    asked = {"kind": kind.key, "called": kind.called, "child": command.request_id, "to": command.asked_by}
    motion.tell(f"request.{command.how}", **asked, **said)
    EFFECTS.get(kind.key, Effect()).over(motion)
    return True


def _open(motion: Motion, task: Row, kind: Kind) -> None:
    if kind.by == "handler":
        guard.answered_for(motion, task)
    guard.case_active(motion)
    guard.allowed(motion, task, kind.verb)
    if motion.case["parent_id"] is not None:
        raise VerbForbidden(f"这是为另一件开始的办件，不能{kind.called}；请对主办件提出。")


def _filled(bundle: Bundle, answers: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of the start form, with what the house itself knows. Raises AnswersRefused."""
    own = [name for name in answers if name in told]
    if own:
        errors = [
            FieldError(f"/answers/{name}", "field-not-applicable", "由系统填写，请不要写。") for name in own
        ]
        raise AnswersRefused(errors=errors)
    form = bundle.forms.get(bundle.engine.start_form or "")
    asked = {each.name for each in form.fields} if form is not None else set()
    return {**answers, **{name: value for name, value in told.items() if name in asked and value is not None}}


def _keep(motion: Motion, child: Motion, kind: Kind, unit: org.Unit) -> None:
    reason = personal.covered(str(child.case["data"].get(REASON) or ""))
    child.changes.inserts["case_requests"].append(
        {
            "id": child.case["id"],
            "parent_id": motion.case["id"],
            "kind": kind.key,
            "unit": unit.code,
            "asked_by": motion.actor.id,
            **motion.signing,
            "asked_at": motion.now,
            "reason": reason,
            "state": "pending",
            "decided_by": None,
            "decided_at": None,
            "opinion": None,
        }
    )
    motion.tell(
        "request.opened",
        kind=kind.key,
        child=child.case["id"],
        number=child.case["number"],
        unit=unit.code,
        called=owning.name_of(motion, unit.code),
        reason=reason,
    )
