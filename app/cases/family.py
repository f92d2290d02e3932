"""What cases of one tree are to each other: children begun for a parent, and cases merged into another."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import bindparam, select

from app import bundles
from app.audit.chain import case_chain
from app.cases.commands.merging import Answer, ChildEnded, EndChild, LetGo
from app.cases.env import attached, awake, sent
from app.cases.errors import ChildOpen, OpenSupervision
from app.cases.models import GOING, cases, tasks
from app.cases.motion import RESERVED, Motion, Row, expression_data
from app.cases.requests import deciding
from app.cases.requests.kinds import KINDS, OF_PROCESS
from app.engine.run import Run

_KIN = (
    select(cases.c.id, cases.c.number, cases.c.process_key, cases.c.version_id, cases.c.state)
    .where(
        cases.c.root_id == bindparam("root"),
        cases.c.state.in_((*GOING, "merged")),
        (cases.c.parent_id == bindparam("case")) | (cases.c.merged_into == bindparam("case")),
    )
    .order_by(cases.c.id)
)


_CHAIN = select(case_chain.c.events).where(
    case_chain.c.case_id == bindparam("case"), case_chain.c.events.like(bindparam("of"))
)


def ended(motion: Motion) -> None:
    """A case has ended: the one that counts it hears of it, and what was begun for it ends with it."""
    case = motion.case
    above = case["parent_id"] or case["merged_into"]
    deciding.decided(motion, case["close_reason"])
    if above is not None:
        told = {name: case["data"].get(name) for name in TOLD if case["data"].get(name) is not None}
        heard = None if case["process_key"] in OF_PROCESS else case["end_element"]  # a request told it itself
        motion.ask(ChildEnded(above, case["id"], heard, told))
    if case["children_open"]:
        end_kin(motion, f"{case['number']} {'已办结' if case['state'] == 'closed' else '已终止'}")


TOLD = ("assist_unit", "assist_result", "assist_solved")
"""What a parent is told of a child's data; the rest stays with the child."""


def end_kin(motion: Motion, reason: str) -> None:
    """What its process says of every open child: it ends in this transaction, goes on, or stands in the way.

    A case merged into this one ends with it. Raises ChildOpen.
    """
    case = motion.case
    which: dict[str, Any] = {"root": case["root_id"], "case": case["id"]}
    for kin in motion.session.execute(_KIN, which):
        how = "cancel" if kin.state == "merged" else bundles.get(kin.version_id).process.on_parent_end
        if how == "block":
            if OF_PROCESS.get(kin.process_key) is KINDS["supervise"]:
                raise OpenSupervision(f"督办 {kin.number} 还没有解除，本件现在不能结束。", number=kin.number)
            raise ChildOpen(f"{kin.number} 还没有办完，本件现在不能结束。", number=kin.number)
        if how == "cancel":
            answers = kin.state == "merged" and case["state"] == "closed"
            other: dict[str, Any] = _answer_of(motion, kin) if answers else {}
            motion.ask(EndChild(kin.id, reason, **other))


_SUSPENDED = select(tasks).where(tasks.c.case_id == bindparam("case"), tasks.c.state == "suspended")


def live(motion: Motion) -> list[Row]:
    """The tasks of a case that are not over: open ones, and those that rest with the case."""
    if motion.case["state"] in ("merged", "suspended"):
        which = {"case": motion.case["id"]}
        for row in motion.session.execute(_SUSPENDED, which).mappings():
            motion.tasks.setdefault(row["id"], dict(row))
    return [row for row in motion.tasks.values() if row["state"] in ("open", "claimed", "suspended")]


def let_go(motion: Motion, command: LetGo) -> bool:
    """A case that was merged into this one goes its own way again."""
    motion.case["children_open"] -= 1
    motion.tell("case.let_go", merged=command.merged)
    return True


REPLIED = "case.replied"


def reply_with_it(motion: Motion) -> None:
    """A case has replied: those that were merged into it reply with it, and their clocks stop as its own."""
    case = motion.case
    times = sum(event.name == REPLIED for event in motion.events) if case["children_open"] else 0
    if times <= motion.replied:
        return
    motion.replied = times
    which: dict[str, Any] = {"root": case["root_id"], "case": case["id"]}
    for kin in motion.session.execute(_KIN, which):
        if kin.state == "merged":
            motion.ask(Answer(kin.id, **_answer_of(motion, kin)))


def _answer_of(motion: Motion, kin: Any) -> dict[str, Any]:
    """What a merged case takes over: the data, and the status where the words of both mean the same."""
    case = motion.case
    alike = bundles.get(kin.version_id).key == motion.bundle.key
    return {"of": case["id"], "told": case["data"], "status": case["status"] if alike else None}


def answer(motion: Motion, command: Answer) -> bool:
    """The merged case's part: it says to its own partner what the other one came to."""
    if (motion.case["state"], motion.case["merged_into"]) != ("merged", command.of):
        return False
    motion.case["status"] = command.status or motion.case["status"]
    say_what_it_said(motion, command.of, command.told)
    motion.tell(REPLIED, through=command.of)
    return True


def _has_replied(motion: Motion, through: str) -> bool:
    """Whether the case has replied with the other one since it was merged into it."""
    rows = motion.session.execute(_CHAIN, {"case": motion.case["id"], "of": f'%"{REPLIED}"%'})
    told = [event for row in rows for event in orjson.loads(row.events)]
    before = any((event["name"], event.get("through")) == (REPLIED, through) for event in told)
    return before or any(
        (event.name, event.data.get("through")) == (REPLIED, through) for event in motion.events
    )


def child_ended(motion: Motion, command: ChildEnded) -> bool:
    """The parent's part: one child fewer, and a line that says what came of it.

    One that ended with its parent brings nothing that the parent has not told itself.
    """
    motion.case["children_open"] -= 1
    if command.end is not None:
        motion.tell("request.ended", child=command.child_id, end=command.end, **command.told)
    return True


def say_what_it_said(motion: Motion, other: str, told: Mapping[str, Any]) -> None:
    """A merged case answers its own partner with the answer of the one it was merged into."""
    own = expression_data(motion.bundle, motion.case)
    known = {name: value for name, value in told.items() if name in own and name not in RESERVED}
    motion.said = {**own, **known}
    either = {**own, **{name: value for name, value in known.items() if own[name] is None}}
    for message in motion.bundle.messages.values():
        if message.merged is not None and message.merged.evaluate(either, {}):
            body = message.render(motion.said, lambda step: attached(motion, other, step))
            sent(motion, message, body)


def end_with_parent(motion: Motion, command: EndChild) -> Run | None:
    """A child, or a merged case, ends because another one did; None when it had ended by itself.

    The engine that is returned is cancelled and not yet at rest.
    """
    if motion.case["state"] not in (*GOING, "merged"):
        return None
    motion.case["close_reason"] = command.reason
    motion.case["status"] = command.status or motion.case["status"]
    if command.of is not None and not _has_replied(motion, command.of):
        say_what_it_said(motion, command.of, command.told)
    run = awake(motion)
    run.cancel()
    return run
