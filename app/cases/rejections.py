"""退单: what a unit asked, what was answered, and what that means for it and for whoever dispatches again."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from app.bundles.verbs import REJECTED
from app.cases import owning
from app.cases.errors import ReturnNotRepeatable
from app.cases.handlers import Context, handler
from app.cases.models import rejections, urges
from app.cases.motion import Motion, Row
from app.core.db import Session
from app.core.ids import new_id
from app.engine.errors import HandlerFailed

RETURNED, COUNT, ARBITRATE = "returned_units", "return_count", "to_arbitrate"
"""Reserved names: units not to be picked again, requests in this round, whether a ruling is due."""
REASON, SUGGESTED = "return_reason", "suggested_unit"
"""Data names that the form of a step with rejectOrder may declare."""

_OF_CASE = (
    select(rejections)
    .where(rejections.c.case_id == bindparam("case"), rejections.c.round == bindparam("round"))
    .order_by(rejections.c.asked_at, rejections.c.id)
)
_URGED = insert(urges)
_DECIDE = (
    update(rejections)
    .where(
        rejections.c.case_id == bindparam("which"),
        rejections.c.round == bindparam("this_round"),
        rejections.c.state == "pending",
    )
    .values(state=bindparam("how"), decided_at=bindparam("at"))
    .returning(rejections.c.unit, rejections.c.asked_by)
)


def asked(motion: Motion, task: Row, outcome: str, answers: Mapping[str, Any]) -> None:
    """Keeps a 退单 as a request, where the step may refuse an order. Raises ReturnNotRepeatable."""
    if outcome != REJECTED:
        return
    said = motion.bundle.process.verbs.get(task["step"])
    rule = said.rules.get("rejectOrder") if said is not None else None
    if rule is None:
        return
    unit = unit_of(motion, task)
    before = of_case(motion)
    if any(row["unit"] == unit and row["state"] == "refused" for row in before):
        raise ReturnNotRepeatable
    row = {
        "id": new_id(),
        "case_id": motion.case["id"],
        "task_id": task["id"],
        "unit": unit,
        "round": motion.case["round"],
        "reason": str(answers.get(REASON) or ""),
        "suggested_unit": answers.get(SUGGESTED),
        "state": "pending",
        "asked_by": motion.actor.id,
        "asked_at": motion.now,
        "decided_at": None,
    }
    motion.session.execute(insert(rejections), row)
    before.append(row)
    count = len(before)
    keep(motion, **{COUNT: count, ARBITRATE: rule.max is not None and count > rule.max})
    name = owning.name_of(motion, unit)
    motion.tell("case.returned", unit=unit, called=name, reason=row["reason"], count=count)


def of_case(motion: Motion) -> list[Row]:
    """The requests of this round, as this motion has left them."""
    return requests(motion.session, motion.case, motion.asked)


def requests(session: Session, case: Row, asked: dict[Any, Any]) -> list[Row]:
    """The requests of the case's round, oldest first; read once, and kept in `asked`."""
    key = ("rejections", case["round"])
    if key not in asked:
        which = {"case": case["id"], "round": case["round"]}
        asked[key] = [dict(row) for row in session.execute(_OF_CASE, which).mappings()]
    found: list[Row] = asked[key]
    return found


def unit_of(motion: Motion, task: Row) -> str:
    """The unit that acts: the one chosen for the task, of those the person stands in."""
    mine = [a.unit_code for a in motion.actor.appointments if f"{a.role}@{a.unit_path}" in task["pools"]]
    return mine[0] if mine else motion.actor.appointments[0].unit_code


def keep(motion: Motion, **values: Any) -> None:
    """Reserved names that the case fills itself."""
    motion.case["data"] = {**motion.case["data"], **values}


CLEAR = "clear"
"""An input of these handlers: names, with commas, that are of the unit before and must be chosen anew."""


IF_ASKED = "ifAsked"
"""An input: `yes` where nobody need have asked, as in a shared review that is tried out by itself."""


@handler("orders.returnGranted", "准予退单：退单的单位不能再被选中，主办单位解除", takes=(CLEAR, IF_ASKED))
def granted(context: Context) -> None:
    """The pending request is granted: this unit cannot be picked again in this round."""
    motion = context.motion
    if _nobody_asked(context):
        return
    row = _decide(motion, "granted")
    returned = list(motion.case["data"].get(RETURNED) or [])
    if row["unit"] not in returned:
        returned.append(row["unit"])
    keep(motion, **{RETURNED: returned, **_cleared(context)})
    owning.release(motion)
    _tell(motion, "request.granted", row)


@handler("orders.returnRefused", "驳回退单：该单位不能再次退回同一工单", takes=(IF_ASKED,))
def refused(context: Context) -> None:
    """The pending request is refused: this unit cannot ask again in this round."""
    motion = context.motion
    if _nobody_asked(context):
        return
    row = _decide(motion, "refused")
    _tell(motion, "request.refused", row)


@handler("orders.newRound", "重办：进入下一轮，总时限不重新起算", takes=(CLEAR,))
def new_round(context: Context) -> None:
    """The order is done anew: the round counts up, what was said of returns is of the round before."""
    keep(context.motion, **_cleared(context))
    another_round(context.motion)


def another_round(motion: Motion) -> None:
    """The order is done anew."""
    count_up(motion)
    tell_redone(motion)


def count_up(motion: Motion) -> None:
    """The round counts up, and whose the order was, and what was returned, is of the round before."""
    motion.case["round"] += 1
    keep(motion, **{RETURNED: [], COUNT: 0, ARBITRATE: False})
    owning.release(motion)


def tell_redone(motion: Motion) -> None:
    motion.tell("case.redone", round=motion.case["round"])


PRIORITY = "priority"


@handler("orders.urged", "记下催办：优先级至少提到 priority 写的数，在列表里提前", needs=(PRIORITY,))
def urged(context: Context) -> None:
    """Somebody above urges: the order comes earlier in every list."""
    motion = context.motion
    motion.case["priority"] = max(motion.case["priority"], _priority(context.params[PRIORITY]))
    row = {
        "id": new_id(),
        "case_id": motion.case["id"],
        "by_id": motion.actor.id,
        "text": "",
        "at": motion.now,
    }
    motion.session.write(_URGED, row)
    motion.tell("case.urged", priority=motion.case["priority"])


def _priority(said: Any) -> int:
    try:
        return min(max(int(said), 0), 100)
    except (TypeError, ValueError):
        raise HandlerFailed(f"（优先级“{said}”不是 0 到 100 的整数）") from None


def _cleared(context: Context) -> dict[str, None]:
    names = str(context.params.get(CLEAR) or "").replace("，", ",").split(",")
    return {name.strip(): None for name in names if name.strip()}


def _nobody_asked(context: Context) -> bool:
    """Whether there never was a request in this round, where that is no fault of the diagram."""
    return context.params.get(IF_ASKED) == "yes" and not of_case(context.motion)


def _decide(motion: Motion, how: str) -> Row:
    which = {"which": motion.case["id"], "this_round": motion.case["round"], "how": how, "at": motion.now}
    decided = motion.session.execute(_DECIDE, which).mappings().one_or_none()
    if decided is None:
        raise HandlerFailed("（没有待审核的退单申请）")
    motion.asked.pop(("rejections", motion.case["round"]), None)  # they are not as they were read
    return dict(decided)


def _tell(motion: Motion, name: str, row: Row) -> None:
    unit = row["unit"]
    called = owning.name_of(motion, unit)
    motion.tell(name, kind="return", to=row["asked_by"], unit=unit, called=called)
