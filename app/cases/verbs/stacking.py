"""What puts rows over others on one ref, and takes them away: shared by 委派, 交办, 上报 and 加签."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from app.cases.models import tasks
from app.cases.motion import Motion, Row
from app.cases.secrets.taking import seal_draft
from app.cases.stack import LIVE, above, load
from app.cases.sync import HANDED, due_of, grant, handled, lay_out, let_in, take_away
from app.core.ids import new_id
from app.identity import org

DONE = (
    "closed_at",
    "done_by",
    "hand_id",
    "signature",
    "outcome",
    "answers",
    "answers_salt",
    "opinion",
    "draft",
)
"""What a row says only once somebody has done it."""

_SEATS = select(func.max(tasks.c.seat)).where(
    tasks.c.case_id == bindparam("case"), tasks.c.ref == bindparam("ref")
)


def put(
    motion: Motion,
    under: Row,
    part: str,
    pools: Sequence[str],
    *,
    person: str | None = None,
    state: str | None = None,
) -> Row:
    """One more row on the ref of `under`: on somebody's desk, or in pools."""
    row: dict[str, Any] = {
        **under,
        "id": new_id(),
        "seat": numbered(motion, under),
        "part": part,
        "under_id": under["id"],
        "stacked": False,
        "pools": list(pools),
        "assignee_id": person,
        "owner_id": motion.actor.id,
        "transfers": 0,
        "state": state or ("claimed" if person else "open"),
        "opened_at": motion.now,
        "claimed_at": motion.now if person else None,
        **dict.fromkeys(DONE),
        "revision": 1,
    }
    row["due_at"] = due_of(motion, row)
    motion.tasks[row["id"]] = row
    motion.changes.insert("tasks", row)
    if row["state"] != "waiting":
        lay_out(motion, row)
    if person is not None:
        grant(motion, f"person:{person}", HANDED)
    let_in(motion, pools)
    if not under["stacked"]:
        motion.change_task(under, stacked=True)
    return row


def numbered(motion: Motion, task: Row) -> int:
    """The next seat on the ref of a task."""
    which = {"case": motion.case["id"], "ref": task["ref"]}
    kept = int(motion.session.scalar(_SEATS, which) or 0)
    here = [row["seat"] for row in motion.tasks.values() if row["ref"] == task["ref"]]
    return 1 + max(int(seat) for seat in (kept, *here))


def hand_over_draft(
    motion: Motion, row: Row, answers: Mapping[str, Any], outcome: str | None, opinion: str | None
) -> None:
    """What was filled in over a task is the draft of who has it again."""
    load(motion, row)
    under = motion.tasks[row["under_id"]]
    kept = {"outcome": outcome, "answers": dict(answers), "opinion": opinion, "by": motion.actor.doer}
    sealed = seal_draft(motion.session, motion.case["id"], under["id"], kept)
    motion.change_task(under, draft=sealed)


def rest(motion: Motion, task: Row) -> None:
    """Others have it in hand: the task leaves its desk until they are done."""
    motion.change_task(task, state="waiting", revision=task["revision"] + 1)
    take_away(motion, task)


def finish(motion: Motion, row: Row, outcome: str, opinion: str | None, **more: Any) -> None:
    """A row above another is done; who waits for it has it again, as soon as nobody else is to act first."""
    motion.change_task(
        row,
        state="done",
        outcome=outcome,
        opinion=opinion,
        draft=None,
        done_by=motion.actor.id,
        **motion.signing,
        closed_at=motion.now,
        revision=row["revision"] + 1,
        **more,
    )
    take_away(motion, row)
    handled(motion)
    load(motion, row)
    wake(motion, row["under_id"])


def drop(motion: Motion, row: Row) -> None:
    """A row, and whatever works for it, is asked for no more."""
    for each in above(motion, row):
        drop(motion, each)
    motion.change_task(row, state="cancelled", closed_at=motion.now, revision=row["revision"] + 1)
    take_away(motion, row)


def wake(motion: Motion, task_id: str) -> None:
    """Who waited has the task again; one whose account has ended meanwhile leaves it to its pools."""
    task = motion.tasks[task_id]
    left = above(motion, task)
    if not left:
        motion.change_task(task, stacked=False)
    if task["state"] != "waiting" or any(row["part"] != "after" for row in left):
        return
    holder = task["assignee_id"]
    here = holder is not None and org.is_active(motion.session, holder)
    motion.change_task(
        task,
        state="claimed" if here else "open",
        assignee_id=holder if here else None,
        claimed_at=task["claimed_at"] if here else None,
        due_at=due_of(motion, task),
        revision=task["revision"] + 1,
    )
    take_away(motion, task)
    lay_out(motion, task)


def take_back(motion: Motion, task: Row) -> None:
    """Whatever works for this row is asked for no more, and who waited has it again."""
    for row in above(motion, task):
        drop(motion, row)
    wake(motion, task["id"])


def _ask_for(motion: Motion, row: Row, own: Row) -> None:
    """The turn of a 后加签; whose account has ended meanwhile, for him signs who stands beside the step."""
    here = org.is_active(motion.session, row["assignee_id"])
    told = org.name_of(motion.session, row["assignee_id"])
    motion.change_task(
        row,
        state="claimed" if here else "open",
        assignee_id=row["assignee_id"] if here else None,
        pools=row["pools"] if here else own["pools"],
        claimed_at=motion.now if here else None,
        due_at=due_of(motion, row),
        revision=row["revision"] + 1,
    )
    lay_out(motion, row)
    motion.tell_task("task.sign_asked", row, called=told)


def moved_by(motion: Motion, task: Row) -> Row | None:
    """The row whose outcome moves the token now; None while somebody still has the step in hand.

    Once the engine's own row is done, those who sign after it (后加签) get theirs.
    """
    if not task["stacked"] and task["part"] is None:
        return task  # nearly always
    rows = load(motion, task)
    own = [row for row in rows if row["part"] is None][-1]
    if own["state"] != "done":
        return None
    live = [row for row in rows if row["state"] in LIVE]
    if any(row["part"] != "after" for row in live):
        return None
    for row in live:
        if row["state"] == "waiting" and not above(motion, row):
            _ask_for(motion, row, own)
    return None if live else own
