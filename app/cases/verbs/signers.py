"""加签 and 减签: who else must sign in this round, before, beside or after who holds the step."""

from typing import Any

from app.cases.commands.stack import AddSigner, RemoveSigner
from app.cases.env import awake
from app.cases.errors import PersonNotSelectable, VerbForbidden
from app.cases.motion import Motion, Row
from app.cases.stack import LIVE, SIGNERS, load
from app.cases.verbs import apart, guard
from app.cases.verbs.hand_on import held
from app.cases.verbs.recuse import recused
from app.cases.verbs.stacking import drop, moved_by, put, rest, wake
from app.core.errors import FieldError
from app.engine.errors import EngineError
from app.engine.run import Run
from app.identity import login, org
from app.identity.permissions import TASK_COMPLETE


def add(motion: Motion, command: AddSigner) -> Run | None:
    """On an ordinary step: rows over the task; None, for the engine learns nothing of it. In a step of
    several (会签): more items of the list; the engine that is returned is not yet at rest.

    Raises VerbForbidden, TaskNotClaimed, PersonNotSelectable, FourEyes, ReasonRequired.
    """
    task = held(motion, command.task_id, "addSigner", command.seen)
    reason = guard.written(command.reason, "加签的原因")
    several = motion.bundle.step(task["step"]).many is not None
    found = [
        _signer(motion, task, i, named, several) for i, named in enumerate(dict.fromkeys(command.people))
    ]
    called = "、".join(name for _, name in found)
    told = {"called": called, "where": command.where, "reason": reason}
    motion.tell_task("task.signers_added", task, to=[person for person, _ in found], **told)
    if several:
        return _more_items(motion, task, command)
    for person, _ in found:
        apart.four_eyes(motion, task, person)
    if command.where == "before":
        rest(motion, task)
    else:
        motion.change_task(task, revision=task["revision"] + 1)
    waits = "waiting" if command.where == "after" else None
    for person, _ in found:
        put(motion, task, command.where, [f"person:{person}"], person=person, state=waits)
    return None


def added(motion: Motion, command: AddSigner) -> None:
    """The items that were added know by whom: only that person takes them away again."""
    for row in motion.opened:
        if row["item"] in command.people and row["owner_id"] is None:
            row["owner_id"] = motion.actor.id


def remove(motion: Motion, command: RemoveSigner) -> tuple[Run | None, Row | None]:
    """The signer is asked no more: the engine, not yet at rest, where an item was taken out of a 会签; or the
    row whose outcome moves the token now, if any.

    Raises VerbForbidden, also for whoever did not ask for this signature; PersonNotSelectable.
    """
    task = guard.task_of(motion, command.task_id)
    guard.authority(motion, task)
    guard.case_active(motion)
    guard.allowed(motion, task, "removeSigner")
    reason = guard.written(command.reason, "减签的原因")
    row = _asked(motion, task, command.person)
    if row["owner_id"] != motion.actor.id:
        raise VerbForbidden("只能减去自己加的签。")
    called = org.name_of(motion.session, row["assignee_id"]) if row["assignee_id"] else row["item"]
    motion.tell_task(
        "task.signer_removed", task, to=row["assignee_id"], called=called or command.person, reason=reason
    )
    if row["part"] is None:
        run = awake(motion)
        run.drop_instance(row["ref"])
        return run, None
    drop(motion, row)
    wake(motion, row["under_id"])
    return None, moved_by(motion, row)


def _more_items(motion: Motion, task: Row, command: AddSigner) -> Run:
    run = awake(motion)
    try:
        for named in dict.fromkeys(command.people):
            run.add_instance(task["ref"], named, command.where)
    except EngineError as error:
        raise PersonNotSelectable(error.message) from error
    return run


def _signer(motion: Motion, task: Row, i: int, named: str, several: bool) -> tuple[str, str]:
    """Who is meant, and how they are called: a person, or in a 会签 also a unit by code."""
    if several:
        if any(row["item"] == named for row in _beside(motion, task)):
            raise _refused(i, f"“{named}”已经在会签里。")
        if recused(motion, task, named):
            raise _refused(i, f"“{named}”在这次会签里回避了。")
        unit = org.unit_by_code(motion.session, named)
        if unit is not None and unit.valid_at(motion.now):
            return unit.code, unit.name
    person = org.person_by_login(motion.session, named)
    busy: set[Any] = {motion.actor.id}
    busy |= {row["assignee_id"] for row in load(motion, task) if row["part"] and row["state"] in LIVE}
    free = person is not None and person.active and person.kind == "person" and person.id not in busy
    if person is not None and free and login.actor_by_id(motion.session, person.id).holds(TASK_COMPLETE):
        return person.id, person.name
    raise _refused(i, f"不能请“{named}”加签：没有这个人、不能办理待办，或已经在签。")


def _refused(i: int, message: str) -> PersonNotSelectable:
    return PersonNotSelectable(message, errors=[FieldError(f"/people/{i}", "person-not-selectable", message)])


def _beside(motion: Motion, task: Row) -> list[Row]:
    """The open tasks of the same step of several, in the same round."""
    same = (task["step"], task["round"], task["whole"])
    return [row for row in motion.open_tasks() if (row["step"], row["round"], row["whole"]) == same]


def _asked(motion: Motion, task: Row, named: str) -> Row:
    """The open row of a signer, by login (or unit code in a 会签)."""
    person = org.person_by_login(motion.session, named)
    for row in load(motion, task):
        if row["part"] in SIGNERS and row["state"] in LIVE and person and row["assignee_id"] == person.id:
            return row
    if motion.bundle.step(task["step"]).many is not None:
        for row in _beside(motion, task):
            if row["item"] == named and row["part"] is None:
                return row
    message = f"“{named}”没有在等着签的加签。"
    raise PersonNotSelectable(message, errors=[FieldError("?person", "person-not-selectable", message)])
