"""备注 and 领导批示: something is said beside a case; an instruction puts it before all others."""

import secrets

from sqlalchemy import insert

from app.cases.answers import seal_of
from app.cases.commands.beside import Note
from app.cases.models import case_notes
from app.cases.motion import Motion
from app.cases.secrets.taking import hush
from app.cases.sync import set_dues
from app.cases.verbs import guard
from app.core.ids import new_id
from app.identity.permissions import CASE_INSTRUCT, CASE_NOTE

KINDS = {"note": "备注", "instruction": "领导批示"}


def note(motion: Motion, command: Note) -> None:
    """Keeps the words beside the case; the chain holds that they were said, and a seal over them."""
    guard.right(motion, CASE_INSTRUCT if command.kind == "instruction" else CASE_NOTE)
    guard.case_active(motion)
    put_down(motion, command.text, command.kind)


def put_down(motion: Motion, text: str, kind: str) -> None:
    """The note itself, whoever may write one."""
    told = keep(motion, text, kind)
    if kind == "note":
        motion.tell("case.noted", **told)
        return
    motion.case["instructed"] = True
    set_dues(motion)
    motion.tell("case.instructed", **told)


def keep(motion: Motion, text: str, kind: str) -> dict[str, str]:
    """What is said beside the case, as a row; for the chain which one it is, and a seal over the words."""
    salt, note_id = secrets.token_bytes(16), new_id()
    words = hush(motion, "note", text, note_id)
    motion.made = {
        "id": note_id,
        "case_id": motion.case["id"],
        "kind": kind,
        "text": words,
        "salt": salt,
        "author_id": motion.actor.id,
        "written_at": motion.now,
    }
    motion.session.execute(insert(case_notes), motion.made)
    return {"note": note_id, "words": seal_of(salt, {"text": words})}
