"""抄送 and 已阅: people who have nothing to do with a case are to know of it, and say that they do."""

from sqlalchemy import bindparam, select, update

from app.cases.commands import Copy, ReadCopy
from app.cases.errors import NothingToRead, PersonNotSelectable
from app.cases.models import copies
from app.cases.motion import Motion
from app.cases.sync import grant
from app.cases.verbs import guard
from app.core import dialects
from app.core.errors import FieldError
from app.identity import login, org
from app.identity.permissions import CASE_COPY, TASK_READ

CC = "cc"

_MINE = select(copies).where(copies.c.case_id == bindparam("case"), copies.c.person_id == bindparam("person"))
_READ = (
    update(copies)
    .where(copies.c.case_id == bindparam("which"), copies.c.person_id == bindparam("who"))
    .values(read_at=bindparam("now"))
)


def copy(motion: Motion, command: Copy) -> None:
    """Each of these people sees the case from now on, and finds it in 抄送; who had a copy gets it anew.

    Raises PersonNotSelectable, which names who cannot read cases.
    """
    task = guard.task_of(motion, command.task_id)
    guard.right(motion, CASE_COPY)
    guard.case_active(motion)
    guard.allowed(motion, task, CC)
    text = command.text.strip()
    found = org.people_by_login(motion.session, command.people)
    rows, names, ids = [], [], []
    for i, named in enumerate(dict.fromkeys(command.people)):
        person = found.get(named)
        if person is None or not person.active or not _reads(motion, person.id):
            message = f"不能抄送“{named}”：没有这个人、已停用，或不能查看办件。"
            error = FieldError(f"/people/{i}", "person-not-selectable", message)
            raise PersonNotSelectable(message, errors=[error])
        names.append(person.name)
        ids.append(person.id)
        grant(motion, f"person:{person.id}", CC)
        rows.append(
            {
                "case_id": motion.case["id"],
                "person_id": person.id,
                "by_id": motion.actor.id,
                "text": guard.noted(text, "抄送说明") if text else "",
                "at": motion.now,
                "read_at": None,
            }
        )
    upsert = dialects.upsert(motion.session.dialect, copies, ("case_id", "person_id"))
    motion.session.execute(upsert, rows)
    motion.tell_task("case.copied", task, to=ids, called="、".join(names), text=text)


def read(motion: Motion, command: ReadCopy) -> bool:
    """False when it was read before. Raises NothingToRead."""
    which = {"case": motion.case["id"], "person": motion.actor.id}
    mine = motion.session.execute(_MINE, which).mappings().one_or_none()
    if mine is None:
        raise NothingToRead
    if mine["read_at"] is not None:
        return False
    motion.session.execute(_READ, {"which": motion.case["id"], "who": motion.actor.id, "now": motion.now})
    motion.tell("case.read")
    return True


def _reads(motion: Motion, person_id: str) -> bool:
    """Whether somebody reads tasks somewhere: residents read only what is their own."""
    return bool(login.actor_by_id(motion.session, person_id).permissions.get(TASK_READ))
