"""催办: the case comes earlier in every list, and its timeline says who pressed, with which words."""

from datetime import timedelta

from sqlalchemy import bindparam, insert, select

from app.bundles.verbs import OFTEN, UrgeRule
from app.cases.commands import Urge
from app.cases.errors import UrgedEnough
from app.cases.models import urges
from app.cases.motion import Motion
from app.cases.sync import set_dues
from app.cases.verbs import guard
from app.core.ids import new_id
from app.identity.permissions import CASE_URGE

MORE, MOST = 10, 90
"""By how much the priority rises, and how far."""

_LATELY = (
    select(urges.c.by_id, urges.c.at)
    .where(urges.c.case_id == bindparam("case"), urges.c.at > bindparam("since"))
    .order_by(urges.c.at)
)


def urge(motion: Motion, command: Urge) -> None:
    """By who filed the case, or who holds case:urge there. Raises UrgedEnough, CaseClosed, ReasonRequired."""
    task = guard.task_of(motion, command.task_id)
    if not guard.filed(motion):
        guard.right(motion, CASE_URGE)
    guard.case_active(motion)
    guard.allowed(motion, task, "urge")
    press(motion, guard.noted(command.text, "催什么"))


def press(motion: Motion, text: str) -> None:
    """What urging does to the case, also where it asks for an answer. Raises UrgedEnough."""
    case, me = motion.case, motion.actor.id
    _not_too_often(motion)
    was = case["priority"]
    case["priority"] = max(was, min(was + MORE, MOST))
    row = {"id": new_id(), "case_id": case["id"], "by_id": me, "text": text, "at": motion.now}
    motion.session.execute(insert(urges), row)
    motion.tell("case.urged", priority=case["priority"], was=was, text=text)
    motion.ask_limits()
    set_dues(motion)


def _rule(motion: Motion) -> UrgeRule:
    """What process.yaml says of the steps where the case is now; the first of them that says anything."""
    said = (motion.bundle.process.verbs.get(task["step"]) for task in motion.open_tasks())
    return next((each.urge for each in said if each is not None and each.urge is not None), OFTEN)


def _not_too_often(motion: Motion) -> None:
    day, rule = timedelta(days=1), _rule(motion)
    which = {"case": motion.case["id"], "since": motion.now - day}
    lately = motion.session.execute(_LATELY, which).all()
    mine = [row.at + rule.every for row in lately if row.by_id == motion.actor.id]
    until = [*mine[-1:], *([lately[-rule.per_day].at + day] if len(lately) >= rule.per_day else [])]
    wait = max(until, default=motion.now) - motion.now
    if wait > timedelta(0):
        raise UrgedEnough(headers={"Retry-After": str(int(wait.total_seconds()) + 1)})
