"""What a row over another is finished with: reported to who assigned it (交办), or signed (加签)."""

import secrets

from app.cases.answers import check_answers, check_outcome, seal_of
from app.cases.commands import Complete
from app.cases.motion import Motion, Row
from app.cases.secrets import taking
from app.cases.stack import LIVE, SIGNED, SIGNERS, load
from app.cases.sync import lay_out, take_away
from app.cases.verbs import apart
from app.cases.verbs.claim import take
from app.cases.verbs.stacking import DONE, finish, hand_over_draft, numbered
from app.core.ids import new_id
from app.identity import org


def finish_part(motion: Motion, task: Row, command: Complete) -> Row:
    """The row is done; who waited for it has the task again. The engine is not asked yet."""
    opinion = taking.hush(motion, "opinion", (command.opinion or "").strip() or None, task["id"])
    if task["part"] in SIGNERS:
        return _sign(motion, task, command, opinion)
    step = motion.bundle.step(task["step"])
    given = check_answers(motion, step.form, command.answers, command.outcome)
    check_outcome(step.outcomes, command.outcome, opinion)
    if task["state"] == "open":
        apart.four_eyes(motion, task)
        take(motion, task)
    kept = {n: taking.cover(value) for n, value in given.items() if n not in motion.bundle.secret_names}
    salt = secrets.token_bytes(16)
    hand_over_draft(motion, task, given, command.outcome, command.opinion)
    finish(motion, task, command.outcome, opinion, answers=kept, answers_salt=salt)
    verifier = org.name_of(motion.session, task["owner_id"])
    motion.tell_task(
        "task.reported",
        task,
        outcome=command.outcome,
        opinion=opinion,
        to=task["owner_id"],
        called=verifier,
        answers=seal_of(salt, kept),
    )
    return task


def _sign(motion: Motion, task: Row, command: Complete, opinion: str | None) -> Row:
    """同意, or 不同意: then who had finished the step before has it again."""
    check_answers(motion, None, command.answers)
    check_outcome(SIGNED, command.outcome, opinion)
    agreed = command.outcome == SIGNED[0].name
    finish(motion, task, command.outcome, opinion)
    motion.tell_task("task.signed", task, outcome=command.outcome, opinion=opinion)
    own = [row for row in load(motion, task) if row["part"] is None][-1]
    if not agreed and own["state"] == "done":
        _reopen(motion, own, task)
    return task


def _reopen(motion: Motion, own: Row, refused: Row) -> None:
    """The step comes back to who finished it, as a row of its own; who signs after it signs anew."""
    here = org.is_active(motion.session, own["done_by"])
    again = {
        **own,
        "id": new_id(),
        "seat": numbered(motion, own),
        "state": "claimed" if here else "open",
        "assignee_id": own["done_by"] if here else None,
        "claimed_at": motion.now if here else None,
        "opened_at": motion.now,
        **dict.fromkeys(DONE),
        "stacked": True,
        "revision": 1,
    }
    motion.tasks[again["id"]] = again
    motion.changes.insert("tasks", again)
    lay_out(motion, again)
    for row in load(motion, own):
        if row["under_id"] != own["id"] or row["state"] not in LIVE:
            continue
        rests = row["part"] == "after"
        state = "waiting" if rests else row["state"]
        motion.change_task(row, under_id=again["id"], state=state, revision=row["revision"] + 1)
        if rests:
            take_away(motion, row)
    if refused["part"] == "after":
        once_more = {
            **refused,
            "id": new_id(),
            "seat": numbered(motion, own),
            "under_id": again["id"],
            "state": "waiting",
            **dict.fromkeys((*DONE, "claimed_at")),
            "revision": 1,
        }
        motion.tasks[once_more["id"]] = once_more
        motion.changes.insert("tasks", once_more)
    done_by, since = own["done_by"], own["closed_at"].isoformat()
    called = org.name_of(motion.session, done_by)
    motion.tell_task("task.reopened", again, to=done_by, called=called, since=since)
