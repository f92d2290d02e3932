"""草稿: what somebody has typed and not handed in yet; sealed, in no chain, cleared by completion."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, update

from app.cases.advance import within_budget
from app.cases.answers import check_names
from app.cases.commands import KeepDraft
from app.cases.models import tasks
from app.cases.secrets.taking import seal_draft
from app.cases.tree import Tree
from app.cases.verbs import guard
from app.core import once
from app.core.db import Session
from app.core.errors import TooLarge
from app.core.once import Once, Stored
from app.identity.actor import Actor

MOST_BYTES = 64 << 10

_KEEP = update(tasks).where(tasks.c.id == bindparam("which")).values(draft=bindparam("sealed"))


@dataclass(frozen=True)
class Draft:
    """An outcome, answers and an opinion that need not be whole; all empty clears what was kept."""

    outcome: str | None
    answers: Mapping[str, Any]
    opinion: str | None

    @property
    def empty(self) -> bool:
        return not (self.outcome or self.answers or self.opinion)


def keep(actor: Actor, task_id: str, draft: Draft, request: Once | None = None) -> datetime | Stored:
    """Keeps the draft of an open task for who works on it; returns when.

    The task's row is loaded and written under its case's lock, or a claim that is on its way would write the
    draft over that it had read. Raises Forbidden for somebody else's task, TaskTaken, TaskDone, TooLarge, and
    AnswersRefused for a name that the form does not ask.
    """

    def act(session: Session) -> tuple[datetime, datetime]:
        kept = _keep(session, actor, task_id, draft)
        return kept, kept

    return within_budget(lambda: once.answered(request, act), request)


def _keep(session: Session, actor: Actor, task_id: str, draft: Draft) -> datetime:
    motion = Tree.locked(session, actor, [KeepDraft(task_id)]).motion(task_id)
    task = guard.task_of(motion, task_id)
    guard.authority(motion, task)
    guard.still_open(motion, task)
    check_names(motion, task, draft.answers)
    kept = {
        "outcome": draft.outcome,
        "answers": dict(draft.answers),
        "opinion": draft.opinion,
        "by": actor.id,
    }
    if len(orjson.dumps(kept)) > MOST_BYTES:
        raise TooLarge(f"草稿最多 {MOST_BYTES >> 10} KB。")
    sealed = None if draft.empty else seal_draft(session, motion.case["id"], task_id, kept)
    session.execute(_KEEP, {"which": task_id, "sealed": sealed})
    return motion.now
