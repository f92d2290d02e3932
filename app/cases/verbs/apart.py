"""What must not come from one hand: a step and its check (four eyes), two votes of the same list."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Integer, bindparam, exists, not_, null, or_, select, union_all

from app.cases.errors import FourEyes, OneVote
from app.cases.models import tasks
from app.cases.motion import Motion, Row
from app.cases.requests.models import case_requests
from app.engine.run import Run
from app.engine.still import Still
from app.engine.version import START
from app.identity import org
from app.identity.actor import Actor
from app.identity.models import case_access

_HANDS: Any = bindparam("people", expanding=True)
_DID = select(tasks.c.name.label("step"), tasks.c.done_by.label("who"), tasks.c.hand_id.label("hand")).where(
    tasks.c.case_id == bindparam("case"),
    tasks.c.step.in_(bindparam("steps", expanding=True)),
    tasks.c.done_by.is_not(None),
    or_(tasks.c.done_by.in_(_HANDS), tasks.c.hand_id.in_(_HANDS)),
    or_(  # what was done for another item is another's work
        tasks.c.place.is_(None),
        bindparam("place", type_=Integer).is_(None),
        tasks.c.place == bindparam("place", type_=Integer),
    ),
)
_DID_OR_BEGAN = union_all(
    _DID,
    select(null(), case_requests.c.asked_by, case_requests.c.hand_id).where(
        case_requests.c.id == bindparam("case")
    ),
    select(null(), case_access.c.holder, null()).where(
        case_access.c.case_id == bindparam("case"),
        case_access.c.reason == "started",
        case_access.c.holder.in_(bindparam("holders", expanding=True)),
    ),
)
PERSON = "person:"


def four_eyes(motion: Motion, task: Row, person: str | None = None) -> None:
    """Whoever did what this step checks (`notSameAs`) may not take it, by default who acts. Raises FourEyes.

    What a substitute did was done by him and by whom he represents: neither may check it, nor may he act for
    somebody at a step that one of the two must not do.
    """
    me = motion.actor
    people = [person] if person is not None else list(dict.fromkeys((me.doer, me.id)))
    for who, did in _did(motion, task, people):
        called = "您" if who == me.doer else org.name_of(motion.session, who)
        raise FourEyes(f"{called}{did}，“{task['name']}”要由别人办理。")


def _did(motion: Motion, task: Row, people: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Which of these people did something that the step checks, and what, in words."""
    said, case = motion.bundle.step(task["step"]).not_same_as, motion.case
    if not said:
        return
    which = {"case": case["id"], "steps": list(said), "people": people, "place": task["place"]}
    if START in said:
        which["holders"] = [f"{PERSON}{each}" for each in people]
    rows = list(motion.session.execute(_DID_OR_BEGAN if START in said else _DID, which))
    for within in (each.removesuffix(START) for each in said if each.endswith(f"/{START}")):
        rows += motion.session.execute(_led_to(motion, task, within))
    began = "提出了这个申请" if case["parent_id"] is not None else "登记了这件办件"
    for row in rows:
        for each in people:
            if each in (row.who.removeprefix(PERSON), row.hand):
                yield each, f"办理过“{row.step}”" if row.step is not None else began


def _led_to(motion: Motion, task: Row, within: str) -> Any:
    """What was done last outside a called process before this task of it: that is what it was called for."""
    return (
        select(tasks.c.name.label("step"), tasks.c.done_by.label("who"), tasks.c.hand_id.label("hand"))
        .where(tasks.c.case_id == motion.case["id"], tasks.c.done_by.is_not(None))
        .where(tasks.c.closed_at <= task["opened_at"], not_(tasks.c.step.startswith(within, autoescape=True)))
        .order_by(tasks.c.closed_at.desc(), tasks.c.id.desc())
        .limit(1)
    )


_VOTED = select(
    exists().where(
        tasks.c.case_id == bindparam("case"),
        tasks.c.whole == bindparam("whole"),
        tasks.c.step == bindparam("step"),
        tasks.c.id != bindparam("task"),
        tasks.c.done_by.is_not(None),
        tasks.c.hand_id == bindparam("me"),
    )
)
_SEATED = select(
    exists().where(
        tasks.c.case_id == bindparam("case"),
        tasks.c.whole == bindparam("whole"),
        tasks.c.step == bindparam("step"),
        tasks.c.id != bindparam("task"),
        or_(
            tasks.c.assignee_id == bindparam("me"),
            tasks.c.done_by == bindparam("me"),
            tasks.c.hand_id == bindparam("me"),
            tasks.c.item == bindparam("login"),
        ),
    )
)


def one_vote(motion: Motion, task: Row) -> None:
    """In a vote one hand is counted once: who is on the list himself, left it, or has voted for somebody,
    votes for nobody else; and who has voted for somebody does not vote again. Raises OneVote."""
    if not motion.bundle.step(task["step"]).votes or task["part"] is not None:
        return
    me = motion.actor.hand or motion.actor
    which = {
        "case": motion.case["id"],
        "whole": task["whole"],
        "step": task["step"],
        "task": task["id"],
        "me": me.id,
        "login": me.login,
    }
    if motion.actor.hand is None:
        if motion.session.scalar(_VOTED, {k: v for k, v in which.items() if k != "login"}):
            raise OneVote(f"您在“{task['name']}”里已经代别人表过态，一人一票，这一票请转给别人或回避。")
    elif _listed(motion, task, me) or motion.session.scalar(_SEATED, which):
        name = motion.actor.name
        raise OneVote(
            f"您自己在“{task['name']}”的名单上，或已经代别人表过态；一人一票，{name}的一票留给本人。"
        )


def _listed(motion: Motion, task: Row, me: Actor) -> bool:
    """Whether somebody's turn in a vote one after the other (依次) is still to come."""
    many = motion.bundle.step(task["step"]).many
    if many is None or not many.sequential or task["state"] not in ("open", "claimed"):
        return False
    asleep = Run.load(motion.case["engine"], motion.bundle.engine, Still())
    return any(str(item) == me.login for _, item in asleep.signers(task["ref"]))
