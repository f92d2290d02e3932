"""办理: an outcome, the form's answers and perhaps an opinion finish a task; then the engine moves on."""

import secrets

from app.bundles.forms import AnswersRefused
from app.cases import prompts, rejections
from app.cases.answers import check_answers, check_outcome, seal_of
from app.cases.commands import Complete
from app.cases.items import split
from app.cases.motion import Motion, Row
from app.cases.secrets import showing, taking
from app.cases.suggestions import service as suggestions
from app.cases.sync import handled, take_away
from app.cases.verbs import apart, guard
from app.cases.verbs.claim import take
from app.cases.verbs.on_behalf import finish_part
from app.engine.errors import EngineError


def complete(motion: Motion, command: Complete) -> Row | None:
    """Writes what the person answered; None when the same completion was made before."""
    task = guard.task_of(motion, command.task_id)
    guard.authority(motion, task)
    if _repeated(motion, task, command):
        return None
    guard.still_open(motion, task)
    guard.fresh(task, command.seen)
    guard.allowed(motion, task, "complete")
    if task["part"] is not None:
        return finish_part(motion, task, command)
    step = motion.bundle.step(task["step"])
    given = check_answers(motion, step.form, command.answers, command.outcome)
    answers = taking.split(motion, given, task["id"])
    opinion = taking.hush(motion, "opinion", (command.opinion or "").strip() or None, task["id"])
    check_outcome(step.outcomes, command.outcome, opinion)
    at = prompts.At(
        motion.session, motion.actor, motion.bundle, motion.case, task, command.outcome, motion.asked
    )
    confirmed = prompts.confirmed(at, command.confirm)
    if motion.actor.hand is None:
        apart.one_vote(motion, task)
    if task["state"] == "open":
        apart.four_eyes(motion, task)
        take(motion, task)
    rejections.asked(motion, task, command.outcome, answers)
    salt = secrets.token_bytes(16)
    motion.change_task(
        task,
        state="done",
        outcome=command.outcome,
        answers=answers,
        answers_salt=salt,
        opinion=opinion,
        draft=None,
        done_by=motion.actor.id,
        **motion.signing,
        closed_at=motion.now,
        revision=task["revision"] + 1,
    )
    advised = suggestions.judged(motion, task, step.form, answers)
    motion.write(split(motion, task, answers))
    take_away(motion, task)
    handled(motion)
    motion.tell_task(
        "task.done",
        task,
        outcome=command.outcome,
        opinion=opinion,
        answers=seal_of(salt, answers),
        **({"confirmed": confirmed} if confirmed else {}),
        **({"suggested": advised} if advised else {}),
    )
    return task


def _repeated(motion: Motion, task: Row, command: Complete) -> bool:
    hand = motion.signing["hand_id"]
    was = (task["state"], task["done_by"], task["hand_id"], task["outcome"])
    if was != ("done", motion.actor.id, hand, command.outcome):
        return False
    if task["part"] is not None:
        return True
    secret = motion.bundle.secret_names
    if not secret and task["answers"] == dict(command.answers):
        return True
    form = motion.bundle.step(task["step"]).form
    try:  # what is kept was cleaned: trimmed, empty fields left out, numbers covered
        answers = check_answers(motion, form, command.answers, command.outcome)
    except (AnswersRefused, EngineError):
        return False
    told = {name: taking.cover(value) for name, value in answers.items() if name not in secret}
    if task["answers"] != told:
        return False
    sealed = {n: v for n, v in showing.of_origin(motion, task["id"]).items() if n in secret}
    return sealed == {name: value for name, value in answers.items() if name in secret}
