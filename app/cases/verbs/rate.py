"""评价: the resident whom a case is about says what he thinks of it, at the step that asks him."""

from sqlalchemy import bindparam, select

from app.bundles.ratings import RATED
from app.cases.commands import Complete
from app.cases.commands.rating import Rate
from app.cases.errors import AlreadyRated, NothingToRate
from app.cases.models import tasks
from app.cases.motion import Motion, Row
from app.cases.verbs import guard
from app.cases.verbs.complete import complete
from app.core import events
from app.core.clock import BEIJING
from app.core.errors import Forbidden

_RATED_AT = (
    select(tasks.c.closed_at)
    .where(
        tasks.c.case_id == bindparam("case"),
        tasks.c.done_by == bindparam("me"),
        tasks.c.step.in_(bindparam("steps", expanding=True)),
        tasks.c.state == "done",
    )
    .order_by(tasks.c.closed_at.desc())
    .limit(1)
)


def rate(motion: Motion, command: Rate) -> Row:
    """The task that was finished.

    Raises Forbidden for anybody but the reporter, AlreadyRated with `when`, NothingToRate, CaseSuspended.
    """
    case, me = motion.case, motion.actor.id
    if case["reporter_id"] != me:
        events.security("forbidden", me, case["id"], {"verb": "rate"})
        raise Forbidden("只有这件事的反映人可以评价。")
    if case["state"] == "suspended":
        guard.case_active(motion)
    steps = [key for key, step in motion.bundle.drawn.steps.items() if step.event == RATED]
    asked = [task for task in motion.open_tasks() if task["step"] in steps and guard.in_pool(motion, task)]
    if not asked:
        raise _nothing(motion, steps)
    task = asked[-1]
    outcomes = motion.bundle.step(task["step"]).outcomes
    outcome = command.outcome or (outcomes[0].name if len(outcomes) == 1 else "")
    asking = Complete(task["id"], outcome, command.answers, command.opinion, task["revision"])
    done = complete(motion, asking)
    assert done is not None  # it was open a moment ago
    return done


def _nothing(motion: Motion, steps: list[str]) -> NothingToRate | AlreadyRated:
    which = {"case": motion.case["id"], "me": motion.actor.id, "steps": steps}
    at = motion.session.scalar(_RATED_AT, which)
    if at is not None:
        when = at.astimezone(BEIJING).isoformat(timespec="seconds")
        return AlreadyRated(f"您已于 {when} 评价过。", when=when)
    if motion.case["state"] == "merged":
        return NothingToRate("这件已与另一件合并办理，由那一件的反映人评价。")
    return NothingToRate()
