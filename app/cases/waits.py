"""What cases wait for from outside: one row a message, so that an incoming one finds its case."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select, text

from app.cases.commands import Deliver
from app.cases.errors import NotAwaited
from app.cases.models import cases, waits
from app.cases.motion import Motion, Row, expression_data
from app.core.db import Session
from app.engine.picture import Wait

_WAITING = (
    select(
        waits,
        *(cases.c[name] for name in ("number", "source", "process_key", "version_id", "org_path")),
    )
    .join(cases, cases.c.id == waits.c.case_id)
    .where(waits.c.name == bindparam("name"), waits.c.key == bindparam("key"), text("cases.state = 'active'"))
    .order_by(waits.c.opened_at, waits.c.case_id, waits.c.ref)
)


def waiting_for(session: Session, name: str, key: str) -> list[Row]:
    """The waits for a message with this correlation key, longest first, each with what its case is.

    A merged case rests: what comes for it lies until the merge is undone.
    """
    return [dict(row) for row in session.execute(_WAITING, {"name": name, "key": key}).mappings()]


def follow(motion: Motion, awaited: Sequence[Wait]) -> None:
    """Makes the rows equal to what the engine waits for now; refs are never used twice."""
    awaiting = motion.awaited or {}
    now_waiting = {wait.ref for wait in awaited}
    for wait in awaited:
        if wait.kind == "message" and wait.ref not in awaiting:
            _open(motion, wait)
    before = sorted(ref for ref, kind in awaiting.items() if kind == "message")
    if gone := [ref for ref in before if ref not in now_waiting]:
        motion.changes.inserts["waits_gone"] += [{"case": motion.case["id"], "which": ref} for ref in gone]


def arrived(motion: Motion, command: Deliver) -> None:
    """A message has come for this case: its values become case data.

    Raises NotAwaited, also for a merged case: while it rests, the message lies where it is.
    """
    if motion.case["state"] != "active":
        raise NotAwaited
    name = motion.session.scalar(_NAME, {"case": motion.case["id"], "ref": command.ref})
    if name is None:
        raise NotAwaited
    motion.write(command.values)
    word = command.word
    if word is not None and motion.bundle.messages[name].mirror:
        motion.case["status"] = word.status or motion.case["status"]
    motion.tell(
        "message.received",
        message=name,
        ref=command.ref,
        receipt=command.receipt,
        **({} if word is None else word.told),
    )


_NAME = select(waits.c.name).where(waits.c.case_id == bindparam("case"), waits.c.ref == bindparam("ref"))


def _open(motion: Motion, wait: Wait) -> None:
    message = motion.bundle.messages[wait.name]
    key = message.key_of(expression_data(motion.bundle, motion.case))
    row: dict[str, Any] = {
        "case_id": motion.case["id"],
        "ref": wait.ref,
        "root_id": motion.case["root_id"],
        "name": wait.name,
        "element": wait.element,
        "key": key or "",
        "opened_at": motion.now,
    }
    motion.changes.insert("waits", row)
    motion.tell("wait.opened", message=wait.name, ref=wait.ref, element=wait.element, key=key or "")
