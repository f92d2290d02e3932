"""上传附件 and its withdrawal: a row beside the case for bytes on disk, and the fact in the chain."""

from typing import Any

from sqlalchemy import bindparam, insert, select, update

from app.cases.attachments.errors import AttachmentFixed
from app.cases.attachments.models import attachments
from app.cases.commands.beside import Attach, Detach
from app.cases.errors import TaskNotOpen
from app.cases.models import tasks
from app.cases.motion import Motion, Row
from app.cases.verbs import guard
from app.core import events
from app.core.errors import FieldError, Forbidden, NotFound
from app.core.ids import new_id
from app.identity.permissions import CASE_ATTACH

_ONE = select(attachments).where(
    attachments.c.id == bindparam("which"), attachments.c.case_id == bindparam("case")
)
_ANSWERS = select(tasks.c.answers).where(tasks.c.case_id == bindparam("case"), tasks.c.answers.is_not(None))
_WITHDRAWN = (
    update(attachments)
    .where(attachments.c.id == bindparam("which"))
    .values(state="withdrawn", withdrawn_at=bindparam("now"))
)


def attach(motion: Motion, command: Attach) -> None:
    """To an open task by who may work on it, to the case by who holds case:attach there."""
    task = _open_task(motion, command.of_task) if command.of_task is not None else None
    if task is not None:
        guard.authority(motion, task)
        guard.still_open(motion, task)
    else:
        guard.right(motion, CASE_ATTACH)
    guard.case_active(motion)
    motion.made = {
        "id": new_id(),
        "case_id": motion.case["id"],
        "task_id": task["id"] if task is not None else None,
        "step": task["step"] if task is not None else None,
        "uploader_id": motion.actor.doer,
        "name": command.name,
        "mime": command.mime,
        "kind": command.kind,
        "size": command.size,
        "sm3": command.sm3,
        "stored": command.stored,
        "state": "kept",
        "at": motion.now,
        "withdrawn_at": None,
    }
    motion.session.execute(insert(attachments), motion.made)
    tell(motion, "file.attached", motion.made)


def detach(motion: Motion, command: Detach) -> bool:
    """False when it was withdrawn before. Raises AttachmentFixed once it was handed in."""
    which = {"which": command.attachment_id, "case": motion.case["id"]}
    found = motion.session.execute(_ONE, which).mappings().one_or_none()
    if found is None:
        raise NotFound
    row = motion.made = dict(found)
    if row["uploader_id"] != motion.actor.doer:
        events.security("forbidden", motion.actor.doer, row["id"], {"permission": CASE_ATTACH})
        raise Forbidden("只有上传的人可以撤回附件。", permission=CASE_ATTACH)
    if row["state"] == "withdrawn":
        return False
    guard.case_active(motion)
    if row["task_id"] is not None and row["task_id"] not in {task["id"] for task in motion.open_tasks()}:
        raise AttachmentFixed
    if _named(motion, row["id"]):
        raise AttachmentFixed
    motion.session.execute(_WITHDRAWN, {"which": row["id"], "now": motion.now})
    row.update(state="withdrawn", withdrawn_at=motion.now)
    tell(motion, "file.withdrawn", row)
    return True


def _open_task(motion: Motion, task_id: str) -> Row:
    task = motion.tasks.get(task_id)
    if task is None:
        message = "这件办件里没有这个待办，或已经办结。"
        raise TaskNotOpen(message, errors=[FieldError("/task", "task-not-open", message)])
    return task


def _named(motion: Motion, attachment_id: str) -> bool:
    """Whether an answer of the case, its filing included, ever named this attachment."""
    answers = [row.answers for row in motion.session.execute(_ANSWERS, {"case": motion.case["id"]})]
    return any(_holds(values, attachment_id) for values in (motion.case["data"], *answers))


def _holds(values: Any, attachment_id: str) -> bool:
    return any(isinstance(value, list) and attachment_id in value for value in values.values())


def refer_to(motion: Motion, file: Row) -> str:
    """A new case names a file of another one as its own: the bytes lie once, and stay while a row keeps them;
    the id of its row."""
    row = {**file, "id": new_id(), "case_id": motion.case["id"], "task_id": None, "step": None}
    motion.changes.insert("attachments", row)
    tell(motion, "file.attached", row)
    return str(row["id"])


def tell(motion: Motion, name: str, row: Row) -> None:
    """The chain holds what was kept, not what it was called: a name is often somebody's."""
    motion.tell(
        name,
        attachment=row["id"],
        **({"step": row["step"], "task": row["task_id"]} if row["task_id"] is not None else {}),
        mime=row["mime"],
        size=row["size"],
        sm3=row["sm3"].hex(),
    )
