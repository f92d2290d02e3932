"""委派, 交办, 交回 and 上报: others work on a task for who holds it, or the next level has it."""

from app.cases import assign
from app.cases.answers import check_names
from app.cases.commands.stack import AssignDown, Delegate, Escalate, Resolve
from app.cases.errors import NobodyAbove, PersonNotSelectable, TaskNotClaimed, UnitNotSelectable
from app.cases.motion import Motion, Row
from app.cases.secrets import taking
from app.cases.stack import above
from app.cases.sync import due_of, lay_out, let_in, take_away
from app.cases.verbs import apart, guard
from app.cases.verbs.claim import take
from app.cases.verbs.stacking import finish, hand_over_draft, put, rest, take_back
from app.core.errors import FieldError
from app.identity import login, org
from app.identity.actor import Actor, covers
from app.identity.permissions import TASK_COMPLETE

HANDED_BACK = "交回"
"""The outcome of a row that was given back without a conclusion of its own."""


def delegate(motion: Motion, command: Delegate) -> Row:
    """Another of the own unit, or of one below, works on the task; who holds it gets it back.

    Raises VerbForbidden, TaskNotClaimed, PersonNotSelectable, FourEyes, ReasonRequired.
    """
    task = held(motion, command.task_id, "delegate", command.seen)
    reason = guard.written(command.reason, "委派的原因")
    helper = _helper(motion, task, command.to)
    apart.four_eyes(motion, task, helper.id)
    rest(motion, task)
    put(motion, task, "delegate", [f"person:{helper.id}"], person=helper.id)
    motion.tell_task("task.delegated", task, to=helper.id, called=helper.name, reason=reason)
    return task


def assign_down(motion: Motion, command: AssignDown) -> Row:
    """A unit below works on the task and reports; who holds it stays accountable and verifies.

    Raises VerbForbidden, TaskNotClaimed, UnitNotSelectable, ReasonRequired.
    """
    task = held(motion, command.task_id, "assignDown", command.seen)
    demand = guard.written(command.demand, "交办什么", "/demand")
    unit = org.unit_by_code(motion.session, command.unit)
    mine = motion.actor.unit_paths
    below = unit is not None and any(covers(path, unit.path) and path != unit.path for path in mine)
    pool = assign.handlers_of(motion, command.unit) if below else None
    if unit is None or pool is None or not unit.valid_at(motion.now):
        message = f"不能交办给“{command.unit}”：只能交给下级单位，而且那里要有承办人。"
        raise UnitNotSelectable(message, errors=[FieldError("/unit", "unit-not-selectable", message)])
    rest(motion, task)
    put(motion, task, "assigned", [pool])
    motion.tell_task("task.assigned", task, unit=unit.code, called=unit.name, pools=[pool], demand=demand)
    return task


def resolve(motion: Motion, command: Resolve) -> Row:
    """What one was given goes back, with what was filled in; or who gave it takes it back.

    Raises VerbForbidden for a task that nobody gave, TaskHandedOn.
    """
    task = guard.task_of(motion, command.task_id)
    guard.authority(motion, task)
    if task["state"] == "waiting" and task["assignee_id"] == motion.actor.id and above(motion, task):
        guard.case_active(motion)
        guard.fresh(task, command.seen)
        reason = guard.written(command.opinion, "收回的原因", "/opinion")
        worked = sorted({row["assignee_id"] for row in above(motion, task)} - {None})
        take_back(motion, task)
        motion.tell_task("task.taken_back", task, to=worked, reason=reason)
        return task
    guard.still_open(motion, task)
    guard.fresh(task, command.seen)
    guard.given(motion, task, "resolve")
    check_names(motion, task, command.answers)
    opinion = taking.hush(
        motion, "opinion", guard.written(command.opinion, "交回的意见", "/opinion"), task["id"]
    )
    if task["state"] == "open":
        take(motion, task)
    if command.answers:
        hand_over_draft(motion, task, command.answers, None, None)
    finish(motion, task, HANDED_BACK, opinion)
    called = org.name_of(motion.session, task["owner_id"])
    motion.tell_task("task.resolved", task, to=task["owner_id"], called=called, opinion=opinion)
    return task


def escalate(motion: Motion, command: Escalate) -> Row:
    """The same role of the next unit above finds the task from now on; its clocks run on.

    Raises VerbForbidden, TaskNotClaimed, NobodyAbove, ReasonRequired.
    """
    task = held(motion, command.task_id, "escalate", command.seen)
    reason = guard.written(command.reason, "上报的原因")
    pools = assign.next_level(motion, task["pools"])
    if not pools:
        raise NobodyAbove
    motion.change_task(
        task,
        state="open",
        assignee_id=None,
        claimed_at=None,
        pools=pools,
        due_at=due_of(motion, task),
        revision=task["revision"] + 1,
    )
    take_away(motion, task)
    lay_out(motion, task)
    let_in(motion, pools)
    unit = org.unit_at(motion.session, assign.unit_path(pools[0]))
    motion.tell_task(
        "task.escalated", task, called=unit.name if unit else pools[0], pools=pools, reason=reason
    )
    return task


def held(motion: Motion, task_id: str, verb: str, seen: int | None) -> Row:
    """A task that the actor has claimed and may treat so. Raises TaskNotClaimed, VerbForbidden, Stale …"""
    task = guard.task_of(motion, task_id)
    guard.authority(motion, task)
    guard.still_open(motion, task)
    if task["state"] == "open":
        raise TaskNotClaimed
    guard.fresh(task, seen)
    guard.allowed(motion, task, verb)
    return task


def _helper(motion: Motion, task: Row, named: str) -> Actor:
    """Somebody of a unit of the actor, or of one below, who may complete tasks there, and has it not yet."""
    person = org.person_by_login(motion.session, named)
    busy = {row["assignee_id"] for row in above(motion, task)} | {motion.actor.id, task["owner_id"]}
    if person is not None and person.active and person.id not in busy:
        helper = login.actor_by_id(motion.session, person.id)
        near = [p for p in helper.unit_paths if any(covers(mine, p) for mine in motion.actor.unit_paths)]
        if any(helper.allows(TASK_COMPLETE, path) for path in near):
            return helper
    message = f"不能委派给“{named}”：只能委派给本单位或下级单位里可以办理待办的人。"
    raise PersonNotSelectable(message, errors=[FieldError("/to", "person-not-selectable", message)])
